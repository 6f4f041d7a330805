"""How clients read the catalogs: psql's describe commands, SQLAlchemy's reflection, the metadata calls of redshift_connector."""

import os
import subprocess

import pytest

from test_psql import dsn


def described(server, *commands):
    argv = ["psql", "-X", dsn(server)]
    for command in commands:
        argv += ["-c", command]
    done = subprocess.run(
        argv, capture_output=True, text=True, timeout=60, env={**os.environ, "PGPASSWORD": server.password}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(text):
    """The cells of psql's aligned output."""
    return [[c.strip() for c in line.split("|")] for line in text.splitlines() if "|" in line]


@pytest.fixture(scope="module")
def objects(server):
    import psycopg2

    connection = psycopg2.connect(
        host=server.host, port=server.port, dbname=server.database, user=server.user, password=server.password
    )
    connection.autocommit = True
    with connection.cursor() as c:
        c.execute("DROP SCHEMA IF EXISTS described CASCADE")
        c.execute("CREATE SCHEMA described")
        c.execute(
            "CREATE TABLE described.parents (id INTEGER NOT NULL PRIMARY KEY, label VARCHAR(20) DEFAULT 'none', price DECIMAL(10,2))"
            " DISTKEY (id) SORTKEY (id)"
        )
        c.execute(
            "CREATE TABLE described.children (id BIGINT IDENTITY(1,1), parent INTEGER NOT NULL REFERENCES described.parents (id), at TIMESTAMP)"
        )
        c.execute("CREATE VIEW described.cheap AS SELECT id, label FROM described.parents WHERE price < 10")
        c.execute("COMMENT ON TABLE described.parents IS 'first of all'")
    yield connection
    with connection.cursor() as c:
        c.execute("DROP SCHEMA described CASCADE")
    connection.close()


def test_list_relations(server, objects):
    found = rows(described(server, "\\d described.*", "\\dt described.*"))
    assert ["described", "children", "table", "awsuser"] in found
    tables = rows(described(server, "\\dt described.*"))
    assert ["described", "parents", "table", "awsuser"] in tables
    assert not any("cheap" in r for r in tables)
    views = rows(described(server, "\\dv described.*"))
    assert ["described", "cheap", "view", "awsuser"] in views
    plus = described(server, "\\dt+ described.*")
    assert "first of all" in plus and "permanent" in plus


def test_search_path_decides(server, objects):
    assert "described" not in described(server, "\\dt")
    assert "parents" in described(server, "SET search_path TO described", "\\dt")


def test_describe_table(server, objects):
    text = described(server, "\\d described.parents")
    assert 'Table "described.parents"' in text
    found = rows(text)
    assert ["id", "integer", "", "not null", ""] in found
    assert ["label", "character varying(20)", "", "", "'none'::character varying"] in found or [
        "label",
        "character varying(20)",
        "",
        "",
        "'none'",
    ] in found
    assert ["price", "numeric(10,2)", "", "", ""] in found
    assert "first of all" not in text
    assert "View definition" in described(server, "\\d+ described.cheap")
    assert 'View "described.cheap"' in described(server, "\\d described.cheap")
    missing = subprocess.run(
        ["psql", "-X", dsn(server), "-c", "\\d described.nothing"],
        capture_output=True,
        text=True,
        env={**os.environ, "PGPASSWORD": server.password},
    )
    assert "Did not find any relation" in missing.stderr


def test_schemas_users_databases_functions(server, objects):
    assert ["described", "awsuser"] in rows(described(server, "\\dn"))
    users = described(server, "\\du")
    assert "awsuser" in users and "Superuser" in users
    databases = rows(described(server, "\\l"))
    assert any(r[0] == "dev" and r[1] == "awsuser" for r in databases)
    assert any(r[0] == "dev" and r[6].endswith("B") or "bytes" in r[-3] for r in rows(described(server, "\\l+"))[1:])
    assert "List of functions" in described(server, "\\df")
    assert "lower" in described(server, "\\df pg_catalog.lower")
    assert "awsuser=arwdRxt/awsuser" not in described(server, "\\dp described.parents")
    described(server, "GRANT SELECT ON described.parents TO PUBLIC")
    assert "=r/awsuser" in described(server, "\\dp described.parents")


def test_sqlalchemy_reflects(server, objects):
    sa = pytest.importorskip("sqlalchemy")
    pytest.importorskip("sqlalchemy_redshift")
    engine = sa.create_engine(
        sa.engine.URL.create(
            "redshift+psycopg2", server.user, server.password, server.host, server.port, server.database
        ),
        connect_args={"sslmode": "verify-full", "sslrootcert": server.ca},
    )
    inspector = sa.inspect(engine)
    assert "described" in inspector.get_schema_names()
    assert sorted(inspector.get_table_names("described")) == ["children", "parents"]
    assert inspector.get_view_names("described") == ["cheap"]
    columns = {c["name"]: c for c in inspector.get_columns("parents", "described")}
    assert isinstance(columns["id"]["type"], sa.INTEGER) and not columns["id"]["nullable"]
    assert columns["label"]["type"].length == 20
    assert (columns["price"]["type"].precision, columns["price"]["type"].scale) == (10, 2)
    assert inspector.get_pk_constraint("parents", "described")["constrained_columns"] == ["id"]
    [key] = inspector.get_foreign_keys("children", "described")
    assert key["constrained_columns"] == ["parent"] and key["referred_table"] == "parents"
    assert key["referred_schema"] == "described" and key["referred_columns"] == ["id"]
    reflected = sa.Table("children", sa.MetaData(), schema="described", autoload_with=engine)
    assert [c.name for c in reflected.columns] == ["id", "parent", "at"]


def test_redshift_connector_metadata(server, objects):
    rc = pytest.importorskip("redshift_connector")
    connection = rc.connect(
        host=server.host,
        port=server.port,
        database=server.database,
        user=server.user,
        password=server.password,
        ssl=False,
    )
    cursor = connection.cursor()
    assert ["described"] in [list(r)[:1] for r in cursor.get_schemas()] or any(
        "described" in r for r in cursor.get_schemas()
    )
    tables = cursor.get_tables(schema_pattern="described")
    assert {r[2] for r in tables} == {"parents", "children", "cheap"}
    columns = cursor.get_columns(schema_pattern="described", tablename_pattern="parents")
    assert [r[3] for r in columns] == ["id", "label", "price"]
    keys = cursor.get_primary_keys(schema="described", table="parents")
    assert [r[3] for r in keys] == ["id"]
    connection.close()
