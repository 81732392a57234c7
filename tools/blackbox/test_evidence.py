"""Evidence bundles of a real log, verified with everything stopped; and the example of the Swift library."""

import base64
import json
import subprocess
import time

import cbor2
from harness import BIN, Log, Signer, holdfast, tree_head
from monitors import StateWitness
from test_reads import ZERO, Domain
from test_witnessed import Witnessed

ORIGIN = "example.com/blackbox"


class Vouched(Domain):
    """A domain whose log has three witnesses and a state witness."""

    def __init__(self):
        self.place, self.state = Witnessed(), StateWitness()
        self.operator, self.log = self.place.signer, self.place.log
        with self.place.policy.open("a") as policy:
            policy.write(f"witness s {self.state.vkey} {self.state.url}\nstate-quorum s\n")
        self.trust = self.log.parent / "vouched.trust"
        self.trust.write_text(f"{self.place.trust.read_text()}witness s {self.state.vkey}\nstate-quorum s\n")
        self.place.start()
        self.url = f"http://127.0.0.1:{self.log.port}/"
        self.gate = Signer("spiffe://example.org/gate")
        self.say(self.operator, "identity.enroll", issuer=self.gate.issuer, key=self.gate.public, roles=["gate"])

    def remove(self):
        self.state.monitor.remove()
        self.place.remove()


def permit(domain, number, grant, **more):
    """A permit for the operator, judged on the head that is published."""
    nonce = bytes([number]) * 16
    size, root = tree_head(domain.log.checkpoint())
    domain.say(
        domain.gate, "decision.record", request=ZERO, nonce=nonce, head={"size": size, "root": base64.b64decode(root)},
        expires=int(time.time() * 1000) + 60_000, outcome="permit", subject=domain.operator.issuer, action="sort",
        resource="inbox/1", reliesOn=[cbor2.dumps(["grant", grant])], grant=grant, **more,
    )
    return nonce


def start(domain, name, nonce, *parents, **more):
    domain.say(
        domain.operator, "execution.start", execution={"home": ORIGIN, "id": name}, permit=nonce,
        parents=[{"home": ORIGIN, "id": parent} for parent in parents], input=ZERO, **more,
    )


def govern(domain):
    """A grant, two executions of which the second goes on from the first, one step, a containment, a revocation."""
    operator = domain.operator
    grant = domain.say(
        operator, "grant.issue", subject=operator.issuer, actions=["sort"], resources=["inbox/*"],
        conditions={"uses": 5}, delegations=0,
    )
    start(domain, "first", permit(domain, 1, grant))
    first = {"home": ORIGIN, "id": "first"}
    domain.say(operator, "execution.step", execution=first, step=0, input=ZERO, output=ZERO)
    domain.say(operator, "execution.finish", execution=first, outcome="executed", output=ZERO)
    start(domain, "second", permit(domain, 2, grant), "first")
    scope = ["execution", ORIGIN, "second"]
    domain.say(operator, "containment.enter", scope=scope, reason="telemetry-inconsistent")
    domain.contained = domain.index
    domain.say(
        operator, "execution.finish", execution={"home": ORIGIN, "id": "second"}, outcome="blocked")
    domain.say(operator, "grant.revoke", grant=grant, reason="done")
    return grant


def verify(path, trust, *arguments):
    return holdfast(
        "bundle", path, "--trust", trust, "--without-state-quorum", *arguments, program="holdfast-verify", check=False)


def test_bundles():
    """an execution, a grant: gathered from the log, verified with the log stopped, shown by entry; not with a bit changed"""
    domain = Domain()
    log = domain.log
    try:
        grant = govern(domain)
        run, held = log.parent / "second.evidence", log.parent / "grant.evidence"
        from_log = ("--dir", log.directory, "--without-state-quorum")
        holdfast("evidence", "execution", "second", *from_log, "-o", run)
        holdfast("evidence", "grant", grant.hex(), *from_log, "-o", held)
        # Nobody but the log vouches for the state, and that was not asked for: nothing is written.
        refused = holdfast(
            "evidence", "execution", "second", "--dir", log.directory, "-o", log.parent / "none", check=False)
        assert refused.returncode == 1 and "state-quorum" in refused.stderr, refused
        unknown = holdfast("evidence", "execution", "third", *from_log, "-o", log.parent / "none", check=False)
        assert unknown.returncode == 1 and "there is no execution" in unknown.stderr, unknown
        assert not (log.parent / "none").exists()
        assert log.stop() == 0

        report = verify(run, log.trust)
        assert report.returncode == 0, report.stdout
        for words in ("second goes on from first", "contained: telemetry-inconsistent", "second ended: blocked"):
            assert words in report.stdout, (words, report.stdout)
        facts = json.loads(verify(run, log.trust, "--json").stdout)["evidence"]["facts"]
        contained = [fact for fact in facts if fact["what"] == "containment.enter"]
        assert [fact["entry"] for fact in contained] == [domain.contained], contained
        assert {fact["section"] for fact in facts} >= {"authorized", "ran", "stopped", "lineage", "rules", "signers"}
        assert any(fact["what"] == "grant.revoke" for fact in facts)
        key = f"grant/{grant.hex()}"
        assert verify(held, log.trust, "--about", key).returncode == 0
        assert verify(run, log.trust, "--about", key).returncode == 1
        # Without being asked to do without a state quorum, it does not.
        alone = holdfast("bundle", run, "--trust", log.trust, program="holdfast-verify", check=False)
        assert alone.returncode == 1 and "state-quorum" in alone.stdout, alone.stdout
        content = bytearray(run.read_bytes())
        content[len(content) // 2] ^= 1
        run.write_bytes(content)
        assert verify(run, log.trust).returncode == 1
    finally:
        log.remove()


def test_vouched():
    """with witnesses and a state witness: it is waited for, and the bundle needs nobody's word, everything stopped"""
    domain = Vouched()
    try:
        govern(domain)
        out = domain.log.parent / "run.evidence"
        gather = ("evidence", "execution", "second", "--url", domain.url, "--trust", domain.trust, "-o", out)
        early = holdfast(*gather, "--wait", "0", check=False)
        assert early.returncode == 3 and "state witnesses" in early.stderr and not out.exists(), early
        domain.state.start(domain.place.trust, domain.url)
        holdfast(*gather, "--wait", "60")
        assert domain.state.monitor.stop() == 0
        assert domain.log.stop() == 0
        report = holdfast("bundle", out, "--trust", domain.trust, "--json", program="holdfast-verify")
        checks = {check["name"]: check for check in json.loads(report.stdout)["checks"]}
        assert checks["state-quorum"]["outcome"] == checks["witness-quorum"]["outcome"] == "passed", checks
        assert checks["state-quorum"]["values"]["quorum"] == "s", checks["state-quorum"]
    finally:
        domain.remove()


def test_example():
    """the example of HoldfastClient registers with a real log, keeps the proof, and refuses it with a bit changed"""
    log = Log().start()
    try:
        out = log.parent / "out"
        out.mkdir()
        command = [
            BIN / "example-agent", f"http://127.0.0.1:{log.port}", log.trust, log.directory / "keys" / "issuer.key",
            "spiffe://example.com/issuer", out,
        ]
        for _ in range(2):
            run = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60)
            assert run.returncode == 0, run.stdout + run.stderr
            for words in (
                "registered as entry", "verified offline", "bit changed: refused", "a gate would refuse it", "the same entry"
            ):
                assert words in run.stdout, (words, run.stdout)
        kept = holdfast(
            "transparent", out / "task-7.transparent", "--trust", log.trust, program="holdfast-verify")
        assert "VERIFIED" in kept.stdout
        command[4] = "spiffe://example.org/nobody"
        refused = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60)
        assert refused.returncode == 1 and "failed: unknown-issuer" in refused.stdout, refused.stdout
    finally:
        log.remove()
