"""A log, three witnesses and monitors, all of them real: what is found, what is not cosigned, and what survives."""

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
import urllib.error
import urllib.request

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from harness import BIN, Log, Signer, holdfast, leaf_hash, tree_head
from test_witness import TestLog, key_id
from test_witnessed import Witnessed

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


def verify_fork(evidence, *arguments):
    return holdfast("fork", evidence, *arguments, program="holdfast-verify", check=False)


def test_log_and_witnesses():
    """a log and three witnesses: growth and statements are reported; one witness down is said; a restart goes on"""
    place, monitor = Witnessed(), Monitor()
    try:
        place.start()
        place.add(5)
        url = f"http://127.0.0.1:{place.log.port}/"
        arguments = ("--log", f"{place.trust}={url}", "--issuer", place.signer.issuer, "--type", "test.event")
        monitor.start(*arguments, "--listen", "127.0.0.1:0")
        first = monitor.event("growth", **{"from": 0})
        assert first["size"] == tree_head(place.log.checkpoint())[0] and first["stateRoot"], first
        assert base64.b64encode(bytes.fromhex(first["root"])).decode() == tree_head(place.log.checkpoint())[1]
        assert len(first["cosignedBy"]) >= 2 and abs(first["headTime"] - time.time()) < 60, first
        assert monitor.names().count("statement") == 5
        statement, index = place.add()
        found = monitor.event("statement", index=index)
        assert found["id"] == leaf_hash(statement).hex() and found["statement"]["data"] == {"n": 5}, found
        place.witnesses[1].end()
        down = monitor.event("witness-unreachable")
        assert down["witness"] == "w1", down
        place.add()
        size = tree_head(place.log.checkpoint())[0]
        monitor.event("growth", size=size)
        text = monitor.get("/metrics")
        assert f'holdfast_monitor_tree_size{{log="example.com/blackbox"}} {size}\n' in text, text
        assert re.search(r'holdfast_monitor_condition\{.*condition="witness-unreachable",witness="w1"\} 1', text), text
        assert re.search(r'holdfast_monitor_witness_tree_size\{log="example.com/blackbox",witness="w0"\} \d+', text), text
        assert monitor.get("/healthz") == "alive\n"
        place.witnesses[1].start()
        monitor.event("recovered", of="witness-unreachable", witness="w1")
        assert monitor.stop() == 0, monitor.errors

        place.add(2)
        size, before = tree_head(place.log.checkpoint())[0], size
        monitor.start(*arguments)
        assert monitor.event("started")["size"] == before
        assert monitor.event("growth")["from"] == before
        assert monitor.stop() == 0
        # What is kept is what the log has: nothing is read twice, nothing is reported twice.
        code, events, errors = monitor.once(*arguments)
        assert code == 0, (events, errors)
        assert [event["event"] for event in events] == ["started", "checked"], events
        assert events[1]["size"] == size and events[1]["conditions"] == [], events
        # A log that is not there.
        place.log.stop()
        code, events, _ = monitor.once(*arguments)
        assert code == 3 and "unreachable" in [event["event"] for event in events], (code, events)
    finally:
        monitor.remove()
        place.remove()


def test_two_logs_with_one_key():
    """two logs with one key: the monitor finds the fork, ends with status 4, and the evidence verifies offline"""
    place, monitor = Witnessed(), Monitor()
    copy = None
    try:
        place.start()
        place.add(2)
        place.log.stop()
        # Before the log goes on, somebody copies it with all its keys.
        twin = Log.__new__(Log)
        twin.parent, twin.process, twin.output = place.log.parent, None, []
        twin.directory = place.log.parent / "twin"
        shutil.copytree(place.log.directory, twin.directory)
        copy = twin
        other = Signer()
        other.__dict__.update(place.signer.__dict__)
        trust = place.log.trust
        place.log.start()
        place.add(3)
        place.log.stop()
        twin.start()
        for number in range(9):
            statement = other.event({"twin": number})
            assert twin.submit(statement)[0] == 201
            other.follow(statement)
        twin.stop()
        place.log.start()
        url = f"http://127.0.0.1:{place.log.port}/"
        code, events, errors = monitor.once("--log", f"{trust}={url}")
        assert code == 0, (events, errors)
        place.log.stop()
        twin.start()
        url = f"http://127.0.0.1:{twin.port}/"
        monitor.start("--log", f"{trust}={url}")
        assert monitor.ended() == 4, (monitor.events, monitor.errors)
        evidence = monitor.event("fork")["evidence"]
        report = verify_fork(evidence, "--trust", trust)
        assert report.returncode == 0 and "VERIFIED" in report.stdout, report.stdout
        vkey = next(text.split()[1] for text in trust.read_text().splitlines() if text.startswith("log "))
        assert verify_fork(evidence, "--key", vkey).returncode == 0
        # By RFC 6962 and signed-note alone: two signatures of one key, and the larger tree does not begin with the smaller.
        check_evidence(json.loads(pathlib.Path(evidence).read_text()), vkey)
        stranger = TestLog("example.com/blackbox").vkey
        report = verify_fork(evidence, "--key", stranger)
        assert report.returncode == 1 and "no-signature" in report.stdout, report.stdout
        # The monitor remembers, whatever it is shown.
        twin.stop()
        place.log.start()
        url = f"http://127.0.0.1:{place.log.port}/"
        code, events, _ = monitor.once("--log", f"{trust}={url}")
        assert code == 4 and "fork" in [event["event"] for event in events], (code, events)
    finally:
        if copy and copy.process and copy.process.poll() is None:
            copy.process.kill()
        monitor.remove()
        place.remove()


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
    assert small < large
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


class StateWitness:
    """A monitor that cosigns, of a log that asks it."""

    def __init__(self):
        self.monitor = Monitor()
        made = json.loads(
            holdfast("witness", "init", self.monitor.parent / "key", "--name", "state.example/s", "--json").stdout)
        self.vkey, self.key = made["vkey"], made["key"]
        self.public = base64.b64decode(self.vkey.split("+", 2)[2])[1:]
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    def start(self, trust, url, *arguments):
        self.monitor.start(
            "--log", f"{trust}={url}", "--state-witness", self.key, "--listen", f"127.0.0.1:{self.port}", *arguments)

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


def test_state_witness():
    """a state witness's cosignature is on the served head after the replay, and not before; nothing waits for it"""
    place, state = Witnessed(), StateWitness()
    try:
        with place.policy.open("a") as policy:
            policy.write(f"witness s {state.vkey} {state.url}\nstate-quorum s\n")
        place.start()
        place.add(5)
        assert not state.cosigned(place.log.checkpoint())
        assert place.metric('holdfast_state_cosigned_tree_size{witness="s"}') == 0
        url = f"http://127.0.0.1:{place.log.port}/"
        state.start(place.trust, url)
        place.wait(lambda: state.cosigned(place.log.checkpoint()), "the state witness's line")
        for _ in range(3):
            statement, _ = place.add()
        place.wait(lambda: state.cosigned(place.log.checkpoint()), "the state witness's line on the next head")
        size = tree_head(place.log.checkpoint())[0]
        assert state.monitor.event("growth", size=size)
        place.verify(statement)
        place.wait(lambda: place.metric('holdfast_state_cosigned_tree_size{witness="s"}') == size, "its metric")
        # When it is gone, the log goes on without it; when it is back, it is asked again.
        assert state.monitor.stop() == 0, state.monitor.errors
        place.add(2)
        assert not state.cosigned(place.log.checkpoint())
        state.start(place.trust, url)
        place.wait(lambda: state.cosigned(place.log.checkpoint()), "the line after a restart", seconds=30)
        text = state.monitor.get("/metrics")
        assert "holdfast_witness_requests_total" in text and "holdfast_monitor_tree_size" in text, text
    finally:
        state.monitor.remove()
        place.remove()


def entries_of(directory, size):
    """The entries in a copy of a log."""
    data, entries = b"", []
    for path in sorted((directory / "tile" / "entries").rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            found, position = [], 0
            while position < len(data):
                length = int.from_bytes(data[position : position + 2], "big")
                found.append(data[position + 2 : position + 2 + length])
                position += 2 + length
            if len(found) > len(entries):
                entries = found
    assert len(entries) == size <= 256
    return entries


def test_lying_log():
    """a log that signs what its rules don't allow gets no state cosignature; the monitor names the entry, status 5"""
    place, state = Witnessed(), StateWitness()
    server = None
    try:
        place.start()
        place.add(3)
        place.log.stop()
        copy = place.log.export("copy")
        keys = place.log.directory / "keys"

        def key(name):
            words = (keys / f"{name}.key").read_text().split()
            secret = next(bytes.fromhex(w) for w in words if re.fullmatch(r"[0-9a-f]{64}", w))
            return Ed25519PrivateKey.from_private_bytes(secret)

        size = tree_head((copy / "checkpoint").read_bytes())[0]
        entries = entries_of(copy, size)
        # The last seal again, with another state root, signed with the log's own statement key.
        tag = cbor2.loads(entries[-1])
        protected, _, payload, _ = tag.value
        event = cbor2.loads(payload)
        event["data"]["stateRoot"] = bytes(32)
        payload = cbor2.dumps(event, canonical=True)
        signature = key("statement").sign(cbor2.dumps(["Signature1", protected, b"", payload]))
        entries[-1] = cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, signature]))
        hashes = [leaf_hash(entry) for entry in entries]
        log = TestLog("example.com/blackbox")
        log.key = key("checkpoint")
        log.public = log.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        log.leaves = entries
        note = log.note(size)
        files = {
            "/checkpoint": note.encode(), f"/tile/0/000.p/{size}": b"".join(hashes),
            f"/tile/entries/000.p/{size}": b"".join(len(e).to_bytes(2, "big") + e for e in entries),
        }

        class Liar(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = files.get(self.path)
                self.send_response(200 if body else 404)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        state.start(place.log.trust, url)
        state.monitor.event("violation", index=size - 1, reason="state-root")
        request = urllib.request.Request(
            state.url + "add-checkpoint", data=log.request(0, size, note=note).encode(), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                raise AssertionError(f"cosigned: {response.status} {response.read()}")
        except urllib.error.HTTPError as error:
            text = error.read().decode()
            assert error.code == 403 and f"entry {size - 1}" in text, (error.code, text)
        assert "holdfast_monitor_violation{log=\"example.com/blackbox\"} 1\n" in state.monitor.get("/metrics")
        assert state.monitor.stop() == 5
        # Without that role the monitor ends by itself, and finds the same again.
        code, events, _ = state.monitor.once("--log", f"{place.log.trust}={url}")
        assert code == 5 and events[-2]["index"] == size - 1, (code, events)
    finally:
        state.monitor.remove()
        if server:
            server.shutdown()
        place.remove()


def test_slow_servers_hold_up_nobody():
    """a server that accepts and never answers: the other logs are followed meanwhile; both are in one configuration file"""
    place, monitor = Witnessed(), Monitor()
    stuck = socket.create_server(("127.0.0.1", 0))
    try:
        place.log.start()
        other = TestLog("slow.example/log")
        (monitor.parent / "slow.trust").write_text(f"log {other.vkey}\nquorum none\n")
        (monitor.parent / "good.trust").write_bytes(place.log.trust.read_bytes())
        (monitor.parent / "monitor.yaml").write_text(
            f"logs:\n  - {{trust: slow.trust, url: 'http://127.0.0.1:{stuck.getsockname()[1]}/'}}\n"
            f"  - {{trust: good.trust, url: 'http://127.0.0.1:{place.log.port}/'}}\n"
            "types: [test.event]\n")
        monitor.start("--config", monitor.parent / "monitor.yaml", "--timeout", "20")
        for _ in range(3):
            _, index = place.add()
            monitor.event("statement", index=index)
        assert not [event for event in monitor.events if event["log"] == "slow.example/log" and event["event"] != "started"]
        assert monitor.stop() == 0, monitor.errors
    finally:
        stuck.close()
        monitor.remove()
        place.remove()
