"""Whether two engines gave the same answer."""

import datetime
import math
from decimal import Decimal


def plain(value):
    """A value without what is only its engine's or driver's way to hold it."""
    if isinstance(value, datetime.datetime) and value.time() == datetime.time(0):
        return value.date()
    if isinstance(value, str):
        return value.rstrip()
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return float(value)
    return value


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        # An average has as many decimals as its engine gives it: Redshift's DECIMAL cuts them off.
        return math.isclose(a, b, rel_tol=1e-4, abs_tol=0.011)
    return a == b


def differences(expected, actual):
    """What is different, in a few words; an empty text if nothing is."""
    if len(expected) != len(actual):
        return f"{len(expected)} rows expected, got {len(actual)}"

    # Rows that tie in ORDER BY may come in any order.
    def key(row):
        return [f"{v:.1f}" if isinstance(v, float) else str(v) for v in row]

    left = sorted(([plain(v) for v in row] for row in expected), key=key)
    right = sorted(([plain(v) for v in row] for row in actual), key=key)
    for a, b in zip(left, right):
        if len(a) != len(b) or not all(same(x, y) for x, y in zip(a, b)):
            return f"expected {a}, got {b}"
    return ""
