#!/usr/bin/env python3
"""Longwave beside DuckDB (TPC-H, loading) and beside PostgreSQL (small statements), in one run.

    ./bench/run --scale 1                    a table on the screen, all figures in bench/results.json
    ./bench/run --scale 1 --docs             also writes docs/benchmarks.md

Both engines load the same files and answer the same query texts; the answers are compared. Longwave is
asked over the wire by a client that is not ours, on a server started for the run; DuckDB runs in a
process of its own on a database file. Times are wall time at the client, best of --runs.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import duck
import longwave
import report
import small
from compare import differences

ROOT = Path(__file__).resolve().parent.parent


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0, help="TPC-H scale factor")
    parser.add_argument("--runs", type=int, default=3, help="runs of each query; the best counts")
    parser.add_argument("--queries", default="", help="only these, for instance 1,6,17")
    parser.add_argument("--seconds", type=float, default=5.0, help="time for each small statement")
    parser.add_argument("--no-small", action="store_true", help="leave out the small statements")
    parser.add_argument("--binary", default=None, help="the longwave to measure")
    parser.add_argument("--data", default=None, help="directory of generated files, made if missing")
    parser.add_argument("--json", default=str(ROOT / "bench" / "results.json"))
    parser.add_argument("--docs", action="store_true", help="write docs/benchmarks.md")
    return parser.parse_args()


def main():
    args = arguments()
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    binary = Path(args.binary or target / "release" / "longwave")
    wanted = {int(n) for n in args.queries.split(",") if n}
    result = {
        "scale": args.scale,
        "runs": args.runs,
        "date": time.strftime("%Y-%m-%d"),
        "machine": {
            "cpus": os.cpu_count(),
            "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
            "system": f"{platform.system()} {platform.machine()}",
        },
    }
    with tempfile.TemporaryDirectory(prefix="longwave-bench-") as work:
        work = Path(work)
        files = Path(args.data) if args.data else work / "files"
        longwave.generate(binary, args.scale, files)

        print("DuckDB: load and queries", flush=True)
        theirs = duck.measure(files, work / "duck.db", args.runs, wanted)
        result["duckdb"] = {k: theirs[k] for k in ("version", "load_s", "peak_mib", "queries")}

        print("Longwave: load and queries", flush=True)
        with longwave.Server(binary, work / "data") as server:
            result["longwave"] = server.measure(files, theirs["texts"], args.runs)
            answers = result["longwave"].pop("answers")
            result["longwave"]["peak_mib"] = server.peak_mib()
            result["wrong"] = {
                str(n): differences(theirs["answers"][n], answers[n])
                for n in answers
                if differences(theirs["answers"][n], answers[n])
            }
            if not args.no_small:
                print("small statements", flush=True)
                result["small"] = {"longwave": small.rates(server.psycopg(), args.seconds)}
        if not args.no_small:
            with small.Postgres(work / "postgres") as postgres:
                if postgres:
                    result["small"]["postgresql"] = small.rates(postgres.connect(), args.seconds)

    Path(args.json).write_text(json.dumps(result, indent=1) + "\n")
    text = report.table(result)
    print(text)
    print(f"all figures: {args.json}")
    if args.docs:
        report.write_docs(ROOT / "docs" / "benchmarks.md", result)
    failed = result["wrong"] or result["longwave"]["errors"]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
