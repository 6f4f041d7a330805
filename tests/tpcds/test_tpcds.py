"""TPC-DS: data made by DuckDB's generator, loaded by COPY, all 99 queries compared with DuckDB's answers.

It is here for what TPC-H does not ask: grouping sets, window functions, set operations, common table
expressions used many times. The service is given by the environment that ./test sets.
LONGWAVE_TPCDS_SCALE is the scale, 0.1 if not set.
"""

import os
import re
import sys
import uuid
from pathlib import Path

import boto3
import duckdb
import pytest
from duckdb_extensions import import_extension

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tpc"))
from compare import differences
from given import connect

SCALE = float(os.environ.get("LONGWAVE_TPCDS_SCALE", "0.1"))


@pytest.fixture(scope="module")
def duck():
    con = duckdb.connect()
    import_extension("tpcds", con=con)
    con.execute("LOAD tpcds")
    # Redshift's order: NULLs are the largest.
    con.execute("SET default_null_order = 'nulls_last_on_asc_first_on_desc'")
    con.execute(f"CALL dsdgen(sf={SCALE})")
    return con


def tables(duck):
    return [row[0] for row in duck.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()]


def create(duck, table):
    """The table's DDL for Redshift: lengths of text, and a key of distribution and order where the
    table is large."""
    columns = []
    for name, kind, *_ in duck.execute(f"DESCRIBE {table}").fetchall():
        if kind == "VARCHAR":
            longest = duck.execute(f"SELECT max(strlen({name})) FROM {table}").fetchone()[0]
            kind = f"VARCHAR({max(longest or 1, 1)})"
        columns.append(f'"{name}" {kind}')
    keys = ""
    if table.endswith("_sales") or table.endswith("_returns"):
        first = columns[0].split()[0]
        keys = f" DISTKEY({first}) SORTKEY({first})"
    return f"CREATE TABLE {table} ({', '.join(columns)}){keys}"


@pytest.fixture(scope="module")
def cursor(duck, tmp_path_factory):
    """A session on a database of its own, with the tables loaded from gzip files in S3."""
    out = tmp_path_factory.mktemp("tpcds")
    s3 = boto3.client("s3", endpoint_url=os.environ["LONGWAVE_HTTP"])
    bucket = f"tpcds-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    database = f"tpcds_{uuid.uuid4().hex[:8]}"
    admin = connect("dev").cursor()
    admin.execute(f"CREATE DATABASE {database}")
    connection = connect(database)
    cursor = connection.cursor()
    for table in tables(duck):
        file = out / f"{table}.gz"
        duck.execute(f"COPY {table} TO '{file}' (FORMAT csv, DELIMITER '|', HEADER true, NULLSTR '\\N', COMPRESSION gzip)")
        s3.upload_file(str(file), bucket, f"{table}.gz")
        cursor.execute(create(duck, table))
        cursor.execute(
            f"COPY {table} FROM 's3://{bucket}/{table}.gz' IAM_ROLE default "
            "CSV GZIP DELIMITER '|' IGNOREHEADER 1 NULL AS '\\\\N'"
        )
        s3.delete_object(Bucket=bucket, Key=f"{table}.gz")
    cursor.execute("ANALYZE")
    yield cursor
    connection.close()
    admin.execute(f"DROP DATABASE {database}")
    s3.delete_bucket(Bucket=bucket)


def test_all_rows_are_loaded(cursor, duck):
    for table in tables(duck):
        cursor.execute(f"SELECT count(*) FROM {table}")
        assert cursor.fetchall()[0][0] == duck.execute(f"SELECT count(*) FROM {table}").fetchone()[0], table


@pytest.mark.parametrize("number", range(1, 100))
def test_query(cursor, duck, number):
    text = duck.execute("SELECT query FROM tpcds_queries() WHERE query_nr = ?", [number]).fetchone()[0]
    # Redshift's AVG of whole numbers is a whole number, of DECIMAL one with the column's decimals.
    text = re.sub(r"\bavg\((\w+)\)", r"avg(cast(\1 as double precision))", text)
    expected = duck.execute(text).fetchall()
    cursor.execute(text.strip().rstrip(";"))
    assert differences(expected, list(cursor.fetchall())) == ""
