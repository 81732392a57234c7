"""The real server, and the loads that are put on it."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import time
import urllib.request

ISSUERS = 64
ENOUGH = "1000000000"
RATE = {"perSecond": 1_000_000_000, "burst": 1_000_000_000}


def run(*command):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


class Server:
    """`holdfast serve` on a new log with 64 issuers, without limits of rates."""

    def __init__(self, binaries, work):
        self.binaries, self.work = binaries, work
        self.directory = work / "log"

    def __enter__(self):
        keys = self.work / "keys"
        keys.mkdir(parents=True)
        issuers = []
        for number in range(ISSUERS):
            run(self.binaries / "holdfast", "key", "new", "--out", keys / f"issuer-{number}.key")
            issuers += ["--issuer", f"spiffe://bench.example.com/{number}={keys / f'issuer-{number}.key.pub'}"]
        policy = self.work / "policy.json"
        policy.write_text(json.dumps({"rates": {"perIssuer": RATE, "perAddress": RATE}}), encoding="utf-8")
        run(self.binaries / "holdfast", "init", self.directory, "--origin", "bench.example.com/log",
            "--policy", policy, *issuers)
        for file in keys.iterdir():
            shutil.move(file, self.directory / "keys" / file.name)
        self.log = open(self.work / "serve.log", "wb")
        self.process = subprocess.Popen(
            [str(self.binaries / "holdfast"), "serve", str(self.directory), "--port", "0", "--log-level", "error",
             "--submission-rate", ENOUGH, "--submission-burst", ENOUGH, "--read-rate", ENOUGH, "--read-burst", ENOUGH],
            stdout=self.log, stderr=self.log)
        address = self.directory / "log.url"
        deadline = time.monotonic() + 20
        while not address.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the server did not start: " + (self.work / "serve.log").read_text())
            time.sleep(0.02)
        self.url = address.read_text().strip().rstrip("/")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=60)
        self.log.close()

    def cpu(self):
        """Seconds of processor time of the server so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def get(self, path):
        with urllib.request.urlopen(self.url + path) as answer:
            return answer.read()

    def size(self):
        return int(self.get("/checkpoint").split(b"\n")[1])

    def batches(self):
        """How many batches the server has committed, and how many statements were in them."""
        text = self.get("/metrics").decode()
        count, total = (
            float(re.search(rf"^holdfast_batch_statements_{what} (\S+)$", text, re.MULTILINE).group(1))
            for what in ("count", "sum"))
        return count, total

    def read_rate(self, path):
        return wrk(self.url + path)

    def nginx_rate(self, path, body):
        """What nginx makes of the same file on the same machine."""
        root = self.work / "nginx"
        file = root / "files" / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
        configuration = root / "nginx.conf"
        configuration.write_text(f"""
            daemon off; worker_processes auto; pid {root}/pid; error_log {root}/error.log; user root;
            events {{ worker_connections 1024; }}
            http {{
                access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; open_file_cache max=100;
                default_type application/octet-stream;
                server {{ listen 127.0.0.1:18987; root {root}/files; }}
            }}""", encoding="utf-8")
        process = subprocess.Popen(["nginx", "-c", str(configuration), "-p", str(root)], stderr=subprocess.DEVNULL)
        try:
            time.sleep(0.5)
            return wrk("http://127.0.0.1:18987" + path)
        finally:
            process.terminate()
            process.wait(timeout=10)


def wrk(url, seconds=2):
    text = run("wrk", "-t", "2", "-c", "32", "-d", f"{seconds}s", url)
    if "Non-2xx" in text or "Socket errors" in text:
        raise RuntimeError(text)
    return float(re.search(r"Requests/sec:\s*([0-9.]+)", text).group(1))


def load(server, **options):
    """One run of `holdfast bench`."""
    flags = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    return json.loads(run(server.binaries / "holdfast", "bench", "--dir", server.directory, "--json", *flags))
