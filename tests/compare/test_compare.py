"""The same 3,000 queries each time; by time and at random with LONGWAVE_COMPARE_SECONDS."""

import os

import compare

SECONDS = float(os.environ.get("LONGWAVE_COMPARE_SECONDS", "0"))


def test_answers_agree():
    if SECONDS:
        assert compare.run(SECONDS, None) == []
    else:
        assert compare.run(600, 1, queries_at_most=3000) == []
