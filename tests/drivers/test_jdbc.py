"""pgjdbc as Debian packages it."""

import pathlib
import subprocess

from conftest import SLOW
from values import NAMES, ddl

JAR = "/usr/share/java/postgresql.jar"
SOURCE = pathlib.Path(__file__).parent / "java" / "Scenario.java"


def test_scenario(server, table, big):
    url = f"jdbc:postgresql://localhost:{server.port}/{server.database}?sslmode=verify-full&sslrootcert={server.ca}"
    done = subprocess.run(
        ["java", "-cp", JAR, str(SOURCE), url, server.user, server.password, table, big, SLOW.format(big=big)],
        input=ddl(table),
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    saw = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert saw["product"] == "8.0.2" and saw["valid"] == "true"
    assert (saw["inserted"], saw["insertedNulls"], saw["nulls"]) == ("1", "1", "16")
    want = (
        "true|-32768|-2147483648|-9223372036854775808|-12345678.90|99999999999999.9999|"
        "1234567890123456789012345678.0123456789|1.5|0.1|ab   |héllo wörld €|2020-02-29|13:05:09.123456|"
        "23:59:59Z|2020-12-31T23:59:59.999999|2020-07-04T12:00:00Z"
    )
    for run in range(8):
        assert saw[f"row{run}"] == want, f"run {run}"
    assert (saw["error"], saw["aborted"], saw["kept"]) == ("42P01", "25P02", "2")
    assert saw["cancelled"] == "57014"
    assert (saw["fetched"], saw["few"], saw["batch"]) == ("100000", "10", "10")
    assert saw["columns"].split() == ["id", *NAMES]
