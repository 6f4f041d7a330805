"""A short run of each fuzzer; longer with LONGWAVE_FUZZ_SECONDS."""

import os

import sql
import wire
from common import run

SECONDS = float(os.environ.get("LONGWAVE_FUZZ_SECONDS", "20"))


def test_wire():
    assert run("wire", wire.worker, SECONDS, None) == []


def test_sql():
    assert run("sql", sql.worker, SECONDS, None, patience=20.0) == []
