"""The commands that govern a log, run as an operator runs them, between two real logs."""

import json
import os
import pathlib
import re
import shutil
import tempfile

from harness import BIN, Log, Signer, holdfast
from monitors import StateWitness
from test_witnessed import Witnessed

RUNTIME, GATE = "spiffe://example.org/runtime", "spiffe://example.org/gate"
REGISTRAR, OBSERVER = "spiffe://example.org/registrar", "spiffe://example.org/observer"


class Domain:
    """A log of `holdfast init`, served, with the keys of those who act in it."""

    def __init__(self, origin="log.example.org/home"):
        self.log = Log.__new__(Log)
        self.log.parent = pathlib.Path(tempfile.mkdtemp(prefix="holdfast-govern-"))
        self.log.directory, self.log.process, self.log.output = self.log.parent / "log", None, []
        self.origin = origin
        holdfast("init", self.log.directory, "--origin", origin)
        self.log.start()

    def key(self, name):
        path = self.log.parent / f"{name}.key"
        if not path.exists():
            holdfast("key", "new", "--out", path)
        return path

    def public(self, name):
        return f"{self.key(name)}.pub"

    def run(self, *arguments, by=None, check=True):
        extra = ["--key", self.key(by)] if by else []
        return holdfast(*arguments, "--dir", self.log.directory, *extra, check=check)

    def make(self, *arguments, by=None):
        """Registers a statement; returns what --json says of it."""
        return json.loads(self.run(*arguments, "--json", by=by).stdout)

    def lines(self, *arguments):
        return [json.loads(line) for line in self.run(*arguments, "--json").stdout.splitlines()]

    def refused(self, *arguments, by=None, code=1):
        """Expects the command to end with this exit code; returns what it said."""
        result = self.run(*arguments, by=by, check=False)
        assert result.returncode == code, (arguments, result.returncode, result.stdout, result.stderr)
        return result.stderr

    def file(self, name, text):
        path = self.log.parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def remove(self):
        self.log.remove()


def enrolled(domain):
    domain.make("identity", "enroll", RUNTIME, domain.public("runtime"), "--role", "runtime", "--measurement", "abcd")
    domain.make("identity", "enroll", GATE, domain.public("gate"), "--role", "gate")
    domain.make("identity", "enroll", REGISTRAR, domain.public("registrar"), "--role", "registrar")


def permitted(domain, **more):
    """A grant and a permit under it; the permit's nonce."""
    grant = domain.make("grant", "issue", RUNTIME, "--action", "answer", "--resource", "tickets/*", "--for", "1h")
    return permit(domain, grant["id"], **more)


def permit(domain, grant, *more):
    answer = domain.make(
        "decision", "permit", "--subject", RUNTIME, "--action", "answer", "--resource", "tickets/7",
        "--grant", grant, "--for", "2m", *more, by="gate",
    )
    return answer["notes"]["nonce"]


def test_a_life_from_enrolment_to_the_end_of_an_execution():
    """enrol, grant, register a directory, approve, attest, permit, start, step, contain, recover, lift, finish"""
    home = Domain()
    try:
        enrolled(home)
        issuers = [item["issuer"] for item in home.lines("identity", "list")]
        assert {RUNTIME, GATE, REGISTRAR} <= set(issuers), issuers
        home.file("model/config.json", "{}")
        weights = home.file("model/weights/a.bin", "0" * 100_000)
        model = home.log.parent / "model"
        scope = ["--model", "sorter@1.2", "--action", "answer", "--purpose", "support"]
        registered = home.make("model", "register", model, *scope, by="registrar")
        manifest = home.log.parent / "manifest.json"
        holdfast("model", "register", model, "--manifest-only", manifest)
        assert json.loads(manifest.read_text())["digest"] == registered["notes"]["digest"]
        assert registered["notes"]["files"] == "2" and registered["notes"]["bytes"] == "100002"
        assert home.lines("model", "list")[0]["status"] == "registered"
        home.make("model", "approve", "sorter@1.2")
        assert home.lines("model", "show", "sorter@1.2")[0]["status"] == "approved"
        home.make("runtime", "attest", "abcd", by="runtime")
        home.make("runtime", "attest", "abcd", by="runtime")
        telemetry = home.file("telemetry.jsonl", "{}\n")
        home.make("runtime", "telemetry", telemetry, by="runtime")
        home.make("runtime", "telemetry", telemetry, by="runtime")
        home.make("runtime", "heartbeat", by="runtime")
        grant = home.make(
            "grant", "issue", RUNTIME, "--action", "answer", "--resource", "tickets/*", "--for", "1h", "--uses", "2")
        nonce = permit(home, grant["id"], "--model", "sorter@1.2", "--purpose", "support")
        # A decision names a head that the log has had: another root of the same size is of another history.
        contain = ["decision", "contain", "--subject", RUNTIME, "--action", "answer", "--resource", "tickets/7",
                   "--reason", "governance-mismatch", "--dry-run"]
        event = json.loads(home.run(*contain, by="gate").stdout)
        for change in ({"root": {"$bytes": "A" * 43}}, {"size": event["data"]["head"]["size"] - 1}):
            forged = json.dumps({**event, "data": {**event["data"], "head": {**event["data"]["head"], **change}}})
            forged = home.file(f"forged-{'-'.join(change)}.json", forged)
            said = home.refused("submit", forged, "--out", home.log.parent / "forged", by="gate")
            assert "the log had no such head" in said, said
        question = home.file("question.txt", "why?")
        home.make(
            "execution", "start", "run-1", "--permit", nonce, "--model", "sorter@1.2", "--input", question, by="runtime")
        step = ["execution", "step", "run-1", "--input", question, "--output", question]
        home.make(*step, by="runtime")
        home.make(*step, by="runtime")
        assert home.lines("execution", "show", "run-1")[0]["steps"] == 2
        scope = ["execution", "run-1"]
        home.make("containment", "enter", *scope, "--reason", "state-divergence", "--evidence", question, by="gate")
        assert "table of phases" in home.refused(*step, by="runtime")
        assert "table of phases" in home.refused("containment", "lift", *scope)
        shown = home.lines("containment", "show", *scope)[0]
        assert shown["phase"] == "contained" and shown["verified"] is True, shown
        home.make("containment", "recover", *scope)
        home.make("decision", "revalidate", *scope, by="gate")
        home.make("containment", "lift", *scope)
        home.make(*step, by="runtime")
        home.make("execution", "finish", "run-1", "--outcome", "executed", "--output", question, by="runtime")
        nonce = permit(home, grant["id"], "--execution", "run-2")
        home.make("execution", "start", "run-2", "--permit", nonce, "--parent", "run-1", "--input", question, by="runtime")
        home.make("execution", "finish", "run-2", "--outcome", "failed", by="runtime")
        for replay in ([], ["--replay"]):
            graph = home.lines("execution", "lineage", "run-1", *replay)[0]
            nodes = [(node["execution"]["id"], node["relation"], node["phase"]) for node in graph["nodes"]]
            assert nodes == [
                ("run-1", "self", "proof-persisted"), ("run-2", "descendant", "proof-persisted")], nodes
            assert graph["edges"] == [{"parent": 0, "child": 1}]
        used = {record["stateKey"].split("/")[0]: record for record in home.lines("grant", "show", grant["id"])}
        assert used["uses"]["used"] == 2
        assert "uses are used up" in home.refused(
            "decision", "permit", "--subject", RUNTIME, "--action", "answer", "--resource", "tickets/7",
            "--grant", grant["id"], by="gate")
        # What was used up, lint says.
        codes = [line["code"] for line in lint(home)]
        assert "grant-used-up" in codes, codes
        # A directory that is not what was registered.
        assert home.run("model", "check", model, "--model", "sorter@1.2").returncode == 0
        weights.write_text("1" * 100_000)
        home.file("model/new.txt", "")
        (model / "config.json").unlink()
        result = home.run("model", "check", model, "--manifest", manifest, check=False)
        assert result.returncode == 1 and not result.stderr, result.stderr
        assert re.findall(r"^(\w+) +(\S+)", result.stdout, re.M)[:3] == [
            ("missing", "config.json"), ("added", "new.txt"), ("changed", "weights/a.bin:")], result.stdout
        home.make("model", "retire", "sorter@1.2", by="registrar")
        home.make("model", "revoke", "sorter@1.2", "--reason", "wrong", by="registrar")
        home.make("trust", "revoke", "runtime", RUNTIME, "--reason", "unauthorized-modification", "--for-good")
        assert "trust is revoked" in home.refused("containment", "recover", "runtime", RUNTIME)
        # Everything that was answered verifies offline, and the log folds.
        statements = sorted((home.log.directory / "statements").glob("*.transparent"))
        assert len(statements) > 20
        later = [path for path in statements if path.with_suffix(".state-proof").exists()]
        assert len(later) > 15, "an issuer that was enrolled later leaves a state proof"
        for path in statements:
            state = ["--state", path.with_suffix(".state-proof")] if path in later else []
            verified = verify(home, path, *state)
            assert verified.returncode == 0, (path.name, verified.stdout)
        # Without the proof, or without the word that nobody vouches for it, none of it is believed.
        assert "not-enrolled" in verify(home, later[0]).stdout
        state = ["--state", later[0].with_suffix(".state-proof")]
        assert verify(home, later[0], *state, vouched=True).returncode == 1
        export = home.log.parent / "export"
        holdfast("export", export, "--dir", home.log.directory)
        verified = holdfast("log", export, "--trust", home.log.trust, program="holdfast-verify")
        assert "VERIFIED" in verified.stdout
    finally:
        home.remove()


def verify(domain, path, *arguments, vouched=False):
    vouching = [] if vouched else ["--without-state-quorum"]
    return holdfast(
        "transparent", path, "--trust", domain.log.trust, *arguments, *vouching, program="holdfast-verify", check=False)


def test_submitting_as_an_issuer_that_was_enrolled_later():
    """the log's state says who it is; the proof of that is kept, and prove fetches it again"""
    home = Domain()
    try:
        enrolled(home)
        event = home.file("event.json", '{"type": "agent.note", "data": {"n": 1}}')
        out = home.log.parent / "answers"
        submitted = json.loads(home.run("submit", event, "--out", out, "--json", by="runtime").stdout)
        assert submitted["state"] == str(out / "event.state-proof"), submitted
        assert verify(home, out / "event.transparent", "--state", submitted["state"]).returncode == 0
        # Of an issuer that the genesis names there is nothing to show.
        first = json.loads(home.run("submit", event, "--out", home.log.parent / "own", "--json").stdout)
        assert first.get("state") is None and not (home.log.parent / "own" / "event.state-proof").exists(), first
        again = home.refused("prove", str(submitted["index"]), "--out", home.log.parent / "again")
        assert "--without-state-quorum" in again, again
        home.run("prove", str(submitted["index"]), "--out", home.log.parent / "again", "--without-state-quorum")
        again = home.log.parent / "again" / f"{submitted['index']}"
        assert verify(home, f"{again}.transparent", "--state", f"{again}.state-proof").returncode == 0
        # Neither a key that nobody enrolled nor another name than the log's is taken at its word.
        assert "knows no issuer" in home.refused("submit", event, "--out", out, by="stranger", code=2)
        named = home.refused("submit", event, "--out", out, "--issuer", GATE, by="runtime", code=2)
        assert f"under the name {GATE}" in named, named
    finally:
        home.remove()


def test_under_a_state_quorum():
    """with witnesses and a state witness all that a command rests on has both quorums; without it: status 3, told why"""
    place, state = Witnessed(), StateWitness()
    try:
        with place.policy.open("a") as policy:
            policy.write(f"witness s {state.vkey} {state.url}\nstate-quorum s\n")
        trust = place.log.parent / "state.trust"
        trust.write_text(place.trust.read_text() + f"witness s {state.vkey}\nstate-quorum s\n")
        place.start()
        url = f"http://127.0.0.1:{place.log.port}/"
        state.start(place.trust, url)
        place.wait(lambda: state.cosigned(place.log.checkpoint()), "the state witness's line", seconds=30)
        out = ["--trust", trust, "--url", url, "--out", place.log.parent / "out"]

        def run(*arguments, key, check=True):
            return holdfast(*arguments, *out, "--state", place.log.parent / "ledger", "--key", key, check=check)

        keys = {"authority": place.log.directory / "keys" / "authority.key"}
        for name in ("operator", "runtime"):
            keys[name] = place.log.parent / f"{name}.key"
            holdfast("key", "new", "--out", keys[name])
        operator = "spiffe://example.org/operator"
        run("identity", "enroll", operator, f"{keys['operator']}.pub", "--role", "operator", key=keys["authority"])
        run("identity", "enroll", RUNTIME, f"{keys['runtime']}.pub", "--role", "runtime", key=keys["operator"])
        grant = run(
            "grant", "issue", RUNTIME, "--action", "a", "--resource", "r", "--json", key=keys["operator"])
        grant = json.loads(grant.stdout)
        verified = holdfast(
            "transparent", grant["transparent"], "--state", grant["state"], "--trust", trust, program="holdfast-verify")
        assert re.search(r"signer's state: state-quorum +quorum s, cosigned-by .*\bs\b", verified.stdout), verified.stdout
        # The state witness goes: what is there stands, and nothing new is shown before it is back.
        assert state.monitor.stop() == 0, state.monitor.errors
        late = run("runtime", "heartbeat", "--name", "late", key=keys["runtime"], check=False)
        assert late.returncode == 3 and "It is registered" in late.stderr, (late.returncode, late.stderr)
        assert "state witnesses" in late.stderr and "holdfast prove" in late.stderr, late.stderr
        state.start(place.trust, url)
        place.wait(lambda: state.cosigned(place.log.checkpoint()), "the line after a restart", seconds=30)
        holdfast("prove", place.log.parent / "out" / "late.cose", *out)
        assert (place.log.parent / "out" / "late.state-proof").exists()
    finally:
        state.monitor.remove()
        place.remove()


def lint(domain, *arguments):
    result = domain.run("policy", "lint", "--json", *arguments, check=False)
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_policy_is_changed_by_two_of_three_authorities():
    """draft, set, pending, approve; the authority's name is derived from its key"""
    home = Domain()
    try:
        draft = home.run(
            "policy", "draft", "--authority", home.public("second"), "--authority", home.public("third"),
            "--threshold", "2", "--max-permit", "20m").stdout
        first = home.file("first.json", draft)
        digest = home.make("policy", "set", first)["notes"]["digest"]
        assert home.lines("policy", "show")[0]["digest"] == digest
        # The old draft names the genesis before it.
        assert "is to follow policy" in home.refused("policy", "set", first, code=2)
        second = home.file("second.json", home.run("policy", "draft", "--max-lease", "15m").stdout)
        waiting = home.make("policy", "set", second, by="second")["notes"]["digest"]
        assert home.lines("policy", "show")[0]["digest"] == digest
        pending = home.lines("policy", "pending")
        assert [p["digest"] for p in pending] == [waiting] and len(pending[0]["approvals"]) == 1
        assert [f["code"] for f in lint(home)].count("approvals-waiting") == 1
        assert "has approved this policy already" in home.refused("policy", "approve", waiting, by="second")
        assert "the key holds nothing" in home.refused("policy", "approve", waiting, "--key", issuer_key(home))
        assert "Nobody has registered" in home.refused("policy", "approve", "ab" * 32, by="third")
        home.make("policy", "approve", waiting, by="third")
        shown = home.lines("policy", "show")[0]
        assert shown["digest"] == waiting and shown["policy"]["governance"]["maxLease"] == 900_000
        assert home.lines("policy", "pending") == []
        # Leases are there now.
        enrolled(home)
        grant = home.make("grant", "issue", RUNTIME, "--action", "answer", "--resource", "*")
        lease = home.make(
            "lease", "issue", "--subject", RUNTIME, "--action", "answer", "--resource", "r", "--grant", str(grant["index"]),
            "--for", "5m", by="gate")
        home.make("execution", "start", "run", "--lease", lease["id"], "--input-digest", "00" * 32, by="runtime")
    finally:
        home.remove()


def issuer_key(domain):
    return domain.log.directory / "keys" / "issuer.key"


def test_grants_are_handed_on_and_taken_back():
    """delegate, revoke, list; what was handed on from a revoked grant is found by lint"""
    home = Domain()
    try:
        enrolled(home)
        helper = "spiffe://example.org/helper"
        home.make("identity", "enroll", helper, home.public("helper"), "--role", "runtime")
        grant = home.make(
            "grant", "issue", RUNTIME, "--action", "answer", "--resource", "tickets/*", "--delegations", "1")
        cose = grant["statement"]
        handed = home.make(
            "grant", "delegate", cose, helper, "--action", "answer", "--resource", "tickets/7", by="runtime")
        assert "only be narrower" in home.refused(
            "grant", "delegate", cose, helper, "--action", "*", "--resource", "tickets/7", by="runtime")
        assert len(home.lines("grant", "list")) == 2
        home.make("grant", "revoke", str(grant["index"]), "--reason", "done")
        assert [f["subject"] for f in lint(home) if f["code"] == "grant-parent-revoked"] == ["grant " + handed["id"]]
        table = home.run("grant", "list").stdout
        assert grant["id"] in table and "revoked" in table, table
        # A key in the place of another: the stream goes on with the new one.
        home.make("identity", "rotate", home.public("runtime"), home.public("runtime2"), by="runtime")
        assert "has ended" in home.refused("runtime", "attest", "abcd", by="runtime")
        home.make("runtime", "attest", "abcd", by="runtime2")
        home.make("identity", "revoke", home.public("helper"), "--reason", "lost")
        states = {i["keyID"]: i.get("ending") for i in home.lines("identity", "list")}
        assert sorted(filter(None, states.values())) == ["revoked", "rotated"], states
    finally:
        home.remove()


def test_two_domains():
    """admit a peer by its trust file, record its heads with proofs from its tiles, open and close a route, expel"""
    home, other = Domain(), Domain("log.example.org/other")
    try:
        home.make("identity", "enroll", OBSERVER, home.public("observer"), "--role", "observer")
        url = f"http://{other.log.host}:{other.log.port}"
        head = ["peer", "head", other.origin, "--peer-url", url]
        assert "no admitted peer" in home.refused(*head, by="observer")
        home.make("peer", "admit", other.log.trust)
        first = home.make(*head, by="observer")["notes"]
        assert first["before"] == "0" and first["size"] == "2"
        home.make(*head, by="observer")
        enrolled(other)
        second = home.make(*head, by="observer")["notes"]
        assert second["before"] == "2" and int(second["size"]) > 2
        assert [(p["peer"]["origin"], p["head"]["size"]) for p in home.lines("peer", "list")] == [
            (other.origin, int(second["size"]))]
        home.make("route", "open", "east", "--to", other.origin, "--action", "answer", "--max-peer-age", "10m")
        assert "is open already" in home.refused(
            "route", "open", "east", "--to", other.origin, "--action", "answer", "--max-peer-age", "10m")
        assert [r["phase"] for r in home.lines("route", "list")] == ["activated"]
        # The peer comes back with another history under the same keys.
        other.log.stop()
        shutil.copytree(other.log.directory, other.log.parent / "forked")
        home.make("peer", "expel", other.origin, "--reason", "gone")
        assert "route-peer-expelled" in [f["code"] for f in lint(home)]
        home.make("route", "close", "east")
        assert home.run(*head, by="observer", check=False).returncode == 1
    finally:
        home.remove()
        other.remove()


def test_dry_run_sends_nothing_and_prints_what_submit_takes():
    """--dry-run prints the event; the same bytes are registered by holdfast submit"""
    home = Domain()
    try:
        before = home.log.checkpoint()
        result = home.run(
            "identity", "enroll", GATE, home.public("gate"), "--role", "gate", "--dry-run")
        event = json.loads(result.stdout)
        assert event["type"] == "identity.enroll" and event["data"]["issuer"] == GATE
        assert "Nothing was sent" in result.stderr and "spiffe://log.example.org/issuer" in result.stderr
        assert home.log.checkpoint() == before
        whole = home.lines("identity", "enroll", GATE, home.public("gate"), "--role", "gate", "--dry-run")[0]
        assert whole["event"] == event and whole["sent"] is False
        path = home.file("event.json", result.stdout)
        home.run("submit", path, "--out", home.log.parent / "answers")
        assert GATE in [item["issuer"] for item in home.lines("identity", "list")]
    finally:
        home.remove()


def test_a_named_statement_is_registered_once():
    """the same command with a --name finds its statement; without one it registers another"""
    home = Domain()
    try:
        command = ["grant", "issue", "spiffe://example.org/a", "--action", "a", "--resource", "r"]
        first = home.make(*command, "--name", "mine")
        second = home.make(*command, "--name", "mine")
        assert (first["duplicate"], second["duplicate"]) == (False, True) and first["id"] == second["id"]
        assert home.make(*command)["id"] != home.make(*command)["id"]
        assert "says something else" in home.refused(
            "grant", "issue", "spiffe://example.org/b", "--action", "a", "--resource", "r", "--name", "mine", code=2)
    finally:
        home.remove()


def test_wrong_input_of_every_verb():
    """exit 2 for a command line or a file that can't be, 1 for what the log or a check refuses; each says why"""
    home = Domain()
    try:
        text = home.file("text.txt", "no policy")
        missing = home.log.parent / "missing"
        odd = home.log.parent / "odd"
        odd.mkdir()
        (odd / "file").write_text("x")
        os.symlink("file", odd / "link")
        os.mkfifo(odd / "pipe")
        zero = "00" * 32
        usage = [
            (["identity", "enroll", "no uri", home.public("gate"), "--role", "gate"], "absolute URI"),
            (["identity", "enroll", GATE, home.public("gate"), "--role", "king"], "--role"),
            (["identity", "rotate", "nokey", home.public("gate")], "neither a key file nor a thumbprint"),
            (["grant", "issue", RUNTIME, "--action", "a", "--resource", "r", "--for", "10"], "number and a unit"),
            (["grant", "issue", "no uri", "--action", "a", "--resource", "r"], "absolute URI"),
            (["grant", "issue", RUNTIME, "--action", "a", "--resource", "r", "--not-after", "2020-01-01T00:00:00Z"],
             "nobody could use it"),
            (["grant", "revoke", "what", "--reason", "r"], "names no statement"),
            (["grant", "delegate", text, RUNTIME, "--action", "a", "--resource", "r"], "not a signed statement"),
            (["model", "register", odd, "--model", "a@1"], "scope"),
            (["model", "approve", "sorter"], "NAME@VERSION"),
            (["model", "check", odd, "--manifest", text], "not a manifest"),
            (["runtime", "attest", "XYZ"], "lowercase hex"),
            (["runtime", "telemetry"], "There is no file"),
            (["runtime", "telemetry", text, "--from", "2", "--until", "1"], "before it begins"),
            (["execution", "start", "run", "--permit", "00" * 16], "There is no input"),
            (["execution", "start", "run", "--input", text], "--permit"),
            (["execution", "finish", "run", "--outcome", "executed"], "--output"),
            (["containment", "enter", "planet", "earth", "--reason", "state-divergence"], "planet"),
            (["containment", "enter", "runtime", "no uri", "--reason", "state-divergence"], "runtime's URI"),
            (["containment", "enter", "runtime", RUNTIME, "--reason", "bored"], "bored"),
            (["trust", "revoke", "runtime", RUNTIME, "--reason", "state-divergence"], "--for-good"),
            (["peer", "admit", text], "not a trust file"),
            (["route", "open", "east", "--action", "a", "--max-peer-age", "1m"], "--to"),
            (["policy", "set", text], "not JSON"),
            (["policy", "set", home.file("p.json", "{}")], "not a policy"),
            (["policy", "draft", "--threshold", "9"], "threshold"),
            (["policy", "approve", "beef"], "64 lowercase hex digits"),
            (["decision", "permit", "--subject", "s", "--action", "a", "--resource", "r"], "--grant"),
            (["lease", "issue", "--subject", RUNTIME, "--action", "a", "--resource", "r", "--grant", zero], "--for"),
            (["grant", "issue", RUNTIME, "--action", "a", "--resource", "r", "--key", home.key("stranger")],
             "knows no issuer"),
        ]
        for arguments, said in usage:
            error = home.refused(*arguments, code=2)
            assert said in error, (arguments, said, error)
        refused = [
            (["identity", "enroll", GATE, missing, "--role", "gate"], "No such file"),
            (["model", "register", odd, "--model", "a@1", "--action", "a", "--purpose", "p"], "link is a symbolic link"),
            (["model", "register", odd, "--model", "a@1", "--action", "a", "--purpose", "p", "--follow-symlinks"], "pipe is"),
            (["model", "approve", "sorter@1"], "is not registered"),
            (["model", "show", "sorter@1"], "has no model"),
            (["model", "retire", "sorter@1"], "is not registered"),
            (["model", "revoke", "sorter@1", "--reason", "r"], "is not registered"),
            (["identity", "revoke", zero, "--reason", "r"], "no such key is enrolled"),
            (["identity", "show", RUNTIME], "has no identity"),
            (["identity", "enroll", GATE, issuer_key(home), "--role", "gate"], "has a use already"),
            (["grant", "revoke", zero, "--reason", "r"], "there is no such grant"),
            (["grant", "revoke", "999", "--reason", "r"], "has no entry 999"),
            (["grant", "show", zero], "has no grant"),
            (["execution", "start", "run", "--permit", "00" * 16, "--input", text], "there is no such permit"),
            (["execution", "step", "run", "--input", text, "--output", text], "has no execution"),
            (["execution", "finish", "run", "--outcome", "failed"], "there is no such execution"),
            (["execution", "show", "run"], "has no execution"),
            (["execution", "lineage", "run"], "has no execution"),
            (["containment", "recover", "runtime", RUNTIME], "table of phases"),
            (["containment", "lift", "runtime", RUNTIME], "table of phases"),
            (["containment", "show", "runtime", RUNTIME], "has no containment of runtime"),
            (["peer", "show", "log.example.org/other"], "has no peer"),
            (["route", "show", "east"], "has no route"),
            (["lease", "show", zero], "has no lease"),
            (["peer", "admit", home.log.trust], "is this domain"),
            (["peer", "head", "log.example.org/other"], "no admitted peer"),
            (["peer", "expel", "log.example.org/other", "--reason", "r"], "there is no such peer"),
            (["route", "close", "east"], "there is no such open route"),
            (["route", "open", "east", "--to", "log.example.org/other", "--action", "a", "--max-peer-age", "1m"],
             "there is no such peer"),
            (["decision", "contain", "--subject", RUNTIME, "--action", "a", "--resource", "r", "--reason",
              "state-divergence"], "decision.record is signed by: gate"),
            (["decision", "show", "00" * 16], "has no decision"),
            (["lease", "issue", "--subject", RUNTIME, "--action", "a", "--resource", "r", "--grant", zero, "--for", "1m"],
             "lease.record is signed by: gate"),
        ]
        for arguments, said in refused:
            error = home.refused(*arguments, code=1)
            assert said in error, (arguments, said, error)
            # What the log does not take, it names the rule of; and there is something to do about it.
            assert "The log does not take" not in error or re.search(r"\([a-z-]+\): .*\n  \S", error), error
        for arguments, said in [
            (["grant", "issue", "spiffe://example.org/nobody", "--action", "a", "--resource", "r"], "nobody is enrolled"),
            (["grant", "issue", GATE, "--action", "a", "--resource", "r", "--model", "m@1"], "m@1 is not approved"),
            (["grant", "issue", GATE, "--action", "a", "--resource", "r", "--route", "east"], "route east is not open"),
        ]:
            warned = home.run(*arguments, "--dry-run").stderr
            assert "warning: " in warned and said in warned, (arguments, warned)
        for noun in ["identity", "grant", "model", "execution", "containment", "peer", "route"]:
            assert home.run(noun, "list").returncode == 0
        home.log.stop()
        assert "not reached" in home.refused("grant", "list", code=3)
    finally:
        home.remove()


def test_lint_of_files():
    """policy lint looks at a file and a trust file without any log, and its exit code says whether there is an error"""
    home = Domain()
    try:
        path = home.file("p.json", home.run("policy", "draft").stdout)
    finally:
        home.log.stop()
    try:
        result = holdfast("policy", "lint", path, "--json", check=False, cwd=home.log.parent)
        codes = {json.loads(line)["code"]: json.loads(line)["severity"] for line in result.stdout.splitlines()}
        assert result.returncode == 1 and codes["unwitnessed-permits"] == "error", codes
        assert codes["threshold-one"] == "warning" and codes["no-gate"] == "warning"
        policy = json.loads(path.read_text())
        policy["allowUnwitnessed"] = False
        path.write_text(json.dumps(policy))
        assert holdfast("policy", "lint", path, check=False, cwd=home.log.parent).returncode == 0
        assert holdfast("policy", "lint", path, "--strict", check=False, cwd=home.log.parent).returncode == 1
        trust = home.log.trust.read_text()
        lines = []
        for name in "AB":
            holdfast("witness", "init", home.log.parent / name, "--name", f"w.example.org/{name}")
            lines.append(f"witness {name} {(home.log.parent / name / 'witness.vkey').read_text().strip()}\n")
        split = home.file("split.trust", trust.replace("quorum none\n", "".join(lines) + "group Q any A B\nquorum Q\n"))
        result = holdfast("policy", "lint", path, "--trust", split, "--offline", check=False)
        assert result.returncode == 1 and "quorum-split" in result.stdout, result.stdout
        sound = home.file("sound.trust", split.read_text().replace("any", "all"))
        result = holdfast("policy", "lint", path, "--trust", sound, "--offline", check=False)
        assert "quorum-split" not in result.stdout and "quorum-one-blocks" in result.stdout, result.stdout
    finally:
        home.remove()
