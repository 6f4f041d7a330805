#!/usr/bin/env python3
"""Sessions move money between the rows of a table under SERIALIZABLE, retrying on error 1023.

Checked: the sum never changes, in any snapshot any reader takes; every failure is SQLSTATE 40001
(1023) or a deadlock (40P01) and a retry succeeds; readers are not held up by writers; balances add
up to the transfers that were acknowledged.

    transfer.py --binary target/release/longwave --seconds 20
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

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "crash"))
from warehouse import Warehouse  # noqa: E402

ACCOUNTS = 20
START = 1000
SLOW_READ_S = 2.0


class Session(threading.Thread):
    def __init__(self, warehouse: Warehouse, number: int, until: float):
        super().__init__(daemon=True)
        self.warehouse = warehouse
        self.dice = random.Random(number)
        self.until = until
        self.problem: BaseException | None = None

    def run(self) -> None:
        try:
            self.work()
        except BaseException as error:  # noqa: BLE001 - reported by the main thread
            self.problem = error

    def work(self) -> None:
        raise NotImplementedError


class Teller(Session):
    """Reads two balances, computes, writes both: wrong at once if anybody comes between."""

    def __init__(self, *args):
        super().__init__(*args)
        self.moved: dict[int, int] = {}
        self.done = 0
        self.violations = 0
        self.deadlocks = 0
        self.worst_retries = 0

    def work(self) -> None:
        with self.warehouse.connect(autocommit=False) as connection:
            while time.monotonic() < self.until:
                one, other = self.dice.sample(range(ACCOUNTS), 2)
                amount = self.dice.randint(1, 50)
                retries = 0
                while not self.transfer(connection, one, other, amount):
                    retries += 1
                    # As an application does: wait a little longer each time.
                    time.sleep(self.dice.uniform(0, 0.005 * min(retries, 20)))
                self.worst_retries = max(self.worst_retries, retries)
                self.done += 1
                self.moved[one] = self.moved.get(one, 0) - amount
                self.moved[other] = self.moved.get(other, 0) + amount

    def transfer(self, connection, one: int, other: int, amount: int) -> bool:
        try:
            balance = {
                account: value
                for account, value in connection.execute(
                    f"select id, balance from account where id in ({one}, {other})"
                ).fetchall()
            }
            connection.execute(
                f"update account set balance = {balance[one] - amount} where id = {one}"
            )
            connection.execute(
                f"update account set balance = {balance[other] + amount} where id = {other}"
            )
            connection.commit()
            return True
        except psycopg.errors.SerializationFailure as error:
            if "1023" not in str(error):
                raise
            self.violations += 1
        except psycopg.errors.DeadlockDetected:
            self.deadlocks += 1
        connection.rollback()
        return False


class Auditor(Session):
    """Reads the sum; it is always the same, and never waits for a writer."""

    def __init__(self, *args):
        super().__init__(*args)
        self.reads = 0
        self.slowest = 0.0

    def work(self) -> None:
        with self.warehouse.connect() as connection:
            while time.monotonic() < self.until:
                begun = time.monotonic()
                count, total = connection.execute(
                    "select count(*), sum(balance) from account"
                ).fetchone()
                self.slowest = max(self.slowest, time.monotonic() - begun)
                self.reads += 1
                if (count, total) != (ACCOUNTS, ACCOUNTS * START):
                    raise AssertionError(f"{count} accounts with {total} in all")
                time.sleep(0.01)


def held_up(warehouse: Warehouse) -> None:
    """A reader beside an open transaction that has changed every row."""
    with warehouse.connect(autocommit=False) as writer, warehouse.connect() as reader:
        writer.execute("update account set balance = balance + 0")
        begun = time.monotonic()
        total = reader.execute("select sum(balance) from account").fetchone()[0]
        took = time.monotonic() - begun
        writer.rollback()
        if total != ACCOUNTS * START or took > SLOW_READ_S:
            raise AssertionError(f"a reader beside a writer: {total} after {took:.1f} s")


def queued(warehouse: Warehouse) -> None:
    """Single UPDATEs of one row queue up and all succeed: none works on a stale snapshot."""
    with warehouse.connect() as connection:
        connection.execute("create table hits (n bigint)")
        connection.execute("insert into hits values (0)")

    problems: list[Exception] = []

    def hit():
        try:
            with warehouse.connect() as connection:
                for _ in range(10):
                    connection.execute("update hits set n = n + 1")
        except Exception as error:  # noqa: BLE001 - reported below
            problems.append(error)

    threads = [threading.Thread(target=hit) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]
    with warehouse.connect() as connection:
        found = connection.execute("select n from hits").fetchall()
    if found != [(60,)]:
        raise AssertionError(f"60 updates gave {found}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default="target/release/longwave")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--tellers", type=int, default=6)
    parser.add_argument("--auditors", type=int, default=2)
    parser.add_argument("--port", type=int, default=None)
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="longwave-transfer-"))
    warehouse = Warehouse(options.binary, directory, options.port)
    warehouse.start()
    try:
        with warehouse.connect() as connection:
            connection.execute("create table account (id int, balance bigint)")
            values = ",".join(f"({n}, {START})" for n in range(ACCOUNTS))
            connection.execute(f"insert into account values {values}")
        held_up(warehouse)
        queued(warehouse)
        until = time.monotonic() + options.seconds
        tellers = [Teller(warehouse, n, until) for n in range(options.tellers)]
        auditors = [Auditor(warehouse, 100 + n, until) for n in range(options.auditors)]
        for session in tellers + auditors:
            session.start()
        for session in tellers + auditors:
            session.join(options.seconds + 60)
            if session.problem:
                raise session.problem
            if session.is_alive():
                raise AssertionError("a session hangs")
        with warehouse.connect() as connection:
            found = dict(connection.execute("select id, balance from account").fetchall())
        expected = {
            n: START + sum(t.moved.get(n, 0) for t in tellers) for n in range(ACCOUNTS)
        }
        if found != expected:
            raise AssertionError(f"balances are {found}, acknowledged transfers give {expected}")
    except BaseException as error:
        print(f"FAILED: {type(error).__name__}: {error}\n{warehouse.tail()}\ndata in {directory}")
        warehouse.kill()
        return 1
    code = warehouse.stop()
    print(
        f"passed: {sum(t.done for t in tellers)} transfers, "
        f"{sum(t.violations for t in tellers)} violations, "
        f"{sum(t.deadlocks for t in tellers)} deadlocks, "
        f"at most {max(t.worst_retries for t in tellers)} retries; "
        f"{sum(a.reads for a in auditors)} audits, slowest {max(a.slowest for a in auditors):.2f} s"
    )
    shutil.rmtree(directory)
    return code


if __name__ == "__main__":
    sys.exit(main())
