"""DuckDB in a process of its own: load, queries, peak memory."""

import multiprocessing
import time
from pathlib import Path

TYPES = {"character": "VARCHAR", "character varying": "VARCHAR"}


def peak_mib(pid="self"):
    """The most memory a process ever held, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) // 1024
    return 0


def statements(files):
    """The tables' DDL in DuckDB's words: no keys of distribution and order, no primary keys (its
    indexes would cost it time that ours does not spend)."""
    text = (files / "create.sql").read_text()
    for statement in text.split(";\n"):
        statement = statement.strip()
        if statement.startswith("CREATE SCHEMA"):
            continue
        if statement:
            body = statement[: statement.index(",\n  PRIMARY KEY")]
            yield body.replace("CREATE TABLE tpch.", "CREATE TABLE ") + "\n)"


def work(files, path, runs, wanted, out):
    import duckdb
    from duckdb_extensions import import_extension

    con = duckdb.connect(str(path))
    import_extension("tpch", con=con)
    con.execute("LOAD tpch")
    queries = con.execute("SELECT query_nr, query FROM tpch_queries() ORDER BY 1").fetchall()
    texts = {n: text for n, text in queries if not wanted or n in wanted}
    for statement in statements(files):
        con.execute(statement)
    load = {}
    for table in sorted(d.name for d in files.iterdir() if d.is_dir()):
        start = time.perf_counter()
        con.execute(
            f"COPY {table} FROM '{files}/{table}/*.tbl' (DELIMITER '|', HEADER false, NULLSTR '\\N')"
        )
        load[table] = time.perf_counter() - start
    con.execute("CHECKPOINT")
    times, answers = {}, {}
    for n, text in texts.items():
        times[n] = []
        for _ in range(runs):
            start = time.perf_counter()
            answers[n] = con.execute(text).fetchall()
            times[n].append(time.perf_counter() - start)
    out.send(
        {
            "version": duckdb.__version__,
            "load_s": load,
            "queries": {n: min(t) for n, t in times.items()},
            "answers": answers,
            "texts": texts,
            "peak_mib": peak_mib(),
        }
    )


def measure(files, path, runs, wanted):
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(files, path, runs, wanted, send))
    process.start()
    send.close()
    try:
        return receive.recv()
    finally:
        process.join()
