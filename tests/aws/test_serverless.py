"""Redshift Serverless through boto3: every operation, with a success and an error of each, and what it does to SQL."""

import datetime
import json
import os
import time

import botocore.exceptions
import psycopg2
import pytest

from test_day import connect, rows, wait_for

PASSWORD = "Longwave1sls"
# The control plane alone (`cargo run -p lw-control --example control`) has no SQL.
needs_sql = pytest.mark.skipif("LONGWAVE_BIN" not in os.environ, reason="no SQL behind this service")


@pytest.fixture(scope="module")
def serverless(client):
    return client("redshift-serverless")


@pytest.fixture
def pair(serverless, unique):
    """A namespace with a workgroup; both are gone afterwards."""
    namespace, workgroup = unique("ns"), unique("wg")
    serverless.create_namespace(namespaceName=namespace, adminUsername="adm", adminUserPassword=PASSWORD)
    serverless.create_workgroup(workgroupName=workgroup, namespaceName=namespace, baseCapacity=8)
    settle(serverless, workgroup)
    yield namespace, workgroup
    drop(serverless, namespace, workgroup)


def settle(serverless, workgroup):
    wait_for(lambda: serverless.get_workgroup(workgroupName=workgroup)["workgroup"]["status"], "AVAILABLE")
    return serverless.get_workgroup(workgroupName=workgroup)["workgroup"]


def settle_namespace(serverless, namespace):
    wait_for(lambda: serverless.get_namespace(namespaceName=namespace)["namespace"]["status"], "AVAILABLE")
    return serverless.get_namespace(namespaceName=namespace)["namespace"]


def gone(serverless, ask, seconds=60):
    until = time.monotonic() + seconds
    while True:
        try:
            ask()
        except serverless.exceptions.ResourceNotFoundException:
            return
        assert time.monotonic() < until, "it is still there"
        time.sleep(0.1)


def drop(serverless, namespace, workgroup=None):
    if workgroup:
        try:
            serverless.delete_workgroup(workgroupName=workgroup)
        except serverless.exceptions.ResourceNotFoundException:
            pass
        gone(serverless, lambda: serverless.get_workgroup(workgroupName=workgroup))
    try:
        serverless.delete_namespace(namespaceName=namespace)
    except serverless.exceptions.ResourceNotFoundException:
        return
    gone(serverless, lambda: serverless.get_namespace(namespaceName=namespace))


def take(serverless, namespace, name, **more):
    serverless.create_snapshot(namespaceName=namespace, snapshotName=name, **more)
    wait_for(lambda: serverless.get_snapshot(snapshotName=name)["snapshot"]["status"], "AVAILABLE")
    return serverless.get_snapshot(snapshotName=name)["snapshot"]


def test_the_default_workgroup_is_there(serverless):
    workgroup = serverless.get_workgroup(workgroupName="default")["workgroup"]
    assert workgroup["status"] == "AVAILABLE" and workgroup["namespaceName"] == "default"
    namespace = serverless.get_namespace(namespaceName="default")["namespace"]
    assert namespace["dbName"] == "dev" and namespace["kmsKeyId"] == "AWS_OWNED_KMS_KEY"


def test_namespaces(serverless, unique):
    name = unique("ns")
    made = serverless.create_namespace(
        namespaceName=name, dbName="shop", adminUsername="adm", adminUserPassword=PASSWORD,
        iamRoles=["arn:aws:iam::000000000000:role/load"], defaultIamRoleArn="arn:aws:iam::000000000000:role/load",
        logExports=["userlog"], tags=[{"key": "team", "value": "a"}],
    )["namespace"]  # fmt: skip
    assert made["status"] == "AVAILABLE" and made["dbName"] == "shop"
    assert made["namespaceArn"].endswith(f"namespace/{made['namespaceId']}")
    with pytest.raises(serverless.exceptions.ConflictException):
        serverless.create_namespace(namespaceName=name)
    for wrong in (
        {"adminUserPassword": "short"}, {"adminUsername": "adm"}, {"dbName": "Up"}, {"iamRoles": ["no"]},
        {"namespaceName": "UPPER"}, {"tags": [{"key": "aws:x", "value": ""}]},
    ):  # fmt: skip
        with pytest.raises(serverless.exceptions.ValidationException):
            serverless.create_namespace(**{"namespaceName": unique("ns"), **wrong})
    changed = serverless.update_namespace(
        namespaceName=name, adminUsername="boss", adminUserPassword=PASSWORD, iamRoles=[], defaultIamRoleArn=""
    )["namespace"]
    assert changed["adminUsername"] == "boss" and changed["iamRoles"] == []
    with pytest.raises(serverless.exceptions.ResourceNotFoundException):
        serverless.update_namespace(namespaceName=unique("ns"), logExports=[])
    names = [n["namespaceName"] for p in pages(serverless, "list_namespaces", 1) for n in p["namespaces"]]
    assert name in names and "default" in names and len(names) == len(set(names))
    with pytest.raises(serverless.exceptions.ValidationException):
        serverless.list_namespaces(nextToken="nonsense!")
    assert serverless.delete_namespace(namespaceName=name)["namespace"]["status"] == "DELETING"
    gone(serverless, lambda: serverless.get_namespace(namespaceName=name))
    with pytest.raises(serverless.exceptions.ResourceNotFoundException):
        serverless.delete_namespace(namespaceName=name)


def pages(serverless, operation, size):
    return serverless.get_paginator(operation).paginate(PaginationConfig={"PageSize": size})


def test_workgroups(serverless, pair, unique):
    namespace, workgroup = pair
    for wrong in (
        {"baseCapacity": 7}, {"baseCapacity": 12}, {"baseCapacity": 520}, {"maxCapacity": 5633}, {"port": 5430},
        {"port": 5456}, {"port": 8190}, {"port": 8216}, {"configParameters": [{"parameterKey": "x", "parameterValue": "1"}]},
    ):  # fmt: skip
        with pytest.raises(serverless.exceptions.ValidationException):
            serverless.create_workgroup(workgroupName=unique("wg"), namespaceName=namespace, **wrong)
        with pytest.raises(serverless.exceptions.ValidationException):
            serverless.update_workgroup(workgroupName=workgroup, **wrong)
    with pytest.raises(serverless.exceptions.ConflictException):
        serverless.create_workgroup(workgroupName=unique("wg"), namespaceName=namespace)
    with pytest.raises(serverless.exceptions.ConflictException):
        serverless.delete_namespace(namespaceName=namespace)
    with pytest.raises(serverless.exceptions.ResourceNotFoundException):
        serverless.create_workgroup(workgroupName=unique("wg"), namespaceName=unique("ns"))
    seen = serverless.get_workgroup(workgroupName=workgroup)["workgroup"]
    assert 5431 <= seen["port"] <= 8215 and "maxCapacity" not in seen
    parameters = {p["parameterKey"]: p["parameterValue"] for p in seen["configParameters"]}
    assert parameters["max_query_execution_time"] == "14400" and parameters["datestyle"] == "ISO, MDY"
    assert serverless.update_workgroup(workgroupName=workgroup, baseCapacity=16)["workgroup"]["status"] == "MODIFYING"
    settle(serverless, workgroup)
    serverless.update_workgroup(workgroupName=workgroup, maxCapacity=512)
    assert settle(serverless, workgroup)["maxCapacity"] == 512
    serverless.update_workgroup(workgroupName=workgroup, maxCapacity=-1)
    assert "maxCapacity" not in settle(serverless, workgroup)
    names = [w["workgroupName"] for p in pages(serverless, "list_workgroups", 1) for w in p["workgroups"]]
    assert {workgroup, "default"} <= set(names)
    assert serverless.list_workgroups(ownerAccount="999999999999")["workgroups"] == []
    # The data stays when a workgroup goes, and another takes its place.
    assert serverless.delete_workgroup(workgroupName=workgroup)["workgroup"]["status"] == "DELETING"
    gone(serverless, lambda: serverless.get_workgroup(workgroupName=workgroup))
    with pytest.raises(serverless.exceptions.ResourceNotFoundException):
        serverless.delete_workgroup(workgroupName=workgroup)
    serverless.create_workgroup(workgroupName=workgroup, namespaceName=namespace, baseCapacity=8)
    settle(serverless, workgroup)


def test_tags(serverless, pair):
    arn = serverless.get_namespace(namespaceName=pair[0])["namespace"]["namespaceArn"]
    serverless.tag_resource(resourceArn=arn, tags=[{"key": f"k{n}", "value": str(n)} for n in range(50)])
    with pytest.raises(serverless.exceptions.TooManyTagsException):
        serverless.tag_resource(resourceArn=arn, tags=[{"key": "k50", "value": ""}])
    serverless.untag_resource(resourceArn=arn, tagKeys=[f"k{n}" for n in range(1, 50)])
    assert serverless.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "k0", "value": "0"}]
    none = arn[:-12] + "000000000000"
    for call in (
        lambda: serverless.tag_resource(resourceArn=none, tags=[]),
        lambda: serverless.untag_resource(resourceArn=none, tagKeys=[]),
        lambda: serverless.list_tags_for_resource(resourceArn=none),
    ):
        with pytest.raises(serverless.exceptions.ResourceNotFoundException):
            call()


def test_snapshots(serverless, pair, unique):
    namespace, workgroup = pair
    name = unique("snap")
    for days in (0, 3654):
        with pytest.raises(serverless.exceptions.ValidationException):
            serverless.create_snapshot(namespaceName=namespace, snapshotName=name, retentionPeriod=days)
    taken = take(serverless, namespace, name, retentionPeriod=3653, tags=[{"key": "a", "value": "b"}])
    assert taken["snapshotRetentionPeriod"] == 3653 and taken["adminUsername"] == "adm"
    arn = taken["snapshotArn"]
    assert serverless.get_snapshot(snapshotArn=arn)["snapshot"]["snapshotName"] == name
    with pytest.raises(serverless.exceptions.ConflictException):
        serverless.create_snapshot(namespaceName=namespace, snapshotName=name)
    with pytest.raises(serverless.exceptions.ValidationException):
        serverless.get_snapshot()
    assert serverless.update_snapshot(snapshotName=name, retentionPeriod=-1)["snapshot"]["snapshotRetentionPeriod"] == -1
    listed = serverless.list_snapshots(namespaceName=namespace)["snapshots"]
    assert [s["snapshotName"] for s in listed] == [name]
    with pytest.raises(serverless.exceptions.ValidationException):
        serverless.list_snapshots(nextToken="nonsense!")

    policy = {
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": ["111122223333"]},
            "Action": ["redshift-serverless:RestoreFromSnapshot"],
        }],
    }  # fmt: skip
    with pytest.raises(serverless.exceptions.ResourceNotFoundException):
        serverless.get_resource_policy(resourceArn=arn)
    with pytest.raises(serverless.exceptions.ValidationException):
        serverless.put_resource_policy(resourceArn=arn, policy="{}")
    serverless.put_resource_policy(resourceArn=arn, policy=json.dumps(policy))
    assert json.loads(serverless.get_resource_policy(resourceArn=arn)["resourcePolicy"]["policy"]) == policy
    assert serverless.get_snapshot(snapshotName=name)["snapshot"]["accountsWithRestoreAccess"] == ["111122223333"]
    with pytest.raises(serverless.exceptions.ConflictException):
        serverless.delete_snapshot(snapshotName=name)
    serverless.delete_resource_policy(resourceArn=arn)
    with pytest.raises(serverless.exceptions.ResourceNotFoundException):
        serverless.delete_resource_policy(resourceArn=arn)

    with pytest.raises(serverless.exceptions.ValidationException):
        serverless.restore_from_snapshot(
            namespaceName=namespace, workgroupName=workgroup, snapshotName=name, snapshotArn=arn
        )
    restored = serverless.restore_from_snapshot(namespaceName=namespace, workgroupName=workgroup, snapshotName=name)
    assert restored["snapshotName"] == name
    settle_namespace(serverless, namespace)
    assert serverless.delete_snapshot(snapshotName=name)["snapshot"]["status"] == "DELETED"
    for call in (
        lambda: serverless.get_snapshot(snapshotName=name),
        lambda: serverless.update_snapshot(snapshotName=name, retentionPeriod=1),
        lambda: serverless.delete_snapshot(snapshotName=name),
        lambda: serverless.restore_from_snapshot(namespaceName=namespace, workgroupName=workgroup, snapshotName=name),
    ):
        with pytest.raises(serverless.exceptions.ResourceNotFoundException):
            call()


def test_recovery_points(serverless, pair):
    namespace, workgroup = pair
    assert serverless.list_recovery_points(namespaceName=namespace)["recoveryPoints"] == []
    for call in (
        lambda: serverless.get_recovery_point(recoveryPointId="x"),
        lambda: serverless.convert_recovery_point_to_snapshot(recoveryPointId="x", snapshotName="y"),
        lambda: serverless.restore_from_recovery_point(
            namespaceName=namespace, workgroupName=workgroup, recoveryPointId="x"
        ),
        lambda: serverless.restore_table_from_recovery_point(
            namespaceName=namespace, workgroupName=workgroup, recoveryPointId="x", sourceDatabaseName="dev",
            sourceTableName="a", newTableName="b",
        ),
    ):  # fmt: skip
        with pytest.raises(serverless.exceptions.ResourceNotFoundException):
            call()


def test_snapshot_copies(serverless, pair, unique):
    namespace, _ = pair
    with pytest.raises(serverless.exceptions.ValidationException):
        serverless.create_snapshot_copy_configuration(namespaceName=namespace, destinationRegion="us-east-1")
    made = serverless.create_snapshot_copy_configuration(
        namespaceName=namespace, destinationRegion="eu-west-1", snapshotRetentionPeriod=7
    )["snapshotCopyConfiguration"]
    identifier = made["snapshotCopyConfigurationId"]
    with pytest.raises(serverless.exceptions.ConflictException):
        serverless.create_snapshot_copy_configuration(namespaceName=namespace, destinationRegion="eu-west-2")
    changed = serverless.update_snapshot_copy_configuration(snapshotCopyConfigurationId=identifier, snapshotRetentionPeriod=9)
    assert changed["snapshotCopyConfiguration"]["snapshotRetentionPeriod"] == 9
    listed = serverless.list_snapshot_copy_configurations(namespaceName=namespace)["snapshotCopyConfigurations"]
    assert [c["snapshotCopyConfigurationId"] for c in listed] == [identifier]
    name = unique("snap")
    take(serverless, namespace, name)
    serverless.delete_snapshot(snapshotName=name)
    serverless.delete_snapshot_copy_configuration(snapshotCopyConfigurationId=identifier)
    for call in (
        lambda: serverless.update_snapshot_copy_configuration(snapshotCopyConfigurationId=identifier),
        lambda: serverless.delete_snapshot_copy_configuration(snapshotCopyConfigurationId=identifier),
        lambda: serverless.list_snapshot_copy_configurations(namespaceName=unique("ns")),
    ):
        with pytest.raises(serverless.exceptions.ResourceNotFoundException):
            call()


def test_usage_limits(serverless, pair, unique):
    arn = serverless.get_workgroup(workgroupName=pair[1])["workgroup"]["workgroupArn"]
    limit = lambda amount, **more: serverless.create_usage_limit(  # noqa: E731
        resourceArn=arn, usageType="serverless-compute", amount=amount, **more
    )["usageLimit"]
    made = limit(100, period="weekly", breachAction="deactivate")
    for amount in (1, 2, 3):
        assert limit(amount)["breachAction"] == "log"
    with pytest.raises(serverless.exceptions.ServiceQuotaExceededException):
        limit(4)
    with pytest.raises(serverless.exceptions.ValidationException):
        limit(0)
    identifier = made["usageLimitId"]
    assert serverless.update_usage_limit(usageLimitId=identifier, amount=7)["usageLimit"]["amount"] == 7
    assert serverless.get_usage_limit(usageLimitId=identifier)["usageLimit"]["period"] == "weekly"
    assert len(serverless.list_usage_limits(resourceArn=arn)["usageLimits"]) == 4
    with pytest.raises(serverless.exceptions.InvalidPaginationException):
        serverless.list_usage_limits(nextToken="nonsense!")
    serverless.delete_usage_limit(usageLimitId=identifier)
    for call in (serverless.get_usage_limit, serverless.delete_usage_limit, serverless.update_usage_limit):
        with pytest.raises(serverless.exceptions.ResourceNotFoundException):
            call(usageLimitId=identifier)


def test_scheduled_actions(serverless, client, pair, unique):
    namespace, name = pair[0], unique("act")
    iam, role = client("iam"), unique("snap")
    trust = {
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "scheduler.redshift.amazonaws.com"}, "Action": "sts:AssumeRole",
        }],
    }  # fmt: skip
    allow = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "redshift-serverless:CreateSnapshot", "Resource": "*"}],
    }
    arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=role, PolicyName="snap", PolicyDocument=json.dumps(allow))
    action = {
        "namespaceName": namespace,
        "roleArn": arn,
        "targetAction": {"createSnapshot": {"namespaceName": namespace, "snapshotNamePrefix": "auto"}},
    }
    made = serverless.create_scheduled_action(scheduledActionName=name, schedule={"cron": "cron(30 12/4 *)"}, **action)
    assert len(made["scheduledAction"]["nextInvocations"]) == 5
    for wrong in ("cron(0 0/1 *)", "cron(* * *)", "cron(0 1 ? * 3#1,6#3 *)", "cron(0 1 1 * MON *)", "nonsense"):
        # The first comes within an hour of the schedule that is there.
        with pytest.raises(serverless.exceptions.ValidationException):
            serverless.create_scheduled_action(scheduledActionName=unique("act"), schedule={"cron": wrong}, **action)
    with pytest.raises(serverless.exceptions.ConflictException):
        serverless.create_scheduled_action(scheduledActionName=name, schedule={"cron": "cron(0 1 *)"}, **action)
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
    once = unique("once")
    serverless.create_scheduled_action(scheduledActionName=once, schedule={"at": soon}, **action)
    changed = serverless.update_scheduled_action(scheduledActionName=name, enabled=False)["scheduledAction"]
    assert changed["state"] == "DISABLED" and changed["nextInvocations"] == []
    assert serverless.get_scheduled_action(scheduledActionName=name)["scheduledAction"]["namespaceName"] == namespace
    listed = [a["scheduledActionName"] for a in serverless.list_scheduled_actions(namespaceName=namespace)["scheduledActions"]]
    assert sorted(listed) == sorted([name, once])
    wait_for(lambda: len(serverless.list_snapshots(namespaceName=namespace)["snapshots"]), 1, 60)
    for one in (name, once):
        serverless.delete_scheduled_action(scheduledActionName=one)
    for call in (serverless.get_scheduled_action, serverless.delete_scheduled_action, serverless.update_scheduled_action):
        with pytest.raises(serverless.exceptions.ResourceNotFoundException):
            call(scheduledActionName=name)
    snapshot = serverless.list_snapshots(namespaceName=namespace)["snapshots"][0]["snapshotName"]
    wait_for(lambda: serverless.get_snapshot(snapshotName=snapshot)["snapshot"]["status"], "AVAILABLE")
    serverless.delete_snapshot(snapshotName=snapshot)
    iam.delete_role_policy(RoleName=role, PolicyName="snap")
    iam.delete_role(RoleName=role)


def test_endpoints(serverless, pair, unique):
    workgroup, name = pair[1], "e" + unique("p")
    made = serverless.create_endpoint_access(endpointName=name, workgroupName=workgroup, subnetIds=["subnet-1"])["endpoint"]
    own = serverless.get_workgroup(workgroupName=workgroup)["workgroup"]["endpoint"]
    assert (made["address"], made["port"]) == (own["address"], own["port"]) and made["endpointStatus"] == "ACTIVE"
    with pytest.raises(serverless.exceptions.ConflictException):
        serverless.create_endpoint_access(endpointName=name, workgroupName=workgroup, subnetIds=["subnet-1"])
    changed = serverless.update_endpoint_access(endpointName=name, vpcSecurityGroupIds=["sg-1"])["endpoint"]
    assert changed["vpcSecurityGroups"][0]["vpcSecurityGroupId"] == "sg-1"
    assert serverless.get_endpoint_access(endpointName=name)["endpoint"]["workgroupName"] == workgroup
    assert len(serverless.list_endpoint_access(workgroupName=workgroup)["endpoints"]) == 1
    assert serverless.delete_endpoint_access(endpointName=name)["endpoint"]["endpointStatus"] == "DELETING"
    for call in (serverless.get_endpoint_access, serverless.delete_endpoint_access, serverless.update_endpoint_access):
        with pytest.raises(serverless.exceptions.ResourceNotFoundException):
            call(endpointName=name)
    with pytest.raises(serverless.exceptions.ResourceNotFoundException):
        serverless.list_endpoint_access(workgroupName=unique("wg"))


def test_custom_domains(serverless, pair, unique):
    workgroup = pair[1]
    certificate = "arn:aws:acm:us-east-1:000000000000:certificate/"
    domain = {"customDomainName": unique("sql") + ".example.com", "workgroupName": workgroup}
    serverless.create_custom_domain_association(customDomainCertificateArn=certificate + "1", **domain)
    with pytest.raises(serverless.exceptions.ConflictException):
        serverless.create_custom_domain_association(customDomainCertificateArn=certificate + "1", **domain)
    with pytest.raises(serverless.exceptions.ValidationException):
        serverless.update_custom_domain_association(customDomainCertificateArn=certificate + "1", **domain)
    serverless.update_custom_domain_association(customDomainCertificateArn=certificate + "2", **domain)
    assert serverless.get_custom_domain_association(**domain)["customDomainCertificateArn"] == certificate + "2"
    listed = serverless.list_custom_domain_associations(customDomainName=domain["customDomainName"])["associations"]
    assert [a["workgroupName"] for a in listed] == [workgroup]
    with pytest.raises(serverless.exceptions.InvalidPaginationException):
        serverless.list_custom_domain_associations(nextToken="nonsense!")
    serverless.delete_custom_domain_association(**domain)
    for call in (serverless.get_custom_domain_association, serverless.delete_custom_domain_association):
        with pytest.raises(serverless.exceptions.ResourceNotFoundException):
            call(**domain)


def test_tracks_and_reservations(serverless, unique):
    names = [t["trackName"] for t in serverless.list_tracks()["tracks"]]
    assert names == ["current", "trailing"]
    assert serverless.get_track(trackName="current")["track"]["updateTargets"][0]["trackName"] == "trailing"
    with pytest.raises(serverless.exceptions.ResourceNotFoundException):
        serverless.get_track(trackName="other")
    with pytest.raises(serverless.exceptions.InvalidPaginationException):
        serverless.list_tracks(nextToken="nonsense!")
    offered = serverless.list_reservation_offerings()["reservationOfferingsList"]
    identifier = offered[0]["offeringId"]
    assert serverless.get_reservation_offering(offeringId=identifier)["reservationOffering"] == offered[0]
    made = serverless.create_reservation(offeringId=identifier, capacity=8)["reservation"]
    assert serverless.get_reservation(reservationId=made["reservationId"])["reservation"]["capacity"] == 8
    assert made["reservationId"] in [r["reservationId"] for r in serverless.list_reservations()["reservationsList"]]
    for call in (
        lambda: serverless.get_reservation_offering(offeringId="x"),
        lambda: serverless.create_reservation(offeringId="x", capacity=8),
        lambda: serverless.get_reservation(reservationId="x"),
    ):
        with pytest.raises(serverless.exceptions.ResourceNotFoundException):
            call()


def test_what_is_refused_says_so(serverless, pair):
    assert serverless.list_managed_workgroups()["managedWorkgroups"] == []
    for call in (
        lambda: serverless.get_identity_center_auth_token(workgroupNames=[pair[1]]),
        lambda: serverless.update_lakehouse_configuration(namespaceName=pair[0]),
    ):
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            call()
        assert "not supported" in str(caught.value)


def test_table_restore_states(serverless, pair, unique):
    namespace, workgroup = pair
    name = unique("snap")
    take(serverless, namespace, name)
    with pytest.raises(serverless.exceptions.ResourceNotFoundException):
        serverless.restore_table_from_snapshot(
            namespaceName=namespace, workgroupName=workgroup, snapshotName=unique("snap"), sourceDatabaseName="dev",
            sourceTableName="a", newTableName="b",
        )  # fmt: skip
    asked = serverless.restore_table_from_snapshot(
        namespaceName=namespace, workgroupName=workgroup, snapshotName=name, sourceDatabaseName="dev",
        sourceTableName="no_such_table", newTableName="b",
    )["tableRestoreStatus"]  # fmt: skip
    identifier = asked["tableRestoreRequestId"]
    state = lambda: serverless.get_table_restore_status(tableRestoreRequestId=identifier)["tableRestoreStatus"]  # noqa: E731
    until = time.monotonic() + 30
    while state()["status"] in ("PENDING", "IN_PROGRESS") and time.monotonic() < until:
        time.sleep(0.1)
    if "LONGWAVE_BIN" in os.environ:
        assert state()["status"] == "FAILED" and "no_such_table" in state()["message"]
    listed = serverless.list_table_restore_status(namespaceName=namespace)["tableRestoreStatuses"]
    assert [t["tableRestoreRequestId"] for t in listed] == [identifier]
    with pytest.raises(serverless.exceptions.ResourceNotFoundException):
        serverless.get_table_restore_status(tableRestoreRequestId="x")
    with pytest.raises(serverless.exceptions.InvalidPaginationException):
        serverless.list_table_restore_status(nextToken="nonsense!")
    serverless.delete_snapshot(snapshotName=name)


@needs_sql
def test_data_outlives_its_workgroup_and_comes_back(serverless, pair, unique):
    namespace, workgroup = pair
    sql = connect(settle(serverless, workgroup)["endpoint"], password=PASSWORD)
    rows(sql, "create table kept as select 1 as a")
    name = unique("snap")
    take(serverless, namespace, name)
    rows(sql, "insert into kept values (2)")
    sql.close()
    serverless.delete_workgroup(workgroupName=workgroup)
    gone(serverless, lambda: serverless.get_workgroup(workgroupName=workgroup))
    serverless.create_workgroup(workgroupName=workgroup, namespaceName=namespace, baseCapacity=16)
    sql = connect(settle(serverless, workgroup)["endpoint"], password=PASSWORD)
    assert rows(sql, "select a from kept order by a") == [(1,), (2,)]
    # One table, then all of it.
    asked = serverless.restore_table_from_snapshot(
        namespaceName=namespace, workgroupName=workgroup, snapshotName=name, sourceDatabaseName="dev",
        sourceTableName="kept", newTableName="kept_before",
    )["tableRestoreStatus"]  # fmt: skip
    identifier = asked["tableRestoreRequestId"]
    wait_for(
        lambda: serverless.get_table_restore_status(tableRestoreRequestId=identifier)["tableRestoreStatus"]["status"],
        "SUCCEEDED",
    )
    assert rows(sql, "select a from kept_before") == [(1,)]
    sql.close()
    serverless.restore_from_snapshot(namespaceName=namespace, workgroupName=workgroup, snapshotName=name)
    settle_namespace(serverless, namespace)
    sql = connect(settle(serverless, workgroup)["endpoint"], password=PASSWORD)
    assert rows(sql, "select a from kept") == [(1,)]
    sql.close()
    serverless.delete_snapshot(snapshotName=name)


@needs_sql
def test_parameters_and_passwords_take_effect(serverless, pair):
    namespace, workgroup = pair
    serverless.update_workgroup(
        workgroupName=workgroup, configParameters=[{"parameterKey": "require_ssl", "parameterValue": "true"}]
    )
    endpoint = settle(serverless, workgroup)["endpoint"]
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(
            host=endpoint["address"], port=endpoint["port"], dbname="dev", user="adm", password=PASSWORD, sslmode="disable"
        )
    serverless.update_namespace(namespaceName=namespace, adminUsername="adm", adminUserPassword=PASSWORD + "2")
    with pytest.raises(psycopg2.OperationalError):
        connect(endpoint, password=PASSWORD)
    connect(endpoint, password=PASSWORD + "2").close()


@needs_sql
def test_a_usage_limit_turns_queries_off_and_on(serverless, pair):
    _, workgroup = pair
    serverless.update_workgroup(workgroupName=workgroup, baseCapacity=512)
    seen = settle(serverless, workgroup)
    sql = connect(seen["endpoint"], password=PASSWORD)
    limit = serverless.create_usage_limit(
        resourceArn=seen["workgroupArn"], usageType="serverless-compute", amount=1, period="daily", breachAction="deactivate"
    )["usageLimit"]["usageLimitId"]
    # A minute is charged at least: at 512 RPU that is more than an RPU-hour.
    until = time.monotonic() + 90
    with pytest.raises(psycopg2.Error) as refused:
        while time.monotonic() < until:
            rows(sql, "select count(*) from pg_class a, pg_class b")
            time.sleep(1)
    assert "usage limit" in str(refused.value)
    serverless.update_usage_limit(usageLimitId=limit, amount=1000)
    sql.close()
    sql = connect(seen["endpoint"], password=PASSWORD)
    assert rows(sql, "select 1") == [(1,)]
    sql.close()
    serverless.delete_usage_limit(usageLimitId=limit)


@needs_sql
def test_a_security_group_keeps_others_out(serverless, client, pair, unique):
    redshift, group = client("redshift"), unique("sg")
    redshift.create_cluster_security_group(ClusterSecurityGroupName=group, Description="nobody")
    serverless.update_workgroup(workgroupName=pair[1], securityGroupIds=[group])
    endpoint = settle(serverless, pair[1])["endpoint"]
    with pytest.raises(psycopg2.OperationalError):
        connect(endpoint, password=PASSWORD)
    serverless.update_workgroup(workgroupName=pair[1], securityGroupIds=[])
    settle(serverless, pair[1])
    connect(endpoint, password=PASSWORD).close()
    redshift.delete_cluster_security_group(ClusterSecurityGroupName=group)


@needs_sql
def test_credentials_of_the_caller_log_in(serverless, pair):
    workgroup = pair[1]
    endpoint = serverless.get_workgroup(workgroupName=workgroup)["workgroup"]["endpoint"]
    given = serverless.get_credentials(workgroupName=workgroup, dbName="dev", durationSeconds=900)
    left = given["expiration"] - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(seconds=880) < left <= datetime.timedelta(seconds=900)
    sql = connect(endpoint, given["dbUser"], given["dbPassword"])
    assert rows(sql, "select current_user") == [(given["dbUser"],)]
    sql.close()
    for user, password in ((given["dbUser"], given["dbPassword"] + "x"), ("IAM:somebody", given["dbPassword"])):
        with pytest.raises(psycopg2.OperationalError):
            connect(endpoint, user, password)
    with pytest.raises(serverless.exceptions.ValidationException):
        serverless.get_credentials(workgroupName=workgroup, durationSeconds=899)
    with pytest.raises(serverless.exceptions.ResourceNotFoundException):
        serverless.get_credentials(workgroupName=workgroup + "-x")


@needs_sql
def test_managed_passwords_log_in(serverless, client, pair):
    namespace, workgroup = pair
    managed = serverless.update_namespace(namespaceName=namespace, manageAdminPassword=True)["namespace"]
    secrets = client("secretsmanager")
    secret = json.loads(secrets.get_secret_value(SecretId=managed["adminPasswordSecretArn"])["SecretString"])
    endpoint = serverless.get_workgroup(workgroupName=workgroup)["workgroup"]["endpoint"]
    assert secret["port"] == endpoint["port"] and secret["dbname"] == "dev"
    connect(endpoint, secret["username"], secret["password"]).close()
    secrets.rotate_secret(SecretId=managed["adminPasswordSecretArn"])
    with pytest.raises(psycopg2.OperationalError):
        connect(endpoint, secret["username"], secret["password"])
    secret = json.loads(secrets.get_secret_value(SecretId=managed["adminPasswordSecretArn"])["SecretString"])
    connect(endpoint, secret["username"], secret["password"]).close()
