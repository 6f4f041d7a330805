"""Topics of SNS with an HTTP endpoint, and rules of EventBridge that run statements."""

import http.server
import json
import queue
import threading
import urllib.request

import pytest


@pytest.fixture
def endpoint():
    """An HTTP endpoint, and the queue of what it got."""
    got = queue.Queue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            got.put((self.headers["x-amz-sns-message-type"], json.loads(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/hook", got
    server.shutdown()


@pytest.fixture
def topic(client, endpoint, unique):
    """A topic whose subscription is confirmed, and the queue of what its endpoint got."""
    import os

    sns, (url, got) = client("sns"), endpoint
    arn = sns.create_topic(Name=unique("events"))["TopicArn"]
    assert sns.create_topic(Name=arn.rsplit(":", 1)[1])["TopicArn"] == arn
    assert sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=url)["SubscriptionArn"] == "pending confirmation"
    kind, asked = got.get(timeout=10)
    assert kind == asked["Type"] == "SubscriptionConfirmation" and asked["TopicArn"] == arn
    [pending] = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    assert pending["SubscriptionArn"] == "PendingConfirmation"
    # The URL that it is told names the port; here the one under test is asked.
    query = asked["SubscribeURL"].split("?", 1)[1]
    with urllib.request.urlopen(f"{os.environ['AWS_ENDPOINT_URL']}/?{query}", timeout=10) as answer:
        assert b"ConfirmSubscriptionResult" in answer.read()
    yield arn, got
    sns.delete_topic(TopicArn=arn)


def test_messages_reach_the_endpoint(client, topic):
    sns, (arn, got) = client("sns"), topic
    [subscription] = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    message = sns.publish(TopicArn=arn, Subject="Hello", Message="one")["MessageId"]
    kind, body = got.get(timeout=10)
    assert kind == "Notification"
    assert (body["MessageId"], body["Subject"], body["Message"]) == (message, "Hello", "one")
    assert arn in [t["TopicArn"] for page in sns.get_paginator("list_topics").paginate() for t in page["Topics"]]
    sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    assert sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"] == []
    for wrong in ("email", "sqs"):
        with pytest.raises(sns.exceptions.InvalidParameterException):
            sns.subscribe(TopicArn=arn, Protocol=wrong, Endpoint="x@example.com")
    with pytest.raises(sns.exceptions.NotFoundException):
        sns.publish(TopicArn=arn + "x", Message="m")


def test_the_end_of_a_statement_is_told(client, topic, unique):
    events, data, (arn, got) = client("events"), client("redshift-data"), topic
    rule, name = unique("ended"), unique("statement")
    pattern = {"source": ["aws.redshift-data"], "detail": {"statementName": [name], "state": ["FINISHED", "FAILED"]}}
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    assert events.put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": arn}])["FailedEntryCount"] == 0
    statement = data.execute_statement(Sql="select 1", WorkgroupName="default", Database="dev", StatementName=name, WithEvent=True)["Id"]
    _, body = got.get(timeout=20)
    event = json.loads(body["Message"])
    assert event["detail-type"] == "Redshift Data Statement Status Change"
    assert event["detail"]["statementId"] == statement
    with pytest.raises(events.exceptions.ClientError):
        events.delete_rule(Name=rule)
    events.remove_targets(Rule=rule, Ids=["1"])
    events.delete_rule(Name=rule)
    with pytest.raises(events.exceptions.ResourceNotFoundException):
        events.describe_rule(Name=rule)


def test_rules_are_checked(client, unique):
    events, name = client("events"), unique("rule")
    for wrong in ("rate(1 minutes)", "cron(0 12 * * *)", "often"):
        with pytest.raises(events.exceptions.ClientError):
            events.put_rule(Name=name, ScheduleExpression=wrong)
    with pytest.raises(events.exceptions.InvalidEventPatternException):
        events.put_rule(Name=name, EventPattern='{"source":"x"}')
    arn = events.put_rule(Name=name, ScheduleExpression="cron(0 12 * * ? *)", State="DISABLED", Description="d")["RuleArn"]
    shown = events.describe_rule(Name=name)
    assert (shown["Arn"], shown["State"], shown["EventBusName"]) == (arn, "DISABLED", "default")
    target = {
        "Id": "1", "Arn": "arn:aws:redshift:us-east-1:000000000000:cluster:c1",
        "RedshiftDataParameters": {"Database": "dev", "DbUser": "awsuser", "Sql": "select 1", "StatementName": name, "WithEvent": True},
    }  # fmt: skip
    other = {"Id": "2", "Arn": "arn:aws:lambda:us-east-1:000000000000:function:f"}
    answer = events.put_targets(Rule=name, Targets=[target, other])
    assert [entry["TargetId"] for entry in answer["FailedEntries"]] == ["2"]
    assert events.list_targets_by_rule(Rule=name)["Targets"] == [target]
    assert name in [r["Name"] for r in events.list_rules(NamePrefix=name)["Rules"]]
    events.remove_targets(Rule=name, Ids=["1"])
    events.delete_rule(Name=name)


def test_a_rule_acts_with_a_role_that_trusts_it(client, client_as, unique):
    iam, events, name = client("iam"), client("events"), unique("rule")
    trust = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"%s.amazonaws.com"},"Action":"sts:AssumeRole"}}'
    good = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust % "events")["Role"]["Arn"]
    wrong = iam.create_role(RoleName=name + "-x", AssumeRolePolicyDocument=trust % "redshift")["Role"]["Arn"]
    events.put_rule(Name=name, ScheduleExpression="rate(1 day)")
    target = {
        "Id": "1", "Arn": "arn:aws:redshift:us-east-1:000000000000:cluster:c1", "RoleArn": good,
        "RedshiftDataParameters": {"Database": "dev", "DbUser": "awsuser", "Sql": "select 1"},
    }  # fmt: skip
    assert events.put_targets(Rule=name, Targets=[target])["FailedEntryCount"] == 0
    with pytest.raises(events.exceptions.ClientError, match="cannot be assumed by principal 'events.amazonaws.com'"):
        events.put_targets(Rule=name, Targets=[{**target, "RoleArn": wrong}])
    # Somebody who may put targets may not run SQL as the root, nor as a role that is not theirs to pass.
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    policy = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"events:*","Resource":"*"}}'
    iam.put_user_policy(UserName=name, PolicyName="events", PolicyDocument=policy)
    other = client_as("events", access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"])
    with pytest.raises(other.exceptions.ClientError, match="RoleArn is required"):
        other.put_targets(Rule=name, Targets=[{k: v for k, v in target.items() if k != "RoleArn"}])
    with pytest.raises(other.exceptions.ClientError, match="iam:PassRole"):
        other.put_targets(Rule=name, Targets=[target])
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=name, PolicyName="events")
    iam.delete_user(UserName=name)
    events.remove_targets(Rule=name, Ids=["1"])
    events.delete_rule(Name=name)
    iam.delete_role(RoleName=name)
    iam.delete_role(RoleName=name + "-x")
