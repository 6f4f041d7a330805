#!/usr/bin/env python3
"""Kills a warehouse under load, again and again, and checks what is left.

Writers in several sessions run while the server is killed with SIGKILL at a random moment. After
each restart:

- every commit that was acknowledged is there,
- of a commit that was under way either all is there or nothing,
- nothing is there that nobody wrote, and nothing twice,
- the server answered within two seconds.

    crash.py --binary target/release/longwave --rounds 50
"""

import argparse
import random
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

import psycopg

from warehouse import Warehouse

BULK_ROWS = 2000
RECOVERY_S = 2.0


class Writer(threading.Thread):
    """A session that writes until the server is gone.

    `known` is what it knows to be committed; `open` is the step that was under way when the
    connection broke, of which it does not know.
    """

    def __init__(self, warehouse: Warehouse, number: int):
        super().__init__(daemon=True)
        self.warehouse = warehouse
        self.number = number
        self.problem: Exception | None = None
        self.steps = 0

    def run(self) -> None:
        try:
            with self.warehouse.connect() as connection:
                while True:
                    try:
                        self.step(connection)
                        self.steps += 1
                    except psycopg.errors.SerializationFailure:
                        self.rolled_back()
        except psycopg.OperationalError:
            pass  # the kill
        except Exception as error:  # noqa: BLE001 - reported by the main thread
            self.problem = error

    def rolled_back(self) -> None:
        """The step did not happen; the next one tries again."""
        self.open = False

    @staticmethod
    def prepare(connection) -> None:
        """Makes the tables all writers of this kind share."""

    def step(self, connection) -> None:
        raise NotImplementedError

    def check(self, connection) -> None:
        """Compares what is there with what is known, and goes on from there."""
        raise NotImplementedError


def rows(connection, sql: str) -> list[tuple]:
    return connection.execute(sql).fetchall()


def expect(condition: bool, what: str) -> None:
    if not condition:
        raise AssertionError(what)


class Inserts(Writer):
    """Single-row INSERTs, each a transaction."""

    def __init__(self, warehouse, number):
        super().__init__(warehouse, number)
        self.next = 0
        self.known: set[int] = set()

    @staticmethod
    def prepare(connection):
        connection.execute("create table ledger (writer int, n bigint)")

    def step(self, connection):
        n = self.next
        self.next += 1
        connection.execute(f"insert into ledger values ({self.number}, {n})")
        self.known.add(n)

    def check(self, connection):
        found = [n for (n,) in rows(connection, f"select n from ledger where writer = {self.number}")]
        there = set(found)
        expect(len(found) == len(there), f"ledger {self.number}: a row is there twice")
        lost = self.known - there
        expect(not lost, f"ledger {self.number}: lost {sorted(lost)[:10]}")
        extra = there - self.known
        expect(extra <= {self.next - 1}, f"ledger {self.number}: not written: {sorted(extra)[:10]}")
        self.known = there


class Pairs(Writer):
    """Transactions that write two tables and change a third."""

    def __init__(self, warehouse, number):
        super().__init__(warehouse, number)
        self.known = 0
        self.open = False

    @staticmethod
    def prepare(connection):
        for table in ("pair_a", "pair_b"):
            connection.execute(f"create table {table} (writer int, n bigint)")
        connection.execute("create table pair_count (writer int, n bigint)")

    def step(self, connection):
        n = self.known + 1
        self.open = True
        with connection.transaction():
            connection.execute(f"insert into pair_a values ({self.number}, {n})")
            if n == 1:
                connection.execute(f"insert into pair_count values ({self.number}, 1)")
            else:
                connection.execute(f"update pair_count set n = {n} where writer = {self.number}")
            connection.execute(f"insert into pair_b values ({self.number}, {n})")
        self.known = n
        self.open = False

    def check(self, connection):
        def of(table):
            return sorted(
                n for (n,) in rows(connection, f"select n from {table} where writer = {self.number}")
            )

        a, b, count = of("pair_a"), of("pair_b"), of("pair_count")
        expect(a == b, f"pairs {self.number}: half a transaction: {len(a)} and {len(b)} rows")
        expect(a == list(range(1, len(a) + 1)), f"pairs {self.number}: rows are missing or doubled")
        expect(count == ([len(a)] if a else []), f"pairs {self.number}: count {count} of {len(a)}")
        expect(len(a) >= self.known, f"pairs {self.number}: lost {self.known - len(a)} commits")
        expect(
            len(a) <= self.known + int(self.open),
            f"pairs {self.number}: {len(a)} rows, {self.known} commits",
        )
        self.known = len(a)
        self.open = False


class Moves(Writer):
    """Bulk INSERTs (files) and DELETEs that move them from one table to another."""

    def __init__(self, warehouse, number):
        super().__init__(warehouse, number)
        self.phase = 0
        self.open = False

    @staticmethod
    def prepare(connection):
        connection.execute("create table bulk_from (writer int, batch bigint, n int) sortkey (n)")
        connection.execute("create table bulk_to (writer int, batch bigint, n int) distkey (n)")

    def step(self, connection):
        batch, moving = divmod(self.phase, 2)
        self.open = True
        if not moving:
            values = ",".join(f"({self.number},{batch},{n})" for n in range(BULK_ROWS))
            connection.execute(f"insert into bulk_from values {values}")
        else:
            which = f"writer = {self.number} and batch = {batch}"
            with connection.transaction():
                connection.execute(f"insert into bulk_to select * from bulk_from where {which}")
                connection.execute(f"delete from bulk_from where {which}")
        self.phase += 1
        self.open = False

    def check(self, connection):
        def of(table):
            return {
                batch: (count, total, distinct)
                for batch, count, total, distinct in rows(
                    connection,
                    "select batch, count(*), sum(n), count(distinct n) "
                    f"from {table} where writer = {self.number} group by batch",
                )
            }

        source, target = of("bulk_from"), of("bulk_to")
        whole = (BULK_ROWS, BULK_ROWS * (BULK_ROWS - 1) // 2, BULK_ROWS)
        for table, batches in (("bulk_from", source), ("bulk_to", target)):
            for batch, found in batches.items():
                expect(found == whole, f"{table}: batch {batch} of {self.number} is {found}")
        # Phase p: batches below p // 2 were moved; if p is odd, batch p // 2 waits to be.
        phase = 2 * len(target) + len(source)
        expect(len(source) <= 1, f"moves {self.number}: left over {sorted(source)}")
        expect(sorted(target) == list(range(len(target))), f"moves {self.number}: {sorted(target)}")
        expect(set(source) <= {len(target)}, f"moves {self.number}: {sorted(source)}")
        expect(
            self.phase <= phase <= self.phase + int(self.open),
            f"moves {self.number}: at step {phase}, acknowledged {self.phase}",
        )
        self.phase = phase
        self.open = False


KINDS = {"inserts": Inserts, "pairs": Pairs, "moves": Moves}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default="target/release/longwave")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--sessions", type=int, default=2, help="sessions of each kind")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--port", type=int, default=None)
    parser.add_argument("--keep", action="store_true", help="keep the data directory")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(1 << 30)
    dice = random.Random(seed)
    directory = Path(tempfile.mkdtemp(prefix="longwave-crash-"))
    print(f"seed {seed}, {options.rounds} rounds, {directory}", flush=True)

    warehouse = Warehouse(options.binary, directory, options.port)
    warehouse.start()
    warehouse.wait_for_samples()
    kinds = [KINDS[name] for name in options.kinds.split(",")]
    with warehouse.connect() as connection:
        for kind in kinds:
            kind.prepare(connection)
    writers = [kind(warehouse, n) for kind in kinds for n in range(options.sessions)]

    slowest, steps = 0.0, 0
    try:
        for round_ in range(1, options.rounds + 1):
            for writer in writers:
                writer.start()
            # Under load: not before something was acknowledged, and then at any moment.
            patience = time.monotonic() + 20
            while not any(w.steps for w in writers) and time.monotonic() < patience:
                time.sleep(0.01)
            time.sleep(dice.uniform(0.0, 1.5))
            warehouse.kill()
            for writer in writers:
                writer.join(30)
                if writer.problem:
                    raise writer.problem
            done = sum(w.steps for w in writers)
            steps += done
            if dice.random() < 0.2:
                # Again while it recovers.
                warehouse.start_only(dice.uniform(0.0, 0.3))
            took = warehouse.start()
            slowest = max(slowest, took)
            with warehouse.connect() as connection:
                for writer in writers:
                    writer.check(connection)
            print(f"round {round_}: {done} steps, answered after {took:.2f} s", flush=True)
            expect(took < RECOVERY_S, f"recovery took {took:.2f} s")
            writers = [again(w) for w in writers]
        expect(warehouse.stop() == 0, "exit code of a stop")
    except AssertionError as error:
        print(f"FAILED: {error}\n{warehouse.tail()}\nseed {seed}, data in {directory}")
        warehouse.kill()
        return 1
    finally:
        warehouse.kill()
    print(f"passed: {options.rounds} kills, {steps} steps, slowest recovery {slowest:.2f} s")
    if not options.keep:
        shutil.rmtree(directory)
    return 0


def again(writer: Writer) -> Writer:
    """The same writer with a new thread."""
    fresh = type(writer)(writer.warehouse, writer.number)
    for name, value in vars(writer).items():
        if name in ("known", "next", "phase", "open"):
            setattr(fresh, name, value)
    return fresh


if __name__ == "__main__":
    sys.exit(main())
