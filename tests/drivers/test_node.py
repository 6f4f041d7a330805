"""node's `pg`."""

import json
import pathlib
import subprocess

from conftest import SLOW
from values import NAMES, NULLS, ROW_1, ROW_2, ddl

NODE = pathlib.Path(__file__).parent / "node"


def plain(value):
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


def test_scenario(server, table, big):
    if not (NODE / "node_modules" / "pg").exists():
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=NODE, check=True)
    given = {
        "connection": {
            "host": "localhost",
            "port": server.port,
            "database": server.database,
            "user": server.user,
            "password": server.password,
        },
        "ca": server.ca,
        "table": table,
        "ddl": ddl(table),
        "columns": NAMES,
        # Beyond 2^53 a number of JavaScript is not exact, so numbers go as texts.
        "rows": [[v if v is None or isinstance(v, bool) else str(v) for v in row] for row in [ROW_1, ROW_2, NULLS]],
        "big": big,
        "slow": SLOW.format(big=big),
    }
    done = subprocess.run(["node", "scenario.js"], cwd=NODE, input=json.dumps(given), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    saw = json.loads(done.stdout)
    assert saw["encrypted"] is True
    assert [saw[f"inserted{i}"] for i in range(3)] == [1, 1, 1]
    assert saw["rows"][0][1:7] == [
        "-32768", "-2147483648", "-9223372036854775808", "-12345678.90", "99999999999999.9999",
        "1234567890123456789012345678.0123456789",
    ]  # fmt: skip
    assert saw["rows"][0][10] == "héllo wörld €"
    assert saw["rows"][0][14] == "2020-12-31 23:59:59.999999"
    assert saw["rows"][2] == [None] * len(NAMES)
    assert saw["typed"]["c_int4"] == -2147483648 and saw["typed"]["c_bool"] is True
    assert saw["typed"]["c_dec"] == "-12345678.90"
    assert [saw[f"named{i}"] for i in range(3)] == [0, 1, 2]
    assert (saw["error"], saw["aborted"], saw["kept"]) == ("42P01", "25P02", 3)
    assert saw["cancelled"] == "57014"
    assert saw["fetched"] == 100_000
