"""dbt, unmodified: seeds, tables, views bound and unbound, an incremental model, a snapshot, tests, docs. Twice, since the
second run swaps tables under the views that read them. The service is given as in the other suites."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

import psycopg2
import pytest

HERE = pathlib.Path(__file__).parent


@pytest.fixture(scope="module")
def dbt(tmp_path_factory):
    """dbt(command, ...) in a copy of the project; gives the results it writes."""
    pins = HERE / "requirements.txt"
    venv = pathlib.Path(sys.prefix).parent / "venv-dbt"
    mark, want = venv / ".made", hashlib.sha256(pins.read_bytes()).hexdigest()
    if not mark.exists() or mark.read_text() != want:
        shutil.rmtree(venv, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([venv / "bin" / "pip", "install", "-q", "--disable-pip-version-check", "-r", pins], check=True)
        mark.write_text(want)
    project = tmp_path_factory.mktemp("dbt") / "project"
    shutil.copytree(HERE / "project", project)
    env = dict(os.environ, DBT_SEND_ANONYMOUS_USAGE_STATS="false", DBT_PROFILES_DIR=str(project))

    def run(*command):
        done = subprocess.run(
            [venv / "bin" / "dbt", *command], cwd=project, env=env, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stdout[-3000:]
        results = json.loads((project / "target" / "run_results.json").read_text())["results"] if command[0] != "debug" else []
        return {result["unique_id"].split(".")[2]: result["status"] for result in results}

    run.project = project
    return run


@pytest.fixture
def sql():
    connection = psycopg2.connect(
        host="127.0.0.1", port=os.environ["LONGWAVE_TEST_PORT"], dbname="dev", user="awsuser",
        password=os.environ["LONGWAVE_ADMIN_PASSWORD"],
    )  # fmt: skip
    connection.autocommit = True

    def run(text):
        with connection.cursor() as cursor:
            cursor.execute(text)
            return cursor.fetchall()

    yield run
    connection.close()


GOOD = {"success", "pass"}


def test_build_twice(dbt, sql):
    dbt("debug")
    first = dbt("build")
    assert len(first) == 10 and set(first.values()) <= GOOD, first
    assert sql("select customer, orders, total::decimal(8,2)::varchar from analytics.customers order by 1") == [
        ("ann", 2, "15.50"), ("bob", 1, "7.25"),
    ]  # fmt: skip
    assert sql("select customer from analytics.big") == [("ann",)]
    # Another order: table, view and incremental model follow, the snapshot keeps both states.
    orders = dbt.project / "seeds" / "orders.csv"
    orders.write_text(orders.read_text().replace("2,bob,7.25", "2,bob,70.25") + "4,eve,1.00,2026-01-03 13:00:00\n")
    second = dbt("build")
    assert len(second) == 10 and set(second.values()) <= GOOD, second
    assert sql("select customer from analytics.big order by 1") == [("ann",), ("bob",)]
    assert sql("select day::varchar, n from analytics.daily order by 1") == [
        ("2026-01-01", 1), ("2026-01-02", 1), ("2026-01-03", 2),
    ]  # fmt: skip
    assert sql("select sum(n) from analytics.late") == [(4,)]
    assert sql("select id, count(*), count(dbt_valid_to) from analytics.orders_snapshot group by 1 order by 1") == [
        (1, 1, 0), (2, 2, 1), (3, 1, 0), (4, 1, 0),
    ]  # fmt: skip


def test_full_refresh_and_docs(dbt):
    again = dbt("run", "--full-refresh")
    assert set(again.values()) <= GOOD, again
    dbt("docs", "generate")
    catalog = json.loads((dbt.project / "target" / "catalog.json").read_text())
    customers = catalog["nodes"]["model.shop.customers"]
    assert [column for column in customers["columns"]] == ["customer", "orders", "total"]
