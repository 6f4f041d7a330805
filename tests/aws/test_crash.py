"""kill -9 in the middle of create, resize, restore and delete: after the next start each ends in its right state."""

import pathlib
import random
import sys
import time

import boto3
import botocore.config
import psycopg2
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "crash"))
from warehouse import Warehouse  # noqa: E402

import os  # noqa: E402

PASSWORD = "Longwave1crash"


class Service(Warehouse):
    """A service of this test's own, and its redshift API."""

    def redshift(self):
        return self.client("redshift")

    def client(self, name):
        return boto3.client(
            name, endpoint_url=f"http://127.0.0.1:{self.http_port}", region_name="us-east-1",
            config=botocore.config.Config(retries={"mode": "standard", "max_attempts": 2}, read_timeout=20),
        )  # fmt: skip

    def settled(self, name, seconds=60):
        """The cluster's status once it rests; None if there is no such cluster."""
        redshift, until = self.redshift(), time.monotonic() + seconds
        while True:
            try:
                cluster = redshift.describe_clusters(ClusterIdentifier=name)["Clusters"][0]
            except redshift.exceptions.ClusterNotFoundFault:
                return None
            if cluster["ClusterStatus"] in ("available", "paused"):
                return cluster
            assert time.monotonic() < until, f"{name} stays {cluster['ClusterStatus']}"
            time.sleep(0.1)

    def sql(self, cluster, text):
        connection = psycopg2.connect(
            host="127.0.0.1", port=cluster["Endpoint"]["Port"], dbname="dev", user="adm", password=PASSWORD, connect_timeout=10
        )
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(text)
            found = cursor.fetchall() if cursor.description else None
        connection.close()
        return found

    def again(self, rng):
        """Killed a moment after an answer, and started."""
        time.sleep(rng.choice([0, 0.002, 0.01, 0.05, 0.2]))
        self.kill()
        self.start()


@pytest.fixture
def service(tmp_path):
    service = Service(os.environ["LONGWAVE_BIN"], tmp_path)
    service.start()
    service.wait_for_samples()
    yield service
    service.kill()


def create(redshift, name, nodes=2):
    redshift.create_cluster(
        ClusterIdentifier=name, NodeType="ra3.4xlarge", NumberOfNodes=nodes, MasterUsername="adm", MasterUserPassword=PASSWORD
    )


@pytest.mark.parametrize("seed", range(int(os.environ.get("LONGWAVE_CRASH_ROUNDS", "10")) // 10))
def test_operations_end_after_a_crash(service, seed):
    rng = random.Random(seed)
    name, other, snapshot = f"c{seed}", f"r{seed}", f"s{seed}"
    create(service.redshift(), name)
    service.again(rng)
    cluster = service.settled(name)
    assert cluster and cluster["ClusterStatus"] == "available"
    service.sql(cluster, "create table t as select 7 as a")

    service.redshift().resize_cluster(ClusterIdentifier=name, NumberOfNodes=4, Classic=False)
    service.again(rng)
    cluster = service.settled(name)
    assert cluster["NumberOfNodes"] == 4
    assert service.sql(cluster, "select a from t") == [(7,)]

    service.redshift().create_cluster_snapshot(SnapshotIdentifier=snapshot, ClusterIdentifier=name)
    service.again(rng)
    redshift, until = service.redshift(), time.monotonic() + 60
    while (found := redshift.describe_cluster_snapshots(SnapshotIdentifier=snapshot)["Snapshots"][0])["Status"] == "creating":
        assert time.monotonic() < until
        time.sleep(0.1)
    assert found["Status"] == "available"

    redshift.restore_from_cluster_snapshot(ClusterIdentifier=other, SnapshotIdentifier=snapshot)
    service.again(rng)
    restored = service.settled(other)
    assert restored and service.sql(restored, "select a from t") == [(7,)]

    final = f"f{seed}"
    service.redshift().delete_cluster(ClusterIdentifier=name, SkipFinalClusterSnapshot=False, FinalClusterSnapshotIdentifier=final)
    service.again(rng)
    assert service.settled(name) is None
    redshift = service.redshift()
    redshift.get_waiter("snapshot_available").wait(SnapshotIdentifier=final, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    # What is left lives on, and the name is free again.
    assert service.sql(service.settled(other), "select a from t") == [(7,)]
    create(redshift, name, nodes=2)
    assert service.settled(name)["ClusterStatus"] == "available"


def test_statements_are_never_lost(service):
    """Results that were there are there after a crash; what was running or waiting is told to have failed."""
    where = {"WorkgroupName": "default", "Database": "dev"}
    data = service.client("redshift-data")
    done = data.execute_statement(Sql="select generate_series(1, 1000) as n", **where)["Id"]
    until = time.monotonic() + 60
    while data.describe_statement(Id=done)["Status"] != "FINISHED":
        assert time.monotonic() < until
        time.sleep(0.05)
    # One that lasts for minutes, and others behind it in the same line.
    slow = """with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000)
        select count(*) from n a, n b, n c where a.i + b.i + c.i > 4"""
    asked = [data.execute_statement(Sql=sql, **where)["Id"] for sql in [slow] + ["create table behind as select 1 as a"] * 5]
    while data.describe_statement(Id=asked[0])["Status"] != "STARTED":
        assert time.monotonic() < until
        time.sleep(0.02)
    service.kill()
    service.start()
    data = service.client("redshift-data")
    records = [r for page in data.get_paginator("get_statement_result").paginate(Id=done) for r in page["Records"]]
    assert [r[0]["longValue"] for r in records] == list(range(1, 1001))
    states = [data.describe_statement(Id=statement)["Status"] for statement in asked]
    assert set(states) <= {"FAILED", "ABORTED"}, states
    listed = [s["Id"] for page in data.get_paginator("list_statements").paginate(Status="ALL") for s in page["Statements"]]
    assert {done, *asked} <= set(listed)
