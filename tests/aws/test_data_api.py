"""The Data API against the default workgroup: statements, batches, sessions, results, metadata."""

import concurrent.futures
import csv
import io
import time
import uuid

import pytest

from conftest import client_of

HERE = {"WorkgroupName": "default", "Database": "dev"}
OVER = ("FINISHED", "FAILED", "ABORTED")


@pytest.fixture
def data(client):
    return client("redshift-data")


def over(data, statement, seconds=120):
    until = time.monotonic() + seconds
    while True:
        state = data.describe_statement(Id=statement, WaitTimeSeconds=10)
        if state["Status"] in OVER:
            return state
        assert time.monotonic() < until, state


def run(data, sql, **more):
    state = over(data, data.execute_statement(Sql=sql, **{**HERE, **more})["Id"])
    assert state["Status"] == "FINISHED", state.get("Error")
    return state


def rows(data, statement):
    pages = list(data.get_paginator("get_statement_result").paginate(Id=statement))
    values = [[None if "isNull" in field else next(iter(field.values())) for field in row] for page in pages for row in page["Records"]]
    assert pages[0]["TotalNumRows"] == len(values)
    return values


@pytest.fixture
def table(data):
    name = f"t_{uuid.uuid4().hex[:10]}"
    yield name
    run(data, f"drop table if exists {name}")


def test_values_come_as_the_fields_of_their_types(data):
    sql = """select 7::smallint, 8::int, 9::bigint, 1.50::decimal(5,2), 0.5::float8, 1.1::real, true,
        'abc '::char(6), 'x'::varchar(9), '2022-02-22'::date, '2022-02-22'::timestamp, '2020-08-21 17:33:51.88712'::timestamp, null::int"""
    state = run(data, sql)
    assert state["HasResultSet"] and state["ResultRows"] == 1 and state["RedshiftPid"] > 0
    assert state["Duration"] > 0 and state["QueryString"] == sql
    answer = data.get_statement_result(Id=state["Id"])
    assert answer["Records"] == [
        [
            {"longValue": 7}, {"longValue": 8}, {"longValue": 9}, {"stringValue": "1.50"}, {"doubleValue": 0.5},
            {"doubleValue": 1.1}, {"booleanValue": True}, {"stringValue": "abc"}, {"stringValue": "x"}, {"stringValue": "2022-02-22"},
            {"stringValue": "2022-02-22 00:00:00.0"}, {"stringValue": "2020-08-21 17:33:51.88712"}, {"isNull": True},
        ]
    ]  # fmt: skip
    columns = answer["ColumnMetadata"]
    assert [c["typeName"] for c in columns][:8] == ["int2", "int4", "int8", "numeric", "float8", "float4", "bool", "bpchar"]
    assert [c["precision"] for c in columns][:4] == [5, 10, 19, 5]
    assert (columns[3]["scale"], columns[10]["precision"], columns[10]["scale"]) == (2, 29, 6)


def test_what_is_not_waited_for_keeps_its_order(data, table):
    data.execute_statement(Sql=f"create table {table} (id int, title varchar(40), seen date, good boolean)", **HERE)
    for i in range(30):
        parameters = {"id": i, "title": f"It''s :id {i}", "seen": "2022-02-22", "good": i % 2}
        data.execute_statement(
            Sql=f"INSERT INTO {table} (id, title, seen, good) VALUES(:id, :title, :seen, :good);",
            Parameters=[{"name": k, "value": str(v)} for k, v in parameters.items()], **HERE,
        )  # fmt: skip
    asked = data.execute_statement(
        Sql=f"/* :id */ select * from {table} where id =:id and title <> ':id' order by id",
        Parameters=[{"name": "id", "value": "7"}], **HERE,
    )["Id"]  # fmt: skip
    state = over(data, asked)
    assert state["Status"] == "FINISHED", state.get("Error")
    assert state["QueryParameters"] == [{"name": "id", "value": "7"}]
    assert rows(data, asked) == [[7, "It''s :id 7", "2022-02-22", True]]
    assert rows(data, run(data, f"select count(*) from {table}")["Id"]) == [[30]]
    described = data.describe_table(Schema="public", Table=table, **HERE)["ColumnList"]
    assert [c["name"] for c in described] == ["id", "title", "seen", "good"]
    assert (described[1]["typeName"], described[1]["length"]) == ("varchar", 40)
    tables = data.list_tables(SchemaPattern="public", TablePattern=table[:8] + "%", **HERE)["Tables"]
    assert {"name": table, "schema": "public", "type": "TABLE"} in tables


def test_a_batch_is_one_transaction(data, table):
    run(data, f"create table {table} (id int)")
    batch = data.batch_execute_statement(Sqls=[f"insert into {table} values (1)", "select 1", "select missing", "select 2"], **HERE)["Id"]
    state = over(data, batch)
    assert state["Status"] == "FAILED" and state["Duration"] == -1
    assert [part["Status"] for part in state["SubStatements"]] == ["FINISHED", "FINISHED", "FAILED", "ABORTED"]
    assert state["Error"].startswith("ERROR: ")
    assert rows(data, run(data, f"select count(*) from {table}")["Id"]) == [[0]]
    batch = data.batch_execute_statement(Sqls=[f"insert into {table} values (1)", "select 1", f"select id from {table}"], **HERE)["Id"]
    state = over(data, batch)
    assert state["Status"] == "FINISHED", state.get("Error")
    parts = state["SubStatements"]
    assert [part["Id"] for part in parts] == [f"{batch}:{n}" for n in (1, 2, 3)]
    assert state["Duration"] == sum(part["Duration"] for part in parts)
    assert (parts[0]["ResultRows"], parts[1]["ResultSize"]) == (1, 11)
    assert rows(data, f"{batch}:3") == [[1]]


def test_errors_have_the_drivers_words(data):
    state = over(data, data.execute_statement(Sql="SELECT :c, FROM event", Parameters=[{"name": "c", "value": "x"}], **HERE)["Id"])
    assert state["Status"] == "FAILED" and not state["HasResultSet"]
    # The position counts in the text with $1 in it.
    assert "ERROR: syntax error at or near" in state["Error"] and "\n  Position: 1" in state["Error"]
    with pytest.raises(data.exceptions.ResourceNotFoundException):
        data.get_statement_result(Id=state["Id"])
    with pytest.raises(data.exceptions.ResourceNotFoundException):
        data.describe_statement(Id=str(uuid.uuid4()))
    with pytest.raises(data.exceptions.ValidationException, match="Unused parameters: \\[n\\]"):
        data.execute_statement(Sql="select ':n'", Parameters=[{"name": "n", "value": "1"}], **HERE)
    with pytest.raises(data.exceptions.ValidationException, match="doesn't exist in this region"):
        data.execute_statement(Sql="select 1", WorkgroupName="no-such-workgroup", Database="dev")
    with pytest.raises(data.exceptions.ValidationException, match="does not exist"):
        data.list_schemas(WorkgroupName="default", Database="no_such_database")
    state = over(data, data.execute_statement(Sql="select 1", WorkgroupName="default", Database="no_such_database")["Id"])
    assert state["Status"] == "FAILED" and "no_such_database" in state["Error"]


def test_a_statement_is_cancelled(data):
    # One that runs long: a cross join of what there is.
    sql = "select count(*) from pg_attribute a, pg_attribute b, pg_attribute c, pg_attribute d where a.attnum * b.attnum > c.attnum + d.attnum"
    statement = data.execute_statement(Sql=sql, **HERE)["Id"]
    until = time.monotonic() + 30
    while data.describe_statement(Id=statement)["Status"] != "STARTED":
        assert time.monotonic() < until
        time.sleep(0.05)
    assert data.cancel_statement(Id=statement)["Status"] is True
    assert over(data, statement)["Status"] == "ABORTED"
    with pytest.raises(data.exceptions.ValidationException, match="already in ABORTED state"):
        data.cancel_statement(Id=statement)


def test_a_session_keeps_what_is_temporary(data):
    first = data.execute_statement(Sql="create temp table mine (id int)", SessionKeepAliveSeconds=30, **HERE)
    session = first["SessionId"]
    over(data, first["Id"])
    over(data, data.execute_statement(Sql="insert into mine values (5)", SessionId=session)["Id"])
    asked = data.execute_statement(Sql="select id from mine", SessionId=session)["Id"]
    state = over(data, asked)
    assert state["Status"] == "FINISHED" and state["SessionId"] == session, state
    assert rows(data, asked) == [[5]]
    with pytest.raises(data.exceptions.ValidationException):
        data.execute_statement(Sql="select 1", SessionId=str(uuid.uuid4()))
    if hasattr(data, "list_sessions"):
        listed = data.list_sessions(SessionId=session)["Sessions"]
        assert [s["Status"] for s in listed] == ["AVAILABLE"]


def test_large_results_are_paged_and_complete(data):
    sql = """with n as (select row_number() over () as i from pg_attribute a, pg_attribute b limit 50000)
        select i, 'row ' || i as text from n order by i"""
    state = run(data, sql)
    pages = list(data.get_paginator("get_statement_result").paginate(Id=state["Id"]))
    assert len(pages) > 1
    assert [row[0]["longValue"] for page in pages for row in page["Records"]] == list(range(1, 50_001))
    state = run(data, sql, ResultFormat="CSV")
    text = "".join(
        record["CSVRecords"] for page in data.get_paginator("get_statement_result_v2").paginate(Id=state["Id"]) for record in page["Records"]
    )
    found = list(csv.reader(io.StringIO(text)))
    assert found[0] == ["i", "text"] and len(found) == 50_001 and found[-1] == ["50000", "row 50000"]
    with pytest.raises(data.exceptions.ValidationException):
        data.get_statement_result(Id=state["Id"])


def test_a_client_token_is_good_for_one_statement(data, table):
    run(data, f"create table {table} (id int)")
    token = uuid.uuid4().hex
    ids = {data.execute_statement(Sql=f"insert into {table} values (1)", ClientToken=token, **HERE)["Id"] for _ in range(3)}
    assert len(ids) == 1
    over(data, ids.pop())
    assert rows(data, run(data, f"select count(*) from {table}")["Id"]) == [[1]]


def test_lists_of_the_catalog_and_of_statements(data, unique):
    assert "dev" in [d for page in data.get_paginator("list_databases").paginate(**HERE) for d in page["Databases"]]
    schemas = data.list_schemas(**HERE)["Schemas"]
    assert {"information_schema", "pg_catalog", "public"} <= set(schemas) and schemas == sorted(schemas)
    assert data.list_schemas(SchemaPattern="pub%", **HERE)["Schemas"] == ["public"]
    system = data.list_tables(SchemaPattern="pg_catalog", MaxResults=5, **HERE)
    assert len(system["Tables"]) == 5 and system["NextToken"]
    assert {t["type"] for t in system["Tables"]} <= {"SYSTEM TABLE", "SYSTEM VIEW"}
    name = unique("nightly")
    for _ in range(3):
        run(data, "select 1", StatementName=name)
    failed = over(data, data.execute_statement(Sql="select missing", StatementName=name, **HERE)["Id"])
    first = data.list_statements(StatementName=name[:-1], MaxResults=2)
    rest = data.list_statements(StatementName=name[:-1], NextToken=first["NextToken"])
    found = first["Statements"] + rest["Statements"]
    assert len(found) == 3 and "NextToken" not in rest
    assert [s["CreatedAt"] for s in found] == sorted((s["CreatedAt"] for s in found), reverse=True)
    listed = data.list_statements(StatementName=name, Status="FAILED")["Statements"]
    assert [s["Id"] for s in listed] == [failed["Id"]]


def test_calls_beyond_the_rate_are_throttled(session):
    data = client_of(session, "redshift-data", attempts=1)
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(data.list_statements, MaxResults=1) for _ in range(200)]
    errors = [answer.exception() for answer in answers if answer.exception()]
    assert errors and all(error.response["Error"]["Code"] == "ThrottlingException" for error in errors)
    assert all(error.response["ResponseMetadata"]["HTTPStatusCode"] == 400 for error in errors)
    # The next tests are to find some left.
    time.sleep(3)


def test_200_statements_at_once(data, table):
    run(data, f"create table {table} (id int)")
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(lambda i: data.execute_statement(Sql=f"insert into {table} values ({i})", **HERE)["Id"], range(150)))
    assert {over(data, one)["Status"] for one in ids} == {"FINISHED"}
    assert rows(data, run(data, f"select count(distinct id) from {table}")["Id"]) == [[150]]


def test_statements_are_shown_to_their_owner(client, client_as, data, unique):
    iam, name = client("iam"), unique("reader")
    statement = run(data, "select 1", StatementName=name)["Id"]
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    other = client_as("redshift-data", access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"])
    try:
        with pytest.raises(other.exceptions.ClientError) as denied:
            other.describe_statement(Id=statement)
        assert denied.value.response["Error"]["Code"] == "AccessDeniedException"
        policy = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"redshift-data:*","Resource":"*"}}'
        iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=policy)
        for call in (other.describe_statement, other.get_statement_result, other.cancel_statement):
            with pytest.raises(other.exceptions.ResourceNotFoundException):
                call(Id=statement)
        assert other.list_statements(StatementName=name)["Statements"] == []
        # To run SQL takes credentials of the database too, which this policy does not grant.
        with pytest.raises(other.exceptions.ClientError):
            other.execute_statement(Sql="select 1", **HERE)
    finally:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        for policy in iam.list_user_policies(UserName=name)["PolicyNames"]:
            iam.delete_user_policy(UserName=name, PolicyName=policy)
        iam.delete_user(UserName=name)
