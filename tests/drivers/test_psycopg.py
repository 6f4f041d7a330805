"""psycopg 3 (libpq, extended protocol, text and binary, pipelines)."""

import threading
import time
from decimal import Decimal

import psycopg
import pytest

from conftest import SLOW
from values import NAMES, NULLS, ROW_1, ROW_2, ddl, same, same_row


@pytest.fixture
def connection(server):
    connection = psycopg.connect(
        host=server.host, port=server.port, dbname=server.database, user=server.user, password=server.password,
        sslmode="verify-full", sslrootcert=server.ca, client_encoding="utf8",
    )  # fmt: skip
    yield connection
    connection.close()


@pytest.mark.parametrize("binary", [False, True])
def test_types_both_ways(connection, table, binary):
    cursor = connection.cursor(binary=binary)
    cursor.execute(ddl(table))
    mark = "%b" if binary else "%s"
    marks = ",".join([mark] * len(NAMES))
    for i, row in enumerate([ROW_1, ROW_2, NULLS]):
        cursor.execute(f"INSERT INTO {table} VALUES ({mark},{marks})", [i, *row])
        assert cursor.rowcount == 1
    cursor.execute(f"SELECT {','.join(NAMES)} FROM {table} ORDER BY id")
    rows = cursor.fetchall()
    assert len(rows) == 3
    for got, want in zip(rows, [ROW_1, ROW_2, NULLS]):
        same_row(got, want)
    cursor.execute(f"DROP TABLE {table}")
    connection.commit()


def test_binary_numeric_in_postgres_form(connection):
    cursor = connection.cursor(binary=True)
    for text in ["0", "0.00", "10000", "-10000.0001", "1234.5", "0.00001", "99999999999999999999999999999999999999"]:
        digits = text.lstrip("-").replace(".", "")
        scale = len(text.split(".")[1]) if "." in text else 0
        precision = max(len(digits), scale + 1)
        cursor.execute(f"SELECT CAST('{text}' AS DECIMAL({precision},{scale}))")
        same("numeric", cursor.fetchone()[0], Decimal(text))


def test_transaction_error_and_recovery(connection, table):
    connection.execute(f"CREATE TABLE {table} (a INT)")
    connection.commit()
    with pytest.raises(psycopg.errors.DivisionByZero):
        with connection.transaction():
            connection.execute(f"INSERT INTO {table} VALUES (1)")
            connection.execute("SELECT 1/0")
    assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    with connection.transaction():
        connection.execute(f"INSERT INTO {table} VALUES (%s)", [2])
    assert connection.execute(f"SELECT a FROM {table}").fetchall() == [(2,)]
    connection.execute(f"DROP TABLE {table}")
    connection.commit()


def test_prepared_statements(connection):
    for i in range(10):
        got = connection.execute("SELECT %s::int + 1", [i], prepare=True).fetchone()
        assert got == (i + 1,)


def test_pipeline(connection, table):
    with connection.pipeline():
        connection.execute(f"CREATE TABLE {table} (a INT)")
        cursors = [connection.execute(f"INSERT INTO {table} VALUES (%s)", [i]) for i in range(10)]
        total = connection.execute(f"SELECT SUM(a) FROM {table}")
    assert all(c.rowcount == 1 for c in cursors)
    assert total.fetchone() == (45,)
    connection.execute(f"DROP TABLE {table}")
    connection.commit()


def test_executemany(connection, table):
    cursor = connection.cursor()
    cursor.execute(f"CREATE TABLE {table} (a INT, b VARCHAR(20))")
    cursor.executemany(f"INSERT INTO {table} VALUES (%s,%s)", [(i, f"it's {i}") for i in range(20)])
    assert cursor.rowcount == 20
    cursor.execute(f"SELECT COUNT(*), MAX(b) FROM {table}")
    assert cursor.fetchone() == (20, "it's 9")
    cursor.execute(f"DROP TABLE {table}")
    connection.commit()


def test_cancel(connection, big):
    threading.Timer(1, connection.cancel).start()
    start = time.monotonic()
    with pytest.raises(psycopg.errors.QueryCanceled):
        connection.execute(SLOW.format(big=big))
    assert time.monotonic() - start < 15
    connection.rollback()
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_large_fetch_in_pieces(connection, big):
    cursor = connection.cursor()
    count = 0
    for id_, s in cursor.stream(f"SELECT id, s FROM {big} ORDER BY id"):
        assert id_ == count and s == f"row {count}"
        count += 1
    assert count == 100_000
    with connection.cursor(name="pieces") as named:
        named.execute(f"SELECT id FROM {big} ORDER BY id")
        assert [r[0] for r in named.fetchmany(10)] == list(range(10))
        assert [r[0] for r in named.fetchmany(10)] == list(range(10, 20))


@pytest.mark.parametrize("mark", ["%b", "%t"])
def test_numbers_keep_their_digits(connection, table, mark):
    """psycopg declares them NUMERIC, which says nothing of precision and scale."""
    big, small = Decimal("12345678901234567890123456789012345678"), Decimal("1.00000000000000000001")
    connection.execute(f"CREATE TABLE {table} (a DECIMAL(10,2), b DECIMAL(38,0), c DECIMAL(38,20), d VARCHAR(40))")
    connection.execute(f"INSERT INTO {table} VALUES ({mark},{mark},{mark},{mark})", [Decimal("1.235"), big, small, small])
    assert connection.execute(f"SELECT * FROM {table}").fetchall() == [(Decimal("1.24"), big, small, str(small))]
    for column, value, count in [("b", big, 1), ("b", big - 1, 0), ("c", small, 1), ("a", Decimal("1.2400000000001"), 0)]:
        found = connection.execute(f"SELECT COUNT(*) FROM {table} WHERE {column} = {mark}", [value])
        assert found.fetchone() == (count,), (column, value)
    with pytest.raises(psycopg.errors.NumericValueOutOfRange):
        connection.execute(f"INSERT INTO {table} (a) VALUES ({mark})", [big])
    connection.rollback()
