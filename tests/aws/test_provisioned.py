"""Service `redshift`: every operation, its answer and one of its errors, held against the model. No SQL is needed."""

import datetime
import json
import time

import pytest
from botocore.exceptions import ClientError

FAST = {"Delay": 1, "MaxAttempts": 60}
NODE = {"NodeType": "ra3.xlplus", "MasterUsername": "adm", "MasterUserPassword": "TopSecret1"}
ASKED = set()


@pytest.fixture(scope="module")
def redshift(client):
    """The client, which keeps count of what was asked."""
    made = client("redshift")
    made.meta.events.register("before-call.redshift", lambda model, **_: ASKED.add(model.name))
    return made


def refused(code, ask, **given):
    with pytest.raises(ClientError) as error:
        ask(**given)
    assert error.value.response["Error"]["Code"] == code, error.value
    return error.value


def status(redshift, name):
    return redshift.describe_clusters(ClusterIdentifier=name)["Clusters"][0]["ClusterStatus"]


def until(redshift, name, wanted, seconds=60):
    end = time.monotonic() + seconds
    while status(redshift, name) != wanted:
        assert time.monotonic() < end, f"{name} is {status(redshift, name)}, not {wanted}"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def cluster(redshift):
    name = f"prov-{time.time_ns() % 10**9}"
    redshift.create_cluster(ClusterIdentifier=name, NumberOfNodes=2, **NODE)
    redshift.get_waiter("cluster_available").wait(ClusterIdentifier=name, WaiterConfig=FAST)
    yield name
    until(redshift, name, "available")
    redshift.delete_cluster(ClusterIdentifier=name, SkipFinalClusterSnapshot=True)
    redshift.get_waiter("cluster_deleted").wait(ClusterIdentifier=name, WaiterConfig=FAST)


@pytest.fixture(scope="module")
def account(redshift, cluster):
    return redshift.describe_clusters(ClusterIdentifier=cluster)["Clusters"][0]["ClusterNamespaceArn"].split(":")[4]


def test_the_state_machine(redshift, unique):
    name, other = unique("life"), unique("new")
    made = redshift.create_cluster(
        ClusterIdentifier=name, NumberOfNodes=2, Tags=[{"Key": "team", "Value": "a"}], **NODE
    )["Cluster"]
    assert made["ClusterStatus"] == "creating" and "Endpoint" not in made and "ClusterCreateTime" not in made
    assert made["PendingModifiedValues"] == {"MasterUserPassword": "****"}
    refused("ClusterAlreadyExists", redshift.create_cluster, ClusterIdentifier=name, NumberOfNodes=2, **NODE)
    redshift.get_waiter("cluster_available").wait(ClusterIdentifier=name, WaiterConfig=FAST)
    shown = redshift.describe_clusters(ClusterIdentifier=name)["Clusters"][0]
    # What Terraform waits for.
    assert shown["ClusterAvailabilityStatus"] == "Available"
    assert shown["AvailabilityZoneRelocationStatus"] == "disabled" and shown["MultiAZ"] == "Disabled"
    assert shown["ClusterParameterGroups"][0]["ParameterGroupName"] == "default.redshift-1.0"
    assert shown["Endpoint"]["Port"] > 0 and shown["Endpoint"]["Address"]
    assert shown["Tags"] == [{"Key": "team", "Value": "a"}]
    assert not redshift.describe_logging_status(ClusterIdentifier=name)["LoggingEnabled"]
    refused("ClusterNotFound", redshift.describe_logging_status, ClusterIdentifier=other)

    changed = redshift.modify_cluster(
        ClusterIdentifier=name, PreferredMaintenanceWindow="Sun:23:15-Mon:03:15", MasterUserPassword="A1b2c3d4"
    )["Cluster"]
    assert changed["PreferredMaintenanceWindow"] == "sun:23:15-mon:03:15"
    until(redshift, name, "available")
    refused("ClusterNotFound", redshift.modify_cluster, ClusterIdentifier=other)
    assert redshift.reboot_cluster(ClusterIdentifier=name)["Cluster"]["ClusterStatus"] == "rebooting"
    until(redshift, name, "available")
    refused("ClusterNotFound", redshift.reboot_cluster, ClusterIdentifier=other)
    refused("InvalidClusterState", redshift.resume_cluster, ClusterIdentifier=name)
    assert redshift.pause_cluster(ClusterIdentifier=name)["Cluster"]["ClusterStatus"] == "pausing"
    until(redshift, name, "paused")
    refused("InvalidClusterState", redshift.pause_cluster, ClusterIdentifier=name)
    redshift.resume_cluster(ClusterIdentifier=name)
    until(redshift, name, "available")

    refused("ResizeNotFound", redshift.describe_resize, ClusterIdentifier=name)
    redshift.resize_cluster(ClusterIdentifier=name, NumberOfNodes=4)
    until(redshift, name, "available")
    assert redshift.describe_resize(ClusterIdentifier=name)["Status"] == "SUCCEEDED"
    refused("ResizeNotFound", redshift.cancel_resize, ClusterIdentifier=name)
    refused("UnsupportedOptionFault", redshift.resize_cluster, ClusterIdentifier=name, NumberOfNodes=5)
    redshift.resize_cluster(ClusterIdentifier=name, NumberOfNodes=5, Classic=True)
    until(redshift, name, "available")

    redshift.modify_cluster(ClusterIdentifier=name, NewClusterIdentifier=other)
    end = time.monotonic() + 30
    while True:
        try:
            until(redshift, other, "available")
            break
        except ClientError:
            assert time.monotonic() < end
            time.sleep(0.1)
    refused("ClusterNotFound", redshift.describe_clusters, ClusterIdentifier=name)
    final = unique("final")
    refused("InvalidParameterCombination", redshift.delete_cluster, ClusterIdentifier=other)
    gone = redshift.delete_cluster(ClusterIdentifier=other, FinalClusterSnapshotIdentifier=final)["Cluster"]
    assert gone["ClusterStatus"] in ("final-snapshot", "deleting")
    redshift.get_waiter("cluster_deleted").wait(ClusterIdentifier=other, WaiterConfig=FAST)
    redshift.get_waiter("snapshot_available").wait(SnapshotIdentifier=final, WaiterConfig=FAST)
    back = redshift.restore_from_cluster_snapshot(ClusterIdentifier=name, SnapshotIdentifier=final)["Cluster"]
    assert back["ClusterStatus"] == "creating"
    redshift.get_waiter("cluster_restored").wait(ClusterIdentifier=name, WaiterConfig=FAST)
    refused("ClusterSnapshotNotFound", redshift.restore_from_cluster_snapshot, ClusterIdentifier=other, SnapshotIdentifier="nope")
    until(redshift, name, "available")
    redshift.delete_cluster(ClusterIdentifier=name, SkipFinalClusterSnapshot=True)
    redshift.get_waiter("cluster_deleted").wait(ClusterIdentifier=name, WaiterConfig=FAST)
    redshift.delete_cluster_snapshot(SnapshotIdentifier=final)

    told = redshift.describe_events(SourceType="cluster", SourceIdentifier=other, Duration=60)["Events"]
    assert {"REDSHIFT-EVENT-2013", "REDSHIFT-EVENT-2001"} <= {e["EventId"] for e in told}
    refused("InvalidParameterCombination", redshift.describe_events, SourceIdentifier=other)
    kinds = redshift.describe_event_categories(SourceType="cluster")["EventCategoriesMapList"]
    assert any(e["EventId"] == "REDSHIFT-EVENT-2000" for e in kinds[0]["Events"])
    refused("InvalidParameterValue", redshift.describe_event_categories, SourceType="planet")


def test_other_changes_of_a_cluster(redshift, cluster, account):
    role = f"arn:aws:iam::{account}:role/loader"
    with_role = redshift.modify_cluster_iam_roles(ClusterIdentifier=cluster, AddIamRoles=[role])["Cluster"]
    assert with_role["IamRoles"] == [{"IamRoleArn": role, "ApplyStatus": "in-sync"}]
    redshift.modify_cluster_iam_roles(ClusterIdentifier=cluster, RemoveIamRoles=[role])
    refused("InvalidParameterValue", redshift.modify_cluster_iam_roles, ClusterIdentifier=cluster, AddIamRoles=["x"])
    deferred = redshift.modify_cluster_maintenance(
        ClusterIdentifier=cluster, DeferMaintenance=True, DeferMaintenanceDuration=30
    )["Cluster"]["DeferredMaintenanceWindows"]
    assert len(deferred) == 1
    refused(
        "InvalidParameterValue", redshift.modify_cluster_maintenance, ClusterIdentifier=cluster, DeferMaintenance=True,
        DeferMaintenanceDuration=46,
    )  # fmt: skip
    redshift.modify_cluster_maintenance(ClusterIdentifier=cluster, DeferMaintenance=False)
    revision = redshift.describe_cluster_db_revisions(ClusterIdentifier=cluster)["ClusterDbRevisions"][0]
    refused(
        "ClusterOnLatestRevision", redshift.modify_cluster_db_revision, ClusterIdentifier=cluster,
        RevisionTarget=revision["CurrentDatabaseRevision"],
    )  # fmt: skip
    refused("ClusterNotFound", redshift.describe_cluster_db_revisions, ClusterIdentifier="nope")
    assert redshift.modify_aqua_configuration(ClusterIdentifier=cluster)["AquaConfiguration"]["AquaStatus"] == "disabled"
    refused("ClusterNotFound", redshift.modify_aqua_configuration, ClusterIdentifier="nope")
    refused("UnsupportedOperation", redshift.failover_primary_compute, ClusterIdentifier=cluster)
    refused("InvalidClusterState", redshift.rotate_encryption_key, ClusterIdentifier=cluster)
    redshift.modify_cluster(ClusterIdentifier=cluster, Encrypted=True)
    until(redshift, cluster, "available")
    redshift.modify_cluster(ClusterIdentifier=cluster, MultiAZ=True)
    until(redshift, cluster, "available")
    assert redshift.failover_primary_compute(ClusterIdentifier=cluster)["Cluster"]["ClusterStatus"] == "modifying"
    until(redshift, cluster, "available")
    redshift.rotate_encryption_key(ClusterIdentifier=cluster)
    until(redshift, cluster, "available")
    refused("UnsupportedOperation", redshift.pause_cluster, ClusterIdentifier=cluster)
    redshift.modify_cluster(ClusterIdentifier=cluster, MultiAZ=False, Port=5450)
    until(redshift, cluster, "available")
    redshift.modify_cluster(ClusterIdentifier=cluster, AvailabilityZoneRelocation=True)
    until(redshift, cluster, "available")
    refused("InvalidParameterValue", redshift.modify_cluster, ClusterIdentifier=cluster, Port=5500)

    # Managed endpoints need relocation.
    where = {"ClusterIdentifier": cluster, "EndpointName": "side", "SubnetGroupName": "default"}
    assert redshift.create_endpoint_access(**where)["EndpointStatus"] == "creating"
    refused("EndpointAlreadyExists", redshift.create_endpoint_access, **where)
    assert redshift.describe_endpoint_access(ClusterIdentifier=cluster)["EndpointAccessList"][0]["EndpointStatus"] == "active"
    redshift.modify_endpoint_access(EndpointName="side", VpcSecurityGroupIds=["sg-1"])
    redshift.delete_endpoint_access(EndpointName="side")
    for ask in (redshift.modify_endpoint_access, redshift.delete_endpoint_access, redshift.describe_endpoint_access):
        refused("EndpointNotFound", ask, EndpointName="side")
    grant = {"ClusterIdentifier": cluster, "Account": "210987654321"}
    assert redshift.authorize_endpoint_access(**grant)["AllowedAllVPCs"]
    refused("EndpointAuthorizationAlreadyExists", redshift.authorize_endpoint_access, **grant)
    assert len(redshift.describe_endpoint_authorization(ClusterIdentifier=cluster)["EndpointAuthorizationList"]) == 1
    refused("ClusterNotFound", redshift.describe_endpoint_authorization, ClusterIdentifier="nope")
    redshift.revoke_endpoint_access(**grant)
    refused("EndpointAuthorizationNotFound", redshift.revoke_endpoint_access, **grant)

    domain = {"ClusterIdentifier": cluster, "CustomDomainName": "dwh.example.com"}
    certificate = f"arn:aws:acm:us-east-1:{account}:certificate/1"
    redshift.create_custom_domain_association(CustomDomainCertificateArn=certificate, **domain)
    refused("CustomCnameAssociationFault", redshift.create_custom_domain_association, CustomDomainCertificateArn=certificate, **domain)
    redshift.modify_custom_domain_association(CustomDomainCertificateArn=certificate + "2", **domain)
    refused("CustomCnameAssociationFault", redshift.modify_custom_domain_association, CustomDomainCertificateArn=certificate + "2", **domain)
    assert redshift.describe_custom_domain_associations()["Associations"]
    redshift.delete_custom_domain_association(**domain)
    refused("CustomDomainAssociationNotFoundFault", redshift.delete_custom_domain_association, **domain)
    refused("CustomDomainAssociationNotFoundFault", redshift.describe_custom_domain_associations, CustomDomainName="dwh.example.com")

    redshift.enable_logging(ClusterIdentifier=cluster, BucketName="logs-of-mine", S3KeyPrefix="a/")
    assert redshift.describe_logging_status(ClusterIdentifier=cluster)["BucketName"] == "logs-of-mine"
    refused("InvalidS3BucketNameFault", redshift.enable_logging, ClusterIdentifier=cluster, BucketName="No_Bucket")
    assert not redshift.disable_logging(ClusterIdentifier=cluster)["LoggingEnabled"]
    refused("ClusterNotFound", redshift.disable_logging, ClusterIdentifier="nope")


def test_snapshots(redshift, cluster, unique):
    first, second = unique("one"), unique("two")
    redshift.create_cluster_snapshot(SnapshotIdentifier=first, ClusterIdentifier=cluster, ManualSnapshotRetentionPeriod=7)
    redshift.get_waiter("snapshot_available").wait(SnapshotIdentifier=first, WaiterConfig=FAST)
    refused("ClusterSnapshotAlreadyExists", redshift.create_cluster_snapshot, SnapshotIdentifier=first, ClusterIdentifier=cluster)
    held = redshift.describe_cluster_snapshots(SnapshotIdentifier=first)["Snapshots"][0]
    assert held["ManualSnapshotRemainingDays"] == 7 and held["SnapshotArn"].endswith(f":snapshot:{cluster}/{first}")
    refused("ClusterSnapshotNotFound", redshift.describe_cluster_snapshots, SnapshotIdentifier=second)
    redshift.copy_cluster_snapshot(SourceSnapshotIdentifier=first, TargetSnapshotIdentifier=second)
    refused("ClusterSnapshotNotFound", redshift.copy_cluster_snapshot, SourceSnapshotIdentifier="nope", TargetSnapshotIdentifier="x")
    found = redshift.describe_cluster_snapshots(ClusterIdentifier=cluster, SortingEntities=[{"Attribute": "CREATE_TIME", "SortOrder": "DESC"}])
    assert {first, second} <= {s["SnapshotIdentifier"] for s in found["Snapshots"]}
    redshift.modify_cluster_snapshot(SnapshotIdentifier=first, ManualSnapshotRetentionPeriod=-1)
    refused("InvalidRetentionPeriodFault", redshift.modify_cluster_snapshot, SnapshotIdentifier=first, ManualSnapshotRetentionPeriod=4000)
    batch = redshift.batch_modify_cluster_snapshots(SnapshotIdentifierList=[first, "nope"], ManualSnapshotRetentionPeriod=30)
    assert batch["Resources"] == [first] and batch["Errors"][0]["FailureCode"] == "ClusterSnapshotNotFound"
    refused(
        "InvalidRetentionPeriodFault", redshift.batch_modify_cluster_snapshots, SnapshotIdentifierList=[first],
        ManualSnapshotRetentionPeriod=0,
    )  # fmt: skip
    share = {"SnapshotIdentifier": first, "AccountWithRestoreAccess": "210987654321"}
    assert redshift.authorize_snapshot_access(**share)["Snapshot"]["AccountsWithRestoreAccess"][0]["AccountId"] == "210987654321"
    refused("AuthorizationAlreadyExists", redshift.authorize_snapshot_access, **share)
    refused("InvalidClusterSnapshotState", redshift.delete_cluster_snapshot, SnapshotIdentifier=first)
    redshift.revoke_snapshot_access(**share)
    refused("AuthorizationNotFound", redshift.revoke_snapshot_access, **share)

    options = redshift.describe_node_configuration_options(ActionType="restore-cluster", SnapshotIdentifier=first)
    assert options["NodeConfigurationOptionList"]
    refused("ClusterSnapshotNotFound", redshift.describe_node_configuration_options, ActionType="restore-cluster", SnapshotIdentifier="nope")
    table = {"ClusterIdentifier": cluster, "SourceDatabaseName": "dev", "SourceTableName": "t", "NewTableName": "t2"}
    asked = redshift.restore_table_from_cluster_snapshot(SnapshotIdentifier=first, **table)["TableRestoreStatus"]
    assert redshift.describe_table_restore_status(TableRestoreRequestId=asked["TableRestoreRequestId"])["TableRestoreStatusDetails"]
    refused("TableRestoreNotFoundFault", redshift.describe_table_restore_status, TableRestoreRequestId="nope")
    refused("ClusterSnapshotNotFound", redshift.restore_table_from_cluster_snapshot, SnapshotIdentifier="nope", **table)
    assert redshift.describe_storage()["TotalBackupSizeInMegaBytes"] >= 0

    grant = unique("grant")
    redshift.create_snapshot_copy_grant(SnapshotCopyGrantName=grant)
    refused("SnapshotCopyGrantAlreadyExistsFault", redshift.create_snapshot_copy_grant, SnapshotCopyGrantName=grant)
    copying = {"ClusterIdentifier": cluster, "DestinationRegion": "us-west-2"}
    if redshift.describe_clusters(ClusterIdentifier=cluster)["Clusters"][0]["Encrypted"]:
        copying["SnapshotCopyGrantName"] = grant
    refused("UnknownSnapshotCopyRegionFault", redshift.enable_snapshot_copy, ClusterIdentifier=cluster, DestinationRegion="mars-1")
    shown = redshift.enable_snapshot_copy(**copying)["Cluster"]["ClusterSnapshotCopyStatus"]
    assert (shown["DestinationRegion"], shown["RetentionPeriod"]) == ("us-west-2", 7)
    refused("SnapshotCopyAlreadyEnabledFault", redshift.enable_snapshot_copy, **copying)
    third = unique("three")
    redshift.create_cluster_snapshot(SnapshotIdentifier=third, ClusterIdentifier=cluster)
    redshift.get_waiter("snapshot_available").wait(SnapshotIdentifier=third, WaiterConfig=FAST)
    time.sleep(0.5)
    redshift.get_waiter("snapshot_available").wait(SnapshotIdentifier=f"copy:{third}", WaiterConfig=FAST)
    redshift.modify_snapshot_copy_retention_period(ClusterIdentifier=cluster, RetentionPeriod=10)
    redshift.disable_snapshot_copy(ClusterIdentifier=cluster)
    refused("SnapshotCopyAlreadyDisabledFault", redshift.disable_snapshot_copy, ClusterIdentifier=cluster)
    refused("SnapshotCopyDisabledFault", redshift.modify_snapshot_copy_retention_period, ClusterIdentifier=cluster, RetentionPeriod=10)
    assert redshift.describe_snapshot_copy_grants(SnapshotCopyGrantName=grant)["SnapshotCopyGrants"]
    redshift.delete_snapshot_copy_grant(SnapshotCopyGrantName=grant)
    refused("SnapshotCopyGrantNotFoundFault", redshift.delete_snapshot_copy_grant, SnapshotCopyGrantName=grant)
    refused("SnapshotCopyGrantNotFoundFault", redshift.describe_snapshot_copy_grants, SnapshotCopyGrantName=grant)

    gone = redshift.batch_delete_cluster_snapshots(
        Identifiers=[{"SnapshotIdentifier": s} for s in (second, third, f"copy:{third}", "nope")]
    )
    assert len(gone["Resources"]) == 3 and len(gone["Errors"]) == 1
    refused("BatchDeleteRequestSizeExceeded", redshift.batch_delete_cluster_snapshots, Identifiers=[{"SnapshotIdentifier": "x"}] * 101)
    redshift.delete_cluster_snapshot(SnapshotIdentifier=first)
    refused("ClusterSnapshotNotFound", redshift.delete_cluster_snapshot, SnapshotIdentifier=first)


def test_schedules_and_actions(redshift, client, cluster, unique):
    name = unique("sched")
    made = redshift.create_snapshot_schedule(
        ScheduleIdentifier=name, ScheduleDefinitions=["cron(0 17 SAT,SUN)", "cron(0 9,17 MON-FRI)"], NextInvocations=3
    )
    assert len(made["NextInvocations"]) == 3
    refused("SnapshotScheduleAlreadyExists", redshift.create_snapshot_schedule, ScheduleIdentifier=name, ScheduleDefinitions=["rate(12 hours)"])
    refused("InvalidSchedule", redshift.create_snapshot_schedule, ScheduleDefinitions=["cron(0/10 * *)"])
    redshift.modify_snapshot_schedule(ScheduleIdentifier=name, ScheduleDefinitions=["rate(12 hours)"])
    refused("InvalidSchedule", redshift.modify_snapshot_schedule, ScheduleIdentifier=name, ScheduleDefinitions=["rate(1 minute)"])
    redshift.modify_cluster_snapshot_schedule(ClusterIdentifier=cluster, ScheduleIdentifier=name)
    shown = redshift.describe_snapshot_schedules(ScheduleIdentifier=name)["SnapshotSchedules"][0]
    assert shown["AssociatedClusters"][0]["ClusterIdentifier"] == cluster
    refused("InvalidClusterSnapshotScheduleState", redshift.delete_snapshot_schedule, ScheduleIdentifier=name)
    redshift.modify_cluster_snapshot_schedule(ClusterIdentifier=cluster, DisassociateSchedule=True)
    refused("SnapshotScheduleNotFound", redshift.modify_cluster_snapshot_schedule, ClusterIdentifier=cluster, ScheduleIdentifier="nope")
    redshift.delete_snapshot_schedule(ScheduleIdentifier=name)
    refused("InvalidParameterValue", redshift.describe_snapshot_schedules, MaxRecords=5)

    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "scheduler.redshift.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    role = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", **trust}))["Role"]["Arn"]
    action = {
        "ScheduledActionName": name, "TargetAction": {"PauseCluster": {"ClusterIdentifier": cluster}},
        "Schedule": "cron(0 10 ? * MON *)", "IamRole": role,
    }  # fmt: skip
    assert len(redshift.create_scheduled_action(**action)["NextInvocations"]) == 5
    refused("ScheduledActionAlreadyExists", redshift.create_scheduled_action, **action)
    refused("InvalidParameterValue", redshift.modify_scheduled_action, ScheduledActionName=name, IamRole=role + "-nope")
    refused("InvalidSchedule", redshift.modify_scheduled_action, ScheduledActionName=name, Schedule="at(2020-01-01T00:00:00)")
    assert redshift.modify_scheduled_action(ScheduledActionName=name, Enable=False)["State"] == "DISABLED"
    found = redshift.describe_scheduled_actions(Filters=[{"Name": "cluster-identifier", "Values": [cluster]}])
    assert [a["ScheduledActionName"] for a in found["ScheduledActions"]] == [name]
    redshift.delete_scheduled_action(ScheduledActionName=name)
    for ask in (redshift.delete_scheduled_action, redshift.describe_scheduled_actions):
        refused("ScheduledActionNotFound", ask, ScheduledActionName=name)

    limit = {"ClusterIdentifier": cluster, "FeatureType": "spectrum", "LimitType": "data-scanned", "Amount": 1, "BreachAction": "disable"}
    held = redshift.create_usage_limit(**limit)["UsageLimitId"]
    refused("InvalidUsageLimit", redshift.create_usage_limit, **{**limit, "Amount": 2})
    assert redshift.modify_usage_limit(UsageLimitId=held, Amount=3)["Amount"] == 3
    assert redshift.describe_usage_limits(ClusterIdentifier=cluster)["UsageLimits"][0]["UsageLimitId"] == held
    refused("ClusterNotFound", redshift.describe_usage_limits, ClusterIdentifier="nope")
    redshift.delete_usage_limit(UsageLimitId=held)
    for ask in (redshift.delete_usage_limit, redshift.modify_usage_limit):
        refused("UsageLimitNotFound", ask, UsageLimitId=held)


def test_groups_and_tags(redshift, cluster, unique, account):
    group = unique("pg")
    redshift.create_cluster_parameter_group(ParameterGroupName=group, ParameterGroupFamily="redshift-1.0", Description="d")
    refused(
        "ClusterParameterGroupAlreadyExists", redshift.create_cluster_parameter_group, ParameterGroupName=group,
        ParameterGroupFamily="redshift-1.0", Description="d",
    )  # fmt: skip
    assert any(g["ParameterGroupName"] == "default.redshift-1.0" for g in redshift.describe_cluster_parameter_groups()["ParameterGroups"])
    change = [{"ParameterName": "statement_timeout", "ParameterValue": "20000"}]
    redshift.modify_cluster(ClusterIdentifier=cluster, ClusterParameterGroupName=group)
    until(redshift, cluster, "available")
    redshift.modify_cluster_parameter_group(ParameterGroupName=group, Parameters=change)
    pending = redshift.describe_clusters(ClusterIdentifier=cluster)["Clusters"][0]["ClusterParameterGroups"][0]
    assert pending["ParameterApplyStatus"] == "pending-reboot"
    redshift.reboot_cluster(ClusterIdentifier=cluster)
    until(redshift, cluster, "available")
    refused("InvalidClusterParameterGroupState", redshift.modify_cluster_parameter_group, ParameterGroupName="default.redshift-1.0", Parameters=change)
    assert redshift.describe_cluster_parameters(ParameterGroupName=group, Source="user")["Parameters"][0]["ParameterValue"] == "20000"
    assert len(redshift.describe_default_cluster_parameters(ParameterGroupFamily="redshift-1.0")["DefaultClusterParameters"]["Parameters"]) == 14
    refused("InvalidParameterValue", redshift.describe_default_cluster_parameters, ParameterGroupFamily="redshift-2.0")
    redshift.reset_cluster_parameter_group(ParameterGroupName=group, ResetAllParameters=True)
    refused("InvalidParameterCombination", redshift.reset_cluster_parameter_group, ParameterGroupName=group)
    refused("InvalidClusterParameterGroupState", redshift.delete_cluster_parameter_group, ParameterGroupName=group)
    redshift.modify_cluster(ClusterIdentifier=cluster, ClusterParameterGroupName="default.redshift-1.0")
    redshift.reboot_cluster(ClusterIdentifier=cluster)
    until(redshift, cluster, "available")
    redshift.delete_cluster_parameter_group(ParameterGroupName=group)
    for ask in (redshift.describe_cluster_parameters, redshift.describe_cluster_parameter_groups):
        refused("ClusterParameterGroupNotFound", ask, ParameterGroupName=group)

    redshift.create_cluster_security_group(ClusterSecurityGroupName=group, Description="d")
    refused("ClusterSecurityGroupAlreadyExists", redshift.create_cluster_security_group, ClusterSecurityGroupName=group, Description="d")
    rule = {"ClusterSecurityGroupName": group, "CIDRIP": "10.0.0.0/8"}
    redshift.authorize_cluster_security_group_ingress(**rule)
    refused("AuthorizationAlreadyExists", redshift.authorize_cluster_security_group_ingress, **rule)
    redshift.revoke_cluster_security_group_ingress(**rule)
    refused("AuthorizationNotFound", redshift.revoke_cluster_security_group_ingress, **rule)
    assert redshift.describe_cluster_security_groups(ClusterSecurityGroupName=group)["ClusterSecurityGroups"]
    redshift.delete_cluster_security_group(ClusterSecurityGroupName=group)
    for ask in (redshift.delete_cluster_security_group, redshift.describe_cluster_security_groups):
        refused("ClusterSecurityGroupNotFound", ask, ClusterSecurityGroupName=group)

    subnets = {"ClusterSubnetGroupName": group, "SubnetIds": ["subnet-1", "subnet-2"]}
    redshift.create_cluster_subnet_group(Description="d", **subnets)
    refused("ClusterSubnetGroupAlreadyExists", redshift.create_cluster_subnet_group, Description="d", **subnets)
    redshift.modify_cluster_subnet_group(**subnets)
    refused("InvalidSubnet", redshift.modify_cluster_subnet_group, ClusterSubnetGroupName=group, SubnetIds=["x"])
    assert redshift.describe_cluster_subnet_groups(ClusterSubnetGroupName=group)["ClusterSubnetGroups"][0]["SubnetGroupStatus"] == "Complete"
    redshift.delete_cluster_subnet_group(ClusterSubnetGroupName=group)
    for ask in (redshift.delete_cluster_subnet_group, redshift.describe_cluster_subnet_groups):
        refused("ClusterSubnetGroupNotFoundFault", ask, ClusterSubnetGroupName=group)

    arn = f"arn:aws:redshift:us-east-1:{account}:cluster:{cluster}"
    redshift.create_tags(ResourceName=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    assert len(redshift.describe_tags(ResourceName=arn)["TaggedResources"]) == 2
    assert [c["ClusterIdentifier"] for c in redshift.describe_clusters(TagKeys=["a"], TagValues=["1"])["Clusters"]] == [cluster]
    redshift.delete_tags(ResourceName=arn, TagKeys=["a", "b"])
    refused("TagLimitExceededFault", redshift.create_tags, ResourceName=arn, Tags=[{"Key": f"k{n}", "Value": ""} for n in range(51)])
    for ask, more in ((redshift.create_tags, {"Tags": []}), (redshift.delete_tags, {"TagKeys": []}), (redshift.describe_tags, {})):
        refused("ResourceNotFoundFault", ask, ResourceName=arn + "-nope", **more)


def test_records(redshift, client, cluster, unique, account):
    profile = {"AuthenticationProfileName": unique("p"), "AuthenticationProfileContent": json.dumps({"AutoCreate": False})}
    redshift.create_authentication_profile(**profile)
    refused("AuthenticationProfileAlreadyExistsFault", redshift.create_authentication_profile, **profile)
    redshift.modify_authentication_profile(**profile)
    secret = {**profile, "AuthenticationProfileContent": '{"password": "x"}'}
    refused("InvalidAuthenticationProfileRequestFault", redshift.modify_authentication_profile, **secret)
    name = {"AuthenticationProfileName": profile["AuthenticationProfileName"]}
    assert redshift.describe_authentication_profiles(**name)["AuthenticationProfiles"][0] == profile
    redshift.delete_authentication_profile(**name)
    for ask in (redshift.delete_authentication_profile, redshift.describe_authentication_profiles):
        refused("AuthenticationProfileNotFoundFault", ask, **name)

    partner = {"AccountId": account, "ClusterIdentifier": cluster, "DatabaseName": "dev", "PartnerName": "Etleap"}
    redshift.add_partner(**partner)
    redshift.update_partner_status(Status="RuntimeFailure", **partner)
    listed = redshift.describe_partners(AccountId=account, ClusterIdentifier=cluster)["PartnerIntegrationInfoList"]
    assert [p["Status"] for p in listed] == ["RuntimeFailure"]
    redshift.delete_partner(**partner)
    refused("PartnerNotFound", redshift.delete_partner, **partner)
    refused("PartnerNotFound", redshift.update_partner_status, Status="Active", **partner)
    refused("ClusterNotFound", redshift.add_partner, **{**partner, "ClusterIdentifier": "nope"})
    refused("UnauthorizedPartnerIntegration", redshift.describe_partners, AccountId="210987654321", ClusterIdentifier=cluster)

    hsm = unique("h")
    connection = {
        "HsmConfigurationIdentifier": hsm, "Description": "d", "HsmIpAddress": "10.0.0.1", "HsmPartitionName": "p",
        "HsmPartitionPassword": "x", "HsmServerPublicCertificate": "y",
    }  # fmt: skip
    redshift.create_hsm_configuration(**connection)
    refused("HsmConfigurationAlreadyExistsFault", redshift.create_hsm_configuration, **connection)
    assert redshift.describe_hsm_configurations(HsmConfigurationIdentifier=hsm)["HsmConfigurations"]
    redshift.delete_hsm_configuration(HsmConfigurationIdentifier=hsm)
    for ask in (redshift.delete_hsm_configuration, redshift.describe_hsm_configurations):
        refused("HsmConfigurationNotFoundFault", ask, HsmConfigurationIdentifier=hsm)
    redshift.create_hsm_client_certificate(HsmClientCertificateIdentifier=hsm)
    refused("HsmClientCertificateAlreadyExistsFault", redshift.create_hsm_client_certificate, HsmClientCertificateIdentifier=hsm)
    assert redshift.describe_hsm_client_certificates(HsmClientCertificateIdentifier=hsm)["HsmClientCertificates"]
    redshift.delete_hsm_client_certificate(HsmClientCertificateIdentifier=hsm)
    for ask in (redshift.delete_hsm_client_certificate, redshift.describe_hsm_client_certificates):
        refused("HsmClientCertificateNotFoundFault", ask, HsmClientCertificateIdentifier=hsm)

    offer = redshift.describe_reserved_node_offerings()["ReservedNodeOfferings"][0]["ReservedNodeOfferingId"]
    refused("ReservedNodeOfferingNotFound", redshift.describe_reserved_node_offerings, ReservedNodeOfferingId="nope")
    bought = redshift.purchase_reserved_node_offering(ReservedNodeOfferingId=offer, NodeCount=1)["ReservedNode"]["ReservedNodeId"]
    refused("ReservedNodeOfferingNotFound", redshift.purchase_reserved_node_offering, ReservedNodeOfferingId="nope")
    assert redshift.describe_reserved_nodes(ReservedNodeId=bought)["ReservedNodes"][0]["State"] == "active"
    refused("ReservedNodeNotFound", redshift.describe_reserved_nodes, ReservedNodeId="nope")
    target = redshift.get_reserved_node_exchange_offerings(ReservedNodeId=bought)["ReservedNodeOfferings"][0]["ReservedNodeOfferingId"]
    refused("ReservedNodeNotFound", redshift.get_reserved_node_exchange_offerings, ReservedNodeId="nope")
    redshift.get_reserved_node_exchange_configuration_options(ActionType="resize-cluster", ClusterIdentifier=cluster)
    refused(
        "ClusterNotFound", redshift.get_reserved_node_exchange_configuration_options, ActionType="resize-cluster",
        ClusterIdentifier="nope",
    )  # fmt: skip
    swap = {"ReservedNodeId": bought, "TargetReservedNodeOfferingId": target}
    redshift.accept_reserved_node_exchange(**swap)
    refused("ReservedNodeAlreadyMigrated", redshift.accept_reserved_node_exchange, **swap)
    done = redshift.describe_reserved_node_exchange_status(ReservedNodeId=bought)["ReservedNodeExchangeStatusDetails"]
    assert done[0]["Status"] == "SUCCEEDED"
    refused("ReservedNodeNotFound", redshift.describe_reserved_node_exchange_status, ReservedNodeId="nope")

    topic = client("sns").create_topic(Name=unique("t"))["TopicArn"]
    wish = {"SubscriptionName": unique("s"), "SnsTopicArn": topic, "SourceType": "cluster", "Severity": "ERROR"}
    assert redshift.create_event_subscription(**wish)["EventSubscription"]["Status"] == "active"
    refused("SubscriptionAlreadyExist", redshift.create_event_subscription, **wish)
    refused("SNSTopicArnNotFound", redshift.create_event_subscription, **{**wish, "SubscriptionName": "x", "SnsTopicArn": topic + "x"})
    name = {"SubscriptionName": wish["SubscriptionName"]}
    assert not redshift.modify_event_subscription(Enabled=False, **name)["EventSubscription"]["Enabled"]
    refused("SubscriptionCategoryNotFound", redshift.modify_event_subscription, EventCategories=["weather"], **name)
    assert redshift.describe_event_subscriptions(**name)["EventSubscriptionsList"]
    redshift.delete_event_subscription(**name)
    for ask in (redshift.delete_event_subscription, redshift.describe_event_subscriptions):
        refused("SubscriptionNotFound", ask, **name)


def test_what_can_be_ordered(redshift):
    assert redshift.describe_orderable_cluster_options(NodeType="ra3.4xlarge")["OrderableClusterOptions"]
    refused("InvalidParameterValue", redshift.describe_orderable_cluster_options, NodeType="ra3.nano")
    assert redshift.describe_cluster_versions()["ClusterVersions"][0]["ClusterVersion"] == "1.0"
    refused("InvalidParameterValue", redshift.describe_cluster_versions, MaxRecords=1)
    assert len(redshift.describe_cluster_tracks()["MaintenanceTracks"]) == 2
    refused("InvalidClusterTrack", redshift.describe_cluster_tracks, MaintenanceTrackName="nope")
    assert redshift.describe_account_attributes()["AccountAttributes"]


def test_what_waits_for_an_engine(redshift, cluster, account):
    namespace = redshift.describe_clusters(ClusterIdentifier=cluster)["Clusters"][0]["ClusterNamespaceArn"]
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": account}, "Action": "redshift:CreateInboundIntegration"}]}
    refused("ResourceNotFoundFault", redshift.get_resource_policy, ResourceArn=namespace)
    redshift.put_resource_policy(ResourceArn=namespace, Policy=json.dumps(policy))
    refused("InvalidPolicyFault", redshift.put_resource_policy, ResourceArn=namespace, Policy="{}")
    assert json.loads(redshift.get_resource_policy(ResourceArn=namespace)["ResourcePolicy"]["Policy"]) == policy
    redshift.delete_resource_policy(ResourceArn=namespace)
    refused("ResourceNotFoundFault", redshift.delete_resource_policy, ResourceArn=namespace)

    share = f"arn:aws:redshift:us-east-1:{account}:datashare:{namespace.rsplit(':', 1)[1]}/s"
    assert redshift.describe_data_shares()["DataShares"] == []
    assert redshift.describe_data_shares_for_consumer()["DataShares"] == []
    assert redshift.describe_data_shares_for_producer()["DataShares"] == []
    refused("InvalidDataShareFault", redshift.describe_data_shares, DataShareArn=share)
    for ask in (redshift.authorize_data_share, redshift.deauthorize_data_share):
        refused("InvalidDataShareFault", ask, DataShareArn=share, ConsumerIdentifier="210987654321")
    for ask in (redshift.associate_data_share_consumer, redshift.disassociate_data_share_consumer, redshift.reject_data_share):
        refused("InvalidDataShareFault", ask, DataShareArn=share)

    integration = f"arn:aws:redshift:us-east-1:{account}:integration:00000000-0000-4000-8000-000000000000"
    assert redshift.describe_integrations()["Integrations"] == []
    assert redshift.describe_inbound_integrations()["InboundIntegrations"] == []
    for ask in (redshift.describe_integrations, redshift.describe_inbound_integrations, redshift.modify_integration, redshift.delete_integration):
        refused("IntegrationNotFoundFault", ask, IntegrationArn=integration)
    source = f"arn:aws:dynamodb:us-east-1:{account}:table/t"
    refused("UnsupportedOperation", redshift.create_integration, SourceArn=source, TargetArn=namespace, IntegrationName="i")

    idc = {"IdcInstanceArn": "arn:aws:sso:::instance/1", "IdcDisplayName": "d"}
    role = f"arn:aws:iam::{account}:role/r"
    refused("UnsupportedOperation", redshift.create_redshift_idc_application, RedshiftIdcApplicationName="a", IamRoleArn=role, **idc)
    assert redshift.describe_redshift_idc_applications()["RedshiftIdcApplications"] == []
    for ask in (redshift.describe_redshift_idc_applications, redshift.modify_redshift_idc_application, redshift.delete_redshift_idc_application):
        refused("RedshiftIdcApplicationNotExists", ask, RedshiftIdcApplicationArn="arn:aws:redshift:us-east-1:1:redshiftidcapplication:x")
    refused("UnsupportedOperation", redshift.create_qev2_idc_application, Qev2IdcApplicationName="a", **idc)
    assert redshift.describe_qev2_idc_applications()["Qev2IdcApplications"] == []
    for ask in (redshift.describe_qev2_idc_applications, redshift.modify_qev2_idc_application, redshift.delete_qev2_idc_application):
        refused("Qev2IdcApplicationNotExists", ask, Qev2IdcApplicationArn="arn:aws:redshift:us-east-1:1:qev2idcapplication:x")
    refused("UnsupportedOperation", redshift.get_identity_center_auth_token, ClusterIds=[cluster])
    target = {"NamespaceIdentifier": {"ProvisionedIdentifier": {"ClusterIdentifier": cluster}}, "ConsumerIdentifiers": [account]}
    refused("UnsupportedOperation", redshift.register_namespace, **target)
    refused("UnsupportedOperation", redshift.deregister_namespace, **target)
    refused("UnsupportedOperation", redshift.modify_lakehouse_configuration, ClusterIdentifier=cluster)
    assert redshift.list_recommendations(ClusterIdentifier=cluster)["Recommendations"] == []
    refused("ClusterNotFound", redshift.list_recommendations, ClusterIdentifier="nope")


def test_credentials(redshift, cluster):
    given = redshift.get_cluster_credentials(ClusterIdentifier=cluster, DbUser="visitor", DbName="dev", AutoCreate=True, DbGroups=["g"])
    assert given["DbUser"] == "IAMA:visitor:g" and given["DbPassword"]
    left = (given["Expiration"] - datetime.datetime.now(datetime.timezone.utc)).total_seconds()
    assert 800 < left <= 905
    assert redshift.get_cluster_credentials(ClusterIdentifier=cluster, DbUser="visitor")["DbUser"] == "IAM:visitor"
    refused("ClusterNotFound", redshift.get_cluster_credentials, ClusterIdentifier="nope", DbUser="visitor")
    refused("InvalidParameterValue", redshift.get_cluster_credentials, ClusterIdentifier=cluster, DbUser="visitor", DurationSeconds=10)
    mine = redshift.get_cluster_credentials_with_iam(ClusterIdentifier=cluster, DbName="dev")
    assert mine["DbUser"].startswith("IAM") and mine["NextRefreshTime"] <= mine["Expiration"]
    refused("ClusterNotFound", redshift.get_cluster_credentials_with_iam, ClusterIdentifier="nope")


def test_every_operation_was_asked(redshift):
    """The last of the file: when all of it ran, nothing was left out."""
    if len(ASKED) > 100:
        assert set(redshift.meta.service_model.operation_names) - ASKED == set()
