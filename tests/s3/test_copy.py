"""COPY and UNLOAD through the wire and the S3 endpoint: options, errors and their record, credentials.

The service is given as in test_s3.py, and by LONGWAVE_TEST_PORT and LONGWAVE_ADMIN_PASSWORD.
"""

import bz2
import gzip
import json
import os
import uuid

import boto3
import duckdb
import psycopg2
import pytest

KEY = os.environ["AWS_ACCESS_KEY_ID"]
SECRET = os.environ["AWS_SECRET_ACCESS_KEY"]


@pytest.fixture(scope="module")
def s3():
    return boto3.client("s3", endpoint_url=os.environ["LONGWAVE_HTTP"], region_name="us-east-1")


@pytest.fixture(scope="module")
def bucket(s3):
    name = f"copy-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def connection():
    connection = psycopg2.connect(
        host="127.0.0.1", port=os.environ["LONGWAVE_TEST_PORT"], dbname="dev",
        user="awsuser", password=os.environ["LONGWAVE_ADMIN_PASSWORD"])
    connection.autocommit = True
    yield connection
    connection.close()


@pytest.fixture
def sql(connection):
    def run(text):
        with connection.cursor() as cursor:
            cursor.execute(text)
            return cursor.fetchall() if cursor.description else cursor.statusmessage
    return run


@pytest.fixture
def table(sql):
    name = f"t_{uuid.uuid4().hex[:8]}"
    sql(f"CREATE TABLE {name} (a int, b varchar(5), c decimal(8,2), d date)")
    yield name
    sql(f"DROP TABLE {name}")


def put(s3, bucket, key, body):
    s3.put_object(Bucket=bucket, Key=key, Body=body)
    return f"s3://{bucket}/{key}"


def test_load_and_count(sql, s3, bucket, table, connection):
    text = "1|one|1.509|2020-01-01\n2|two||\n"
    url = put(s3, bucket, "n/1.gz", gzip.compress(text.encode()))
    put(s3, bucket, "n/2.gz", gzip.compress(b"3|x|2|2020-01-02\n"))
    assert sql(f"COPY {table} FROM '{url[:-4]}' IAM_ROLE default GZIP") == "COPY"
    assert f"INFO:  Load into table '{table}' completed, 3 record(s) loaded successfully." in "".join(connection.notices)
    assert sql(f"SELECT a, b, c::varchar, d::varchar FROM {table} ORDER BY a") == [
        (1, "one", "1.50", "2020-01-01"), (2, "two", None, None), (3, "x", "2.00", "2020-01-02")]
    assert sql("SELECT pg_last_copy_count()") == [(3,)]
    loaded = sql("SELECT count(*) FROM stl_load_commits WHERE query = pg_last_copy_id()")
    assert loaded == [(2,)]


def test_csv_with_bzip2_and_columns(sql, s3, bucket, table):
    body = 'b,a\n"x,""y",7\n"a\nb",8\n'
    url = put(s3, bucket, "csv.bz2", bz2.compress(body.encode()))
    sql(f"COPY {table} (b, a) FROM '{url}' IAM_ROLE default CSV IGNOREHEADER 1 BZIP2")
    assert sql(f"SELECT a, b FROM {table} ORDER BY a") == [(7, 'x,"y'), (8, "a\nb")]


def test_bad_rows_are_recorded_and_nothing_is_kept(sql, s3, bucket, table, connection):
    url = put(s3, bucket, "bad", "1|ok|1|2020-01-01\nx|ok|1|2020-01-01\n3|toolong|1|2020-01-01\n")
    with pytest.raises(psycopg2.Error) as e:
        sql(f"COPY {table} FROM '{url}' IAM_ROLE default")
    assert e.value.pgcode == "XX000"
    assert f"Load into table '{table}' failed.  Check 'stl_load_errors' system table for details." in str(e.value)
    assert sql(f"SELECT count(*) FROM {table}") == [(0,)]
    errors = sql(
        "SELECT trim(filename), line_number, trim(colname), trim(raw_field_value), err_code, trim(err_reason), trim(raw_line)"
        f" FROM stl_load_errors WHERE filename LIKE '%{bucket}/bad%' ORDER BY line_number")
    assert errors[:2] == [
        (url, 2, "a", "x", 1207, "Invalid digit, Value 'x', Pos 0, Type: Integer", "x|ok|1|2020-01-01"),
        (url, 3, "b", "toolong", 1204, "String length exceeds DDL length", "3|toolong|1|2020-01-01"),
    ]
    detail = sql(f"SELECT count(*) FROM sys_load_error_detail WHERE file_name LIKE '%{bucket}/bad%'")
    assert detail == [(2,)]
    sql(f"COPY {table} FROM '{url}' IAM_ROLE default MAXERROR 3")
    assert sql(f"SELECT a FROM {table}") == [(1,)]
    assert "2 record(s) could not be loaded." in "".join(connection.notices)


def test_credentials(sql, s3, bucket, table):
    url = put(s3, bucket, "cred", "1|x|1|2020-01-01\n")
    sql(f"COPY {table} FROM '{url}' ACCESS_KEY_ID '{KEY}' SECRET_ACCESS_KEY '{SECRET}'")
    sql(f"COPY {table} FROM '{url}' CREDENTIALS 'aws_access_key_id={KEY};aws_secret_access_key={SECRET}'")
    sql(f"COPY {table} FROM '{url}' IAM_ROLE 'arn:aws:iam::000000000000:role/loader'")
    assert sql(f"SELECT count(*) FROM {table}") == [(3,)]
    for clause, text in [
        (f"ACCESS_KEY_ID '{KEY}' SECRET_ACCESS_KEY 'wrong'", "Status 403,Error SignatureDoesNotMatch"),
        ("ACCESS_KEY_ID 'nobody' SECRET_ACCESS_KEY 'x'", "Status 403,Error InvalidAccessKeyId"),
        ("IAM_ROLE 'arn:aws:iam::111111111111:role/x'", "is not authorized to assume IAM Role"),
        ("", "authorization"),
    ]:
        with pytest.raises(psycopg2.Error) as e:
            sql(f"COPY {table} FROM '{url}' {clause}")
        assert text.lower() in str(e.value).lower()
        assert SECRET not in str(e.value)
    # A secret does not come back from the record of queries either.
    texts = sql("SELECT query_text FROM sys_query_history WHERE query_text LIKE '%SECRET_ACCESS_KEY%'")
    assert all(SECRET not in text for (text,) in texts)


def test_manifest_and_missing_files(sql, s3, bucket, table):
    url = put(s3, bucket, "m/data", "1|x|1|2020-01-01\n")
    manifest = {"entries": [{"url": url, "mandatory": True}, {"url": url + "-none"}]}
    listed = put(s3, bucket, "m.manifest", json.dumps(manifest))
    sql(f"COPY {table} FROM '{listed}' IAM_ROLE default MANIFEST")
    assert sql(f"SELECT count(*) FROM {table}") == [(1,)]
    with pytest.raises(psycopg2.Error, match="The specified S3 prefix 'nothing' does not exist"):
        sql(f"COPY {table} FROM 's3://{bucket}/nothing' IAM_ROLE default")


def test_rollback_takes_a_load_back(connection, s3, bucket, table):
    url = put(s3, bucket, "rb", "1|x|1|2020-01-01\n")
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(f"COPY {table} FROM '{url}' IAM_ROLE default")
        cursor.execute(f"SELECT count(*) FROM {table}")
        assert cursor.fetchone() == (1,)
        cursor.execute("ROLLBACK")
        cursor.execute(f"SELECT count(*) FROM {table}")
        assert cursor.fetchone() == (0,)


def test_unload_to_parquet_is_read_by_duckdb(sql, s3, bucket, table, tmp_path):
    url = put(s3, bucket, "u/in", "1|one|1.5|2020-01-01\n2||-2|\n3|\\N|0|1999-12-31\n")
    sql(f"COPY {table} FROM '{url}' IAM_ROLE default")
    sql(f"UNLOAD ('SELECT * FROM {table}') TO 's3://{bucket}/u/out_' IAM_ROLE default PARQUET MANIFEST")
    manifest = json.loads(s3.get_object(Bucket=bucket, Key="u/out_manifest")["Body"].read())
    files = []
    for i, entry in enumerate(manifest["entries"]):
        key = entry["url"].removeprefix(f"s3://{bucket}/")
        s3.download_file(bucket, key, str(tmp_path / f"{i}.parquet"))
        files.append(str(tmp_path / f"{i}.parquet"))
    rows = duckdb.sql(f"SELECT a, b, c::varchar, d::varchar FROM read_parquet({files}) ORDER BY a").fetchall()
    assert rows == [(1, "one", "1.50", "2020-01-01"), (2, "", "-2.00", None), (3, None, "0.00", "1999-12-31")]
    types = duckdb.sql(f"DESCRIBE SELECT * FROM read_parquet({files})").fetchall()
    assert [t[1] for t in types] == ["INTEGER", "VARCHAR", "DECIMAL(8,2)", "DATE"]
    with pytest.raises(psycopg2.Error, match="Specified unload destination on S3 is not empty"):
        sql(f"UNLOAD ('SELECT * FROM {table}') TO 's3://{bucket}/u/out_' IAM_ROLE default PARQUET")
    sql(f"UNLOAD ('SELECT * FROM {table}') TO 's3://{bucket}/u/csv_' IAM_ROLE default CSV HEADER PARALLEL OFF")
    text = s3.get_object(Bucket=bucket, Key="u/csv_000")["Body"].read().decode()
    assert sorted(text.splitlines()) == sorted(['a,b,c,d', '1,one,1.50,2020-01-01', '2,"",-2.00,', '3,,0.00,1999-12-31'])
    assert sql("SELECT pg_last_unload_count()") == [(3,)]
