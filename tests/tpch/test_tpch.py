"""The main job from end to end: TPC-H files, gzipped, uploaded with boto3, loaded by COPY, all 22 queries
compared with DuckDB on the same files, unloaded to Parquet and read back by DuckDB.

The service is given by the environment that ./test sets (LONGWAVE_TEST_PORT, LONGWAVE_HTTP,
LONGWAVE_ADMIN_PASSWORD, AWS_*, LONGWAVE_BIN). LONGWAVE_TPCH_SCALE is the scale, 0.1 if not set.
"""

import os
import subprocess
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
from duck import statements
from given import connect

SCALE = os.environ.get("LONGWAVE_TPCH_SCALE", "0.1")
TABLES = ["region", "nation", "supplier", "part", "partsupp", "customer", "orders", "lineitem"]
# Each table's key: an order in which two engines' rows can be compared.
KEYS = {"partsupp": "1, 2", "lineitem": "1, 4"}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    out = tmp_path_factory.mktemp("tpch") / "files"
    subprocess.run([os.environ["LONGWAVE_BIN"], "sample", "--scale", SCALE, "--out", out], check=True)
    return out


@pytest.fixture(scope="module")
def duck(files):
    con = duckdb.connect()
    import_extension("tpch", con=con)
    con.execute("LOAD tpch")
    for statement in statements(files):
        con.execute(statement)
    for table in TABLES:
        con.execute(
            f"COPY {table} FROM '{files}/{table}/*.gz' "
            "(DELIMITER '|', HEADER false, NULLSTR '\\N', COMPRESSION gzip)"
        )
    return con


@pytest.fixture(scope="module")
def s3():
    return boto3.client("s3", endpoint_url=os.environ["LONGWAVE_HTTP"])


@pytest.fixture(scope="module")
def bucket(s3, files):
    name = f"tpch-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    for path in sorted(files.glob("*/*.gz")):
        s3.upload_file(str(path), name, f"{path.parent.name}/{path.name}")
    yield name
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
        for item in page.get("Contents", []):
            s3.delete_object(Bucket=name, Key=item["Key"])
    s3.delete_bucket(Bucket=name)


@pytest.fixture(scope="module")
def cursor(files, bucket):
    """A session on a database of its own, with the tables loaded."""
    database = f"tpch_{uuid.uuid4().hex[:8]}"
    admin = connect("dev").cursor()
    admin.execute(f"CREATE DATABASE {database}")
    connection = connect(database)
    cursor = connection.cursor()
    for statement in (files / "create.sql").read_text().split(";\n"):
        if statement.strip():
            cursor.execute(statement)
    cursor.execute("SET search_path TO tpch")
    for line in (files / "copy.sql").read_text().splitlines():
        if line.startswith("COPY"):
            cursor.execute(line.replace("BUCKET", bucket).rstrip(";"))
    cursor.execute("ANALYZE")
    yield cursor
    connection.close()
    admin.execute(f"DROP DATABASE {database}")


@pytest.mark.parametrize("table", TABLES)
def test_all_rows_are_loaded(cursor, duck, table):
    cursor.execute(f"SELECT count(*) FROM tpch.{table}")
    expected = duck.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert cursor.fetchall()[0][0] == expected[0]


@pytest.mark.parametrize("number", range(1, 23))
def test_query(cursor, duck, number):
    text = duck.execute("SELECT query FROM tpch_queries() WHERE query_nr = ?", [number]).fetchone()[0]
    expected = duck.execute(text).fetchall()
    cursor.execute(text.strip().rstrip(";"))
    assert differences(expected, list(cursor.fetchall())) == ""


@pytest.mark.parametrize("table", TABLES)
def test_unload_to_parquet_and_back(cursor, duck, s3, bucket, tmp_path, table):
    cursor.execute(
        f"UNLOAD ('SELECT * FROM tpch.{table}') TO 's3://{bucket}/unload/{table}_' "
        "IAM_ROLE default FORMAT PARQUET"
    )
    found = s3.list_objects_v2(Bucket=bucket, Prefix=f"unload/{table}_")["Contents"]
    for item in found:
        s3.download_file(bucket, item["Key"], str(tmp_path / Path(item["Key"]).name))
    parquet = f"read_parquet('{tmp_path}/{table}_*')"
    key = KEYS.get(table, "1")
    # CHAR columns come out padded to their length or not; what they say is the same.
    columns = duck.execute(f"DESCRIBE {table}").fetchall()
    trimmed = ", ".join(f"rtrim({c[0]})" if c[1] == "VARCHAR" else c[0] for c in columns)
    rows = duck.execute(f"SELECT count(*) FROM {parquet}").fetchone()
    assert rows == duck.execute(f"SELECT count(*) FROM {table}").fetchone()
    ours = f"SELECT {trimmed} FROM {parquet}"
    theirs = f"SELECT {trimmed} FROM {table}"
    for one, other in ((ours, theirs), (theirs, ours)):
        missing = duck.execute(f"({one}) EXCEPT ({other}) ORDER BY {key} LIMIT 3").fetchall()
        assert missing == []
