"""AWS SDK for JavaScript v3."""

import json
import pathlib
import subprocess

JS = pathlib.Path(__file__).parent / "js"


def test_movies(unique):
    if not (JS / "node_modules" / "@aws-sdk" / "client-redshift").exists():
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=JS, check=True)
    name = unique("js-movies")
    done = subprocess.run(["node", "movies.mjs", name], cwd=JS, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    saw = json.loads(done.stdout)
    assert saw["created"] == "creating" and saw["deleted"] == "deleting"
    assert name in saw["listed"] and "dev" in saw["databases"]
    assert saw["port"] > 0 and saw["createTime"] and saw["updated"]
    assert (saw["status"], saw.get("error")) == ("FINISHED", None)
    assert saw["columns"] == ["id", "title", "year"]
    assert sorted(saw["records"]) == [[i, f"Film {i}", 2013] for i in range(60)]
    assert saw["window"] == "wed:07:30-wed:08:00"
    assert saw["missing"] == {"name": "ClusterNotFoundFault", "status": 404}
    assert "default" in saw["workgroups"]
