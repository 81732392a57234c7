"""Monitors, state witnesses and lying servers for tests, and what makes a file evidence of a fork."""

import base64
import hashlib
import http.server
import json
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from harness import BIN, holdfast
from test_witness import key_id

# Impatient, so that nothing here takes long.
QUICK = ("--interval", "1", "--timeout", "3", "--longest-pause", "1")


class Monitor:
    """One monitor and its directory; its reports are read as they come."""

    def __init__(self):
        self.parent = pathlib.Path(tempfile.mkdtemp(prefix="holdfast-monitor-"))
        self.directory = self.parent / "state"
        self.process = None

    def start(self, *arguments):
        self.events, self.errors, self.address = [], [], None
        self.process = subprocess.Popen(
            [BIN / "holdfast", "monitor", "--dir", self.directory, *QUICK, *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )

        def events(stream):
            for text in stream:
                self.events.append(json.loads(text))

        def errors(stream):
            for text in stream:
                self.errors.append(text)
                found = re.search(r"Listening at (http://\S+)", text)
                if found:
                    self.address = found.group(1)

        self.readers = [
            threading.Thread(target=events, args=(self.process.stdout,), daemon=True),
            threading.Thread(target=errors, args=(self.process.stderr,), daemon=True),
        ]
        for reader in self.readers:
            reader.start()
        return self

    def wait(self, condition, what, seconds=30):
        deadline = time.monotonic() + seconds
        while True:
            found = condition()
            if found:
                return found
            assert time.monotonic() < deadline, f"{what}\n{self.events[-10:]}\n{''.join(self.errors[-10:])}"
            time.sleep(0.05)

    def event(self, name, **members):
        def find():
            for event in self.events:
                if event["event"] == name and all(event.get(key) == value for key, value in members.items()):
                    return event
            return None

        return self.wait(find, f"there is no event {name} {members}")

    def names(self):
        return [event["event"] for event in self.events]

    def get(self, path):
        self.wait(lambda: self.address, "the monitor does not listen")
        with urllib.request.urlopen(self.address + path, timeout=10) as response:
            return response.read().decode()

    def ended(self, seconds=30):
        code = self.process.wait(seconds)
        for reader in self.readers:
            reader.join(5)
        return code

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            return self.ended()
        return None

    def once(self, *arguments):
        result = subprocess.run(
            [BIN / "holdfast", "monitor", "--dir", self.directory, *QUICK, "--once", *map(str, arguments)],
            capture_output=True, text=True, timeout=60,
        )
        return result.returncode, [json.loads(text) for text in result.stdout.splitlines()], result.stderr

    def remove(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        shutil.rmtree(self.parent, ignore_errors=True)


class StateWitness:
    """A monitor that cosigns, of a log that asks it."""

    def __init__(self):
        self.monitor = Monitor()
        made = json.loads(
            holdfast("witness", "init", self.monitor.parent / "key", "--name", "state.example/s", "--json").stdout)
        self.vkey, self.key = made["vkey"], made["key"]
        self.public = base64.b64decode(self.vkey.split("+", 2)[2])[1:]
        # Kept bound: nobody else is given the port before the monitor listens at it, or between two runs of it.
        self.reserved = socket.socket()
        self.reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.reserved.bind(("127.0.0.1", 0))
        self.port = self.reserved.getsockname()[1]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    def start(self, trust, url, *arguments):
        self.monitor.start(
            "--log", f"{trust}={url}", "--state-witness", self.key, "--listen", f"127.0.0.1:{self.port}", *arguments)
        self.monitor.wait(lambda: self.monitor.address, "the state witness does not listen")

    def cosigned(self, checkpoint):
        """Whether its cosignature is on the note, and valid by tlog-cosignature."""
        text, lines = checkpoint.decode().split("\n\n")
        text += "\n"
        for entry in lines.splitlines():
            _, name, blob = entry.split(" ")
            raw = base64.b64decode(blob)
            if name == "state.example/s" and raw[:4] == key_id(name, 4, self.public):
                seconds = int.from_bytes(raw[4:12], "big")
                message = f"cosignature/v1\ntime {seconds}\n{text}".encode()
                Ed25519PublicKey.from_public_bytes(self.public).verify(raw[12:], message)
                return True
        return False


class Files:
    """A web server for what a function finds for a path: a file, bytes, or nothing."""

    def __init__(self, file):
        self.file = file
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                found = owner.file(self.path)
                body = found.read_bytes() if isinstance(found, pathlib.Path) and found.is_file() else found
                body = body if isinstance(body, bytes) else None
                try:
                    self.send_response(404 if body is None else 200)
                    self.send_header("Content-Length", str(len(body or b"")))
                    self.end_headers()
                    self.wfile.write(body or b"")
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads, request_queue_size = True, 512

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def end(self):
        self.server.shutdown()
        self.server.server_close()


def verify_fork(evidence, *arguments):
    return holdfast("fork", evidence, *arguments, program="holdfast-verify", check=False)


def check_evidence(evidence, vkey):
    name, _, material = vkey.split("+", 2)
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(material)[1:])
    heads = []
    for note in evidence["checkpoints"]:
        text, lines = note.split("\n\n")
        signature = next(entry.split(" ")[2] for entry in lines.splitlines() if entry.split(" ")[1] == name)
        public.verify(base64.b64decode(signature)[4:], (text + "\n").encode())
        origin, size, tree_root = text.split("\n")[:3]
        assert origin == evidence["origin"]
        heads.append((int(size), base64.b64decode(tree_root)))
    (small, small_root), (large, large_root) = sorted(heads)
    assert small <= large
    if small == large:
        assert small_root != large_root and "consistency" not in evidence
        return
    claimed = base64.b64decode(evidence["consistency"]["root"])
    assert claimed != small_root
    path = [base64.b64decode(text) for text in evidence["consistency"]["path"]]
    assert consistent(small, large, claimed, large_root, path)


def consistent(first, second, first_hash, second_hash, path):
    """RFC 9162 section 2.1.4.2, as it is written there."""
    if first & (first - 1) == 0:
        path = [first_hash] + path
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr = hashlib.sha256(b"\x01" + c + fr).digest()
            sr = hashlib.sha256(b"\x01" + c + sr).digest()
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = hashlib.sha256(b"\x01" + sr + c).digest()
        fn, sn = fn >> 1, sn >> 1
    return fr == first_hash and sr == second_hash and sn == 0
