"""psycopg2 (libpq, simple protocol, parameters put into the text)."""

import threading
import time

import psycopg2
import psycopg2.errors
import pytest

from conftest import SLOW
from values import NAMES, NULLS, ROW_1, ROW_2, ddl, same_row


@pytest.fixture
def connection(server):
    connection = psycopg2.connect(
        host=server.host, port=server.port, dbname=server.database, user=server.user, password=server.password,
        sslmode="verify-full", sslrootcert=server.ca,
    )  # fmt: skip
    assert connection.info.ssl_in_use
    yield connection
    connection.close()


def test_types_both_ways(connection, table):
    with connection.cursor() as cursor:
        cursor.execute(ddl(table))
        marks = ",".join(["%s"] * len(NAMES))
        for i, row in enumerate([ROW_1, ROW_2, NULLS]):
            cursor.execute(f"INSERT INTO {table} VALUES (%s,{marks})", [i, *row])
            assert cursor.rowcount == 1
        cursor.execute(f"SELECT {','.join(NAMES)} FROM {table} ORDER BY id")
        rows = cursor.fetchall()
        assert len(rows) == 3
        for got, want in zip(rows, [ROW_1, ROW_2, NULLS]):
            same_row(got, want)
        types = {d.name: d.type_code for d in cursor.description}
        assert types["c_int4"] == 23 and types["c_big"] == 1700 and types["c_tstz"] == 1184
        cursor.execute(f"DROP TABLE {table}")
    connection.commit()


def test_transaction_error_and_recovery(connection, table):
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {table} (a INT)")
        connection.commit()
        cursor.execute(f"INSERT INTO {table} VALUES (1)")
        connection.rollback()
        with pytest.raises(psycopg2.errors.UndefinedTable) as failed:
            cursor.execute("SELECT * FROM nosuch_table")
        assert failed.value.pgcode == "42P01"
        with pytest.raises(psycopg2.errors.InFailedSqlTransaction):
            cursor.execute("SELECT 1")
        connection.rollback()
        cursor.execute(f"INSERT INTO {table} VALUES (2)")
        connection.commit()
        cursor.execute(f"SELECT a FROM {table}")
        assert cursor.fetchall() == [(2,)]
        cursor.execute(f"DROP TABLE {table}")
    connection.commit()


def test_cancel(connection, big):
    timer = threading.Timer(1, connection.cancel)
    timer.start()
    start = time.monotonic()
    with connection.cursor() as cursor, pytest.raises(psycopg2.errors.QueryCanceled):
        cursor.execute(SLOW.format(big=big))
    assert time.monotonic() - start < 15
    connection.rollback()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_large_fetch_in_pieces(connection, big):
    with connection.cursor(name="pieces") as cursor:
        cursor.itersize = 5000
        cursor.execute(f"SELECT id, s FROM {big} ORDER BY id")
        count = 0
        for i, (id_, s) in enumerate(cursor):
            assert id_ == i and s == f"row {i}"
            count += 1
    assert count == 100_000


def test_executemany(connection, table):
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {table} (a INT, b VARCHAR(20))")
        cursor.executemany(f"INSERT INTO {table} VALUES (%s,%s)", [(i, f"it's {i}") for i in range(20)])
        cursor.execute(f"SELECT COUNT(*), MAX(b) FROM {table}")
        assert cursor.fetchone() == (20, "it's 9")
        cursor.execute(f"DROP TABLE {table}")
    connection.commit()
