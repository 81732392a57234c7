"""The log and the witness, both driven by a client and a witness that are written here by the specifications alone.

Our log asks a witness in Python, and our witness is asked about our log by a client in Python: whatever our two halves
might agree on wrongly, these don't.
"""

import base64
import hashlib
import http.server
import json
import re
import struct
import threading
import time
import urllib.request

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from harness import ROOT, Log, Signer, tree_head
from monitors import check_evidence, consistent
from reader import merkle_root, read_entries
from test_witness import Witness, b64, key_id, line, proof, root, vkey
from test_witnessed import IMPATIENT

PYTHON = "python.example/w"


class Key:
    """A verifier key of signed-note."""

    def __init__(self, text):
        self.text = text
        self.name, identity, material = text.split("+", 2)
        material = base64.b64decode(material, validate=True)
        self.kind, self.public = material[0], Ed25519PublicKey.from_public_bytes(material[1:])
        self.identity = bytes.fromhex(identity)
        assert self.identity == key_id(self.name, self.kind, material[1:])

    def signatures(self, lines):
        """What the lines of a note have under this name and key ID."""
        blobs = []
        for one in lines.removesuffix("\n").split("\n"):
            found = re.fullmatch(r"— (\S+) (\S+)", one)
            assert found, one
            blob = base64.b64decode(found.group(2), validate=True)
            if found.group(1) == self.name and blob[:4] == self.identity:
                blobs.append(blob[4:])
        return blobs

    def signed(self, text, lines):
        """Verifies a log's signature (kind 1) or a cosignature (kind 4); returns the time of the latter."""
        (blob,) = self.signatures(lines)
        if self.kind == 1:
            return self.public.verify(blob, text.encode())
        (moment,) = struct.unpack(">Q", blob[:8])
        self.public.verify(blob[8:], f"cosignature/v1\ntime {moment}\n{text}".encode())
        return moment


class PythonWitness:
    """tlog-witness for one log; strict where the specification lets a witness be strict."""

    def __init__(self, log_key):
        self.log_key, self.size, self.root, self.note = log_key, 0, hashlib.sha256(b"").digest(), None
        self.private = Ed25519PrivateKey.generate()
        public = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.vkey, self.identity = vkey(PYTHON, 4, public), key_id(PYTHON, 4, public)
        self.answers, self.faults, self.lock = [], [], threading.Lock()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with owner.lock:
                    try:
                        status, answer, kind = owner.add(self.path, body.decode())
                    except Exception as fault:  # whatever it was: the log sent something that is not to be sent
                        owner.faults.append((fault, body))
                        status, answer, kind = 400, str(fault), "text/plain"
                    owner.answers.append(status)
                self.answer(status, answer, kind)

            def do_GET(self):
                path = "/" + hashlib.sha256(owner.log_key.name.encode()).hexdigest() + "/checkpoint"
                found = owner.note if self.path == path else None
                self.answer(200 if found else 404, found or "", "text/plain")

            def answer(self, status, body, kind):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def add(self, path, body):
        assert path == "/add-checkpoint", path
        head, note = body.split("\n\n", 1)
        first, *hashes = head.split("\n")
        old = int(re.fullmatch(r"old (0|[1-9][0-9]*)", first).group(1))
        assert len(hashes) <= 63
        hashes = [base64.b64decode(one, validate=True) for one in hashes]
        assert all(len(one) == 32 for one in hashes)
        text, lines = note.split("\n\n")
        text += "\n"
        self.log_key.signed(text, lines)
        origin, size, tree_root = text.split("\n")[:3]
        assert origin == self.log_key.name and re.fullmatch("0|[1-9][0-9]*", size)
        size, tree_root = int(size), base64.b64decode(tree_root, validate=True)
        assert old <= size
        if old != self.size:
            return 409, f"{self.size}\n", "text/x.tlog.size"
        if old == size:
            assert tree_root == self.root and not hashes
        elif old == 0:
            assert not hashes
        else:
            assert consistent(old, size, self.root, tree_root, hashes), (old, size)
        self.size, self.root = size, tree_root
        moment = int(time.time())
        signature = self.private.sign(f"cosignature/v1\ntime {moment}\n{text}".encode())
        ours = line(PYTHON, self.identity, struct.pack(">Q", moment) + signature)
        self.note = f"{text}\n" + "".join(
            one + "\n" for one in lines.split("\n") if one.startswith(f"— {origin} ")) + ours
        return 200, ours, "text/plain"


class Place:
    """Our log, which needs both of two witnesses: ours, and the one in Python."""

    def __init__(self):
        self.signer = Signer()
        self.log = Log([self.signer])
        self.key = Key(re.search(r"^log (\S+)", self.log.trust.read_text(), re.M).group(1))
        self.python = PythonWitness(self.key)
        # The test's witness takes anything with a verifier key for a log.
        self.known = type("Known", (), {"vkey": self.key.text})()
        self.ours = Witness(self.known).start()
        policy = self.log.parent / "witnesses.policy"
        policy.write_text(
            f"witness p {self.python.vkey} {self.python.url}\n"
            f"witness o {self.ours.vkey} http://127.0.0.1:{self.ours.port}/\ngroup both all p o\nquorum both\n")
        self.log.start("--witnesses", policy, *IMPATIENT)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.log.port}"

    def add(self):
        statement = self.signer.event({"n": self.signer.seq})
        status, body, _ = self.log.submit(statement)
        assert status == 201, (status, body)
        self.signer.follow(statement)

    def head(self):
        """The published head: signed by the log, cosigned by both, and of exactly the entries that are served."""
        text, lines = self.log.checkpoint().decode().split("\n\n")
        text += "\n"
        self.key.signed(text, lines)
        for key in (Key(self.python.vkey), Key(self.ours.vkey)):
            assert abs(key.signed(text, lines) - time.time()) < 60
        size = int(text.split("\n")[1])
        entries = read_entries(self.url, size)
        assert root(entries) == merkle_root([hashlib.sha256(b"\x00" + one).digest() for one in entries])
        assert b64(root(entries)) == text.split("\n")[2]
        return size, entries, f"{text}\n{lines}"

    def remove(self):
        self.log.remove()
        self.ours.remove()
        self.python.server.shutdown()


def request(old, size, entries, note):
    return f"old {old}\n" + "".join(b64(one) + "\n" for one in proof(old, entries[:size])) + "\n" + note


def test_log_and_witness_by_an_independent_client():
    """log and witness by an independent client: every head, proof and cosignature, computed again in Python"""
    place = Place()
    fresh = Witness(place.known).start()
    try:
        heads = [place.head()]
        for _ in range(12):
            place.add()
            heads.append(place.head())
        assert not place.python.faults, place.python.faults
        assert set(place.python.answers) == {200}, place.python.answers
        entries = heads[-1][1]
        # A witness that the log knows nothing of gets the log's heads from the client, with proofs made in Python.
        old, public = 0, Key(fresh.vkey)
        for size, _, note in heads[::3] + heads[-1:]:
            if old < size:
                status, body, headers = fresh.add(request(old + 1, size, entries, note))
                assert (status, body, headers["Content-Type"]) == (409, f"{old}\n".encode(), "text/x.tlog.size")
            status, body, _ = fresh.add(request(old, size, entries, note))
            assert status == 200, (status, body)
            public.signed(note.split("\n\n")[0] + "\n", body.decode())
            old = size
        # What the log says of itself is the same.
        for first, *_ in heads:
            for second, *_ in heads:
                if 0 < first < second:
                    status, body, _ = place.log.get(f"/proof/consistency?from={first}&to={second}")
                    assert status == 200, (status, body)
                    found = [base64.b64decode(one) for one in json.loads(body)["path"]]
                    assert found == proof(first, entries[:second]), (first, second)
        # The head of a log with another entry, signed by nobody, and by the log for another tree.
        text, lines = heads[-1][2].split("\n\n")
        forged = text.replace(text.split("\n")[2], b64(hashlib.sha256(b"x").digest())) + "\n\n" + lines
        assert fresh.add(request(old, old, entries, forged))[0] == 403
        try:
            place.key.signed(forged.split("\n\n")[0] + "\n", lines)
            raise AssertionError("the oracle verifies anything")
        except InvalidSignature:
            pass
    finally:
        fresh.remove()
        place.remove()


def test_witness_with_old_state():
    """a witness that comes back with an old state: 409 with its size, a proof from there, and all is well"""
    place = Place()
    try:
        for _ in range(3):
            place.add()
        with place.python.lock:
            old = (place.python.size, place.python.root)
        for _ in range(4):
            place.add()
        with place.python.lock:
            place.python.size, place.python.root = old
            del place.python.answers[:]
        place.add()
        place.head()
        assert not place.python.faults, place.python.faults
        assert place.python.answers[:2] == [409, 200], place.python.answers
        # One that never saw the log at all.
        with place.python.lock:
            place.python.size, place.python.root = 0, hashlib.sha256(b"").digest()
            del place.python.answers[:]
        place.add()
        size, *_ = place.head()
        assert not place.python.faults and place.python.answers[:2] == [409, 200], place.python.answers
        with urllib.request.urlopen(
            place.python.url + hashlib.sha256(place.key.name.encode()).hexdigest() + "/checkpoint"
        ) as response:
            assert tree_head(response.read())[0] == size
    finally:
        place.remove()


def test_committed_vectors_of_monitors():
    """the committed vectors of monitors and state witnesses: cosignatures, heads and evidence, checked in Python"""
    folder = ROOT / "fixtures" / "monitor"
    document = json.loads((folder / "state-witness.json").read_text())
    public, answers = Key(document["key"]["vkey"]), set()
    log = Key(re.search(r"^log (\S+)", document["trust"], re.M).group(1))
    trees = {name: [base64.b64decode(one) for one in entries] for name, entries in document["logs"].items()}
    for case in document["cases"]:
        answers.add(case["answer"])
        text, lines = case["asked"].split("\n\n")
        if case["answer"] != "cosigned":
            assert "line" not in case
            continue
        log.signed(text + "\n", lines)
        assert public.signed(text + "\n", case["line"] + "\n") == document["time"], case["name"]
        origin, size, tree_root = text.split("\n")[:3]
        assert b64(root(trees[case["shown"]["log"]][: int(size)])) == tree_root, case["name"]
    assert answers == {"cosigned", "not-yet", "refused"}
    forks = 0
    for case in json.loads((folder / "report.json").read_text())["cases"]:
        found = [report for look in case["looks"] for report in look["reports"]]
        assert (case["evidence"] is not None) == any(report["event"] == "fork" for report in found), case["name"]
        for look in case["looks"]:
            for report in look["reports"]:
                if report["event"] == "growth":
                    tree = trees[look["log"]][: report["size"]]
                    assert root(tree).hex() == report["root"], case["name"]
        if case["evidence"]:
            forks += 1
            check_evidence(json.loads(case["evidence"]), log.text)
    assert forks == 4
