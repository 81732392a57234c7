"""Whoever follows, copies and checks a log goes through a change of its keys, each with a program of its own."""

import json
import shutil

from harness import holdfast
from test_governance_cli import RUNTIME, Domain
from test_mirror import url
from test_rotation import ready


def events(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_readers():
    """a monitor, a mirror, audits, a restored store: all across one rotation, with what they had from before"""
    domain = Domain()
    try:
        log, next_keys = domain.log, ready(domain)
        genesis = log.parent / "genesis.trust"
        shutil.copy(log.trust, genesis)
        watched, copy = log.parent / "watched", log.parent / "copy"

        def look(trust):
            result = holdfast(
                "monitor", "--log", f"{trust}={url(log)}", "--dir", watched, "--once", "--json", check=False)
            return result.returncode, events(result)

        def mirror(trust):
            return holdfast("mirror", copy, "--url", url(log), "--trust", trust, check=False)

        domain.make("identity", "enroll", RUNTIME, domain.public("runtime"), "--role", "runtime")
        assert look(genesis)[0] == 0
        assert mirror(genesis).returncode == 0
        domain.make("rotate", "--next-keys", next_keys, "--yes")
        domain.make("identity", "revoke", domain.public("runtime"), "--reason", "left")

        # Nobody follows to a key that the trust file does not name, and each says what is missing.
        code, said = look(genesis)
        assert code == 1 and [event["reason"] for event in said if event["event"] == "unverified"] == ["no-signature"], said
        assert any("log line" in event.get("detail", "") for event in said), said
        refused = mirror(genesis)
        assert refused.returncode == 1 and "log line" in refused.stdout + refused.stderr, refused.stderr

        # The lines with the cut-offs, from the log itself.
        export = log.export()
        report = holdfast("log", export, "--trust", genesis, "--governance", "--json", program="holdfast-verify")
        added = json.loads(report.stdout)["governance"]["trust-lines"]
        trust = log.parent / "later.trust"
        trust.write_text(genesis.read_text() + "".join(line + "\n" for line in added))
        for lines in (log.trust, trust):
            code, said = look(lines)
            assert code == 0, said
        assert mirror(trust).returncode == 0
        for target in (url(log), export, copy):
            for file in (genesis, trust):
                audit = holdfast("audit", target, "--trust", file, "--governance", "--json")
                found = json.loads(audit.stdout)
                assert found["verdict"] == "clean" and len(found["governance"]["trust-lines"]) == 6, found

        log.stop()
        found = json.loads(holdfast("audit", log.directory, "--trust", genesis, "--governance", "--json").stdout)
        assert found["verdict"] == "clean", found
        shutil.move(log.directory / "data", log.parent / "lost")
        wrong = holdfast("restore", log.directory, "--from", copy, "--trust", trust, check=False)
        assert wrong.returncode == 1 and "key" in wrong.stderr, wrong.stderr
        holdfast("restore", log.directory, "--from", copy, "--trust", trust, "--keys", next_keys)
        log.start("--next-keys", next_keys)
        domain.make("identity", "enroll", RUNTIME, domain.public("other"), "--role", "runtime")
        assert look(trust)[0] == 0
    finally:
        domain.remove()
