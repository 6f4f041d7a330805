"""Mutated SQL text."""

import pathlib
import re

import psycopg2

from common import main

SLT = pathlib.Path(__file__).resolve().parents[1] / "slt"
# What would harm others than the fuzzer: the logins, the databases, files.
HARMFUL = re.compile(r"\b(user|database|role|group|cancel|terminate\w*|unload|copy|authorization|vacuum)\b", re.I)
TOKEN = re.compile(r"\s+|\w+|'[^']*'|\"[^\"]*\"|.", re.S)
WORDS = """select from where group by order having limit union all intersect except with recursive as on join left
full cross using values insert into update set delete create table drop alter view schema begin commit rollback
null true false case when then else end cast interval date timestamp time int bigint varchar decimal between in
exists any over partition rows unbounded preceding grouping sets rollup cube distinct top merge explain analyze
lock truncate show declare cursor fetch prepare execute grant revoke comment extract position substring""".split()
ODD = ["(", ")", ",", ";", ".", "*", "'", '"', "$1", "::", "||", "-", "/*", "--", "\\", "[", "]", "{", "}", "é", "\u2028",
       "0", "-1", "1e999", "99999999999999999999999999999999999999999", "''", "'x'", "0x", "1.", ".5", "@", "#", "~", "%"]  # fmt: skip


def corpus():
    found = set()
    for path in SLT.rglob("*.slt"):
        for block in path.read_text().split("\n\n"):
            lines = [line for line in block.splitlines() if not line.startswith("#")]
            if lines and re.match(r"(statement|query)", lines[0]):
                body = "\n".join(lines[1:]).split("\n----")[0].strip()
                if 0 < len(body) < 4000:
                    found.add(body)
    found |= {
        "SELECT a, COUNT(*) FROM (SELECT 1 AS a UNION ALL SELECT 2) t GROUP BY a ORDER BY 1 LIMIT 3",
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT SUM(n) FROM r",
        "SELECT relname, SUM(relpages) OVER (PARTITION BY relkind ORDER BY relname) FROM pg_class",
        "CREATE TEMP TABLE z (a INT, b VARCHAR(10), c DECIMAL(10,2), d TIMESTAMP)",
        "INSERT INTO z VALUES (1, 'x', 1.5, '2020-01-01'), (NULL, NULL, NULL, NULL)",
        "UPDATE z SET a = a + 1 WHERE b LIKE 'x%'",
        "DELETE FROM z USING (SELECT 1 AS k) s WHERE z.a = s.k",
    }
    return sorted(found)


CORPUS = corpus()


def nested(rng):
    depth = rng.choice([10, 100, 1000, 20_000])
    kind = rng.randrange(5)
    if kind == 0:
        return "SELECT " + "(" * depth + "1" + ")" * depth
    if kind == 1:
        return "SELECT " + "1 + " * depth + "1"
    if kind == 2:
        return "SELECT * FROM " + "(SELECT * FROM " * min(depth, 1000) + "pg_class" + ") t" * min(depth, 1000)
    if kind == 3:
        return "SELECT " + "NOT " * depth + "TRUE"
    return "SELECT CASE WHEN TRUE THEN " * min(depth, 2000) + "1" + " END" * min(depth, 2000)


def mutate(rng):
    if rng.random() < 0.03:
        return nested(rng)
    if rng.random() < 0.1:
        return " ".join(rng.choice(WORDS + ODD) for _ in range(rng.randrange(1, 25)))
    tokens = TOKEN.findall(rng.choice(CORPUS))
    for _ in range(rng.choice([0, 1, 1, 2, 3, 8])):
        if not tokens:
            break
        at = rng.randrange(len(tokens))
        kind = rng.randrange(6)
        if kind == 0:
            del tokens[at : at + rng.choice([1, 1, 2, 5])]
        elif kind == 1:
            tokens.insert(at, rng.choice(WORDS) + " ")
        elif kind == 2:
            tokens.insert(at, rng.choice(ODD))
        elif kind == 3:
            other = rng.randrange(len(tokens))
            tokens[at], tokens[other] = tokens[other], tokens[at]
        elif kind == 4:
            tokens[at:at] = TOKEN.findall(rng.choice(CORPUS))[: rng.randrange(1, 20)]
        else:
            tokens[at] = rng.choice(ODD + WORDS)
    return "".join(tokens)


def worker(target, rng, stop, counts):
    connection = target.connect(options="-c statement_timeout=2000")
    connection.autocommit = True
    cursor = connection.cursor()
    for _ in range(200):
        if stop.is_set():
            break
        sql = mutate(rng).replace("\0", "")
        if HARMFUL.search(sql):
            continue
        counts["statements"] = counts.get("statements", 0) + 1
        try:
            cursor.execute(sql)
            if cursor.description:
                cursor.fetchmany(100)
            counts["ran"] = counts.get("ran", 0) + 1
        except (ValueError, OverflowError):
            # A date or number that Python has no value for.
            counts["unreadable"] = counts.get("unreadable", 0) + 1
        except psycopg2.Error as error:
            code = error.pgcode or "none"
            counts[code] = counts.get(code, 0) + 1
            # What the driver cannot read: the fuzzer has set another DateStyle.
            if re.search("empty query|unable to parse (date|time)", str(error)):
                continue
            if code in ("XX000", "none"):
                problem = f"{code} {str(error).strip()[:200]!r} for {sql[:300]!r}"
                problems = counts.setdefault("problems", [])
                if len(problems) < 50:
                    problems.append(problem)
            if connection.closed:
                return
    connection.close()


if __name__ == "__main__":
    main("sql", worker)
