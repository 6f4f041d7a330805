"""redshift_connector: request 13, protocol level 2, named statements, Redshift's binary forms."""

import decimal
import ssl
import time
from decimal import Decimal

import pandas
import pytest
import redshift_connector

from values import NAMES, NULLS, ROW_1, ROW_2, ddl, same_row


def connect(server, monkeypatch, **more):
    monkeypatch.setenv("SSL_CERT_FILE", server.ca)
    return redshift_connector.connect(
        host=server.host, port=server.port, database=server.database, user=server.user, password=server.password, **more
    )


@pytest.fixture(params=["autocommit", "transactions"])
def connection(server, monkeypatch, request):
    connection = connect(server, monkeypatch)
    connection.autocommit = request.param == "autocommit"
    yield connection
    connection.close()


def test_tls(server, monkeypatch):
    connection = connect(server, monkeypatch, sslmode="verify-full")
    assert isinstance(connection._usock, ssl.SSLSocket)
    connection.close()
    connection = connect(server, monkeypatch, ssl=False)
    assert not isinstance(connection._usock, ssl.SSLSocket)
    connection.close()
    with pytest.raises(redshift_connector.InterfaceError):
        redshift_connector.connect(
            host=server.host, port=server.port, database=server.database, user=server.user, password="wrong"
        )


@pytest.mark.parametrize("level", [0, 1, 2])
def test_protocol_levels(server, monkeypatch, level):
    connection = connect(server, monkeypatch, client_protocol_version=level)
    cursor = connection.cursor()
    cursor.execute("SELECT CAST('-1.50' AS DECIMAL(5,2)), CAST('12345678901234567890.5' AS DECIMAL(38,1)), 'é'")
    assert cursor.fetchall() == ([Decimal("-1.50"), Decimal("12345678901234567890.5"), "é"],)
    connection.close()


def test_types_both_ways(connection, table):
    cursor = connection.cursor()
    cursor.execute(ddl(table))
    marks = ",".join(["%s"] * len(NAMES))
    for i, row in enumerate([ROW_1, ROW_2, NULLS]):
        cursor.execute(f"INSERT INTO {table} VALUES (%s,{marks})", (i, *row))
        assert cursor.rowcount == 1
    # The driver scales what it reads in Python's decimal context, which has 28 digits by default.
    with decimal.localcontext(decimal.Context(prec=38)):
        cursor.execute(f"SELECT {','.join(NAMES)} FROM {table} ORDER BY id")
        rows = cursor.fetchall()
    assert len(rows) == 3
    for got, want in zip(rows, [ROW_1, ROW_2, NULLS]):
        same_row(got, want)
    cursor.execute(f"DROP TABLE {table}")
    connection.commit()


def test_transaction_error_and_recovery(server, monkeypatch, table):
    connection = connect(server, monkeypatch)
    cursor = connection.cursor()
    cursor.execute(f"CREATE TABLE {table} (a INT)")
    connection.commit()
    cursor.execute(f"INSERT INTO {table} VALUES (1)")
    connection.rollback()
    with pytest.raises(redshift_connector.ProgrammingError) as failed:
        cursor.execute("SELECT * FROM nosuch_table")
    assert failed.value.args[0]["C"] == "42P01"
    connection.rollback()
    cursor.execute(f"INSERT INTO {table} VALUES (2)")
    connection.commit()
    cursor.execute(f"SELECT a FROM {table}")
    assert cursor.fetchall() == ([2],)
    other = connect(server, monkeypatch)
    cursor_2 = other.cursor()
    cursor_2.execute(f"SELECT a FROM {table}")
    assert cursor_2.fetchall() == ([2],)
    other.close()
    cursor.execute(f"DROP TABLE {table}")
    connection.commit()
    connection.close()


def test_autocommit(server, monkeypatch, table):
    connection = connect(server, monkeypatch)
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(f"CREATE TABLE {table} (a INT)")
    cursor.execute(f"INSERT INTO {table} VALUES (1)")
    connection.close()
    connection = connect(server, monkeypatch)
    cursor = connection.cursor()
    cursor.execute(f"SELECT COUNT(*) FROM {table}")
    assert cursor.fetchall() == ([1],)
    cursor.execute(f"DROP TABLE {table}")
    connection.commit()
    connection.close()


def test_prepared_and_executemany(connection, table):
    cursor = connection.cursor()
    cursor.execute(f"CREATE TABLE {table} (a INT, b VARCHAR(20))")
    cursor.executemany(f"INSERT INTO {table} VALUES (%s, %s)", [(i, f"b{i}") for i in range(10)])
    for i in range(10):
        cursor.execute(f"SELECT b FROM {table} WHERE a = %s", (i,))
        assert cursor.fetchone() == [f"b{i}"]
    cursor.execute(f"UPDATE {table} SET b = %s WHERE a > %s", ("x", 6))
    assert cursor.rowcount == 3
    cursor.execute(f"DELETE FROM {table} WHERE b = %s", ("x",))
    assert cursor.rowcount == 3
    cursor.insert_data_bulk_check = None
    cursor.execute(f"DROP TABLE {table}")
    connection.commit()


def test_data_frames(connection, table):
    cursor = connection.cursor()
    cursor.execute(f"CREATE TABLE {table} (a INT, b VARCHAR(20), c DOUBLE PRECISION)")
    # As objects: in pandas' own type for strings a missing one is the FLOAT8 NaN, which the driver sends
    # as such, and which is a value for VARCHAR.
    names = pandas.Series(["x", "y", None], dtype=object)
    frame = pandas.DataFrame({"a": [1, 2, 3], "b": names, "c": [0.5, float("nan"), 2.5]})
    cursor.write_dataframe(frame, table)
    cursor.execute(f"SELECT a, b, c FROM {table} ORDER BY a")
    back = cursor.fetch_dataframe()
    assert list(back.columns) == ["a", "b", "c"]
    assert back["a"].tolist() == [1, 2, 3]
    assert back["b"].tolist()[:2] == ["x", "y"] and pandas.isna(back["b"].tolist()[2])
    assert back["c"].tolist()[::2] == [0.5, 2.5] and pandas.isna(back["c"].tolist()[1])
    cursor.write_dataframe(frame[:1], table)
    cursor.execute(f"SELECT COUNT(*), COUNT(b) FROM {table}")
    assert cursor.fetchone() == [4, 3]
    cursor.execute(f"DROP TABLE {table}")
    connection.commit()


def test_metadata(connection, table):
    cursor = connection.cursor()
    cursor.execute(f"CREATE TABLE {table} (a INT NOT NULL, b VARCHAR(20))")
    connection.commit()
    names = [row[2] for row in cursor.get_tables(schema_pattern="public", table_name_pattern=table)]
    assert names == [table]
    columns = cursor.get_columns(schema_pattern="public", tablename_pattern=table)
    assert [row[3] for row in columns] == ["a", "b"]
    assert "public" in [row[0] for row in cursor.get_schemas()]
    cursor.execute(f"DROP TABLE {table}")
    connection.commit()


def test_statement_timeout(server, monkeypatch, big):
    """The driver has no cancel of its own."""
    from conftest import SLOW

    connection = connect(server, monkeypatch)
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("SET statement_timeout TO 1000")
    start = time.monotonic()
    with pytest.raises(redshift_connector.ProgrammingError) as failed:
        cursor.execute(SLOW.format(big=big))
    assert failed.value.args[0]["C"] == "57014"
    assert time.monotonic() - start < 15
    cursor.execute("SELECT 1")
    assert cursor.fetchone() == [1]
    connection.close()


def test_large_fetch_in_pieces(server, monkeypatch, big):
    connection = connect(server, monkeypatch)
    cursor = connection.cursor()
    cursor.execute(f"SELECT id, s FROM {big} ORDER BY id")
    count = 0
    while piece := cursor.fetchmany(7000):
        for id_, s in piece:
            assert id_ == count and s == f"row {count}"
            count += 1
    assert count == 100_000
    connection.close()
