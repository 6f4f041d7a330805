"""boto3 against the service under test. `../../test aws` starts a server and sets the environment."""

import os
import uuid

import boto3
import botocore.config
import pytest

import shapes

CHECKER = shapes.Checker()


def new_session(**keys):
    session = boto3.Session(
        aws_access_key_id=keys.get("access_key_id", os.environ["AWS_ACCESS_KEY_ID"]),
        aws_secret_access_key=keys.get("secret_access_key", os.environ["AWS_SECRET_ACCESS_KEY"]),
        aws_session_token=keys.get("session_token"),
        region_name=os.environ.get("AWS_REGION", "us-east-1"),
    )
    CHECKER.watch(session)
    return session


@pytest.fixture(scope="session")
def session():
    """boto3 as the root; every answer is checked against the models."""
    return new_session()


def client_of(session, name, **config):
    return session.client(
        name,
        endpoint_url=os.environ["AWS_ENDPOINT_URL"],
        config=botocore.config.Config(retries={"mode": "standard", "max_attempts": config.pop("attempts", 3)}, **config),
    )


@pytest.fixture(scope="session")
def client(session):
    """client("redshift") as the root."""
    known = {}

    def make(name):
        if name not in known:
            known[name] = client_of(session, name)
        return known[name]

    return make


@pytest.fixture(scope="session")
def client_as():
    """client_as("redshift", access_key_id=..., secret_access_key=..., session_token=...)"""

    def make(name, **keys):
        return client_of(new_session(**keys), name)

    return make


@pytest.fixture
def unique():
    """A name nobody else has."""
    return lambda prefix: f"{prefix}-{uuid.uuid4().hex[:10]}"


@pytest.fixture(scope="session")
def checker():
    return CHECKER


@pytest.fixture(autouse=True)
def answers_have_the_form_of_the_models():
    before = len(CHECKER.problems)
    yield
    new = CHECKER.problems[before:]
    assert not new, "\n".join(new)
