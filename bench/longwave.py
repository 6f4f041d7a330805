"""A Longwave server for the run: load through its S3 endpoint, queries over the wire."""

import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request

from duck import peak_mib

BUCKET = "bench"


def generate(binary, scale, files):
    """TPC-H as text files, the same for both engines."""
    if (files / "create.sql").exists():
        return
    command = [binary, "sample", "--schema", "tpch", "--scale", str(scale), "--no-gzip", "--out", files]
    subprocess.run([str(part) for part in command], check=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    def __init__(self, binary, directory):
        self.binary, self.directory = binary, directory
        self.sql, self.http = free_port(), free_port()
        self.password = "Bench" + secrets.token_hex(8)
        self.key, self.secret = "AKIABENCH00000000000", secrets.token_hex(20)

    def __enter__(self):
        environment = os.environ | {
            "LONGWAVE_ADMIN_PASSWORD": self.password,
            "LONGWAVE_ACCESS_KEY_ID": self.key,
            "LONGWAVE_SECRET_ACCESS_KEY": self.secret,
        }
        command = [self.binary, "serve", "--data-dir", self.directory]
        command += ["--sql-addr", f"127.0.0.1:{self.sql}", "--http-addr", f"127.0.0.1:{self.http}"]
        self.log = open(f"{self.directory}.log", "wb")
        self.process = subprocess.Popen(
            [str(part) for part in command], env=environment, stdout=self.log, stderr=self.log
        )
        for _ in range(600):
            if self.process.poll() is not None:
                break
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.http}/health", timeout=1).read()
                self.wait_for_samples()
                return self
            except OSError:
                time.sleep(0.1)
        sys.exit(f"the server did not start; see {self.directory}.log")

    def wait_for_samples(self):
        """The first start loads sample data in the background; it must not run into the figures."""
        cursor = self.connect().cursor()
        for _ in range(600):
            try:
                cursor.execute("SELECT count(*) FROM sample_data_dev.tpch.lineitem")
                if cursor.fetchall()[0][0] > 0:
                    return
            except Exception:
                pass
            time.sleep(0.1)
        print("warning: the sample data was not there after 60 s", file=sys.stderr)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()

    def connect(self):
        import redshift_connector

        connection = redshift_connector.connect(
            host="127.0.0.1",
            port=self.sql,
            database="dev",
            user="awsuser",
            password=self.password,
            ssl=False,
        )
        connection.autocommit = True
        return connection

    def psycopg(self):
        import psycopg

        return psycopg.connect(
            host="127.0.0.1",
            port=self.sql,
            dbname="dev",
            user="awsuser",
            password=self.password,
            autocommit=True,
        )

    def peak_mib(self):
        return peak_mib(self.process.pid)

    def upload(self, files):
        import boto3

        s3 = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.http}",
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            region_name="us-east-1",
        )
        s3.create_bucket(Bucket=BUCKET)
        for path in sorted(files.glob("*/*.tbl")):
            s3.upload_file(str(path), BUCKET, f"{path.parent.name}/{path.name}")

    def measure(self, files, texts, runs):
        start = time.perf_counter()
        self.upload(files)
        upload_s = time.perf_counter() - start
        cursor = self.connect().cursor()
        for statement in (files / "create.sql").read_text().split(";\n"):
            if statement.strip():
                cursor.execute(statement)
        cursor.execute("SET search_path TO tpch")
        load = {}
        for table in sorted(d.name for d in files.iterdir() if d.is_dir()):
            start = time.perf_counter()
            cursor.execute(
                f"COPY tpch.{table} FROM 's3://{BUCKET}/{table}/' IAM_ROLE default DELIMITER '|'"
            )
            load[table] = time.perf_counter() - start
        load_peak = self.peak_mib()
        start = time.perf_counter()
        cursor.execute("ANALYZE")
        analyze_s = time.perf_counter() - start
        times, answers, errors = {}, {}, {}
        for n, text in texts.items():
            for _ in range(runs):
                start = time.perf_counter()
                try:
                    cursor.execute(text.strip().rstrip(";"))
                    answers[n] = cursor.fetchall()
                except Exception as error:
                    errors[n] = str(error)
                    cursor = self.connect().cursor()
                    cursor.execute("SET search_path TO tpch")
                    break
                times.setdefault(n, []).append(time.perf_counter() - start)
        return {
            "upload_s": upload_s,
            "load_s": load,
            "load_peak_mib": load_peak,
            "analyze_s": analyze_s,
            "queries": {n: min(t) for n, t in times.items()},
            "answers": answers,
            "errors": errors,
        }
