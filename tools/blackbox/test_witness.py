"""A witness, driven by a log that is written here, by the specifications alone: notes, trees, proofs, cosignatures."""

import base64
import concurrent.futures
import datetime
import hashlib
import http.client
import ipaddress
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import ssl
import struct
import subprocess
import tempfile
import threading
import time

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from harness import BIN, holdfast, shimmed

NAME = "witness.example.com/w1"


def b64(data):
    return base64.b64encode(data).decode()


# RFC 6962 section 2.1


def root(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = split(len(leaves))
    return hashlib.sha256(b"\x01" + root(leaves[:k]) + root(leaves[k:])).digest()


def split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def proof(m, leaves):
    """PROOF(m, D[n])"""
    return [] if m in (0, len(leaves)) else subproof(m, leaves, True)


def subproof(m, leaves, complete):
    n = len(leaves)
    if m == n:
        return [] if complete else [root(leaves)]
    k = split(n)
    if m <= k:
        return subproof(m, leaves[:k], complete) + [root(leaves[k:])]
    return subproof(m - k, leaves[k:], False) + [root(leaves[:k])]


# c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature


def key_id(name, kind, public):
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def line(name, identity, signature):
    return f"— {name} {b64(identity + signature)}\n"


def vkey(name, kind, public):
    return f"{name}+{key_id(name, kind, public).hex()}+{b64(bytes([kind]) + public)}"


class TestLog:
    """A log with its leaves in memory."""

    def __init__(self, origin, count=0):
        self.origin, self.key = origin, Ed25519PrivateKey.generate()
        self.public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.leaves = []
        self.grow(count)

    @property
    def vkey(self):
        return vkey(self.origin, 1, self.public)

    @property
    def path(self):
        return "/" + hashlib.sha256(self.origin.encode()).hexdigest() + "/checkpoint"

    def grow(self, count=1):
        self.leaves += [f"{self.origin} {len(self.leaves) + i}".encode() for i in range(count)]

    def text(self, size, extensions=""):
        return f"{self.origin}\n{size}\n{b64(root(self.leaves[:size]))}\n{extensions}"

    def signature(self, text):
        return line(self.origin, key_id(self.origin, 1, self.public), self.key.sign(text.encode()))

    def note(self, size, before="", after="", text=None):
        text = text or self.text(size)
        return f"{text}\n{before}{self.signature(text)}{after}"

    def request(self, old, size, note=None, hashes=None):
        hashes = proof(old, self.leaves[:size]) if hashes is None else hashes
        return f"old {old}\n" + "".join(b64(h) + "\n" for h in hashes) + "\n" + (note or self.note(size))


class Witness:
    """One witness directory and, while it runs, its server."""

    def __init__(self, *logs):
        self.parent = pathlib.Path(tempfile.mkdtemp(prefix="holdfast-witness-"))
        self.directory = self.parent / "w"
        made = json.loads(holdfast("witness", "init", self.directory, "--name", NAME, "--json").stdout)
        self.vkey = made["vkey"]
        assert made["policy"] == f"witness {NAME} {self.vkey}"
        name, identity, material = self.vkey.split("+", 2)
        material = base64.b64decode(material)
        assert name == NAME and material[0] == 4 and len(material) == 33
        assert bytes.fromhex(identity) == key_id(NAME, 4, material[1:])
        self.identity, self.public = bytes.fromhex(identity), Ed25519PublicKey.from_public_bytes(material[1:])
        self.list(*logs)

    def list(self, *logs):
        (self.directory / "logs").write_text("".join(f"{log.vkey}\n" for log in logs))

    def start(self, *arguments, environment=None):
        self.process = subprocess.Popen(
            [BIN / "holdfast", "witness", "serve", self.directory, "--port", "0", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **(environment or {})},
            # A file that may not grow is to be an error, not the end of the process by SIGXFSZ.
            restore_signals=False,
        )
        self.output, ready = [], threading.Event()

        def read(stream):
            for text in stream:
                self.output.append(text)
                found = re.search(r"https?://127\.0\.0\.1:(\d+)", text)
                if found:
                    self.port = int(found.group(1))
                    ready.set()
            ready.set()

        threading.Thread(target=read, args=(self.process.stdout,), daemon=True).start()
        assert ready.wait(30) and self.process.poll() is None, "".join(self.output)
        return self

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(20)

    def remove(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        shutil.rmtree(self.parent, ignore_errors=True)

    def ask(self, method, path, body=None, connection=None):
        connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body=body.encode() if isinstance(body, str) else body)
        response = connection.getresponse()
        return response.status, response.read(), response.headers

    def add(self, body):
        return self.ask("POST", "/add-checkpoint", body)

    def cosigned(self, log, old, size, **options):
        """Submits, expects a cosignature, verifies it, and returns its time."""
        note = options.get("note") or log.note(size)
        status, body, _ = self.add(log.request(old, size, **options))
        assert status == 200, (status, body)
        return self.verify(body.decode(), note[: note.rindex("\n\n") + 1])

    def verify(self, lines, text):
        seconds = []
        for one in lines.removesuffix("\n").split("\n"):
            found = re.fullmatch(r"— (\S+) (\S+)", one)
            assert found and found.group(1) == NAME, one
            data = base64.b64decode(found.group(2), validate=True)
            assert data[:4] == self.identity and len(data) == 4 + 8 + 64
            (moment,) = struct.unpack(">Q", data[4:12])
            assert moment > 0
            self.public.verify(data[12:], f"cosignature/v1\ntime {moment}\n{text}".encode())
            seconds.append(moment)
        assert len(seconds) == 1
        return seconds[0]


def served(count=20, origin="example.com/log", arguments=()):
    log = TestLog(origin, count)
    return log, Witness(log).start(*arguments)


def test_cosigns_growth_and_serves_it():
    """a log that grows is cosigned at every size, and its newest checkpoint is served with both signatures"""
    log, witness = served(40)
    try:
        old, last = 0, 0
        for size in (1, 2, 3, 7, 8, 9, 16, 31, 40, 40):
            moment = witness.cosigned(log, old, size)
            assert moment >= last and abs(moment - time.time()) < 30
            old, last = size, moment
            status, note, headers = witness.ask("GET", log.path)
            assert status == 200 and headers["Content-Type"].startswith("text/plain"), (status, note)
            text, signatures = note.decode().split("\n\n")
            assert text + "\n" == log.text(size)
            own, ours = signatures.removesuffix("\n").split("\n")
            assert own + "\n" == log.signature(log.text(size))
            assert witness.verify(ours + "\n", log.text(size)) == moment
    finally:
        witness.remove()


def test_status_table():
    """every status of the table, from outside, and none of them moves the state"""
    log, witness = served(30)
    other = TestLog("example.com/other", 5)
    try:
        witness.cosigned(log, 0, 10)
        before = witness.ask("GET", log.path)[1]
        good = log.request(10, 20)
        forged = log.signature("something else\n")
        fork = TestLog(log.origin)
        fork.key, fork.public = log.key, log.public
        fork.leaves = [b"fork"] * 30
        wrong = [hashlib.sha256(bytes([i])).digest() for i in range(len(proof(10, log.leaves[:20])))]
        empty = f"{log.origin}\n0\n{b64(b'x' * 32)}\n"
        table = [
            (400, ""), (400, "old 10\n"), (400, good[:-1]), (400, good.replace("old 10", "old 010")),
            (400, good.replace("old 10", "old +10")), (400, good.replace("old 10", "old  10")),
            (400, good.replace("old 10", "old 10 ")), (400, good.replace("old 10", "old 0x10")),
            (400, good.replace("old 10", "old -10")), (400, good.replace("old 10\n", "old 10\r\n")),
            (400, good.replace("old 10", "Old 10")), (400, good.replace("\n20\n", "\n020\n")),
            (400, log.request(10, 20, hashes=[b"x" * 31])), (400, log.request(10, 20, hashes=[b"x" * 33])),
            (400, log.request(10, 20, hashes=wrong * 16)), (400, good.replace("\n", "=\n", 2)),
            (400, good.replace("old 10", "old 18446744073709551616")),
            (400, log.request(25, 20, hashes=[])),
            (404, other.request(0, 5)),
            (403, log.request(10, 20, note=log.text(20) + "\n" + line("example.com/x", b"abcd", b"y" * 64))),
            (403, log.request(10, 20, note=log.note(20, after=forged))),
            (403, log.request(10, 20, note=log.note(20, before=forged))),
            (403, log.request(10, 20, note=log.text(20) + "\n" + forged)),
            (409, log.request(0, 20)), (409, log.request(9, 20)), (409, log.request(11, 20)), (409, log.request(0, 9)),
            (422, log.request(10, 20, hashes=[])), (422, log.request(10, 20, hashes=wrong)),
            (422, log.request(10, 20, hashes=proof(10, log.leaves[:20]) + [b"z" * 32])),
            (422, log.request(10, 20, note=fork.note(20))), (422, log.request(10, 10, note=fork.note(10))),
            (422, log.request(10, 10, hashes=[b"z" * 32])),
        ]
        for number, (expected, body) in enumerate(table):
            status, answer, headers = witness.add(body)
            assert status == expected, (number, expected, status, answer, body)
            if status == 409:
                assert answer == b"10\n" and headers["Content-Type"] == "text/x.tlog.size", (answer, headers)
        # A log that was never cosigned: no proof from nothing, no start in the middle, no empty tree of another root.
        late = TestLog("example.com/late", 8)
        witness.list(log, late)
        witness.process.send_signal(signal.SIGHUP)
        eventually(lambda: witness.add(late.request(3, 8))[0] == 409)
        assert witness.add(late.request(3, 8))[1] == b"0\n"
        assert witness.add(late.request(0, 8, hashes=[b"z" * 32]))[0] == 422
        assert witness.add(late.request(0, 0, note=late.note(0, text=empty.replace(log.origin, late.origin))))[0] == 422
        assert witness.ask("GET", late.path)[0] == 404
        assert witness.ask("GET", late.path.upper().replace("CHECKPOINT", "checkpoint"))[0] == 404
        assert witness.ask("GET", "/add-checkpoint")[0] == 405
        # RFC 9112 section 3.2.2: "A server MUST accept the absolute-form in requests".
        assert witness.ask("GET", "http://witness.example.com" + log.path)[0] == 200
        assert witness.add(b"x" * 70_000)[0] == 413
        assert witness.ask("GET", log.path)[1] == before
        witness.cosigned(log, 10, 20)
    finally:
        witness.remove()


def eventually(check, seconds=15):
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def test_foreign_lines_are_ignored():
    """grease, foreign and forged cosignatures, ML-DSA lines and extension lines: cosigned, and none of them is kept"""
    log, witness = served(30)
    try:
        mine = line(NAME, witness.identity, struct.pack(">Q", 2**62) + b"f" * 64)
        grease = line("grease.example/0", os.urandom(4), os.urandom(9))
        mldsa = "".join(line(f"w{i}.example", os.urandom(4), os.urandom(8 + 2420)) for i in range(14))
        for old, size, note in (
            (0, 5, log.note(5, before=mine + grease, after=mine)),
            (5, 10, log.note(10, before=mldsa, after=grease)),
            (10, 20, log.note(20, after=line(log.origin, b"\x00\x00\x00\x01", b"other key" * 8))),
            (20, 25, log.note(25, text=log.text(25, "extension line\nanother 1\n"))),
            (25, 26, log.note(26, after=log.signature(log.text(26)))),
        ):
            witness.cosigned(log, old, size, note=note)
            kept = witness.ask("GET", log.path)[1].decode()
            assert kept.count("\n— ") == 2, kept
            assert kept.startswith(note[: note.rindex("\n\n")])
    finally:
        witness.remove()


def test_concurrent_requests_never_roll_back():
    """requests that race for one log: one wins for each old size, and the size never goes back"""
    log, witness = served(60)
    try:
        witness.cosigned(log, 0, 10)
        sizes, stop = [], threading.Event()

        def watch():
            while not stop.is_set():
                sizes.append(int(witness.ask("GET", log.path)[1].split(b"\n")[1]))

        watcher = threading.Thread(target=watch)
        watcher.start()
        old = 10
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            for _ in range(8):
                bodies = [log.request(old, old + 1 + number % 5) for number in range(32)]
                answers = list(pool.map(witness.add, bodies))
                won = [number for number, (status, _, _) in enumerate(answers) if status == 200]
                assert len(won) == 1 and all(status in (200, 409) for status, _, _ in answers), answers
                old += 1 + won[0] % 5
        stop.set()
        watcher.join()
        assert sizes == sorted(sizes)
        assert sizes and int(witness.ask("GET", log.path)[1].split(b"\n")[1]) == old
    finally:
        witness.remove()


def test_state_survives_kill():
    """what was answered is there after a kill, and a second process on one state is refused"""
    log, witness = served(30)
    try:
        witness.cosigned(log, 0, 12)
        twin = holdfast("witness", "serve", witness.directory, "--port", "0", check=False)
        assert twin.returncode == 1 and "another process" in twin.stderr, twin.stderr
        witness.end(signal.SIGKILL)
        witness.start()
        assert witness.add(log.request(0, 20))[:2] == (409, b"12\n")
        witness.cosigned(log, 12, 20)
        assert witness.end() == 0
        assert not [text for text in witness.output if '"level":"error"' in text], witness.output
    finally:
        witness.remove()


def test_log_list_is_reloaded():
    """the list of logs is read again without a restart; a mistake changes nothing; a policy file serves as well"""
    first, second = TestLog("example.com/first", 5), TestLog("example.com/second", 5)
    witness = Witness(first).start()
    try:
        path = witness.directory / "logs"
        witness.cosigned(first, 0, 3)
        assert witness.add(second.request(0, 5))[0] == 404
        policy = f"log {second.vkey} https://log.example\nwitness w {witness.vkey}\nquorum w\n"
        path.write_text(f"# both\n{first.vkey} # one\n{policy}")
        eventually(lambda: witness.add(second.request(0, 5))[0] == 200)
        path.write_text(f"{first.vkey}\nno key\n")
        witness.process.send_signal(signal.SIGHUP)
        eventually(lambda: b'reloads_total{result="refused"} 1' in witness.ask("GET", "/metrics")[1])
        witness.cosigned(second, 5, 5)
        # A key is rotated: the old one is trusted as long as it stands in the list.
        rotated = TestLog(first.origin)
        rotated.leaves = first.leaves
        witness.list(first, rotated)
        witness.process.send_signal(signal.SIGHUP)
        eventually(lambda: witness.add(rotated.request(3, 4))[0] == 200)
        witness.cosigned(first, 4, 5)
        witness.list(rotated)
        witness.process.send_signal(signal.SIGHUP)
        eventually(lambda: witness.add(first.request(5, 5))[0] == 403)
        assert witness.add(second.request(5, 5))[0] == 404
        # What was cosigned is served on.
        assert witness.ask("GET", second.path)[0] == 200
    finally:
        witness.remove()


def test_forks_leave_evidence():
    """two roots for one size, both signed by the log, are kept as evidence that anyone can check"""
    log, witness = served(10)
    fork = TestLog(log.origin)
    fork.key, fork.public, fork.leaves = log.key, log.public, [b"another history"] * 10
    try:
        witness.cosigned(log, 0, 10)
        # A wrong old size hides nothing.
        assert witness.add(fork.request(0, 10))[0] == 409
        assert witness.add(fork.request(10, 10))[0] == 422
        (file,) = (witness.directory / "evidence").glob("*.json")
        evidence = json.loads(file.read_text())
        assert evidence["kind"] == "fork" and evidence["origin"] == log.origin
        roots = set()
        for note in evidence["checkpoints"]:
            text, signatures = note.split("\n\n")
            text += "\n"
            signature = next(s for s in signatures.split("\n") if s.startswith(f"— {log.origin} "))
            log.key.public_key().verify(base64.b64decode(signature.split(" ")[2])[4:], text.encode())
            assert text.split("\n")[1] == "10"
            roots.add(text.split("\n")[2])
        assert len(roots) == 2
        metrics = witness.ask("GET", "/metrics")[1].decode()
        assert 'holdfast_witness_evidence_total{outcome="written"} 1' in metrics
        assert 'holdfast_witness_evidence_total{outcome="known"} 1' in metrics
        assert f'holdfast_witness_tree_size{{origin="{log.origin}"}} 10' in metrics
        try:
            log.key.public_key().verify(b"x" * 64, b"")
            raise AssertionError("the oracle verifies anything")
        except InvalidSignature:
            pass
    finally:
        witness.remove()


def test_limits():
    """one log's rate does not touch another's; keep-alive; the answer says when to come back"""
    log, witness = served(60, arguments=("--rate", "1"))
    other = TestLog("example.com/other", 5)
    witness.list(log, other)
    witness.process.send_signal(signal.SIGHUP)
    try:
        eventually(lambda: witness.add(other.request(0, 1))[0] == 200)
        connection = http.client.HTTPConnection("127.0.0.1", witness.port, timeout=30)
        limited, old = None, 0
        for size in range(1, 10):
            status, body, headers = witness.ask("POST", "/add-checkpoint", log.request(old, size), connection)
            if status == 429:
                limited = headers["Retry-After"]
                break
            assert status == 200, (status, body)
            old = size
        assert limited and 1 <= int(limited) <= 3 and 1 <= old <= 4, (limited, old)
        assert witness.add(other.request(1, 5))[0] == 200
        assert int(witness.ask("GET", log.path)[1].split(b"\n")[1]) == old
        assert witness.ask("GET", "/healthz")[:2] == (200, b"alive\n")
    finally:
        witness.remove()


def order(environment):
    """What the shim saw for each of five requests, up to the answer."""
    log = TestLog("example.com/log", 10)
    witness = Witness(log)
    seen = witness.parent / "shim.log"
    witness.start(environment=shimmed(seen, **environment))
    try:
        pieces = []
        for size in range(1, 6):
            seen.write_text("")
            witness.cosigned(log, size - 1, size)
            pieces.append(seen.read_text().splitlines())
        return pieces
    finally:
        witness.remove()


def is_durable_before_the_answer(lines):
    answer = next(i for i, one in enumerate(lines) if one.startswith("answer"))
    return "sync data" in lines[:answer] and "write-through data" in lines[lines.index("sync data") : answer]


def test_durable_before_the_answer():
    """the record is on the disk before the cosignature leaves; without the sync this check fails"""
    for lines in order({}):
        assert is_durable_before_the_answer(lines), lines
    assert not any(is_durable_before_the_answer(lines) for lines in order({"HOLDFAST_SHIM_NOSYNC": "1"}))


def test_stops_when_it_cannot_record():
    """a record that can't be written is not answered; the witness stops, and goes on from the disk at the next start"""
    log, witness = served(40)
    try:
        witness.cosigned(log, 0, 10)
        data = witness.directory / "data" / "data.mdb"
        limit = resource.prlimit(witness.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(witness.process.pid, resource.RLIMIT_FSIZE, (data.stat().st_size, limit[1]))
        recorded = 10
        for size in range(11, 40):
            # Long records, so that the file must grow.
            note = log.note(size, text=log.text(size, f"{'x' * 50_000}\n"))
            try:
                status, body, _ = witness.add(log.request(recorded, size, note=note))
            except (OSError, http.client.HTTPException):
                break
            if status != 200:
                assert status == 503, (status, body)
                break
            recorded = size
        assert witness.process.wait(20) == 1, witness.output
        witness.start()
        assert witness.add(log.request(0, 40))[:2] == (409, f"{recorded}\n".encode())
        witness.cosigned(log, recorded, 40)
    finally:
        witness.remove()


def test_stops_when_it_cannot_bring_a_record_to_the_disk():
    """a record that may or may not be on the disk is not answered; what the disk has counts at the next start"""
    for fault in ("sync data: EIO", "write data: EIO", "write-through data: EIO"):
        log = TestLog("example.com/log", 40)
        witness = Witness(log)
        fails, seen = witness.parent / "fault", witness.parent / "shim.log"
        witness.start(environment=shimmed(seen, fails))
        try:
            witness.cosigned(log, 0, 10)
            fails.write_text(fault)
            try:
                status, body, _ = witness.add(log.request(10, 20))
            except (OSError, http.client.HTTPException):
                pass
            else:
                assert status == 503 and "—" not in body.decode(), (fault, status, body)
            assert witness.process.wait(20) == 1, (fault, witness.output)
            assert f"failed {fault.split(':')[0]}" in seen.read_text()
            witness.start()
            status, body, _ = witness.add(log.request(0, 40))
            # Each of these comes before LMDB's new meta page.
            assert (status, body) == (409, b"10\n"), (fault, status, body)
            witness.cosigned(log, 10, 40)
        finally:
            witness.remove()


def certificate(directory):
    """A certificate for 127.0.0.1 and its key, in files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "witness")])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    made = builder.sign(key, hashes.SHA256())
    (directory / "chain.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (directory / "key.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return directory / "chain.pem", directory / "key.pem"


def test_tls_and_rates():
    """a witness speaks TLS with its own certificate; who asks too often waits, whoever else asks does not"""
    log = TestLog("example.com/log", 3)
    witness = Witness(log)
    chain, key = certificate(witness.parent)
    arguments = ("--tls-certificate", chain, "--tls-key", key, "--trusted-proxy", "127.0.0.1", "--request-rate", "1")
    witness.start(*map(str, arguments))
    try:
        assert any(f"https://127.0.0.1:{witness.port}" in line for line in witness.output), witness.output
        context = ssl.create_default_context(cafile=chain)

        def ask(method, path, body=None, client="192.0.2.1"):
            connection = http.client.HTTPSConnection("127.0.0.1", witness.port, timeout=30, context=context)
            connection.request(method, path, body=body, headers={"X-Forwarded-For": client})
            response = connection.getresponse()
            return response.status, response.read(), response.headers

        status, body, _ = ask("POST", "/add-checkpoint", log.request(0, 3).encode())
        assert status == 200, body
        witness.verify(body.decode(), log.text(3))
        answers = [ask("GET", log.path) for _ in range(12)]
        refused = [headers for status, _, headers in answers if status == 429]
        assert answers[0][0] == 200 and refused and all(int(h["Retry-After"]) >= 1 for h in refused), answers
        assert ask("GET", log.path, client="192.0.2.2")[0] == 200
        assert ask("GET", "/healthz")[0] == 200
        try:
            http.client.HTTPSConnection("127.0.0.1", witness.port, timeout=30).request("GET", "/healthz")
        except ssl.SSLCertVerificationError:
            pass
        else:
            raise AssertionError("a stranger's certificate was believed")
    finally:
        witness.remove()
