"""A log under test: made, started, killed and asked from outside, with statements signed here."""

import hashlib
import http.client
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

BIN = pathlib.Path(os.environ["HOLDFAST_BIN"])
ROOT = pathlib.Path(__file__).resolve().parents[2]
ISSUER = "spiffe://example.org/blackbox"
EVENT = "application/vnd.holdfast.event+cbor"


def shimmed(seen, fault=None, **environment):
    """The environment of a process that shim.c is loaded into: `seen` gets what it sees, `fault` may say what is to fail."""
    shim = {"LD_PRELOAD": str(ROOT / ".build" / "shim.so"), "HOLDFAST_SHIM_LOG": str(seen), **environment}
    return shim if fault is None else {**shim, "HOLDFAST_SHIM_FAULT": str(fault)}


def holdfast(*arguments, check=True, program="holdfast", **options):
    """Runs a program to its end; its output is in the exception when it fails."""
    result = subprocess.run(
        [BIN / program, *map(str, arguments)], capture_output=True, text=True, timeout=120, **options
    )
    if check and result.returncode != 0:
        raise AssertionError(f"{program} {arguments}: exit {result.returncode}\n{result.stdout}\n{result.stderr}")
    return result


class Signer:
    """An issuer with one stream, making statements by RFC 9052 and RFC 9943 alone."""

    def __init__(self, issuer=ISSUER, stream="main"):
        self.key = Ed25519PrivateKey.generate()
        self.issuer, self.stream = issuer, stream
        self.public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.kid = hashlib.sha256(b"\xa3\x01\x01\x20\x06\x21\x58\x20" + self.public).digest()
        self.seq, self.prev = 0, None

    def sign(self, payload, content_type=EVENT, subject="blackbox"):
        header = {1: -8, 3: content_type, 4: self.kid, 15: {1: self.issuer, 2: subject}}
        protected = cbor2.dumps(header, canonical=True)
        message = cbor2.dumps(["Signature1", protected, b"", payload])
        return cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, self.key.sign(message)]))

    def event(self, data, stream=None, seq=None, prev=None, now=None):
        """The next statement of a stream; call `follow` once it is answered."""
        body = {
            "type": "test.event",
            "stream": stream or self.stream,
            "seq": self.seq if seq is None else seq,
            "prev": self.prev if seq is None else prev,
            "time": int(time.time() * 1000) if now is None else now,
            "data": data,
        }
        return self.sign(cbor2.dumps(body, canonical=True))

    def follow(self, statement):
        self.seq, self.prev = self.seq + 1, leaf_hash(statement)


def leaf_hash(statement):
    return hashlib.sha256(b"\x00" + statement).digest()


class Log:
    """One log directory and, while it runs, its server."""

    def __init__(self, signers=(), arguments=(), origin="example.com/blackbox"):
        self.parent = pathlib.Path(tempfile.mkdtemp(prefix="holdfast-test-"))
        self.directory = self.parent / "log"
        self.process = None
        self.output = []
        arguments = ["init", self.directory, "--origin", origin, *arguments]
        for number, signer in enumerate(signers):
            path = self.parent / f"issuer{number}.pub"
            write_public_key(path, signer.public)
            arguments += ["--issuer", f"{signer.issuer}={path}"]
        holdfast(*arguments)

    @property
    def trust(self):
        return self.directory / "log.trust"

    def start(self, *arguments, environment=None, expect_ready=True, timeout=30):
        self.process = subprocess.Popen(
            [BIN / "holdfast", "serve", self.directory, "--port", "0", *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **(environment or {})},
        )
        self.output = []
        ready = threading.Event()

        def read(stream):
            for line in stream:
                self.output.append(line)
                found = re.search(r"http://(127\.0\.0\.1|localhost|\[::1\]):(\d+)", line)
                if found and not ready.is_set():
                    self.host, self.port = found.group(1), int(found.group(2))
                    ready.set()
            ready.set()

        self.reader = threading.Thread(target=read, args=(self.process.stdout,), daemon=True)
        self.reader.start()
        if not ready.wait(timeout) or (self.process.poll() is not None and expect_ready):
            self.process.kill()
            raise AssertionError("the server did not start:\n" + "".join(self.output))
        if expect_ready:
            self.wait_until_ready(timeout)
        return self

    def wait_until_ready(self, timeout):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            try:
                if self.get("/readyz")[0] == 200:
                    return
            except OSError:
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError("the server is not ready:\n" + "".join(self.output))

    def refuses_to_start(self, *arguments, timeout=30):
        """Expects the server to end by itself, not well; returns what it said."""
        try:
            self.start(*arguments, expect_ready=False)
        except AssertionError:
            pass
        code = self.process.wait(timeout)
        self.reader.join(5)
        text = "".join(self.output)
        assert code not in (0, None), f"the server started:\n{text}"
        return text

    def stop(self, timeout=30):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout)
        self.reader.join(5)
        return code

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def remove(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        shutil.rmtree(self.parent, ignore_errors=True)

    def connect(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=30)

    def request(self, method, path, body=None, headers=None, connection=None):
        connection = connection or self.connect()
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.read(), response.headers

    def get(self, path, **headers):
        return self.request("GET", path, headers=headers)

    def submit(self, statement, connection=None):
        return self.request(
            "POST", "/entries", statement, {"Content-Type": "application/cose"}, connection=connection
        )

    def checkpoint(self):
        status, body, _ = self.get("/checkpoint")
        assert status == 200, (status, body)
        return body

    def export(self, name="export"):
        out = self.parent / name
        shutil.rmtree(out, ignore_errors=True)
        holdfast("export", out, "--dir", self.directory)
        return out


def tree_head(checkpoint):
    lines = checkpoint.decode().split("\n")
    return int(lines[1]), lines[2]


def problem(body):
    """The stable code of an RFC 9290 body."""
    value = cbor2.loads(body)
    return next((v["code"] for v in value.values() if isinstance(v, dict) and "code" in v), value.get("code")), value


def write_public_key(path, public):
    """A public key file as spec/key-file.md has it."""
    path.write_text(f"holdfast-public-key-ed25519 {public.hex()}\n")
