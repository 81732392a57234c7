"""Logs that show two histories: monitors find them, and the evidence verifies when nothing runs any more."""

import json
import pathlib
import shutil

from harness import Log, Signer, tree_head
from monitors import Files, Monitor, check_evidence, verify_fork
from test_witness import TestLog
from test_witnessed import IMPATIENT, Witnessed


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
        twin.stop()
        # Nothing runs any more: the file is all that there is.
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
        place.log.start()
        url = f"http://127.0.0.1:{place.log.port}/"
        code, events, _ = monitor.once("--log", f"{trust}={url}")
        assert code == 4 and "fork" in [event["event"] for event in events], (code, events)
    finally:
        if copy and copy.process and copy.process.poll() is None:
            copy.process.kill()
        monitor.remove()
        place.remove()


def test_two_logs_with_one_key_at_once():
    """two logs with one key at the same time: a witness saw one, the monitor the other, and compares; offline evidence"""
    place, monitor = Witnessed(), Monitor()
    twin = Log.__new__(Log)
    try:
        place.log.start()
        place.add(2)
        place.log.stop()
        twin.parent, twin.process, twin.output = place.log.parent, None, []
        twin.directory = place.log.parent / "twin"
        shutil.copytree(place.log.directory, twin.directory)
        # The log that everybody reads has no witnesses; its twin has all three.
        place.log.start()
        twin.start("--witnesses", place.policy, *IMPATIENT)
        other = Signer()
        other.__dict__.update(place.signer.__dict__)
        statement = other.event({"twin": 1})
        assert twin.submit(statement)[0] == 201
        url = f"http://127.0.0.1:{place.log.port}/"
        monitor.start("--log", f"{place.log.trust}={url}", "--witnesses", place.policy, "--withheld-after", "1")
        # The witnesses show more than the log does; by the time it shows as much, it is something else.
        withheld = monitor.event("withheld")
        assert withheld["witness"] in ("w0", "w1", "w2"), withheld
        place.add(3)
        assert monitor.ended() == 4, (monitor.events, monitor.errors)
        evidence = pathlib.Path(monitor.event("fork")["evidence"])
        sizes = [int(note.split("\n")[1]) for note in json.loads(evidence.read_text())["checkpoints"]]
        assert sizes[0] > sizes[1] == tree_head(twin.checkpoint())[0], sizes
        twin.stop()
        place.log.stop()
        for witness in place.witnesses:
            witness.end()
        report = verify_fork(evidence, "--trust", place.log.trust)
        assert report.returncode == 0 and "VERIFIED" in report.stdout, report.stdout
        vkey = next(text.split()[1] for text in place.trust.read_text().splitlines() if text.startswith("log "))
        check_evidence(json.loads(evidence.read_text()), vkey)
        # One bit of either note, and it proves nothing.
        text = evidence.read_text()
        evidence.write_text(text.replace(f"\\n{sizes[1]}\\n", f"\\n{sizes[1] + 1}\\n"))
        assert verify_fork(evidence, "--trust", place.log.trust).returncode == 1
    finally:
        if twin.process and twin.process.poll() is None:
            twin.process.kill()
        monitor.remove()
        place.remove()


def test_old_copy_beside_its_witnesses():
    """an old copy of a log, served by anybody: its witnesses show more, and that is reported until the log does"""
    place, monitor = Witnessed(), Monitor()
    copies = None
    try:
        place.start()
        place.add(2)
        # An export has the log's own signature; what was published has the quorum's too.
        before = place.log.checkpoint()
        place.log.stop()
        old = place.log.export("old")
        (old / "checkpoint").write_bytes(before)
        place.start()
        place.add(3)
        size = tree_head(place.log.checkpoint())[0]
        copies = Files(lambda path: old / path.strip("/"))
        monitor.start("--log", f"{place.trust}={copies.url}", "--withheld-after", "1")
        assert monitor.event("growth")["size"] < size
        for name in ("w0", "w1"):
            assert monitor.event("withheld", witness=name)
        after = place.log.checkpoint()
        place.log.stop()
        new = place.log.export("new")
        (new / "checkpoint").write_bytes(after)
        copies.file = lambda path: new / path.strip("/")
        assert monitor.event("growth", size=size)
        assert monitor.event("recovered", of="withheld", witness="w0")
        # And back again: what was accepted stays accepted.
        copies.file = lambda path: old / path.strip("/")
        assert monitor.event("behind")
        assert monitor.stop() == 0, monitor.errors
    finally:
        monitor.remove()
        if copies:
            copies.end()
        place.remove()
