"""A short run of each fuzzer, from the same seed each time; longer with LONGWAVE_FUZZ_SECONDS, other texts and
packets with LONGWAVE_FUZZ_SEED."""

import os

import aws
import sql
import wire
from common import run

SECONDS = float(os.environ.get("LONGWAVE_FUZZ_SECONDS", "20"))
SEED = int(os.environ.get("LONGWAVE_FUZZ_SEED", "1"))


def test_wire():
    assert run("wire", wire.worker, SECONDS, SEED) == []


def test_sql():
    assert run("sql", sql.worker, SECONDS, SEED, patience=20.0) == []


def test_aws():
    assert run("aws", aws.worker, SECONDS, SEED) == []
