"""A day in the life of a cluster, with real data: created, loaded through a role, used by a temporary user, kept in
snapshots, restored by table and whole under another name, moved to serverless, paused, resumed, resized."""

import json
import os
import pathlib
import subprocess
import tempfile
import time

import psycopg2
import pytest

SCALE = os.environ.get("LONGWAVE_DAY_SCALE", "0.1")
PASSWORD = "Longwave1day"
FAST = {"Delay": 1, "MaxAttempts": 120}


def connect(endpoint, user="adm", password=PASSWORD, database="dev", **more):
    connection = psycopg2.connect(
        host=endpoint["Address" if "Address" in endpoint else "address"],
        port=endpoint["Port" if "Port" in endpoint else "port"],
        dbname=database, user=user, password=password, sslmode="require", connect_timeout=10, **more,
    )  # fmt: skip
    connection.autocommit = True
    return connection


def rows(connection, sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else cursor.statusmessage


def endpoint_of(redshift, cluster):
    return redshift.describe_clusters(ClusterIdentifier=cluster)["Clusters"][0]["Endpoint"]


TABLES = ["region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem"]


def contents(connection):
    """Row counts and sums over every table: what a restore must give back."""
    keys = {
        "region": "sum(r_regionkey)", "nation": "sum(n_nationkey)", "supplier": "sum(s_acctbal)", "customer": "sum(c_acctbal)",
        "part": "sum(p_retailprice)", "partsupp": "sum(ps_supplycost * ps_availqty)", "orders": "sum(o_totalprice)",
        "lineitem": "sum(l_extendedprice * l_discount), min(l_shipdate), max(l_comment)",
    }  # fmt: skip
    return {table: rows(connection, f"select count(*), {keys[table]} from {table}") for table in TABLES}


@pytest.fixture(scope="module")
def files():
    """TPC-H as text files, made by the binary under test."""
    with tempfile.TemporaryDirectory() as directory:
        out = pathlib.Path(directory) / "tpch"
        subprocess.run([os.environ["LONGWAVE_BIN"], "sample", "--scale", SCALE, "--out", out], check=True)
        yield out


def test_a_day(client, unique, files):
    redshift, serverless, s3, iam = client("redshift"), client("redshift-serverless"), client("s3"), client("iam")

    # Who may read the bucket: a role that Redshift may take.
    bucket, role = unique("day"), unique("loader")
    s3.create_bucket(Bucket=bucket)
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "redshift.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
    arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    allow = {
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket", "s3:GetBucketLocation"],
            "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        }],
    }  # fmt: skip
    iam.put_role_policy(RoleName=role, PolicyName="read", PolicyDocument=json.dumps(allow))
    for path in files.glob("*/*.gz"):
        s3.upload_file(str(path), bucket, str(path.relative_to(files)))

    # A cluster, and data in it.
    name = unique("day")
    made = redshift.create_cluster(
        ClusterIdentifier=name, NodeType="ra3.4xlarge", NumberOfNodes=2, MasterUsername="adm", MasterUserPassword=PASSWORD,
        DBName="dev", IamRoles=[arn], PubliclyAccessible=True,
    )["Cluster"]  # fmt: skip
    assert made["ClusterStatus"] == "creating"
    redshift.get_waiter("cluster_available").wait(ClusterIdentifier=name, WaiterConfig=FAST)
    admin = connect(endpoint_of(redshift, name))
    create = (files / "create.sql").read_text()
    for statement in create.split(";"):
        if statement.strip():
            rows(admin, statement)
    rows(admin, "set search_path to tpch, public")
    for table in TABLES:
        rows(admin, f"copy {table} from 's3://{bucket}/{table}/' iam_role '{arn}' delimiter '|' gzip")
    loaded = contents(admin)
    assert loaded["region"][0][0] == 5 and loaded["nation"][0][0] == 25
    assert loaded["orders"][0][0] == int(1_500_000 * float(SCALE))

    # A user that exists for an hour.
    rows(admin, "create group readers")
    rows(admin, "grant usage on schema tpch to group readers")
    rows(admin, "grant select on all tables in schema tpch to group readers")
    given = redshift.get_cluster_credentials(
        ClusterIdentifier=name, DbUser="visitor", DbName="dev", AutoCreate=True, DbGroups=["readers"], DurationSeconds=900
    )
    assert given["DbUser"].upper().startswith("IAMA:visitor".upper())
    visitor = connect(endpoint_of(redshift, name), given["DbUser"], given["DbPassword"])
    assert rows(visitor, "select current_user") == [("visitor",)]
    assert rows(visitor, "select count(*) from tpch.region") == [(5,)]
    with pytest.raises(psycopg2.Error):
        rows(visitor, "delete from tpch.region")
    with pytest.raises(psycopg2.Error):
        connect(endpoint_of(redshift, name), given["DbUser"], given["DbPassword"] + "x")
    visitor.close()

    # Kept, lost, got back.
    first = unique("first")
    redshift.create_cluster_snapshot(SnapshotIdentifier=first, ClusterIdentifier=name)
    redshift.get_waiter("snapshot_available").wait(SnapshotIdentifier=first, WaiterConfig=FAST)
    rows(admin, "drop table tpch.orders")
    asked = redshift.restore_table_from_cluster_snapshot(
        ClusterIdentifier=name, SnapshotIdentifier=first, SourceDatabaseName="dev", SourceSchemaName="tpch",
        SourceTableName="orders", TargetSchemaName="tpch", NewTableName="orders",
    )["TableRestoreStatus"]  # fmt: skip
    wait_for(
        lambda: redshift.describe_table_restore_status(TableRestoreRequestId=asked["TableRestoreRequestId"])[
            "TableRestoreStatusDetails"
        ][0]["Status"],
        "SUCCEEDED",
    )
    assert contents(admin) == loaded
    admin.close()

    # Gone, but for its last state; back under another name, of another type.
    final = unique("final")
    gone = redshift.delete_cluster(
        ClusterIdentifier=name, SkipFinalClusterSnapshot=False, FinalClusterSnapshotIdentifier=final
    )["Cluster"]  # fmt: skip
    assert gone["ClusterStatus"] in ("deleting", "final-snapshot")
    redshift.get_waiter("cluster_deleted").wait(ClusterIdentifier=name, WaiterConfig=FAST)
    redshift.get_waiter("snapshot_available").wait(SnapshotIdentifier=final, WaiterConfig=FAST)
    second = unique("again")
    redshift.restore_from_cluster_snapshot(
        ClusterIdentifier=second, SnapshotIdentifier=final, NodeType="ra3.xlplus", NumberOfNodes=2
    )
    redshift.get_waiter("cluster_restored").wait(ClusterIdentifier=second, WaiterConfig=FAST)
    redshift.get_waiter("cluster_available").wait(ClusterIdentifier=second, WaiterConfig=FAST)
    admin = connect(endpoint_of(redshift, second))
    rows(admin, "set search_path to tpch, public")
    assert contents(admin) == loaded

    # The same state as a serverless namespace.
    namespace, workgroup = unique("ns"), unique("wg")
    serverless.create_namespace(namespaceName=namespace, adminUsername="adm", adminUserPassword=PASSWORD)
    serverless.create_workgroup(workgroupName=workgroup, namespaceName=namespace, baseCapacity=8)
    available = lambda: serverless.get_workgroup(workgroupName=workgroup)["workgroup"]["status"]  # noqa: E731
    wait_for(available, "AVAILABLE")
    snapshot = redshift.describe_cluster_snapshots(SnapshotIdentifier=final)["Snapshots"][0]["SnapshotArn"]
    serverless.restore_from_snapshot(namespaceName=namespace, workgroupName=workgroup, snapshotArn=snapshot)
    wait_for(lambda: serverless.get_namespace(namespaceName=namespace)["namespace"]["status"], "AVAILABLE")
    wait_for(available, "AVAILABLE")
    there = connect(serverless.get_workgroup(workgroupName=workgroup)["workgroup"]["endpoint"])
    rows(there, "set search_path to tpch, public")
    assert contents(there) == loaded
    there.close()

    # Paused: nobody gets in. Resumed: all is there.
    endpoint = endpoint_of(redshift, second)
    redshift.pause_cluster(ClusterIdentifier=second)
    wait_for(lambda: redshift.describe_clusters(ClusterIdentifier=second)["Clusters"][0]["ClusterStatus"], "paused")
    with pytest.raises(psycopg2.OperationalError):
        connect(endpoint)
    redshift.resume_cluster(ClusterIdentifier=second)
    redshift.get_waiter("cluster_available").wait(ClusterIdentifier=second, WaiterConfig=FAST)
    admin = connect(endpoint_of(redshift, second))

    # Elastic resize: the session stays, a temporary table with it.
    rows(admin, "create temp table held as select 1 as a")
    redshift.resize_cluster(ClusterIdentifier=second, NumberOfNodes=4, Classic=False)
    wait_for(lambda: redshift.describe_resize(ClusterIdentifier=second)["Status"], "SUCCEEDED")
    redshift.get_waiter("cluster_available").wait(ClusterIdentifier=second, WaiterConfig=FAST)
    assert redshift.describe_clusters(ClusterIdentifier=second)["Clusters"][0]["NumberOfNodes"] == 4
    assert rows(admin, "select a from held") == [(1,)]
    rows(admin, "set search_path to tpch, public")
    assert contents(admin) == loaded
    admin.close()

    serverless.delete_workgroup(workgroupName=workgroup)
    redshift.delete_cluster(ClusterIdentifier=second, SkipFinalClusterSnapshot=True)
    redshift.get_waiter("cluster_deleted").wait(ClusterIdentifier=second, WaiterConfig=FAST)
    for identifier in (first, final):
        redshift.delete_cluster_snapshot(SnapshotIdentifier=identifier)


def wait_for(ask, wanted, seconds=120):
    until = time.monotonic() + seconds
    while True:
        state = ask()
        if state == wanted:
            return
        assert time.monotonic() < until, f"still {state}, not {wanted}"
        assert "fail" not in str(state).lower(), state
        time.sleep(0.25)
