"""The log's keys change while it runs, as an operator does it, with witnesses and with what was given out before."""

import base64
import json
import signal
import subprocess

from harness import BIN, holdfast
from test_governance_cli import RUNTIME, Domain
from test_witnessed import Witnessed


def lines(text):
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def ready(domain):
    """Makes the next keys, and starts the domain's log again with them; returns their directory."""
    next_keys = domain.log.parent / "next"
    holdfast("key", "log", next_keys)
    domain.log.stop()
    domain.log.start("--next-keys", next_keys)
    return next_keys


def test_rotation():
    """the server has to hold the keys; heads, receipts and seals change with the entry; a restart needs the new ones"""
    domain = Domain()
    try:
        log, directory = domain.log, domain.log.directory
        next_keys = log.parent / "next"
        command = ["rotate", "--next-keys", next_keys]
        assert "holdfast key log" in domain.refused(*command, "--yes", code=2)
        holdfast("key", "log", next_keys)
        assert "is there already" in holdfast("key", "log", next_keys, check=False).stderr
        assert "--yes" in domain.refused(*command, code=2)
        enrolled = domain.make("identity", "enroll", RUNTIME, domain.public("runtime"), "--role", "runtime")
        before = log.checkpoint()

        # A server that does not hold them takes no rotation, and says what to do.
        said = domain.refused(*command, "--yes")
        assert "next-keys" in said and "not-allowed" in said, said
        assert log.checkpoint() == before
        log.stop()
        log.start("--next-keys", next_keys)
        shown = json.loads(domain.run(*command, "--dry-run", "--json").stdout)
        assert shown["event"]["type"] == "log.rotate" and shown["sent"] is False, shown
        answer = domain.make(*command, "--yes", "--name", "rotation")
        assert answer["notes"]["takes"] == "1 of 1", answer
        assert "already" in domain.refused(*command, "--yes")

        # The trust file of the directory has the lines; those of the genesis's trust file still say who signs.
        wanted = lines(domain.run(*command, "--lines").stdout)
        assert [line.split()[0] for line in wanted] == ["log", "log-key", "log-key"], wanted
        assert all(line in log.trust.read_text() for line in wanted)
        assert before.split(b"\n")[4] != log.checkpoint().split(b"\n")[4]
        kid = base64.b64decode(wanted[1].split()[2])
        assert kid in log.get("/.well-known/scitt-keys")[1]

        later = domain.make("identity", "revoke", domain.public("runtime"), "--reason", "left")
        for made in (enrolled, answer, later):
            verified = holdfast("transparent", made["transparent"], "--trust", log.trust, program="holdfast-verify")
            assert verified.returncode == 0, verified.stdout
        export = log.export()
        replayed = holdfast("log", export, "--trust", log.trust, "--governance", program="holdfast-verify")
        assert replayed.returncode == 0, replayed.stdout

        log.stop()
        said = log.refuses_to_start()
        assert "next-keys" in said, said
        log.start("--next-keys", next_keys)
        log.stop()
        keys = [f"--{use}-key={next_keys}/{use}.key" for use in ("checkpoint", "receipt", "statement")]
        log.start(*keys)
        assert domain.make("identity", "enroll", RUNTIME, domain.public("other"), "--role", "runtime")["index"] > later["index"]
    finally:
        domain.remove()


def test_cutoffs():
    """with the cut-offs in the trust file, what the old keys signed counts only with the way to a head under the new ones"""
    domain = Domain()
    try:
        log, next_keys = domain.log, ready(domain)
        early = domain.make("identity", "enroll", RUNTIME, domain.public("runtime"), "--role", "runtime")
        genesis_trust = log.parent / "genesis.trust"
        genesis_trust.write_text(log.trust.read_text())
        old = log.parent / "old.checkpoint"
        old.write_bytes(log.checkpoint())
        domain.make("rotate", "--next-keys", next_keys, "--yes")
        export = log.export()

        # The whole log needs no more than the genesis, and says which lines to add.
        report = holdfast("log", export, "--trust", genesis_trust, "--governance", "--json", program="holdfast-verify")
        assert report.returncode == 0, report.stdout
        text = holdfast("log", export, "--trust", genesis_trust, "--governance", program="holdfast-verify").stdout
        added = [line.strip() for line in text.splitlines() if line.strip().split(" ")[0] in ("log", "log-key", "key-cutoff")]
        assert sorted(line.split()[0] for line in added) == ["key-cutoff"] * 3 + ["log"] + ["log-key"] * 2, text
        trust = log.parent / "cut.trust"
        trust.write_text(genesis_trust.read_text() + "".join(line + "\n" for line in added))

        def transparent(*more, check=False):
            return holdfast(
                "transparent", early["transparent"], "--trust", trust, *more, program="holdfast-verify", check=check)

        alone = transparent()
        assert alone.returncode == 1 and "consistency" in alone.stdout, alone.stdout
        new = export / "checkpoint"
        sizes = [int(path.read_bytes().split(b"\n")[1]) for path in (old, new)]
        proof = log.parent / "consistency.json"
        proof.write_bytes(log.get(f"/proof/consistency?from={sizes[0]}&to={sizes[1]}")[1])
        assert transparent("--successor", new, "--consistency", proof).returncode == 0
    finally:
        domain.remove()


def test_witnesses():
    """witnesses without the new line refuse the head: nothing is published until they have it; a kill changes nothing"""
    domain = Witnessed()
    try:
        log = domain.log
        next_keys = log.parent / "next"
        holdfast("key", "log", next_keys)
        domain.start("--next-keys", next_keys)
        domain.add()
        origin = log.checkpoint().decode().split("\n")[0]
        new_key = holdfast("key", "vkey", next_keys / "checkpoint.key.pub", "--name", origin).stdout.strip()
        before = log.checkpoint().split(b"\n")[:3]
        rotating = subprocess.Popen(
            [BIN / "holdfast", "rotate", "--next-keys", next_keys, "--yes", "--dir", log.directory],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        domain.wait(lambda: domain.metric("holdfast_quorum") == 0, "the witnesses refuse the new key")
        assert log.checkpoint().split(b"\n")[:3] == before
        log.kill()
        rotating.kill()
        rotating.wait(10)
        domain.start("--next-keys", next_keys, expect_ready=False)
        assert log.checkpoint().split(b"\n")[:3] == before
        for witness in domain.witnesses:
            with open(witness.directory / "logs", "a") as file:
                file.write(new_key + "\n")
            witness.send(signal.SIGHUP)
        domain.wait(lambda: log.get("/readyz")[0] == 200, "no quorum under the new key")
        domain.add()
        assert log.checkpoint().split(b"\n")[:3] != before
        assert domain.cosignatures() >= 2
    finally:
        domain.remove()
