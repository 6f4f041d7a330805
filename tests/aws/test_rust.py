"""AWS SDK for Rust."""

import json
import os
import pathlib
import subprocess

RUST = pathlib.Path(__file__).parent / "rust"


def test_movies(unique):
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target")).resolve() / "aws-sdk-rust"
    env = dict(os.environ, CARGO_TARGET_DIR=str(target))
    subprocess.run(["cargo", "build", "--locked", "-q"], cwd=RUST, env=env, check=True)
    name = unique("rust-movies")
    done = subprocess.run([target / "debug" / "longwave-aws-test", name], capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    saw = json.loads(done.stdout)
    assert saw["created"] == "creating" and saw["deleted"] == "deleting"
    assert name in saw["listed"] and "dev" in saw["databases"]
    assert saw["columns"] == ["id", "title", "year"]
    assert sorted(saw["records"]) == [[i, f"Film {i}", 2013] for i in range(60)]
    assert saw["window"] == "wed:07:30-wed:08:00"
    assert saw["missing"] is True
