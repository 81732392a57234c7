"""The end of a log, as an operator brings it about."""

import json

from harness import holdfast, problem, tree_head
from test_governance_cli import RUNTIME, Domain
from test_witnessed import Witnessed


def test_freeze_by_two():
    """the end of a log that has two authorities takes both; until then it goes on, and shows what waits"""
    log = Domain()
    try:
        draft = ["policy", "draft", "--authority", log.public("second"), "--threshold", "2"]
        log.make("policy", "set", log.file("next.json", log.run(*draft).stdout))
        command = ["freeze", "--successor", "log.example.org/next", "--genesis", "ab" * 32, "--yes"]
        assert log.make(*command)["notes"]["takes"] == "2 of 2"
        log.make("identity", "enroll", RUNTIME, log.public("runtime"), "--role", "runtime")
        assert "log.example.org/next goes on" in log.run("policy", "pending").stdout
        pending = log.lines("policy", "pending")[0]
        assert pending["freeze"]["successor"] == "log.example.org/next", pending
        assert "holdfast freeze" in log.refused("policy", "approve", pending["digest"], by="second")
        log.make(*command, by="second")
        assert "(frozen)" in log.refused("identity", "revoke", log.public("runtime"), "--reason", "left")
    finally:
        log.remove()


def test_freeze():
    """a frozen log refuses with the name of the one that goes on, serves what it has, and a restart changes nothing"""
    old, new = Domain(), Domain("log.example.org/next")
    try:
        genesis = new.log.directory / "genesis.cose"
        command = ["freeze", "--successor", new.origin, "--genesis", genesis]
        assert "--yes" in old.refused(*command, code=2)
        assert "another one" in old.refused("freeze", "--successor", old.origin, "--genesis", genesis, "--yes", code=2)
        before = old.log.checkpoint()
        shown = json.loads(old.run(*command, "--dry-run", "--json").stdout)
        assert shown["sent"] is False and shown["event"]["type"] == "log.freeze", shown
        assert old.log.checkpoint() == before
        answer = old.make(*command, "--yes")
        assert answer["type"] == "log.freeze" and answer["notes"]["takes"] == "1 of 1", answer

        end = old.log.checkpoint()
        enrol = ["identity", "enroll", RUNTIME, old.public("runtime"), "--role", "runtime"]
        for _ in range(2):
            said = old.refused(*enrol)
            assert "(frozen)" in said and new.origin in said, said
            assert "frozen" in old.refused(*command, "--yes", "--stream", "other")
            prove = ["prove", "--state", "frozen", "--without-state-quorum", "--out", old.log.parent, "--json"]
            proven = json.loads(old.run(*prove).stdout)
            assert proven["value"]["successor"] == new.origin, proven
            assert proven["value"]["index"] == answer["index"], proven
            assert old.log.checkpoint().split(b"\n")[:3] == end.split(b"\n")[:3]
            assert old.log.get("/readyz")[0] == 200
            old.log.stop()
            old.log.start()
        export = old.log.export()
        replayed = holdfast("log", export, "--trust", old.log.trust, "--governance", program="holdfast-verify")
        assert replayed.returncode == 0, replayed
        assert new.make(*enrol)["index"] == 2
    finally:
        old.remove()
        new.remove()


def test_frozen_with_witnesses():
    """a frozen log's last head is cosigned anew as time goes on, and after a restart, and takes nothing all the same"""
    place = Witnessed()
    try:
        place.start()
        place.add()
        freeze = ["freeze", "--successor", "log.example.org/next", "--genesis", "ab" * 32, "--yes"]
        holdfast(*freeze, "--dir", place.log.directory)
        head = tree_head(place.log.checkpoint())
        for _ in range(2):
            shown = place.log.checkpoint()
            place.wait(lambda: place.log.checkpoint() != shown, "the last head is cosigned again")
            assert tree_head(place.log.checkpoint()) == head
            status, body, _ = place.log.submit(place.signer.event({"late": True}))
            assert (status, problem(body)[0]) == (410, "frozen"), (status, body)
            assert place.cosignatures() >= 2
            place.log.stop()
            place.start()
    finally:
        place.remove()
