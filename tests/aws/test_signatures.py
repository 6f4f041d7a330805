"""Who cannot prove who they are, or come too late, are told so in the documented words."""

import datetime
import os
from unittest import mock

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
import urllib3

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
ROOT = (os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
ASK = b"Action=DescribeClusters&Version=2012-12-01"
DATA = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "RedshiftData.ListStatements"}


def signed(body, headers, service, at=None, keys=ROOT, presign=None):
    request = botocore.awsrequest.AWSRequest(
        "GET" if presign else "POST", ENDPOINT + "/" + ("?" + body.decode() if presign else ""),
        headers={} if presign else headers, data=b"" if presign else body,
    )  # fmt: skip
    credentials = botocore.credentials.Credentials(*keys)
    signer = (
        botocore.auth.SigV4QueryAuth(credentials, service, "us-east-1", expires=presign)
        if presign
        else botocore.auth.SigV4Auth(credentials, service, "us-east-1")
    )
    now = (at or datetime.datetime.now(datetime.timezone.utc)).replace(tzinfo=None)
    with mock.patch("botocore.auth.get_current_datetime", return_value=now):
        signer.add_auth(request)
    return request.url, dict(request.headers)


def send(body, url=ENDPOINT + "/", headers=FORM, method="POST"):
    answer = urllib3.request(method, url, body=body if method == "POST" else None, headers=headers)
    return answer.status, answer.data.decode(), answer.headers


def minutes_ago(n):
    return datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=n)


def test_right():
    url, headers = signed(ASK, FORM, "redshift")
    assert send(ASK, url, headers)[0] == 200
    url, _ = signed(ASK, FORM, "redshift", presign=60)
    assert send(b"", url, {}, "GET")[0] == 200


def test_unsigned():
    status, text, _ = send(ASK)
    assert status in (400, 403) and "<Code>" in text
    status, text, headers = send(b"{}", headers=DATA)
    assert status == 400 and headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"


def test_wrongly_signed():
    url, headers = signed(ASK, FORM, "redshift", keys=(ROOT[0], "wrong"))
    status, text, _ = send(ASK, url, headers)
    assert (status, "<Code>SignatureDoesNotMatch</Code>" in text) == (403, True)
    url, headers = signed(ASK, FORM, "redshift", keys=("AKIANOBODY0000000000", "wrong"))
    status, text, _ = send(ASK, url, headers)
    assert (status, "<Code>InvalidClientTokenId</Code>" in text) == (403, True)
    url, headers = signed(b"{}", DATA, "redshift-data", keys=(ROOT[0], "wrong"))
    status, text, headers = send(b"{}", url, headers)
    assert status == 400 and headers["x-amzn-errortype"] == "InvalidSignatureException"


def test_body_changed():
    url, headers = signed(ASK, FORM, "redshift")
    status, text, _ = send(b"Action=DescribeTags&Version=2012-12-01", url, headers)
    assert (status, "<Code>SignatureDoesNotMatch</Code>" in text) == (403, True)


@pytest.mark.parametrize("minutes", [6, 60, -6])
def test_replayed_late_or_early(minutes):
    url, headers = signed(ASK, FORM, "redshift", at=minutes_ago(minutes))
    status, text, _ = send(ASK, url, headers)
    assert (status, "<Code>SignatureDoesNotMatch</Code>" in text) == (403, True)
    assert ("Signature expired" if minutes > 0 else "Signature not yet current") in text


def test_presigned_expired():
    url, _ = signed(ASK, FORM, "redshift", at=minutes_ago(2), presign=60)
    status, text, _ = send(b"", url, {}, "GET")
    assert (status, "<Code>RequestExpired</Code>" in text) == (400, True)


def test_signed_for_another_service():
    url, headers = signed(ASK, FORM, "sts")
    status, text, _ = send(ASK, url, headers)
    assert (status, "<Code>InvalidAction</Code>" in text) == (400, True)
