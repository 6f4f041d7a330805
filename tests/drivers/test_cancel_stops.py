"""A cancelled statement stops computing: not only its client is done, the server's processors are too."""

import os
import socket
import threading
import time

import psycopg
import pytest

QUERIES = {
    # Joins that find nothing never have a batch to give.
    "nested loop": "select count(*) from {big} x join {big} y on x.a * 2 + 1 < y.b - 10",
    "cross join": "select sum(x.a * y.b) from {big} x cross join {big} y",
    "one key": "select count(*) from {big} x join {big} y on x.b = y.b and x.a + y.a < 0",
    "sort": "select * from {big} x, {big} y where x.b = y.b order by x.a + y.a limit 5",
}


def connect(server):
    return psycopg.connect(
        host=server.host, port=server.port, dbname=server.database, user=server.user, password=server.password,
        autocommit=True,
    )  # fmt: skip


def processor_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture(scope="module")
def many(server):
    with connect(server) as connection:
        connection.execute("create table cancel_stops (a int, b int)")
        rows = ",".join(f"({i},{i % 7})" for i in range(2000))
        connection.execute(f"insert into cancel_stops values {rows}")
        for _ in range(7):
            connection.execute(
                "insert into cancel_stops select a + (select max(a) + 1 from cancel_stops), b from cancel_stops"
            )
        # The first start fills the database of samples.
        for _ in range(60):
            before = processor_seconds(server.pid) if server.pid else 0
            time.sleep(1)
            if not server.pid or processor_seconds(server.pid) - before < 0.1:
                break
        yield "cancel_stops"
        connection.execute("drop table cancel_stops")


@pytest.mark.parametrize("how", ["cancel", "timeout", "disconnect"])
@pytest.mark.parametrize("query", QUERIES)
def test_processors_rest(server, many, query, how):
    if server.pid is None:
        pytest.skip("the server's process is not known")
    connection = connect(server)
    if how == "timeout":
        connection.execute("set statement_timeout to 1500")
    failed = []

    def run():
        try:
            connection.execute(QUERIES[query].format(big=many))
        except psycopg.Error as error:
            failed.append(error.sqlstate)

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(1)
    # Whoever comes meanwhile is served.
    asked = time.monotonic()
    with connect(server) as other:
        other.execute("select 1")
    assert time.monotonic() - asked < 5
    if how == "cancel":
        connection.cancel()
    elif how == "disconnect":
        socket.socket(fileno=os.dup(connection.fileno())).shutdown(socket.SHUT_RDWR)
    thread.join(10)
    assert not thread.is_alive()
    if how != "disconnect":
        assert failed == ["57014"]
    time.sleep(1)
    before = processor_seconds(server.pid)
    time.sleep(2)
    # What the background does takes far less; one thread that goes on takes two seconds.
    assert processor_seconds(server.pid) - before < 0.5
    connection.close()
