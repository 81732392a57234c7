"""A log, three witnesses, a state witness and gates, all of them real: what is permitted, what is not, and what is
stopped."""

import concurrent.futures
import hashlib
import http.client
import http.server
import json
import re
import signal
import subprocess
import threading
import time

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from harness import BIN, holdfast, leaf_hash, tree_head
from monitors import StateWitness
from test_state_witness import entries_of
from test_witness import TestLog
from test_witnessed import Witnessed

RUNTIME, GATE = "spiffe://example.org/runtime", "spiffe://example.org/gate"
BOUNDS = {
    "maxSilence": 600_000, "maxAttestationAge": 3_600_000, "maxTelemetryAge": 600_000, "maxHeadAge": 120_000,
    "maxStateLag": 300_000, "recheck": 1000, "grace": 1000,
}


class Gate:
    """One gate with its directory, and its key."""

    def __init__(self, place, name="gate"):
        self.place, self.name = place, name
        self.directory = place.log.parent / f"state-{name}"
        self.process, self.output, self.port = None, [], None

    def start(self, *arguments, url=None, ready=True):
        self.output, self.port = [], None
        self.process = subprocess.Popen(
            [BIN / "holdfast", "gate", "serve", "--trust", self.place.trust, "--url", url or self.place.url,
             "--key", self.place.key(self.name), "--issuer", f"{GATE}/{self.name}", "--state", self.directory,
             "--port", "0", "--interval", "100", "--log-format", "text", *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        bound = threading.Event()

        def read(stream):
            for line in stream:
                self.output.append(line)
                found = re.search(r" at \D*http://127\.0\.0\.1:(\d+)", line)
                if found and not bound.is_set():
                    self.port = int(found.group(1))
                    bound.set()
            bound.set()

        threading.Thread(target=read, args=(self.process.stdout,), daemon=True).start()
        assert bound.wait(30) and self.port, "".join(self.output)
        if ready:
            self.wait(lambda: self.request("GET", "/readyz")[0] == 200, "the gate is not ready")
        return self

    def request(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()})
        response = connection.getresponse()
        return response.status, response.read(), response.headers

    def post(self, path, body, **headers):
        status, answer, _ = self.request("POST", path, json.dumps(body), Content_Type="application/json", **headers)
        assert status == 200, (status, answer, "".join(self.output[-10:]))
        return json.loads(answer)

    def ask(self, resource="doc:1", **context):
        return self.post("/access/v1/evaluation", self.place.question(resource, **context))

    def standing(self):
        return json.loads(self.request("GET", "/gate/v1/standing")[1])

    def troubles(self):
        return {trouble["kind"] for trouble in self.standing()["troubles"]}

    def wait(self, condition, what, seconds=30):
        deadline = time.monotonic() + seconds
        while True:
            found = condition()
            if found:
                return found
            assert time.monotonic() < deadline, f"{what}\n{''.join(self.output[-15:])}"
            time.sleep(0.05)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            assert self.process.wait(40) == 0, "".join(self.output)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)


class Place(Witnessed):
    """A witnessed log with a state witness, in which a runtime may embed documents."""

    def __init__(self, bounds=None, origin="example.com/blackbox", **governance):
        super().__init__(origin)
        self.state = StateWitness()
        self.gates = []
        lines = f"witness s {self.state.vkey} {self.state.url}\nstate-quorum s\n"
        with self.policy.open("a") as policy:
            policy.write(lines)
        with self.trust.open("a") as trust:
            trust.write(lines)
        self.start()
        self.url = f"http://127.0.0.1:{self.log.port}/"
        self.state.start(self.trust, self.url)
        draft = json.loads(self.run("policy", "draft").stdout)
        draft["bounds"] = {**BOUNDS, **(bounds or {})}
        draft["governance"] = {"lifters": ["operator"], "maxPermit": 300_000, "maxLease": 0, **governance}
        path = self.log.parent / "policy.json"
        path.write_text(json.dumps(draft))
        self.digest = self.make("policy", "set", path)["notes"]["digest"]
        self.make("identity", "enroll", RUNTIME, self.public("runtime"), "--role", "runtime", "--measurement", "abcd")
        self.make("runtime", "attest", "abcd", by="runtime")
        self.make("runtime", "telemetry", self.log.trust, by="runtime")
        self.grant = self.issue()

    def key(self, name):
        path = self.log.parent / f"{name}.key"
        if not path.exists():
            holdfast("key", "new", "--out", path)
        return path

    def public(self, name):
        return f"{self.key(name)}.pub"

    def run(self, *arguments, by=None, check=True):
        key = self.key(by) if by else self.log.directory / "keys" / "authority.key"
        extra = [] if arguments[1] in ("draft", "show") else ["--key", key]
        return holdfast(*arguments, "--dir", self.log.directory, *extra, check=check)

    def make(self, *arguments, by=None):
        return json.loads(self.run(*arguments, "--json", by=by).stdout)

    def issue(self, *more):
        return self.make("grant", "issue", RUNTIME, "--action", "embed", "--resource", "doc:*", *more)["id"]

    def gate(self, name="gate", *arguments, **options):
        enrolled = [gate.name for gate in self.gates]
        gate = Gate(self, name)
        if name not in enrolled:
            self.make("identity", "enroll", f"{GATE}/{name}", self.public(name), "--role", "gate")
        self.gates.append(gate)
        return gate.start(*arguments, **options)

    def question(self, resource="doc:1", **context):
        return {
            "subject": {"type": "runtime", "id": RUNTIME}, "action": {"name": "embed"},
            "resource": {"type": "document", "id": resource},
            "context": {"grant": self.grant, "policy": self.digest, **context},
        }

    def execution(self, name, answer, check=True):
        nonce = answer["context"]["permit"]["nonce"]
        return self.run(
            "execution", "start", name, "--permit", nonce, "--input-digest", "00" * 32, "--json", by="runtime",
            check=check)

    def remove(self):
        for gate in self.gates:
            if gate.process and gate.process.poll() is None:
                gate.process.kill()
                gate.process.wait(10)
        self.state.monitor.remove()
        super().remove()


def outcomes(answer):
    return [step["outcome"] for step in answer["context"]["steps"]]


def failed(answer):
    return {item.get("check", item["step"]): item["reason"] for item in answer["context"].get("failed", [])}


def test_permit_and_refusal():
    """a permit is on record before it is answered; a refusal too, with what failed and what would mend it; AuthZEN's forms"""
    place = Place()
    try:
        gate = place.gate()
        answer = gate.ask()
        assert answer["decision"] is True and outcomes(answer) == ["passed"] * 10, answer
        recorded = answer["context"]["recorded"]
        assert recorded["index"] < recorded["head"]["size"] <= tree_head(place.log.checkpoint())[0]
        status, entry, _ = place.log.get(f"/entries/{recorded['entry']}")
        assert status == 200, status
        place.execution("e1", answer)
        again = place.execution("e2", answer, check=False)
        assert again.returncode == 1 and "was started under the permit" in again.stderr, again.stderr
        refusal = gate.ask("letter:1")
        assert refusal["decision"] is False and refusal["context"]["reason"] == "governance-mismatch", refusal
        assert "grant.issue" in refusal["context"]["failed"][0]["mend"]
        assert refusal["context"]["recorded"]["index"] > recorded["index"]
        wrong = gate.ask(policy="00" * 32)
        assert failed(wrong) == {"P2": "governance-mismatch"}, wrong
        # AuthZEN's own: several at once, request identifiers, metadata, errors.
        several = gate.post("/access/v1/evaluations", {
            **place.question(), "options": {"evaluations_semantic": "deny_on_first_deny"},
            "evaluations": [{}, {"resource": {"type": "document", "id": "letter:2"}}, {}],
        })
        assert [one["decision"] for one in several["evaluations"]] == [True, False], several
        for path, body, expected in [
            ("/access/v1/evaluation", "{", 400), ("/access/v1/evaluation", json.dumps(place.question()), 200),
        ]:
            status, _, headers = gate.request("POST", path, body, X_Request_ID="id-7", Content_Type="application/json")
            assert status == expected and headers["X-Request-ID"] == "id-7", (status, headers)
        metadata = json.loads(gate.request("GET", "/.well-known/authzen-configuration")[1])
        assert metadata["access_evaluation_endpoint"] == f"http://127.0.0.1:{gate.port}/access/v1/evaluation", metadata
        assert gate.request("GET", "/access/v1/evaluation")[0] == 405
        assert gate.request("POST", "/access/v1/search/subject", "{}")[0] == 404
        text = gate.request("GET", "/metrics")[1].decode()
        assert 'holdfast_gate_decisions_total{outcome="permit"} 3\n' in text, text
        gate.stop()
        assert "Listening" not in "".join(gate.output)
        # Usage.
        text = subprocess.run(
            [BIN / "holdfast", "gate", "serve", "--trust", place.trust, "--url", place.url, "--key", place.key("gate"),
             "--issuer", f"{GATE}/gate", "--state", gate.directory, "--host", "0.0.0.0"],
            capture_output=True, text=True, timeout=30)
        assert text.returncode == 2 and "plain HTTP" in text.stderr, text
    finally:
        place.remove()


def test_callers_with_tokens():
    """with --token-file only callers with a token are answered: 401 to the others"""
    place = Place()
    try:
        tokens = place.log.parent / "tokens"
        tokens.write_text("# callers\n0123456789abcdef-one\n")
        tokens.chmod(0o600)
        gate = place.gate("gate", "--token-file", tokens)
        body = json.dumps(place.question())
        status, _, headers = gate.request("POST", "/access/v1/evaluation", body)
        assert status == 401 and headers["WWW-Authenticate"] == "Bearer", status
        assert gate.request("POST", "/access/v1/evaluation", body, Authorization="Bearer wrong")[0] == 401
        assert gate.request("GET", "/readyz")[0] == 200
        status, answer, _ = gate.request("POST", "/access/v1/evaluation", body, Authorization="Bearer 0123456789abcdef-one")
        assert status == 200 and json.loads(answer)["decision"] is True, answer
    finally:
        place.remove()


def test_quorum_lost_and_back():
    """witnesses gone: permits end at once, and the last head judges nothing past maxHeadAge; back: permits again"""
    place = Place({"maxHeadAge": 6000})
    try:
        gate = place.gate()
        assert gate.ask()["decision"] is True
        for witness in place.witnesses[:2]:
            witness.end()
        answer = gate.ask()
        assert answer["decision"] is False, answer
        gate.wait(lambda: "stale-head" in gate.troubles(), "the head is not stale")
        stale = gate.ask()
        assert failed(stale).get("P7") == "synchronization-interrupted", stale
        assert gate.request("GET", "/readyz")[0] == 503
        for witness in place.witnesses[:2]:
            witness.start()
        gate.wait(lambda: gate.request("GET", "/readyz")[0] == 200, "not ready again")
        gate.wait(lambda: gate.ask()["decision"], "no permit again")
    finally:
        place.remove()


def test_log_unreachable_and_back():
    """the log is gone: no permit, an error in the answer, the head gets stale; back at the same place: permits again"""
    place = Place({"maxHeadAge": 6000})
    try:
        gate = place.gate()
        port = place.log.port
        assert gate.ask()["decision"] is True
        place.log.kill()
        answer = gate.ask()
        assert answer["decision"] is False and "permit" not in answer["context"], answer
        gate.wait(lambda: {"unreachable", "stale-head"} <= gate.troubles(), "the log is not missed")
        assert failed(gate.ask()).get("P7") == "synchronization-interrupted"
        place.log.start("--witnesses", place.policy, "--port", port)
        gate.wait(lambda: gate.request("GET", "/readyz")[0] == 200, "not ready again")
        gate.wait(lambda: gate.ask()["decision"], "no permit again")
    finally:
        place.remove()


def test_revoked_while_it_runs():
    """a grant revoked mid-run: the gate contains the execution by itself, once; recovered, revalidated, lifted, it goes on"""
    place = Place()
    try:
        gate = place.gate()
        place.execution("e1", gate.ask())
        scope = ["execution", "example.com/blackbox", "e1"]

        def phase():
            return json.loads(place.run("execution", "show", "e1", "--json").stdout.splitlines()[0])["phase"]

        assert phase() == "activated"
        place.make("grant", "revoke", place.grant, "--reason", "over")
        began = time.monotonic()
        gate.wait(lambda: phase() == "contained", "not contained")
        print(f"      from the revocation to the containment: {time.monotonic() - began:.2f} s")
        assert gate.ask()["decision"] is False
        time_out = gate.request("GET", "/metrics")[1].decode()
        assert 'holdfast_gate_containments_total{reason="governance-mismatch"} 1\n' in time_out, time_out
        place.make("containment", "recover", "execution", "e1")
        old, place.grant = place.grant, place.issue()
        question = {**place.question(execution="e1"), "context": {
            **place.question(execution="e1")["context"], "scope": scope}}
        answer = gate.post("/gate/v1/revalidation", question)
        assert answer["decision"] is True, answer
        place.make("containment", "lift", "execution", "e1")
        assert phase() == "executing"
        assert old != place.grant

        # The gate looks again at the next heads, and at what was revalidated: the grant that was lost is no reason any more.
        def rechecks():
            text = gate.request("GET", "/metrics")[1].decode()
            return int(re.search(r"^holdfast_gate_rechecks_total (\d+)$", text, re.M).group(1))

        for _ in range(2):
            before, size = rechecks(), tree_head(place.log.checkpoint())[0]
            place.add()
            gate.wait(lambda: gate.standing()["head"]["size"] > size and rechecks() > before, "it is not checked again")
        assert phase() == "executing", "an execution that was revalidated is contained again for what it was contained for"
        # And the new grant is.
        place.make("grant", "revoke", place.grant, "--reason", "over too")
        gate.wait(lambda: phase() == "contained", "not contained")
    finally:
        place.remove()


def test_killed_while_it_watches():
    """a gate that is killed goes on watching what it had permitted: revoked meanwhile, contained at once; nothing is folded anew"""
    place = Place()
    try:
        gate = place.gate()
        place.execution("e1", gate.ask())
        place.execution("e2", gate.ask("doc:2"))
        unused = gate.ask("doc:3")
        # Killed at any moment after the answers: what was answered is watched.
        gate.kill()
        size = tree_head(place.log.checkpoint())[0]
        place.make("execution", "finish", "e2", "--outcome", "executed", "--output-digest", "00" * 32, by="runtime")
        place.make("grant", "revoke", place.grant, "--reason", "over")
        began = time.monotonic()
        gate.start()

        def phase(name):
            return json.loads(place.run("execution", "show", name, "--json").stdout.splitlines()[0])["phase"]

        gate.wait(lambda: phase("e1") == "contained", "not contained")
        print(f"      from the start of the gate to the containment: {time.monotonic() - began:.2f} s")
        assert phase("e2") == "proof-persisted", phase("e2")
        found = re.search(r"entries=(\d+)", next(line for line in gate.output if "Goes on" in line))
        assert int(found.group(1)) >= size - 5, (found.group(0), size)
        late = place.execution("e3", unused, check=False)
        assert late.returncode == 1, "a permit on a grant that was revoked"
        gate.wait(lambda: len(list((gate.directory / "watched").glob("*.permit"))) <= 2, "e2 is still watched")
        # A file that can't be read is not passed over: what runs under it would go unwatched.
        gate.stop()
        (gate.directory / "watched" / ("00" * 16 + ".permit")).write_bytes(b"no permit")
        result = subprocess.run(
            [BIN / "holdfast", "gate", "serve", "--trust", place.trust, "--url", place.url, "--key", place.key("gate"),
             "--issuer", f"{GATE}/gate", "--state", gate.directory, "--port", "0"],
            capture_output=True, text=True, timeout=30)
        assert result.returncode not in (0, 2) and "it is no permit" in result.stderr, result
    finally:
        place.remove()


def test_killed_with_the_store_open():
    """SIGKILL again and again while the log grows: each start goes on from the state that was kept, and judges the same"""
    place = Place()
    try:
        gate = place.gate()
        seen = 0
        for number in range(6):
            adding = threading.Thread(target=lambda: place.add(10))
            adding.start()
            time.sleep(0.05 + 0.1 * number)
            gate.kill()
            adding.join(60)
            gate.start()
            kept = int(re.search(r"entries=(\d+)", next(line for line in gate.output if "Goes on" in line)).group(1))
            assert kept >= seen > 0 or number == 0, (kept, seen)
            seen = gate.standing()["head"]["size"]
            assert gate.ask()["decision"] is True
    finally:
        place.remove()


def test_two_gates_one_use():
    """two gates permit on the last use at once; one start is admitted. A gate killed at any moment goes on where it was"""
    place = Place()
    try:
        place.grant = place.issue("--uses", "1")
        gates = [place.gate("gate"), place.gate("other")]
        with concurrent.futures.ThreadPoolExecutor() as pool:
            answers = list(pool.map(lambda gate: gate.ask(), gates))
        assert [answer["decision"] for answer in answers] == [True, True], answers
        starts = [place.execution(f"e{n}", answers[n], check=False) for n in range(2)]
        assert [start.returncode for start in starts] == [0, 1] and "used up" in starts[1].stderr, starts
        gates[0].wait(lambda: not gates[0].ask()["decision"], "a third permit")
        place.grant = place.issue()
        gate = gates[0]
        for delay in (0.0, 0.01, 0.03, 0.1):
            with concurrent.futures.ThreadPoolExecutor() as pool:
                asked = pool.submit(lambda: gate.ask("doc:kill"))
                time.sleep(delay)
                gate.kill()
                try:
                    killed = asked.result(30)
                except (OSError, http.client.HTTPException):
                    killed = None
            gate.start()
            if killed and killed["decision"]:
                place.execution(f"k{delay}", killed)
            assert gate.ask()["decision"] is True
    finally:
        place.remove()


def test_leases():
    """under a lease requests are decided without the log; what was decided is digested into it when the lease has ended"""
    place = Place(maxLease=60_000)
    try:
        gate = place.gate("gate", "--lease", "3")
        first = gate.ask(lease=True)
        assert first["decision"] is True and "permit" not in first["context"], first
        size = tree_head(place.log.checkpoint())[0]
        times = []
        for _ in range(100):
            began = time.monotonic()
            answer = gate.ask(lease=True)
            times.append(time.monotonic() - began)
            assert answer["context"]["lease"]["entry"] == first["context"]["lease"]["entry"], answer
        assert tree_head(place.log.checkpoint())[0] == size
        print(f"      100 answers under a lease, slowest but one {sorted(times)[-2] * 1000:.1f} ms (debug build)")

        def digests():
            return list((gate.directory / "leases").glob("*.recorded"))

        kept = gate.wait(digests, "the decisions are not on record")[0]
        assert kept.name.startswith(first["context"]["lease"]["entry"])
        entries = [cbor2.loads(cbor2.loads(entry).value[2]) for entry in entries_of(place.log.export("copy"), tree_head(place.log.checkpoint())[0])]
        found = [event["data"] for event in entries if event["type"] == "gate.decisions"]
        assert found[0]["digest"] == hashlib.sha256(kept.read_bytes()).digest() and found[0]["decisions"] == 101, found
    finally:
        place.remove()


def test_lying_log():
    """a log whose seal lies about the state: everything is contained with state-divergence, in a gate that starts again too"""
    place = Place()
    server = None
    try:
        gate = place.gate()
        assert gate.ask()["decision"] is True
        gate.stop()
        copy = place.log.export("copy")
        keys = place.log.directory / "keys"

        def key(name):
            words = (keys / f"{name}.key").read_text().split()
            return Ed25519PrivateKey.from_private_bytes(next(bytes.fromhex(w) for w in words if re.fullmatch(r"[0-9a-f]{64}", w)))

        size = tree_head((copy / "checkpoint").read_bytes())[0]
        entries = entries_of(copy, size)
        # One more batch without statements whose seal says another root of the state.
        tag = cbor2.loads(entries[-1])
        protected, _, payload, _ = tag.value
        event = cbor2.loads(payload)
        event["seq"], event["prev"] = event["seq"] + 1, leaf_hash(entries[-1])
        event["data"] = {"statements": 0, "stateRoot": bytes(32)}
        payload = cbor2.dumps(event, canonical=True)
        signature = key("statement").sign(cbor2.dumps(["Signature1", protected, b"", payload]))
        entries.append(cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, signature])))
        size += 1
        log = TestLog("example.com/blackbox")
        log.key = key("checkpoint")
        log.public = log.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        log.leaves = entries
        files = {
            "/checkpoint": log.note(size).encode(), f"/tile/0/000.p/{size}": b"".join(map(leaf_hash, entries)),
            f"/tile/entries/000.p/{size}": b"".join(len(e).to_bytes(2, "big") + e for e in entries),
        }

        class Liar(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = files.get(self.path)
                self.send_response(200 if body else 404)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def do_POST(self):
                self.send_error(503)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        # The lie has no witnesses: they are the liar's friends here.
        place.trust.write_text(re.sub(r"^(state-)?quorum .*$", r"\1quorum none", place.trust.read_text(), flags=re.M))
        gate.start(url=f"http://127.0.0.1:{server.server_address[1]}/", ready=False)
        gate.wait(lambda: "divergence" in gate.troubles(), "the lie is not found")
        answer = gate.ask()
        assert answer["decision"] is False and failed(answer)["P8"] == "state-divergence", answer
        assert answer["context"]["recorded"] is None
    finally:
        if server:
            server.shutdown()
        place.remove()
