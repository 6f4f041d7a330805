"""The warehouse the drivers speak to."""

import os
import pathlib
import socket
import subprocess
import time
import urllib.request
import uuid

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Server:
    host = "127.0.0.1"
    user = "awsuser"
    database = "dev"
    # Of a server that these tests did not start, nothing is known.
    pid = None

    def __init__(self, port, password, data_dir):
        self.port = int(port)
        self.password = password
        self.data_dir = pathlib.Path(data_dir)
        self.ca = str(self.data_dir / "tls" / "ca.pem")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    if "LONGWAVE_TEST_PORT" in os.environ:
        given = Server(
            os.environ["LONGWAVE_TEST_PORT"],
            os.environ["LONGWAVE_ADMIN_PASSWORD"],
            os.environ["LONGWAVE_TEST_DATA_DIR"],
        )
        # The lock names the process that holds it.
        given.pid = int((given.data_dir / "lock").read_text().split()[0])
        yield given
        return
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    binary = os.environ.get("LONGWAVE_BIN", target / "release" / "longwave")
    data = tmp_path_factory.mktemp("warehouse")
    sql, http = free_port(), free_port()
    password = "Drivers123"
    log = open(data.parent / "server.log", "wb")
    process = subprocess.Popen(
        [binary, "serve", "--data-dir", data, "--sql-addr", f"127.0.0.1:{sql}", "--http-addr", f"127.0.0.1:{http}"],
        env={**os.environ, "LONGWAVE_ADMIN_PASSWORD": password},
        stdout=log,
        stderr=log,
    )
    for _ in range(300):
        assert process.poll() is None, open(log.name).read()
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{http}/health", timeout=1)
            break
        except OSError:
            time.sleep(0.1)
    else:
        raise AssertionError("the server did not get ready")
    ours = Server(sql, password, data)
    ours.pid = process.pid
    yield ours
    process.terminate()
    assert process.wait(30) == 0


@pytest.fixture
def table():
    """A name no other test uses."""
    return "t_" + uuid.uuid4().hex[:12]


@pytest.fixture(scope="session")
def big(server):
    """A table of 100,000 rows, made once: id from 0, text 'row <id>'."""
    import psycopg2

    connection = psycopg2.connect(
        host=server.host, port=server.port, dbname=server.database, user=server.user, password=server.password
    )
    connection.autocommit = True
    name = "big_" + uuid.uuid4().hex[:12]
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {name} (id INTEGER, s VARCHAR(20))")
        cursor.execute(f"INSERT INTO {name} VALUES " + ",".join(f"({i},'row {i}')" for i in range(1000)))
        cursor.execute(
            f"INSERT INTO {name} SELECT a.id + 1000 * (b.id + 1), 'row ' || (a.id + 1000 * (b.id + 1)) "
            f"FROM {name} a CROSS JOIN {name} b WHERE b.id < 99"
        )
    yield name
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {name}")
    connection.close()


# Runs for minutes if it is not cancelled.
SLOW = "SELECT COUNT(*) FROM {big} a, {big} b, {big} c WHERE a.id + b.id + c.id = 7"
