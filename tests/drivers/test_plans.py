"""Plans are kept for texts that come again, and for prepared statements: what others define, grant or set
meanwhile must be seen all the same."""

import psycopg
import pytest


def connect(server, **options):
    options = {"user": server.user, "password": server.password, **options}
    return psycopg.connect(host=server.host, port=server.port, dbname=server.database, autocommit=True, **options)


@pytest.fixture
def two(server):
    with connect(server) as one, connect(server) as other:
        # Every statement of the first is a prepared one from its second run on.
        one.prepare_threshold = 1
        yield one, other


def rows(connection, text, params=None):
    return connection.execute(text, params).fetchall()


def test_rows_of_others(two, table):
    one, other = two
    other.execute(f"create table {table} (a int)")
    for n in range(4):
        assert rows(one, f"select count(*) from {table} where a >= %s", (0,)) == [(n,)]
        other.execute(f"insert into {table} values ({n})")


def test_columns_change(two, table):
    one, other = two
    other.execute(f"create table {table} (a int, b int)")
    other.execute(f"insert into {table} values (1, 2)")
    one.prepare_threshold = None
    for _ in range(3):
        assert rows(one, f"select * from {table}") == [(1, 2)]
    other.execute(f"alter table {table} add column c varchar(5) default 'x'")
    assert rows(one, f"select * from {table}") == [(1, 2, "x")]
    other.execute(f"alter table {table} drop column a")
    assert rows(one, f"select * from {table}") == [(2, "x")]
    other.execute(f"drop table {table}")
    with pytest.raises(psycopg.errors.UndefinedTable):
        rows(one, f"select * from {table}")
    other.execute(f"create table {table} (z varchar(3))")
    other.execute(f"insert into {table} values ('new')")
    assert rows(one, f"select * from {table}") == [("new",)]


def test_table_made_anew_under_a_prepared_statement(two, table):
    one, other = two
    for value in (1, 2, 3):
        other.execute(f"create table {table} (a int)")
        other.execute(f"insert into {table} values ({value})")
        for _ in range(3):
            assert rows(one, f"select a from {table} where a > %s", (0,)) == [(value,)]
        one.execute(f"insert into {table} values (%s)", (value + 10,))
        one.execute(f"update {table} set a = a + 1 where a > %s", (10,))
        assert rows(other, f"select max(a) from {table}") == [(value + 11,)]
        other.execute(f"drop table {table}")


def test_views_change(two, table):
    one, other = two
    other.execute(f"create view {table} as select 1 as a")
    for _ in range(3):
        assert rows(one, f"select a from {table}") == [(1,)]
    other.execute(f"create or replace view {table} as select 2 as a")
    assert rows(one, f"select a from {table}") == [(2,)]


def test_privileges_are_taken_away(server, two, table):
    _, admin = two
    user = f"u_{table}"
    admin.execute(f"create user {user} password 'Secret123'")
    admin.execute(f"create table {table} (a int)")
    admin.execute(f"grant select on {table} to {user}")
    with connect(server, user=user, password="Secret123") as theirs:
        theirs.prepare_threshold = 1
        for _ in range(3):
            assert rows(theirs, f"select a from {table} where a > %s", (0,)) == []
        admin.execute(f"revoke select on {table} from {user}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            rows(theirs, f"select a from {table} where a > %s", (0,))
        admin.execute(f"alter table {table} owner to {user}")
        assert rows(theirs, f"select a from {table} where a > %s", (0,)) == []
    admin.execute(f"drop table {table}")
    admin.execute(f"drop user {user}")


def test_the_session_itself(two, table):
    one, _ = two
    one.execute(f"create schema s_{table}")
    one.execute(f"create table {table} as select 'public' as t")
    one.execute(f"create table s_{table}.{table} as select 'other' as t")
    text = f"select t from {table} where t <> %s"
    for _ in range(3):
        assert rows(one, text, ("",)) == [("public",)]
    one.execute(f"set search_path to s_{table}, public")
    assert rows(one, text, ("",)) == [("other",)]
    one.execute(f"create temp table {table} as select 'temporary' as t")
    assert rows(one, text, ("",)) == [("temporary",)]
    one.execute(f"insert into {table} values ('more')")
    assert len(rows(one, text, ("",))) == 2
    one.execute(f"drop table {table}")
    assert rows(one, text, ("",)) == [("other",)]
    one.execute("set search_path to public")
    assert rows(one, text, ("",)) == [("public",)]
    one.execute(f"drop schema s_{table} cascade")


def test_own_changes_and_their_undoing(two, table):
    one, other = two
    other.execute(f"create table {table} (a int)")
    for _ in range(2):
        assert rows(one, f"select * from {table}") == []
    one.prepare_threshold = None
    one.execute("begin")
    one.execute(f"alter table {table} add column b int")
    one.execute(f"insert into {table} values (1, 2)")
    assert rows(one, f"select * from {table} where a > 0") == [(1, 2)]
    assert rows(one, f"select * from {table} where a > 0") == [(1, 2)]
    one.execute("rollback")
    assert rows(one, f"select * from {table} where a > 0") == []
    one.execute(f"insert into {table} values (5)")
    assert rows(one, f"select * from {table} where a > 0") == [(5,)]


def test_settings_and_moments(two):
    one, _ = two
    one.prepare_threshold = None
    text = "select '2026-01-02 03:04:05+00'::timestamptz::varchar(30)"
    first = rows(one, text)
    one.execute("set timezone to 'Asia/Tokyo'")
    assert rows(one, text) != first
    one.execute("reset timezone")
    assert rows(one, text) == first
    moments = {rows(one, "select sysdate::varchar(30)")[0][0] for _ in range(3)}
    assert len(moments) == 3
