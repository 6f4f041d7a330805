"""A short run of the comparison; longer with LONGWAVE_FUZZ_SECONDS."""

import os

import compare

SECONDS = float(os.environ.get("LONGWAVE_FUZZ_SECONDS", "20"))


def test_answers_agree():
    assert compare.run(SECONDS, None) == []
