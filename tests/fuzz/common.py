"""What both fuzzers share: the server under test, the honest session, the watch over memory."""

import argparse
import os
import pathlib
import random
import sys
import threading
import time

import psycopg2


# What the allocator, the caches and the threads' memory come to in the first minutes; over ten minutes it stays
# below. A short run is still on the way there, so only what exceeds it counts as growth.
PLATEAU_MB = 1536


class Target:
    def __init__(self):
        self.host = "127.0.0.1"
        self.port = int(os.environ["LONGWAVE_TEST_PORT"])
        self.user = "awsuser"
        self.password = os.environ["LONGWAVE_ADMIN_PASSWORD"]
        self.database = "dev"
        lock = pathlib.Path(os.environ["LONGWAVE_TEST_DATA_DIR"]) / "lock"
        self.pid = int(lock.read_text().split()[0])

    def connect(self, **more):
        return psycopg2.connect(
            host=self.host, port=self.port, dbname=more.pop("dbname", self.database), user=self.user,
            password=self.password, connect_timeout=10, **more,
        )  # fmt: skip

    def alive(self):
        return pathlib.Path(f"/proc/{self.pid}/status").exists()

    def rss_mb(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) // 1024
        return 0


class Honest(threading.Thread):
    """A session that minds its own business, and new logins beside it."""

    def __init__(self, target, stop, patience):
        super().__init__(daemon=True)
        self.target, self.stop, self.patience = target, stop, patience
        self.asked, self.slowest, self.failure = 0, 0.0, None

    def run(self):
        try:
            connection = self.target.connect()
            connection.autocommit = True
            cursor = connection.cursor()
            while not self.stop.is_set():
                start = time.monotonic()
                cursor.execute("SELECT %s::int + 1", (self.asked,))
                assert cursor.fetchone() == (self.asked + 1,)
                if self.asked % 10 == 0:
                    self.target.connect().close()
                self.slowest = max(self.slowest, time.monotonic() - start)
                assert self.slowest < self.patience, f"kept waiting for {self.slowest:.1f} s"
                self.asked += 1
                self.stop.wait(0.1)
            connection.close()
        except Exception as error:  # noqa: BLE001
            self.failure = f"the honest session was harmed: {error!r}"
            self.stop.set()


def run(name, worker, seconds, seed, workers=4, patience=10.0):
    """Runs `worker(target, random, stop, counts)` in threads; returns what went wrong."""
    target = Target()
    seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    print(f"{name}: {seconds} s, seed {seed}", flush=True)
    stop = threading.Event()
    honest = Honest(target, stop, patience)
    honest.start()
    counts, problems = {}, []

    def work(i):
        rng = random.Random(seed * 1000 + i)
        try:
            while not stop.is_set():
                worker(target, rng, stop, counts)
        except Exception as error:  # noqa: BLE001
            problems.append(f"worker {i}: {error!r}")
            stop.set()

    threads = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(workers)]
    for thread in threads:
        thread.start()
    start = time.monotonic()
    warm = None
    while not stop.is_set() and time.monotonic() - start < seconds:
        if not target.alive():
            problems.append("the server ended")
            break
        if warm is None and time.monotonic() - start > seconds / 3:
            warm = target.rss_mb()
        stop.wait(0.2)
    stop.set()
    honest.join(15)
    for thread in threads:
        thread.join(15)
    if honest.failure:
        problems.append(honest.failure)
    if target.alive():
        time.sleep(1)
        end = target.rss_mb()
        print(f"memory: {warm} MB after a third, {end} MB at the end")
        if warm is not None and end > max(warm * 1.3 + 100, PLATEAU_MB):
            problems.append(f"memory grew from {warm} to {end} MB")
    else:
        problems.append("the server ended")
    print(f"honest session: {honest.asked} questions, slowest {honest.slowest:.2f} s")
    print("counts:", dict(sorted(counts.items())))
    problems += counts.pop("problems", [])
    return problems


def main(name, worker, **more):
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int)
    args = parser.parse_args()
    problems = run(name, worker, args.seconds, args.seed, **more)
    for problem in problems:
        print("PROBLEM:", problem)
    sys.exit(1 if problems else 0)
