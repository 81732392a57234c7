"""Audits: of a server, of a directory, of a store; damage named to the entry or tile, repaired from a mirror."""

import json
import random

from harness import Log, Signer, holdfast


def grown(count):
    signer = Signer()
    log = Log([signer])
    log.signer = signer
    log.start()
    connection = log.connect()
    for number in range(count):
        statement = signer.event({"marker": f"entry-number-{number:04d}-of-the-test"})
        assert log.submit(statement, connection)[0] == 201
        signer.follow(statement)
    return log


def url(log):
    return f"http://{log.host}:{log.port}"


def audit(target, *arguments, status=0):
    result = holdfast("audit", target, *arguments, check=False)
    assert result.returncode == status, (result.returncode, result.stdout, result.stderr)
    return result


def report(target, *arguments, status=0):
    return json.loads(audit(target, *arguments, "--json", status=status).stdout)


def flip(path, at=None):
    content = bytearray(path.read_bytes())
    content[random.randrange(len(content)) if at is None else at] ^= 1
    path.write_bytes(content)


def test_a_sound_log_is_clean():
    """a server, an export, a mirror and a store audit clean, and say what the entries fold into"""
    log = grown(135)
    try:
        out = log.export()
        for target in (url(log), out):
            found = report(target, "--trust", log.trust, "--governance")
            assert found["verdict"] == "clean" and found["damageCount"] == 0, found
            assert found["followed"] == found["size"] == found["governance"]["size"]
            assert found["governance"]["first-difference"] is None
        busy = audit(log.directory, status=3)
        assert "another process" in busy.stderr or "lock" in busy.stderr.lower(), busy.stderr
        log.stop()
        stored = report(log.directory, "--governance")
        assert stored["verdict"] == "clean" and stored["stateRoot"] == found["stateRoot"], stored
        assert "CLEAN" in audit(log.directory).stdout
    finally:
        log.remove()


def test_damage_is_named_and_repaired():
    """each damaged file of a directory is named, repaired from the server, and verifies again"""
    log = grown(135)
    try:
        out = log.export()
        trust = ("--trust", log.trust)
        whole = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
        changes = (flip, lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:-1]))
        names = sorted(path for path in whole if path.name != "checkpoint")
        for number, path in enumerate(names):
            changes[number % 3](path)
            found = report(out, *trust, status=1)
            assert found["verdict"] == "damaged", found
            assert {damage["place"] for damage in found["damage"]} == {str(path.relative_to(out))}, found
            repaired = report(out, *trust, "--repair-from", url(log), status=6)
            assert repaired["verdict"] == "repaired", repaired
            assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == whole
        for path in names:
            path.unlink()
        assert report(out, *trust, "--repair-from", url(log), status=6)["repairedCount"] == len(names)
        assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == whole
        audit(out, *trust)
        holdfast("log", out, *trust, program="holdfast-verify")
    finally:
        log.remove()


def test_an_entry_is_named():
    """one flipped byte in a bundle is that entry, with its hash as the root demands it"""
    log = grown(20)
    try:
        out = log.export()
        bundle = next((out / "tile" / "entries" / "000.p").iterdir())
        flip(bundle, bundle.read_bytes().index(b"entry-number-0013"))
        found = report(out, "--trust", log.trust, status=1)
        (damage,) = found["damage"]
        # Each statement has been answered before the next was sent, so each has a seal of its own.
        assert (damage["kind"], damage["index"]) == ("entry", 2 + 2 * 13), damage
        assert found["followed"] == damage["index"] and "ruleFailure" not in found
        text = audit(out, "--trust", log.trust, status=1).stdout
        assert f"entry {damage['index']}" in text and "DAMAGED" in text, text
    finally:
        log.remove()


def test_damage_in_a_store_is_named():
    """a flipped byte of an entry in the data file is that entry"""
    log = grown(20)
    try:
        log.stop()
        path = log.directory / "data" / "data.mdb"
        data = bytearray(path.read_bytes())
        at, places = data.find(b"entry-number-0007"), 0
        while at >= 0:
            data[at] ^= 1
            places += 1
            at = data.find(b"entry-number-0007", at)
        assert places > 0
        path.write_bytes(data)
        found = report(log.directory, status=1)
        assert {(d["kind"], d["index"]) for d in found["damage"]} == {("entry", 16)}, found
        refused = holdfast("audit", log.directory, "--repair-from", "http://127.0.0.1:1", check=False)
        assert refused.returncode == 2 and "holdfast restore" in refused.stderr, refused
    finally:
        log.remove()


def test_going_on():
    """--resume goes on from the file of an earlier run, and refuses that of another log"""
    log, other = grown(20), grown(3)
    try:
        out, second = log.export(), other.export()
        memory = log.parent / "audit.memory"
        audit(out, "--trust", log.trust, "--resume", memory)
        assert memory.read_text().startswith("holdfast-audit-1 42 "), memory.read_text()
        audit(out, "--trust", log.trust, "--resume", memory)
        refused = audit(second, "--trust", other.trust, "--resume", memory, status=3)
        assert "42" in refused.stderr, refused.stderr
        memory.write_text("nonsense")
        assert "not what an audit remembers" in audit(out, "--trust", log.trust, "--resume", memory, status=2).stderr
    finally:
        log.remove()
        other.remove()


def test_wrong_usage_is_said():
    """what is no log, no trust file, no server, or somebody else's, is said in one sentence and with its own status"""
    log, other = grown(3), grown(3)
    try:
        out = log.export()
        empty = log.parent / "empty"
        empty.mkdir()
        trust = ("--trust", log.trust)
        assert "neither a directory nor a URL" in audit(log.parent / "none", *trust, status=2).stderr
        assert "--trust" in audit(out, status=2).stderr
        assert "no file" in audit(empty, *trust, status=3).stderr
        assert "not a trust file" in audit(out, "--trust", out / "checkpoint", status=2).stderr
        assert "can't be repaired" in audit(url(log), *trust, "--repair-from", out, status=2).stderr
        foreign = report(out, "--trust", other.trust, status=1)
        assert foreign["verdict"] == "not-verified" and foreign["damageCount"] == 0, foreign
        # A mirror of another log has nothing to repair with.
        flip(next((out / "tile" / "entries" / "000.p").iterdir()), 40)
        found = report(out, *trust, "--repair-from", other.export(), status=1)
        assert found["repairedCount"] == 0, found
    finally:
        log.remove()
        other.remove()
