"""KMS and Secrets Manager through boto3."""

import json

import pytest
from botocore.exceptions import ClientError


def code(call, *args, **kwargs):
    with pytest.raises(ClientError) as caught:
        call(*args, **kwargs)
    return caught.value.response["Error"]["Code"]


def test_keys(client, unique):
    kms = client("kms")
    key = kms.create_key(Description="a", Tags=[{"TagKey": "team", "TagValue": "red"}])["KeyMetadata"]
    alias = "alias/" + unique("key")
    kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
    context = {"aws:redshift:arn": "arn:aws:redshift:us-east-1:000000000000:cluster:c"}
    blob = kms.encrypt(KeyId=alias, Plaintext=b"\x00secret", EncryptionContext=context)["CiphertextBlob"]
    answer = kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
    assert answer["Plaintext"] == b"\x00secret"
    assert answer["KeyId"] == key["Arn"]
    with pytest.raises(kms.exceptions.InvalidCiphertextException):
        kms.decrypt(CiphertextBlob=blob)
    data = kms.generate_data_key(KeyId=key["KeyId"], KeySpec="AES_256")
    assert kms.decrypt(CiphertextBlob=data["CiphertextBlob"])["Plaintext"] == data["Plaintext"]
    sealed = kms.generate_data_key_without_plaintext(KeyId=alias, NumberOfBytes=8)
    assert len(kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"])["Plaintext"]) == 8
    pages = kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 1})
    assert key["KeyId"] in [k["KeyId"] for page in pages for k in page["Keys"]]
    assert [a["AliasName"] for a in kms.list_aliases(KeyId=key["KeyId"])["Aliases"]] == [alias]
    kms.enable_key_rotation(KeyId=key["KeyId"], RotationPeriodInDays=90)
    kms.disable_key(KeyId=key["KeyId"])
    with pytest.raises(kms.exceptions.DisabledException):
        kms.encrypt(KeyId=alias, Plaintext=b"x")
    kms.enable_key(KeyId=key["KeyId"])
    answer = kms.schedule_key_deletion(KeyId=key["Arn"], PendingWindowInDays=7)
    assert answer["KeyState"] == "PendingDeletion"
    with pytest.raises(kms.exceptions.KMSInvalidStateException):
        kms.encrypt(KeyId=alias, Plaintext=b"x")
    kms.cancel_key_deletion(KeyId=key["KeyId"])
    assert kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyState"] == "Disabled"
    kms.delete_alias(AliasName=alias)
    with pytest.raises(kms.exceptions.NotFoundException):
        kms.describe_key(KeyId=alias)
    kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)


def test_secrets(client, unique):
    secrets = client("secretsmanager")
    name = unique("secret")
    made = secrets.create_secret(Name=name, SecretString="one", Description="a word")
    assert made["ARN"].rsplit("-", 1)[0].endswith(f":secret:{name}")
    second = secrets.put_secret_value(SecretId=made["ARN"], SecretBinary=b"\x01two")
    assert second["VersionStages"] == ["AWSCURRENT"]
    assert secrets.get_secret_value(SecretId=name)["SecretBinary"] == b"\x01two"
    before = secrets.get_secret_value(SecretId=name, VersionStage="AWSPREVIOUS")
    assert before["SecretString"] == "one" and before["VersionId"] == made["VersionId"]
    with pytest.raises(secrets.exceptions.ResourceExistsException):
        secrets.create_secret(Name=name, SecretString="other")
    secrets.tag_resource(SecretId=name, Tags=[{"Key": "Redshift", "Value": "yes"}])
    listed = secrets.list_secrets(Filters=[{"Key": "tag-key", "Values": ["Redshift"]}, {"Key": "name", "Values": [name]}])
    assert [entry["Name"] for entry in listed["SecretList"]] == [name]
    secrets.untag_resource(SecretId=name, TagKeys=["Redshift"])
    shown = secrets.describe_secret(SecretId=name)
    assert "Tags" not in shown
    assert sorted(shown["VersionIdsToStages"].values()) == [["AWSCURRENT"], ["AWSPREVIOUS"]]
    assert code(secrets.rotate_secret, SecretId=name) == "InvalidRequestException"
    secrets.delete_secret(SecretId=name, RecoveryWindowInDays=7)
    assert code(secrets.get_secret_value, SecretId=name) == "InvalidRequestException"
    secrets.restore_secret(SecretId=name)
    secrets.update_secret(SecretId=name, SecretString="three", Description="b")
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "three"
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    with pytest.raises(secrets.exceptions.ResourceNotFoundException):
        secrets.describe_secret(SecretId=name)


def test_a_key_of_ones_own_decides(client, client_as, unique):
    """To read a secret under a customer's key takes the right to use the key as well."""
    iam, kms, secrets = client("iam"), client("kms"), client("secretsmanager")
    name = unique("user")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    cmk = kms.create_key()["KeyMetadata"]["Arn"]
    secrets.create_secret(Name=name, SecretString="x", KmsKeyId=cmk)
    its = client_as(
        "secretsmanager", access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"]
    )
    try:
        assert code(its.get_secret_value, SecretId=name) == "AccessDeniedException"

        def allow(*actions):
            document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(document))

        allow("secretsmanager:GetSecretValue")
        with pytest.raises(ClientError) as caught:
            its.get_secret_value(SecretId=name)
        assert "Access to KMS is not allowed" in str(caught.value)
        allow("secretsmanager:GetSecretValue", "kms:Decrypt")
        assert its.get_secret_value(SecretId=name)["SecretString"] == "x"
    finally:
        secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
        iam.delete_user_policy(UserName=name, PolicyName="p")
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        iam.delete_user(UserName=name)
        kms.schedule_key_deletion(KeyId=cmk, PendingWindowInDays=7)
