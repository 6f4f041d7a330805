"""The S3 endpoint, with unmodified boto3 and the aws CLI.

The service is given by LONGWAVE_HTTP (http://host:port), AWS_ACCESS_KEY_ID and
AWS_SECRET_ACCESS_KEY. Run: pytest tests/s3
"""

import hashlib
import os
import subprocess
import sys
import urllib.request
import uuid

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

URL = os.environ["LONGWAVE_HTTP"]
KEY = os.environ["AWS_ACCESS_KEY_ID"]
SECRET = os.environ["AWS_SECRET_ACCESS_KEY"]


def client(service="s3", key=KEY, secret=SECRET, **config):
    return boto3.client(
        service,
        endpoint_url=URL,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(retries={"max_attempts": 1}, **config),
    )


@pytest.fixture
def s3():
    return client()


@pytest.fixture
def bucket(s3):
    name = f"b-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    yield name
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
        for item in page.get("Contents", []):
            s3.delete_object(Bucket=name, Key=item["Key"])
    s3.delete_bucket(Bucket=name)


def code(caught):
    return caught.value.response["Error"]["Code"]


def test_buckets(s3, bucket):
    assert bucket in [b["Name"] for b in s3.list_buckets()["Buckets"]]
    s3.head_bucket(Bucket=bucket)
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
    with pytest.raises(ClientError) as e:
        s3.head_bucket(Bucket="no-such-bucket-here")
    assert code(e) == "404"
    s3.put_object(Bucket=bucket, Key="x", Body=b"1")
    with pytest.raises(ClientError) as e:
        s3.delete_bucket(Bucket=bucket)
    assert code(e) == "BucketNotEmpty"


def test_object_round_trip(s3, bucket):
    body = os.urandom(3_000_001)
    put = s3.put_object(
        Bucket=bucket, Key="a/b", Body=body, ContentType="text/csv",
        CacheControl="no-cache", Metadata={"who": "me"},
    )
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="a/b")
    assert got["Body"].read() == body
    assert got["ContentType"] == "text/csv"
    assert got["CacheControl"] == "no-cache"
    assert got["Metadata"] == {"who": "me"}
    assert "ContentEncoding" not in got
    head = s3.head_object(Bucket=bucket, Key="a/b")
    assert head["ContentLength"] == len(body)
    part = s3.get_object(Bucket=bucket, Key="a/b", Range="bytes=10-19")
    assert part["Body"].read() == body[10:20]
    assert part["ContentRange"] == f"bytes 10-19/{len(body)}"
    assert s3.get_object(Bucket=bucket, Key="a/b", Range="bytes=-5")["Body"].read() == body[-5:]
    with pytest.raises(ClientError) as e:
        s3.get_object(Bucket=bucket, Key="a/b", Range="bytes=9000000-")
    assert code(e) == "InvalidRange"
    with pytest.raises(ClientError) as e:
        s3.get_object(Bucket=bucket, Key="nothing")
    assert code(e) == "NoSuchKey"
    with pytest.raises(ClientError) as e:
        s3.get_object(Bucket=bucket, Key="a/b", IfNoneMatch=put["ETag"])
    assert e.value.response["ResponseMetadata"]["HTTPStatusCode"] == 304
    with pytest.raises(ClientError) as e:
        s3.put_object(Bucket=bucket, Key="a/b", Body=b"", IfNoneMatch="*")
    assert code(e) == "PreconditionFailed"


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_checksums(s3, bucket, algorithm):
    put = s3.put_object(Bucket=bucket, Key="c", Body=b"hello", ChecksumAlgorithm=algorithm)
    got = s3.get_object(Bucket=bucket, Key="c", ChecksumMode="ENABLED")
    assert got["Body"].read() == b"hello"
    assert got[f"Checksum{algorithm}"] == put[f"Checksum{algorithm}"]


def test_wrong_checksum_is_refused(s3, bucket):
    with pytest.raises(ClientError) as e:
        s3.put_object(Bucket=bucket, Key="c", Body=b"hello", ChecksumCRC32="AAAAAA==")
    assert code(e) == "BadDigest"
    with pytest.raises(ClientError) as e:
        s3.head_object(Bucket=bucket, Key="c")
    assert code(e) == "404"


KEYS = ["a", "a/", "a//b", "../up", "sp ace", "pl+us", "per%20cent", "ünï/ço", "q?x=1&y#z", "'\"<>", "x" * 1024]


def test_odd_keys(s3, bucket):
    for key in KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    listed = [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert listed == sorted(KEYS, key=lambda k: k.encode())
    for key in KEYS:
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()


def test_listing(s3, bucket):
    keys = sorted(f"d{i % 7}/k{i:04}" for i in range(60))
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 11})
    assert [o["Key"] for p in pages for o in p.get("Contents", [])] == keys
    pages = s3.get_paginator("list_objects").paginate(
        Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 2})
    assert [c["Prefix"] for p in pages for c in p.get("CommonPrefixes", [])] == [f"d{i}/" for i in range(7)]
    one = s3.list_objects_v2(Bucket=bucket, Prefix="d3/", StartAfter="d3/k0017")
    assert [o["Key"] for o in one["Contents"]] == [k for k in keys if k.startswith("d3/") and k > "d3/k0017"]
    done = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": k} for k in keys[:9]]})
    assert len(done["Deleted"]) == 9
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == len(keys) - 9


def test_copy_object(s3, bucket):
    s3.put_object(Bucket=bucket, Key="from ü", Body=b"12345", Metadata={"a": "1"})
    s3.copy_object(Bucket=bucket, Key="to", CopySource={"Bucket": bucket, "Key": "from ü"})
    got = s3.get_object(Bucket=bucket, Key="to")
    assert (got["Body"].read(), got["Metadata"]) == (b"12345", {"a": "1"})


def test_multipart(s3, bucket, tmp_path):
    body = os.urandom(18 << 20)
    source = tmp_path / "big"
    source.write_bytes(body)
    s3.upload_file(str(source), bucket, "big")
    target = tmp_path / "back"
    s3.download_file(bucket, "big", str(target))
    assert target.read_bytes() == body
    assert s3.head_object(Bucket=bucket, Key="big")["ETag"].endswith('-3"')

    upload = s3.create_multipart_upload(Bucket=bucket, Key="m")["UploadId"]
    first = s3.upload_part(Bucket=bucket, Key="m", UploadId=upload, PartNumber=1, Body=body[: 5 << 20])
    again = s3.upload_part_copy(
        Bucket=bucket, Key="m", UploadId=upload, PartNumber=2,
        CopySource={"Bucket": bucket, "Key": "big"}, CopySourceRange="bytes=100-199")
    parts = s3.list_parts(Bucket=bucket, Key="m", UploadId=upload)["Parts"]
    assert [(p["PartNumber"], p["Size"]) for p in parts] == [(1, 5 << 20), (2, 100)]
    assert s3.list_multipart_uploads(Bucket=bucket)["Uploads"][0]["UploadId"] == upload
    s3.complete_multipart_upload(
        Bucket=bucket, Key="m", UploadId=upload,
        MultipartUpload={"Parts": [
            {"PartNumber": 1, "ETag": first["ETag"]},
            {"PartNumber": 2, "ETag": again["CopyPartResult"]["ETag"]}]})
    assert s3.get_object(Bucket=bucket, Key="m")["Body"].read() == body[: 5 << 20] + body[100:200]

    upload = s3.create_multipart_upload(Bucket=bucket, Key="m2")["UploadId"]
    with pytest.raises(ClientError) as e:
        s3.complete_multipart_upload(
            Bucket=bucket, Key="m2", UploadId=upload,
            MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": '"00"'}]})
    assert code(e) == "InvalidPart"
    s3.abort_multipart_upload(Bucket=bucket, Key="m2", UploadId=upload)
    with pytest.raises(ClientError) as e:
        s3.abort_multipart_upload(Bucket=bucket, Key="m2", UploadId=upload)
    assert code(e) == "NoSuchUpload"


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_presigned(bucket, version):
    s3 = client(signature_version=version)
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "p"})
    urllib.request.urlopen(urllib.request.Request(
        url, data=b"signed", method="PUT", headers={"Content-Type": ""}))
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "p"})
    assert urllib.request.urlopen(url).read() == b"signed"
    with pytest.raises(urllib.error.HTTPError) as e:
        urllib.request.urlopen(url.replace("Signature=", "Signature=0"))
    assert e.value.code in (400, 403)


def test_wrong_keys_are_refused(bucket):
    with pytest.raises(ClientError) as e:
        client(secret="wrong").list_buckets()
    assert code(e) == "SignatureDoesNotMatch"
    with pytest.raises(ClientError) as e:
        client(key="nobody").list_buckets()
    assert code(e) == "InvalidAccessKeyId"


def test_other_services_say_so():
    for service, call in [
        ("sqs", lambda c: c.list_queues()),
        ("rds", lambda c: c.describe_db_instances()),
        ("glue", lambda c: c.get_databases()),
    ]:
        with pytest.raises(ClientError) as e:
            call(client(service))
        assert "not supported yet" in e.value.response["Error"]["Message"], service


def test_pages():
    assert urllib.request.urlopen(f"{URL}/health").read() == b"ok\n"
    assert b"longwave_http_requests_total" in urllib.request.urlopen(f"{URL}/metrics").read()
    assert b"Longwave" in urllib.request.urlopen(f"{URL}/").read()
    with pytest.raises(urllib.error.HTTPError) as e:
        urllib.request.urlopen(f"{URL}/nothing/here")
    assert e.value.code == 404


def aws(*args):
    command = os.path.join(os.path.dirname(sys.executable), "aws")
    env = dict(os.environ, AWS_ENDPOINT_URL=URL, AWS_DEFAULT_REGION="us-east-1")
    done = subprocess.run([command, "s3", *args], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_aws_cli(bucket, tmp_path):
    (tmp_path / "in" / "sub").mkdir(parents=True)
    for i in range(5):
        (tmp_path / "in" / "sub" / f"f {i}").write_text(f"file {i}\n" * 1000)
    (tmp_path / "in" / "big").write_bytes(os.urandom(20 << 20))
    aws("sync", str(tmp_path / "in"), f"s3://{bucket}/dir")
    assert "sub/" in aws("ls", f"s3://{bucket}/dir/")
    aws("cp", f"s3://{bucket}/dir/", str(tmp_path / "out"), "--recursive")
    for path in (tmp_path / "in").rglob("*"):
        if path.is_file():
            assert (tmp_path / "out" / path.relative_to(tmp_path / "in")).read_bytes() == path.read_bytes()
    assert aws("sync", str(tmp_path / "in"), f"s3://{bucket}/dir") == ""
    aws("cp", f"s3://{bucket}/dir/big", f"s3://{bucket}/copy")
    aws("rm", f"s3://{bucket}/", "--recursive")
    assert aws("ls", f"s3://{bucket}/") == ""
