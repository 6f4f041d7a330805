"""One table with every column type, and its rows as Python sees them."""

import datetime as dt
from decimal import Decimal

UTC = dt.timezone.utc

# Column, type, a value, another value (an edge).
COLUMNS = [
    ("c_bool", "BOOLEAN", True, False),
    ("c_int2", "SMALLINT", -32768, 32767),
    ("c_int4", "INTEGER", -2147483648, 2147483647),
    ("c_int8", "BIGINT", -9223372036854775808, 9223372036854775807),
    ("c_dec", "DECIMAL(10,2)", Decimal("-12345678.90"), Decimal("0.01")),
    ("c_dec18", "DECIMAL(18,4)", Decimal("99999999999999.9999"), Decimal("0.0000")),
    ("c_big", "DECIMAL(38,10)", Decimal("1234567890123456789012345678.0123456789"), Decimal("-1.0000000000")),
    ("c_real", "REAL", 1.5, -0.25),
    ("c_double", "DOUBLE PRECISION", 0.1, -1e300),
    ("c_char", "CHAR(5)", "ab   ", "abcde"),
    ("c_varchar", "VARCHAR(50)", "héllo wörld €", ""),
    ("c_date", "DATE", dt.date(2020, 2, 29), dt.date(1, 1, 1)),
    ("c_time", "TIME", dt.time(13, 5, 9, 123456), dt.time(0, 0)),
    ("c_timetz", "TIMETZ", dt.time(23, 59, 59, tzinfo=UTC), dt.time(1, 2, 3, 4, tzinfo=UTC)),
    ("c_ts", "TIMESTAMP", dt.datetime(2020, 12, 31, 23, 59, 59, 999999), dt.datetime(1969, 7, 20, 20, 17, 40)),
    ("c_tstz", "TIMESTAMPTZ", dt.datetime(2020, 7, 4, 12, 0, tzinfo=UTC), dt.datetime(1970, 1, 1, tzinfo=UTC)),
]

NAMES = [c[0] for c in COLUMNS]
ROW_1 = [c[2] for c in COLUMNS]
ROW_2 = [c[3] for c in COLUMNS]
NULLS = [None for _ in COLUMNS]


def ddl(table):
    columns = ", ".join(f"{name} {type_}" for name, type_, *_ in COLUMNS)
    return f"CREATE TABLE {table} (id INTEGER NOT NULL, {columns}) DISTSTYLE EVEN SORTKEY (id)"


def literal(value):
    """The value as a SQL literal, for clients that send no parameters."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, (int, float, Decimal)):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def same(name, got, want):
    """Compares a value as a driver gave it with the one that went in."""
    if want is None:
        assert got is None, name
        return
    assert got is not None, name
    if isinstance(want, dt.datetime) and want.tzinfo:
        assert got.tzinfo is not None and got == want, (name, got, want)
    elif isinstance(want, dt.time) and want.tzinfo:
        assert got.replace(tzinfo=None) == want.replace(tzinfo=None), (name, got, want)
    else:
        assert got == want, (name, got, want)
        if isinstance(want, Decimal):
            assert str(got) == str(want), (name, got, want)
        else:
            assert type(got) is type(want), (name, type(got), type(want))


def same_row(got, want):
    assert len(got) == len(want)
    for name, g, w in zip(NAMES, got, want):
        same(name, g, w)
