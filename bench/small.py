"""Rates of small statements, each its own transaction, one session."""

import glob
import os
import pwd
import subprocess
import time

ROWS = 1000


def rates(connection, seconds):
    """Statements per second: INSERT of a row, SELECT and UPDATE of a row by its key."""
    cursor = connection.cursor()
    cursor.execute("DROP TABLE IF EXISTS bench_small")
    cursor.execute("CREATE TABLE bench_small (id INTEGER PRIMARY KEY, n INTEGER, t VARCHAR(40))")
    values = ", ".join(f"({i}, 0, 'row {i}')" for i in range(ROWS))
    cursor.execute(f"INSERT INTO bench_small VALUES {values}")

    def run(statement):
        start, count = time.perf_counter(), 0
        while (took := time.perf_counter() - start) < seconds:
            cursor.execute(*statement(count))
            count += 1
        return count / took

    result = {
        "insert": run(
            lambda i: ("INSERT INTO bench_small VALUES (%s, %s, %s)", (ROWS + i, i, f"row {i}"))
        ),
        "select": run(lambda i: ("SELECT n, t FROM bench_small WHERE id = %s", (i % ROWS,))),
        "update": run(lambda i: ("UPDATE bench_small SET n = n + 1 WHERE id = %s", (i % ROWS,))),
    }
    cursor.execute("DROP TABLE bench_small")
    return result


class Postgres:
    """A PostgreSQL with its own defaults, in a directory of its own; None if there is none here."""

    def __init__(self, directory):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        self.bin = found[-1] if found else None
        self.directory = directory

    def run(self, *command):
        options = {}
        if os.getuid() == 0:
            # It refuses to run as root.
            user = pwd.getpwnam("postgres")
            options = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/tmp", **options)

    def __enter__(self):
        if not self.bin:
            return None
        self.directory.mkdir()
        os.chmod(self.directory.parent, 0o755)
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.directory, user.pw_uid, user.pw_gid)
        data = str(self.directory / "data")
        self.run(f"{self.bin}/initdb", "-D", data, "-U", "bench", "-A", "trust")
        options = f"-c listen_addresses='' -c unix_socket_directories={self.directory}"
        log = str(self.directory / "log")
        self.run(f"{self.bin}/pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "start")
        return self

    def __exit__(self, *_):
        if self.bin:
            data = str(self.directory / "data")
            self.run(f"{self.bin}/pg_ctl", "-D", data, "-m", "fast", "-w", "stop")

    def connect(self):
        import psycopg

        return psycopg.connect(
            host=str(self.directory), dbname="postgres", user="bench", autocommit=True
        )
