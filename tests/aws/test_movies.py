"""The scenario of the AWS SDK's own examples: a cluster, a table and rows through the Data API (guide L30332-31550)."""

import time

FAST = {"Delay": 1, "MaxAttempts": 60}


def finished(data, statement):
    until = time.monotonic() + 60
    while True:
        state = data.describe_statement(Id=statement)
        if state["Status"] in ("FINISHED", "FAILED", "ABORTED"):
            return state
        assert time.monotonic() < until, state
        time.sleep(0.1)


def test_movies(client, unique):
    redshift, data = client("redshift"), client("redshift-data")
    name = unique("redshift-cluster-movies")
    where = {"ClusterIdentifier": name, "Database": "dev", "DbUser": "awsuser"}
    redshift.create_cluster(
        ClusterIdentifier=name, MasterUsername="awsuser", MasterUserPassword="AwsUser1000", NodeType="ra3.4xlarge",
        PubliclyAccessible=True, NumberOfNodes=2,
    )  # fmt: skip
    # As the example does: no state but these two.
    until = time.monotonic() + 60
    while True:
        status = redshift.describe_clusters(ClusterIdentifier=name)["Clusters"][0]["ClusterStatus"]
        assert status in ("creating", "available")
        if status == "available":
            break
        assert time.monotonic() < until
        time.sleep(0.2)
    databases = [d for page in data.get_paginator("list_databases").paginate(**where) for d in page["Databases"]]
    assert "dev" in databases
    data.execute_statement(Sql="CREATE TABLE Movies (statement_id INT PRIMARY KEY, title VARCHAR(100), year INT)", **where)
    # 200 rows, 60 of them of 2013, not waited for.
    for i in range(200):
        data.execute_statement(
            Sql="INSERT INTO Movies VALUES(:statement_id , :title, :year)",
            Parameters=[
                {"name": "statement_id", "value": str(i)},
                {"name": "title", "value": f"Film No. {i}"},
                {"name": "year", "value": "2013" if i < 60 else "2014"},
            ],
            **where,
        )
    asked = data.execute_statement(
        Sql=" SELECT * FROM Movies WHERE year = :year", Parameters=[{"name": "year", "value": "2013"}], **where
    )["Id"]  # fmt: skip
    state = finished(data, asked)
    assert state["Status"] == "FINISHED", state.get("Error")
    assert state["ResultRows"] == 60 and state["HasResultSet"]
    pages = list(data.get_paginator("get_statement_result").paginate(Id=asked))
    names = [column["name"] for column in pages[0]["ColumnMetadata"]]
    assert names == ["statement_id", "title", "year"]
    records = [record for page in pages for record in page["Records"]]
    titles = sorted(record[names.index("title")]["stringValue"] for record in records)
    assert titles == sorted(f"Film No. {i}" for i in range(60))
    assert {record[2]["longValue"] for record in records} == {2013}
    window = "wed:07:30-wed:08:00"
    changed = redshift.modify_cluster(ClusterIdentifier=name, PreferredMaintenanceWindow=window)["Cluster"]
    assert changed["PreferredMaintenanceWindow"] == window
    gone = redshift.delete_cluster(ClusterIdentifier=name, SkipFinalClusterSnapshot=True)["Cluster"]
    assert gone["ClusterStatus"] == "deleting"
    redshift.get_waiter("cluster_deleted").wait(ClusterIdentifier=name, WaiterConfig=FAST)
