"""IAM and STS through boto3: users and roles with policies, and what these let them do."""

import json

import pytest
from botocore.exceptions import ClientError

TRUST_REDSHIFT = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "redshift.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


def allow(*actions, resource="*", **more):
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def code(call, *args, **kwargs):
    with pytest.raises(ClientError) as caught:
        call(*args, **kwargs)
    return caught.value.response["Error"]["Code"]


def remove_user(iam, name):
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    for policy in iam.list_user_policies(UserName=name)["PolicyNames"]:
        iam.delete_user_policy(UserName=name, PolicyName=policy)
    for policy in iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]:
        iam.detach_user_policy(UserName=name, PolicyArn=policy["PolicyArn"])
    iam.delete_user(UserName=name)


def remove_role(iam, name):
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=name)


@pytest.fixture
def user(client, client_as, unique):
    """A user, and clients that sign with its key."""
    iam = client("iam")
    name = unique("user")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]

    def its(service):
        return client_as(
            service, access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"]
        )

    yield name, its
    remove_user(iam, name)


def test_policies_come_back_as_they_were_given(client, unique):
    iam = client("iam")
    name = unique("role")
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::a b+c/é*"}]}
    made = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps(TRUST_REDSHIFT),
        Description="loads",
        Tags=[{"Key": "team", "Value": "red"}],
    )["Role"]
    try:
        assert made["AssumeRolePolicyDocument"] == TRUST_REDSHIFT
        iam.put_role_policy(RoleName=name, PolicyName="read", PolicyDocument=json.dumps(document, ensure_ascii=False))
        assert iam.get_role_policy(RoleName=name, PolicyName="read")["PolicyDocument"] == document
        got = iam.get_role(RoleName=name)["Role"]
        assert got["MaxSessionDuration"] == 3600
        assert got["Tags"] == [{"Key": "team", "Value": "red"}]
        iam.attach_role_policy(
            RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonRedshiftAllCommandsFullAccess"
        )
        assert code(iam.delete_role, RoleName=name) == "DeleteConflict"
        pages = iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 1})
        assert name in [role["RoleName"] for page in pages for role in page["Roles"]]
        iam.get_waiter("role_exists").wait(RoleName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 2})
    finally:
        remove_role(iam, name)
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName=name)


def test_errors_have_their_codes(client, unique):
    iam = client("iam")
    name = unique("user")
    iam.create_user(UserName=name)
    try:
        with pytest.raises(iam.exceptions.EntityAlreadyExistsException):
            iam.create_user(UserName=name.upper())
        with pytest.raises(iam.exceptions.MalformedPolicyDocumentException) as caught:
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=allow("DescribeClusters"))
        assert "must be prefaced by a vendor" in str(caught.value)
        with pytest.raises(iam.exceptions.NoSuchEntityException):
            iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/Nothing")
        assert code(iam.create_user, UserName="no spaces") == "ValidationError"
        for _ in range(2):
            iam.create_access_key(UserName=name)
        with pytest.raises(iam.exceptions.LimitExceededException):
            iam.create_access_key(UserName=name)
    finally:
        remove_user(iam, name)


def test_denied_is_denied(client, user):
    name, its = user
    iam = client("iam")
    redshift = its("redshift")
    assert code(redshift.describe_tags) == "AccessDenied"
    with pytest.raises(ClientError) as caught:
        redshift.delete_cluster(ClusterIdentifier="production-1", SkipFinalClusterSnapshot=True)
    message = caught.value.response["Error"]["Message"]
    assert message.endswith(
        "is not authorized to perform: redshift:DeleteCluster on resource: "
        + message.split("on resource: ")[1].split(" because")[0]
        + " because no identity-based policy allows the redshift:DeleteCluster action"
    )
    assert ":cluster:production-1 " in message
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=allow("redshift:*"))
    deny = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Action": "redshift:Delete*", "Resource": "arn:aws:redshift:*:*:cluster:production*"}],
    }
    iam.put_user_policy(UserName=name, PolicyName="no", PolicyDocument=json.dumps(deny))
    with pytest.raises(ClientError) as caught:
        redshift.delete_cluster(ClusterIdentifier="production-1", SkipFinalClusterSnapshot=True)
    assert "with an explicit deny in an identity-based policy" in str(caught.value)
    # Another's is allowed, and not there.
    assert code(redshift.delete_cluster, ClusterIdentifier="dev-1", SkipFinalClusterSnapshot=True) != "AccessDenied"
    # JSON services say it in their own way.
    serverless = its("redshift-serverless")
    assert code(serverless.list_workgroups) == "AccessDeniedException"
    iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonRedshiftFullAccess")
    serverless.list_workgroups()
    assert code(its("iam").create_user, UserName="x") == "AccessDenied"
    # Keys that are switched off, and secrets that are not theirs.
    key = iam.list_access_keys(UserName=name)["AccessKeyMetadata"][0]["AccessKeyId"]
    iam.update_access_key(UserName=name, AccessKeyId=key, Status="Inactive")
    assert code(its("sts").get_caller_identity) == "InvalidClientTokenId"
    iam.update_access_key(UserName=name, AccessKeyId=key, Status="Active")
    assert its("sts").get_caller_identity()["Arn"].endswith(f":user/{name}")


def test_conditions_on_tags(client, user):
    name, its = user
    client("iam").put_user_policy(
        UserName=name,
        PolicyName="p",
        PolicyDocument=allow(
            "redshift:CreateCluster",
            Condition={
                "StringEquals": {"aws:RequestTag/usage": "production"},
                "ForAllValues:StringEquals": {"aws:TagKeys": ["costcenter", "usage"]},
            },
        ),
    )
    redshift = its("redshift")

    def create(**tags):
        return code(
            redshift.create_cluster,
            ClusterIdentifier="never",
            NodeType="no.such",
            MasterUsername="awsuser",
            MasterUserPassword="Password1",
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )

    # Allowed, it fails for its node type.
    assert create(usage="production") != "AccessDenied"
    assert create(usage="production", owner="x") == "AccessDenied"
    assert create(usage="test") == "AccessDenied"
    assert create() == "AccessDenied"


def test_roles_are_assumed(client, client_as, user, unique):
    name, its = user
    iam = client("iam")
    account = client("sts").get_caller_identity()["Account"]
    role = unique("role")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{account}:user/{name}"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": "42-abc"}},
            }
        ],
    }
    arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    try:
        iam.attach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/AmazonRedshiftReadOnlyAccess")
        sts = its("sts")
        assert code(sts.assume_role, RoleArn=arn, RoleSessionName="s1") == "AccessDenied"
        assert code(client("sts").assume_role, RoleArn=arn, RoleSessionName="s1", ExternalId="42-abc") == "AccessDenied"
        answer = sts.assume_role(RoleArn=arn, RoleSessionName="s1", ExternalId="42-abc", DurationSeconds=900)
        keys = answer["Credentials"]
        assert keys["AccessKeyId"].startswith("ASIA")

        def session(service, token=keys["SessionToken"]):
            return client_as(
                service,
                access_key_id=keys["AccessKeyId"],
                secret_access_key=keys["SecretAccessKey"],
                session_token=token,
            )

        who = session("sts").get_caller_identity()
        assert who["Arn"] == f"arn:aws:sts::{account}:assumed-role/{role}/s1"
        assert who["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]
        session("redshift").describe_clusters()
        assert code(session("redshift").reboot_cluster, ClusterIdentifier="x") == "AccessDenied"
        assert code(session("sts", None).get_caller_identity) == "InvalidClientTokenId"
        assert code(session("sts", "x").get_caller_identity) == "InvalidClientTokenId"
        assert code(sts.assume_role, RoleArn=arn, RoleSessionName="s1", ExternalId="42-abc", DurationSeconds=7200) == "ValidationError"
    finally:
        remove_role(iam, role)
    assert code(session("sts").get_caller_identity) == "InvalidClientTokenId"


def test_what_is_not_there_is_refused(client):
    sts = client("sts")
    assert code(
        sts.assume_role_with_web_identity,
        RoleArn="arn:aws:iam::000000000000:role/role-name-x",
        RoleSessionName="s1",
        WebIdentityToken="token",
    ) in ("UnsupportedOperation", "ValidationException")


def test_buckets_by_policy(client, client_as, user, unique):
    """Keys of users and sessions sign requests to the S3 endpoint, and do what their policies allow."""
    name, its = user
    iam, root = client("iam"), client("s3")
    bucket = unique("bucket")
    root.create_bucket(Bucket=bucket)
    root.put_object(Bucket=bucket, Key="in/a", Body=b"a")
    root.put_object(Bucket=bucket, Key="out/b", Body=b"b")
    s3 = its("s3")
    try:
        assert code(s3.get_object, Bucket=bucket, Key="in/a") == "AccessDenied"
        document = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], "Resource": f"arn:aws:s3:::{bucket}/in/*"},
                {
                    "Effect": "Allow",
                    "Action": "s3:ListBucket",
                    "Resource": f"arn:aws:s3:::{bucket}",
                    "Condition": {"StringLike": {"s3:prefix": "in/*"}},
                },
            ],
        }
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(document))
        session = its("sts").get_session_token()["Credentials"]
        temporary = {
            "access_key_id": session["AccessKeyId"],
            "secret_access_key": session["SecretAccessKey"],
            "session_token": session["SessionToken"],
        }
        for it in (s3, client_as("s3", **temporary)):
            assert it.get_object(Bucket=bucket, Key="in/a")["Body"].read() == b"a"
            assert code(it.get_object, Bucket=bucket, Key="out/b") == "AccessDenied"
            assert [o["Key"] for o in it.list_objects_v2(Bucket=bucket, Prefix="in/")["Contents"]] == ["in/a"]
            assert code(it.list_objects_v2, Bucket=bucket) == "AccessDenied"
            assert code(it.list_buckets) == "AccessDenied"
            it.put_object(Bucket=bucket, Key="in/c", Body=b"c")
            assert code(it.copy_object, Bucket=bucket, Key="in/d", CopySource={"Bucket": bucket, "Key": "out/b"}) == "AccessDenied"
            both = {"Objects": [{"Key": "in/c"}, {"Key": "out/b"}]}
            assert code(it.delete_objects, Bucket=bucket, Delete=both) == "AccessDenied"
            it.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "in/c"}]})
        assert root.list_objects_v2(Bucket=bucket)["KeyCount"] == 2
        without = {**temporary, "session_token": None}
        assert code(client_as("s3", **without).get_object, Bucket=bucket, Key="in/a") == "InvalidAccessKeyId"
        wrong = {**temporary, "session_token": "x"}
        assert code(client_as("s3", **wrong).get_object, Bucket=bucket, Key="in/a") == "InvalidToken"
        assert code(client_as("s3", access_key_id="AKIANOBODY", secret_access_key="x").list_buckets) == "InvalidAccessKeyId"
    finally:
        for key in ("in/a", "in/c", "out/b"):
            root.delete_object(Bucket=bucket, Key=key)
        root.delete_bucket(Bucket=bucket)
