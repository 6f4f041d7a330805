"""psql 15."""

import os
import signal
import subprocess
import time

import pytest

from conftest import SLOW
from values import COLUMNS, ROW_1, ROW_2, ddl, literal


def dsn(server, **more):
    keys = {
        "host": server.host,
        "port": server.port,
        "dbname": server.database,
        "user": server.user,
        "sslmode": "verify-full",
        "sslrootcert": server.ca,
        **more,
    }
    return " ".join(f"{k}={v}" for k, v in keys.items())


def psql(server, *commands, stdin=None, check=True, **more):
    argv = ["psql", "-X", "-A", "-t", "-q", "-F", "|", dsn(server, **more)]
    for command in commands:
        argv += ["-c", command]
    done = subprocess.run(
        argv, input=stdin, capture_output=True, text=True, timeout=60, env={**os.environ, "PGPASSWORD": server.password}
    )
    if check:
        assert done.returncode == 0, done.stderr
    return done


def test_tls_and_plain(server):
    out = psql(server, "\\conninfo").stdout
    assert "SSL connection (protocol: TLSv1.3" in out
    out = psql(server, "\\conninfo", sslmode="disable").stdout
    assert "SSL" not in out
    wrong = psql(server, "select 1", user="nobody", check=False)
    assert wrong.returncode == 2 and "password authentication failed" in wrong.stderr


def test_server_version(server):
    assert psql(server, stdin="\\echo :SERVER_VERSION_NAME\n").stdout.strip() == "8.0.2"
    assert "PostgreSQL 8.0.2" in psql(server, "select version()").stdout


def test_types_and_nulls(server, table):
    names = ",".join(c[0] for c in COLUMNS)
    psql(
        server,
        ddl(table),
        f"insert into {table} values (1, {','.join(map(literal, ROW_1))})",
        f"insert into {table} values (2, {','.join(map(literal, ROW_2))})",
        f"insert into {table} (id) values (3)",
    )
    rows = psql(server, f"select {names} from {table} order by id").stdout.splitlines()
    assert rows[0].split("|") == [
        "t", "-32768", "-2147483648", "-9223372036854775808", "-12345678.90", "99999999999999.9999",
        "1234567890123456789012345678.0123456789", "1.5", "0.1", "ab   ", "héllo wörld €", "2020-02-29",
        "13:05:09.123456", "23:59:59+00", "2020-12-31 23:59:59.999999", "2020-07-04 12:00:00+00",
    ]  # fmt: skip
    assert rows[1].split("|") == [
        "f", "32767", "2147483647", "9223372036854775807", "0.01", "0.0000", "-1.0000000000", "-0.25", "-1e+300",
        "abcde", "", "0001-01-01", "00:00:00", "01:02:03.000004+00", "1969-07-20 20:17:40",
        "1970-01-01 00:00:00+00",
    ]  # fmt: skip
    assert rows[2] == "|" * (len(COLUMNS) - 1)
    psql(server, f"drop table {table}")


def test_session_time_zone(server):
    out = psql(server, "set timezone to 'Asia/Kolkata'", "select '2020-01-01 00:00:00+00'::timestamptz").stdout
    assert out.strip() == "2020-01-01 05:30:00+05:30"


def test_transaction_error_and_recovery(server, table):
    script = f"""
create table {table} (a int);
begin;
insert into {table} values (1);
select 1/0;
select 1;
rollback;
select count(*) from {table};
begin;
insert into {table} values (2);
commit;
select a from {table};
drop table {table};
"""
    done = psql(server, stdin=script)
    assert done.stdout.split() == ["0", "2"]
    assert "ivi" in done.stderr and "current transaction is aborted" in done.stderr


def test_error_position(server):
    done = psql(server, "select 1;\nselect * from nosuch_table", check=False)
    assert 'relation "nosuch_table" does not exist' in done.stderr
    done = psql(server, "selec 1", check=False)
    assert "LINE 1: selec 1" in done.stderr


def test_several_statements_in_one_call(server):
    assert psql(server, "select 4; select 5").stdout.split() == ["4", "5"]


def test_copy_from_stdin_is_refused(server, table):
    psql(server, f"create table {table} (a int)")
    done = psql(server, f"copy {table} from stdin", check=False)
    assert done.returncode != 0 and "ERROR" in done.stderr
    psql(server, f"drop table {table}")


def test_cancel(server, big):
    argv = ["psql", "-X", dsn(server), "-c", SLOW.format(big=big)]
    process = subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PGPASSWORD": server.password}
    )
    time.sleep(1.5)
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert time.monotonic() - start < 10
    assert "cancel" in err.lower()


def test_large_fetch_in_pieces(server, big):
    out = psql(server, stdin=f"\\set FETCH_COUNT 1000\nselect id, s from {big} order by id;\n").stdout.splitlines()
    assert len(out) == 100_000
    assert out[0] == "0|row 0" and out[-1] == "99999|row 99999"


@pytest.mark.parametrize("command", ["\\d", "\\dt", "\\dn", "\\du", "\\l", "\\dv", "\\df", "\\d {table}"])
def test_backslash_commands(server, table, command):
    psql(server, f"create table {table} (a int not null, b varchar(10) default 'x')")
    out = psql(server, command.format(table=table)).stdout
    if command in ("\\d", "\\dt"):
        assert table in out
    if command == "\\dn":
        assert "public|" in out
    if command == "\\du":
        assert "awsuser" in out
    if command == "\\l":
        assert "dev|" in out
    if "{" in command:
        assert "a|integer|" in out and "b|character varying(10)|" in out
    psql(server, f"drop table {table}")


def test_backslash_commands(server, table):
    """What a user types first: an answer, or a message that says what to do."""
    psql(server, f"CREATE TABLE {table} (id INT NOT NULL, word VARCHAR(10))", f"CREATE VIEW {table}_v AS SELECT id FROM {table}")
    answered = [
        "\\d", "\\d+", f"\\d+ {table}", f"\\d+ {table}_v", "\\dt", "\\dt+", "\\dn", "\\dn+", "\\du", "\\du+", "\\dg",
        "\\l", "\\l+", "\\df", "\\df+ lower", "\\da", "\\dv", "\\dv+", "\\di", "\\ds", "\\dE", "\\dm", "\\dp", "\\z", "\\db",
        "\\dT", "\\dD", "\\dx", f"\\sv {table}_v", "\\encoding", "\\timing", "\\conninfo", "\\x",
    ]  # fmt: skip
    for command in answered:
        done = psql(server, command, check=False)
        assert done.returncode == 0 and "ERROR" not in done.stderr, (command, done.stderr)
    assert psql(server, stdin="select 1 as a, 'x' as b \\gdesc\n").stdout.split() == ["a|integer", "b|character", "varying(65535)"]
    assert psql(server, stdin="select 1 as one \\gset\n\\echo :one\n").stdout.strip() == "1"
    assert psql(server, stdin="select 'select 2' \\gexec\n").stdout.strip() == "2"
    assert psql(server, stdin="\\x\nselect 1 as a;\n").stdout.strip() == "a|1"
    watch = subprocess.Popen(
        ["psql", "-X", "-A", "-t", dsn(server)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PGPASSWORD": server.password},
    )  # fmt: skip
    watch.stdin.write("select 'seen' \\watch 0.2\n")
    watch.stdin.flush()
    time.sleep(2)
    watch.send_signal(signal.SIGINT)
    assert watch.communicate(timeout=30)[0].count("seen") >= 2
    refused = psql(server, f"\\copy {table} from '/dev/null'", check=False)
    assert "COPY FROM STDIN is not supported" in refused.stderr and "Amazon S3" in refused.stderr
    refused = psql(server, f"\\copy {table} to '/dev/null'", check=False)
    assert "syntax error" in refused.stderr
    psql(server, f"DROP VIEW {table}_v", f"DROP TABLE {table}")
