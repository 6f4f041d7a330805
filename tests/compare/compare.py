#!/usr/bin/env python3
"""Random queries, answered by a running warehouse and by DuckDB over the same rows; the answers must agree.

    compare.py --seconds 60 --seed 7

The service is given by the environment that ./test sets. A query that differs is printed whole with its
seed. Rows are compared as multisets; ORDER BY is checked by LIMIT, which needs it.
"""

import argparse
import collections
import os
import random
import sys
import threading
import time
import uuid
from decimal import Decimal

import duckdb
import psycopg2

import queries

# What Redshift refuses and says so, or what has no answer in both.
REFUSED = {"0A000"}


def plain(value):
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float, Decimal)):
        return round(Decimal(value), 4).normalize() + 0
    return value


def multiset(rows):
    return collections.Counter(tuple(plain(v) for v in row) for row in rows)


def differs(ours, theirs):
    ours, theirs = multiset(ours), multiset(theirs)
    if ours == theirs:
        return None
    return f"only ours: {list((ours - theirs).items())[:3]}, only DuckDB's: {list((theirs - ours).items())[:3]}"


class Pair:
    """The same tables on both sides."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.schema = f"compare_{uuid.uuid4().hex[:8]}"
        self.session = psycopg2.connect(
            host="127.0.0.1",
            port=int(os.environ["LONGWAVE_TEST_PORT"]),
            dbname="dev",
            user="awsuser",
            password=os.environ["LONGWAVE_ADMIN_PASSWORD"],
            options="-c statement_timeout=20000",
        )
        self.session.autocommit = True
        self.ours = self.session.cursor()
        self.theirs = duckdb.connect()
        self.theirs.execute("SET default_null_order = 'nulls_last_on_asc_first_on_desc'")
        self.theirs.execute("SET memory_limit = '1GB'")
        self.ours.execute(f"CREATE SCHEMA {self.schema}")
        self.ours.execute(f"SET search_path TO {self.schema}")
        for name, (options, count) in queries.TABLES.items():
            self.ours.execute(f"CREATE TABLE {name} ({queries.DDL}) {options}")
            self.theirs.execute(f"CREATE TABLE {name} ({queries.DDL})")
            rows = [queries.row(self.rng, max(6, count // 20)) for _ in range(count)]
            # In several statements, so that a table has segments and small batches; then some changes.
            for start in range(0, len(rows), 900):
                part = rows[start : start + 900]
                values = ", ".join("(" + ", ".join(map(literal, r)) + ")" for r in part)
                self.both(f"INSERT INTO {name} VALUES {values}")
        self.both("DELETE FROM many WHERE b = 3 AND a < 40")
        self.both("UPDATE more SET c = c + 1, a = b WHERE f")
        self.ours.execute("ANALYZE")

    def both(self, sql):
        self.ours.execute(sql)
        self.theirs.execute(sql)

    def close(self):
        self.ours.execute(f"DROP SCHEMA {self.schema} CASCADE")
        self.session.close()

    def ask(self, sql):
        """What is wrong with our answer; None if nothing is; a word in brackets if it cannot be told."""
        # Some random joins are endless.
        timer = threading.Timer(2, self.theirs.interrupt)
        timer.start()
        try:
            theirs = self.theirs.execute(sql).fetchmany(200_000)
        except duckdb.Error as error:
            return f"(DuckDB: {type(error).__name__})"
        finally:
            timer.cancel()
        if len(theirs) == 200_000:
            return "(too many rows)"
        try:
            self.ours.execute(sql)
            ours = self.ours.fetchall()
        except psycopg2.Error as error:
            if error.pgcode in REFUSED:
                return "(refused)"
            return f"{error.pgcode} {str(error).strip()[:300]}"
        return differs(ours, theirs)


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value)


def run(seconds, seed, most=20, queries_at_most=10**9):
    """Compares until the time is over or the queries are asked; returns what was wrong."""
    seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    print(f"seed {seed}", flush=True)
    pair = Pair(seed)
    counts, wrong = collections.Counter(), []
    until = time.monotonic() + seconds
    number = 0
    while time.monotonic() < until and len(wrong) < most and number < queries_at_most:
        number += 1
        sql = queries.Generator(random.Random(f"{seed}/{number}")).query()
        said = pair.ask(sql)
        if said is None:
            counts["equal"] += 1
        elif said.startswith("("):
            counts[said] += 1
        else:
            counts["different"] += 1
            wrong.append(f"query {number}: {said}\n  {sql}")
    pair.close()
    print(dict(counts))
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int)
    args = parser.parse_args()
    wrong = run(args.seconds, args.seed)
    print("\n\n".join(wrong))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
