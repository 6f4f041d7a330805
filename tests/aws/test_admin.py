"""`longwave admin`: backup while the service runs, restore, check, credentials, a key for a user, with a service of this
test's own."""

import os
import pathlib
import re
import subprocess
import sys

import boto3
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "crash"))
from warehouse import PASSWORD, Warehouse  # noqa: E402

BINARY = os.environ["LONGWAVE_BIN"]
# The keys of the test's own server do not concern this one.
ENV = {k: v for k, v in os.environ.items() if not k.startswith(("LONGWAVE_", "AWS_"))}


def admin(*arguments, ok=True):
    done = subprocess.run([BINARY, "admin", *map(str, arguments)], capture_output=True, text=True, env=ENV, timeout=60)
    assert (done.returncode == 0) is ok, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def service(tmp_path, monkeypatch):
    for name in ("LONGWAVE_ACCESS_KEY_ID", "LONGWAVE_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    service = Warehouse(BINARY, tmp_path / "first")
    service.start()
    service.wait_for_samples()
    yield service
    service.kill()


def test_backup_and_restore(service, tmp_path):
    with service.connect() as connection:
        connection.execute("create table kept as select n from (select 1 as n union all select 2) t")
    directory, backup = service.directory / "data", tmp_path / "backup"
    assert "all is there" in admin("backup", "--data-dir", directory, "--to", backup)
    assert "is not empty" in admin("backup", "--data-dir", directory, "--to", backup, ok=False)
    # What comes after the backup is not in it.
    with service.connect() as connection:
        connection.execute("insert into kept values (3)")
    assert "another process" in admin("check", "--data-dir", directory, ok=False)
    service.kill()
    assert "all is there" in admin("check", "--data-dir", directory)
    second = Warehouse(BINARY, tmp_path / "second")
    assert "all is there" in admin("restore", "--from", backup, "--data-dir", second.directory / "data")
    second.start()
    with second.connect() as connection:
        assert connection.execute("select n from kept order by n").fetchall() == [(1,), (2,)]
    with second.connect(dbname="sample_data_dev") as connection:
        assert connection.execute("select count(*) from tickit.sales").fetchone() == (172456,)
    second.kill()
    # A file that is missing is named.
    [lost, *_] = (path for path in (backup / "segments").rglob("*") if path.is_file())
    lost.unlink()
    assert lost.name in admin("check", "--data-dir", backup, ok=False)


def test_keys(service):
    directory = service.directory / "data"
    shown = admin("credentials", "--data-dir", directory)
    assert PASSWORD in shown and "AKIA" in shown
    service.kill()
    made = admin("new-key", "--data-dir", directory, "robot")
    key = re.search(r"access key id +(\S+)\nsecret access key +(\S+)", made).groups()
    assert key[0] in admin("users", "--data-dir", directory)
    root = re.search(
        r"access key id +(\S+)\nsecret access key +(\S+)", admin("credentials", "--data-dir", directory, "--new-access-key")
    ).groups()
    assert root[0] not in shown
    service.start()

    def sts(keys):
        return boto3.client(
            "sts", endpoint_url=f"http://127.0.0.1:{service.http_port}", region_name="us-east-1", aws_access_key_id=keys[0],
            aws_secret_access_key=keys[1],
        )  # fmt: skip

    assert sts(key).get_caller_identity()["Arn"].endswith(":user/robot")
    assert sts(root).get_caller_identity()["Arn"].endswith(":root")
