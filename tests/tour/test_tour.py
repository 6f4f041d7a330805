"""The README taken at its word: `./start` starts the service and says how to connect, and the tour is
pasted into a shell, block after block, as a reader would.

Only the ports and the data directory differ from what the README says, so that the test can run beside
a service that uses the usual ones.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def tour():
    """The shell blocks of the README's section "Five minutes"."""
    text = (ROOT / "README.md").read_text()
    section = re.search(r"^## Five minutes\n(.*?)^## ", text, re.M | re.S).group(1)
    return re.findall(r"^```sh\n(.*?)^```", section, re.M | re.S)


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """A service started by README's first command on a directory where nothing is."""
    home = tmp_path_factory.mktemp("tour")
    sql, http = free_port(), free_port()
    # What the test's own server was given does not concern this one: it makes its own credentials.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("LONGWAVE_", "AWS_", "PG"))}
    for kept in ("LONGWAVE_TARGET_DIR",):
        if kept in os.environ:
            environment[kept] = os.environ[kept]
    log = home / "start.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [ROOT / "start", "--data-dir", home / "data", "--sql-addr", f"127.0.0.1:{sql}"]
            + ["--http-addr", f"127.0.0.1:{http}"],
            env=environment,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        for _ in range(1200):
            assert process.poll() is None, log.read_text()
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{http}/health", timeout=1)
                break
            except OSError:
                time.sleep(0.1)
        else:
            pytest.fail(f"no answer: {log.read_text()}")
        yield home, sql, http, log, environment
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def test_start_says_how_to_connect(started):
    _, sql, http, log, _ = started
    said = log.read_text()
    assert f"jdbc:redshift://127.0.0.1:{sql}/dev" in said
    assert re.search(rf"psql .*{sql}", said)
    assert "redshift_connector" in said
    assert f"AWS_ENDPOINT_URL=http://127.0.0.1:{http}" in said


def test_tour(started):
    home, sql, http, _, environment = started
    script = "\n".join(f"{block}\necho '-- block {n}'" for n, block in enumerate(tour(), 1))
    script = script.replace("5439", str(sql)).replace("5440", str(http))
    # `python3` is the one with boto3, as the text asks.
    environment = {**environment, "PATH": f"{Path(sys.executable).parent}:{environment['PATH']}", "PAGER": "cat"}
    wait_for_samples(environment, home, sql)
    ran = subprocess.run(
        ["bash", "-s"], input=script, cwd=home, env=environment, capture_output=True, text=True, timeout=120
    )
    said = ran.stdout
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "-- block 7" in said, said
    # The one statement that is meant to fail, and no other.
    errors = re.findall(r"ERROR: .*", ran.stderr)
    assert len(errors) == 1 and "prefix 'nothing/' does not exist" in ran.stderr, ran.stderr
    assert "Traceback" not in ran.stderr, ran.stderr

    blocks = re.split(r"-- block \d+\n", said)
    assert re.search(r"Concerts +\| +\d+\.\d\d", blocks[1])
    assert "rides" in blocks[2] and "character varying(20)" in blocks[2]
    for city, count, average in rides():
        assert re.search(rf"{city} +\| +{count} \| +{average}\b", blocks[3]), blocks[3]
    assert "ROLLBACK" in blocks[4]
    assert re.search(r"COPY +\| failed", blocks[4]), blocks[4]
    assert "UNLOAD" in blocks[5]
    assert "'Port':" in blocks[6] and "[[{'longValue': 42}]]" in blocks[6], blocks[6]


def rides():
    """What the tour's third query answers, by hand: two rows inserted, the others generated."""
    fares = {"Lyon": [Decimal("12.40")], "Graz": [Decimal("7.15")], "Bari": []}
    for i in range(3, 100_000):
        fares[("Lyon", "Graz", "Bari")[i % 3]].append(Decimal(i % 40) + Decimal("0.5"))
    for city in sorted(fares):
        # AVG of DECIMAL keeps the column's scale and cuts what is behind it.
        average = (sum(fares[city]) / len(fares[city])).quantize(Decimal("0.01"), ROUND_DOWN)
        yield city, len(fares[city]), average


def wait_for_samples(environment, home, sql):
    """The text says that the samples need a few seconds."""
    password = re.search(r'admin_password = "(.*)"', (home / "data" / "credentials").read_text()).group(1)
    for _ in range(300):
        asked = subprocess.run(
            ["psql", "-h", "127.0.0.1", "-p", str(sql), "-U", "awsuser", "-d", "sample_data_dev", "-Atc"]
            + ["select count(*) from tickit.sales"],
            env={**environment, "PGPASSWORD": password},
            capture_output=True,
            text=True,
        )
        if asked.stdout.strip() not in ("", "0"):
            return
        time.sleep(0.2)
    pytest.fail(f"no sample data: {asked.stdout}{asked.stderr}")
