"""What the management API promises of a cluster holds where clients connect: networks, parameters, passwords, names."""

import json
import time

import psycopg2
import pytest

FAST = {"Delay": 1, "MaxAttempts": 60}
PASSWORD = "TopSecret1"


@pytest.fixture(scope="module")
def redshift(client):
    return client("redshift")


def connect(redshift, cluster, password=PASSWORD, user="adm"):
    endpoint = redshift.describe_clusters(ClusterIdentifier=cluster)["Clusters"][0]["Endpoint"]
    made = psycopg2.connect(
        host=endpoint["Address"], port=endpoint["Port"], dbname="dev", user=user, password=password, connect_timeout=10,
        sslmode="require",
    )  # fmt: skip
    made.autocommit = True
    return made


def rows(connection, text):
    with connection.cursor() as cursor:
        cursor.execute(text)
        return cursor.fetchall() if cursor.description else None


def until(redshift, cluster, wanted="available", seconds=60):
    """Waits for a status with nothing pending."""
    end = time.monotonic() + seconds
    while True:
        shown = redshift.describe_clusters(ClusterIdentifier=cluster)["Clusters"][0]
        if shown["ClusterStatus"] == wanted and not shown.get("PendingModifiedValues"):
            return shown
        assert time.monotonic() < end, shown["ClusterStatus"]
        time.sleep(0.1)


@pytest.fixture
def cluster(redshift, unique):
    name = unique("sql")
    redshift.create_cluster(
        ClusterIdentifier=name, NodeType="ra3.xlplus", NumberOfNodes=2, MasterUsername="adm", MasterUserPassword=PASSWORD
    )
    redshift.get_waiter("cluster_available").wait(ClusterIdentifier=name, WaiterConfig=FAST)
    yield name
    until(redshift, name)
    redshift.delete_cluster(ClusterIdentifier=name, SkipFinalClusterSnapshot=True)
    redshift.get_waiter("cluster_deleted").wait(ClusterIdentifier=name, WaiterConfig=FAST)


def test_security_groups_let_in_who_is_listed(redshift, cluster, unique):
    group = unique("sg")
    redshift.create_cluster_security_group(ClusterSecurityGroupName=group, Description="d")
    redshift.authorize_cluster_security_group_ingress(ClusterSecurityGroupName=group, CIDRIP="10.255.0.0/16")
    redshift.modify_cluster(ClusterIdentifier=cluster, ClusterSecurityGroups=[group])
    with pytest.raises(psycopg2.OperationalError):
        connect(redshift, cluster)
    redshift.authorize_cluster_security_group_ingress(ClusterSecurityGroupName=group, CIDRIP="127.0.0.0/8")
    assert rows(connect(redshift, cluster), "select 1") == [(1,)]
    redshift.revoke_cluster_security_group_ingress(ClusterSecurityGroupName=group, CIDRIP="127.0.0.0/8")
    with pytest.raises(psycopg2.OperationalError):
        connect(redshift, cluster)
    redshift.modify_cluster(ClusterIdentifier=cluster, ClusterSecurityGroups=["default"])
    assert rows(connect(redshift, cluster), "select 1") == [(1,)]
    redshift.delete_cluster_security_group(ClusterSecurityGroupName=group)


def test_parameters_hold_after_a_reboot(redshift, cluster, unique):
    group = unique("pg")
    redshift.create_cluster_parameter_group(ParameterGroupName=group, ParameterGroupFamily="redshift-1.0", Description="d")
    redshift.modify_cluster_parameter_group(
        ParameterGroupName=group, Parameters=[{"ParameterName": "statement_timeout", "ParameterValue": "20000"}]
    )
    redshift.modify_cluster(ClusterIdentifier=cluster, ClusterParameterGroupName=group)
    assert rows(connect(redshift, cluster), "show statement_timeout") == [("0",)]
    redshift.reboot_cluster(ClusterIdentifier=cluster)
    until(redshift, cluster)
    assert rows(connect(redshift, cluster), "show statement_timeout") == [("20000",)]
    redshift.modify_cluster(ClusterIdentifier=cluster, ClusterParameterGroupName="default.redshift-1.0")
    redshift.reboot_cluster(ClusterIdentifier=cluster)
    until(redshift, cluster)
    assert rows(connect(redshift, cluster), "show statement_timeout") == [("0",)]
    redshift.delete_cluster_parameter_group(ParameterGroupName=group)


def test_passwords_change(redshift, client, cluster):
    redshift.modify_cluster(ClusterIdentifier=cluster, MasterUserPassword="Other1234")
    until(redshift, cluster)
    assert rows(connect(redshift, cluster, "Other1234"), "select 1") == [(1,)]
    with pytest.raises(psycopg2.OperationalError):
        connect(redshift, cluster, PASSWORD)
    # Managed: only the secret knows it.
    redshift.modify_cluster(ClusterIdentifier=cluster, ManageMasterPassword=True)
    arn = until(redshift, cluster)["MasterPasswordSecretArn"]
    secrets = client("secretsmanager")
    known = json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])
    assert rows(connect(redshift, cluster, known["password"], known["username"]), "select 1") == [(1,)]
    with pytest.raises(psycopg2.OperationalError):
        connect(redshift, cluster, "Other1234")
    secrets.rotate_secret(SecretId=arn)
    rotated = json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])
    assert rotated["password"] != known["password"]
    assert rows(connect(redshift, cluster, rotated["password"]), "select 1") == [(1,)]


def test_data_outlives_renaming_pausing_and_resizing(redshift, cluster, unique):
    connection = connect(redshift, cluster)
    rows(connection, "create table kept (a int)")
    rows(connection, "insert into kept values (1), (2)")
    rows(connection, "create temp table held as select 1 as a")
    redshift.resize_cluster(ClusterIdentifier=cluster, NumberOfNodes=4)
    until(redshift, cluster)
    assert rows(connection, "select a from held") == [(1,)]
    redshift.pause_cluster(ClusterIdentifier=cluster)
    until(redshift, cluster, "paused")
    with pytest.raises(psycopg2.OperationalError):
        connect(redshift, cluster)
    redshift.resume_cluster(ClusterIdentifier=cluster)
    until(redshift, cluster)
    other = unique("named")
    for old, new in ((cluster, other), (other, cluster)):
        redshift.modify_cluster(ClusterIdentifier=old, NewClusterIdentifier=new)
        redshift.get_waiter("cluster_available").wait(ClusterIdentifier=new, WaiterConfig=FAST)
        assert rows(connect(redshift, new), "select count(*) from kept") == [(2,)]


def test_a_table_that_cannot_be_restored_says_why(redshift, cluster, unique):
    snapshot = unique("t")
    redshift.create_cluster_snapshot(SnapshotIdentifier=snapshot, ClusterIdentifier=cluster)
    redshift.get_waiter("snapshot_available").wait(SnapshotIdentifier=snapshot, WaiterConfig=FAST)
    asked = redshift.restore_table_from_cluster_snapshot(
        ClusterIdentifier=cluster, SnapshotIdentifier=snapshot, SourceDatabaseName="dev", SourceTableName="nowhere",
        NewTableName="here",
    )["TableRestoreStatus"]["TableRestoreRequestId"]  # fmt: skip
    end = time.monotonic() + 30
    while True:
        shown = redshift.describe_table_restore_status(TableRestoreRequestId=asked)["TableRestoreStatusDetails"][0]
        if shown["Status"] not in ("PENDING", "IN_PROGRESS"):
            break
        assert time.monotonic() < end
        time.sleep(0.1)
    assert shown["Status"] == "FAILED" and "nowhere" in shown["Message"]
    redshift.delete_cluster_snapshot(SnapshotIdentifier=snapshot)
