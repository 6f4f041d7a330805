"""A `longwave serve` of one's own, to be killed and started again."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import psycopg

PASSWORD = "Crash4Test"


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Warehouse:
    """One data directory and the process that serves it."""

    def __init__(self, binary: str, directory: Path, sql_port: int | None = None):
        self.binary = binary
        self.directory = directory
        self.port = sql_port or free_port()
        self.http_port = free_port()
        self.process: subprocess.Popen | None = None
        directory.mkdir(parents=True, exist_ok=True)
        self.log = directory / "server.log"

    def _spawn(self) -> None:
        env = dict(os.environ, LONGWAVE_ADMIN_PASSWORD=PASSWORD)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [
                    self.binary,
                    "serve",
                    "--data-dir",
                    str(self.directory / "data"),
                    "--sql-addr",
                    f"127.0.0.1:{self.port}",
                    "--http-addr",
                    f"127.0.0.1:{self.http_port}",
                ],
                stdout=log,
                stderr=log,
                env=env,
            )

    def start_only(self, seconds: float) -> None:
        """Starts it and kills it after that time, whatever it was doing."""
        self._spawn()
        time.sleep(seconds)
        self.kill()

    def start(self, wait_s: float = 60.0) -> float:
        """Starts it and waits until it answers. Gives the seconds that took."""
        begun = time.monotonic()
        self._spawn()
        while True:
            try:
                with self.connect(connect_timeout=5) as connection:
                    connection.execute("select 1")
                return time.monotonic() - begun
            except psycopg.OperationalError as error:
                if self.process.poll() is not None:
                    raise SystemExit(f"the server ended: {self.tail()}") from error
                if time.monotonic() - begun > wait_s:
                    raise SystemExit(f"the server does not answer: {self.tail()}") from error
                time.sleep(0.01)

    def wait_for_samples(self, wait_s: float = 120.0) -> None:
        """Waits until the sample database made at the first start is complete, so that making it
        does not take the processor from what is tested."""
        until = time.monotonic() + wait_s
        while time.monotonic() < until:
            try:
                with self.connect(dbname="sample_data_dev") as connection:
                    connection.execute("select count(*) from tpch.lineitem")
                    if connection.execute("select count(*) from tickit.sales").fetchone()[0]:
                        return
            except psycopg.Error:
                pass
            time.sleep(0.25)

    def connect(self, autocommit: bool = True, **options) -> psycopg.Connection:
        settings = {
            "host": "127.0.0.1",
            "port": self.port,
            "user": "awsuser",
            "password": PASSWORD,
            "dbname": "dev",
            "sslmode": "disable",
            "client_encoding": "utf8",
        }
        return psycopg.connect(
            autocommit=autocommit, prepare_threshold=None, **(settings | options)
        )

    def kill(self) -> None:
        """As a power cut for the process: no chance to tidy up."""
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self) -> int:
        """As an operator stops it. Gives the exit code."""
        if not self.process:
            return 0
        self.process.terminate()
        code = self.process.wait(timeout=30)
        self.process = None
        return code

    def tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
