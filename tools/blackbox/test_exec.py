"""`holdfast gate exec` between a real log, its witnesses and a state witness: nothing runs without a permit and a start
on record, and what may no longer run is stopped with everything that it started."""

import hashlib
import json
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import threading
import time

import cbor2
from harness import BIN, holdfast
from test_gate import GATE, RUNTIME, Place

BOUNDS = {"recheck": 500, "grace": 300}

# Forks twice, has a session of its own, minds no signal that can be minded, and holds a pipe as long as it lives.
ESCAPE = "( setsid setsid bash -c 'trap \"\" TERM HUP INT QUIT; echo up >&9; while :; do sleep 0.1; done' & ) 9>%s; "


class Exec:
    """One run of the supervisor, with its own gate directory unless it shares one."""

    def __init__(self, place, command, *arguments, gate="supervisor", grant=None, resource="doc:1", **options):
        self.place = place
        self.parent = pathlib.Path(tempfile.mkdtemp(prefix="exec-", dir=place.log.parent))
        self.report_file = self.parent / "report.json"
        name = f"{GATE}/{gate}"
        if name not in place.__dict__.setdefault("exec_gates", set()):
            place.make("identity", "enroll", name, place.public(gate), "--role", "gate")
            place.exec_gates.add(name)
        state = place.log.parent / f"state-{gate}"
        self.process = subprocess.Popen(
            [BIN / "holdfast", "gate", "exec", "--trust", place.trust, "--url", place.url, "--key", place.key(gate),
             "--issuer", name, "--state", state, "--interval", "100", "--runtime-key", place.key("runtime"),
             "--runtime", RUNTIME, "--action", "embed", "--resource", resource, "--grant", grant or place.grant,
             "--report", self.report_file, *map(str, arguments), "--", *command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    def end(self, timeout=60, data=b""):
        self.output, self.errors = self.process.communicate(data, timeout=timeout)
        self.said = self.errors.decode(errors="replace")
        return self.process.returncode

    @property
    def report(self):
        return json.loads(self.report_file.read_text())

    def shown(self):
        lines = self.place.run("execution", "show", self.report["execution"], "--json").stdout.splitlines()
        return json.loads(lines[0])


class Escapee:
    """A pipe that something in the cell holds: open until it is gone."""

    def __init__(self, place):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="escape-", dir=place.log.parent)) / "pipe"
        os.mkfifo(self.path)
        self.up, self.gone, self.gone_at = threading.Event(), threading.Event(), None
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        with open(self.path, "rb") as pipe:
            while pipe.read(1):
                self.up.set()
        self.gone_at = time.monotonic()
        self.gone.set()

    def script(self, then="sleep 1000"):
        return ["bash", "-c", ESCAPE % self.path + f"trap '' TERM; {then}"]


def test_a_command_under_a_permit():
    """a permitted command: its input, output and status pass through, and the log has permit, start, telemetry and end"""
    place = Place(BOUNDS)
    try:
        run = Exec(place, ["bash", "-c", "cat; echo oops >&2; exit 7"], "--id", "first", "--parent", "zero")
        assert run.end() == 125 and "no such parent" in run.said, run.said
        run = Exec(place, ["bash", "-c", "tr a-z A-Z; echo oops >&2"], "--id", "first")
        assert run.end(data=b"embed me\n") == 0, run.said
        assert run.output == b"EMBED ME\n" and b"oops\n" in run.errors, (run.output, run.errors)
        report = run.report
        assert report["ending"] == "ended" and report["outcome"] == "executed", report
        digest = hashlib.sha256(b"EMBED ME\n").digest()
        result = {
            "output": {"stdout": {"bytes": 9, "sha256": digest},
                       "stderr": {"bytes": 5, "sha256": hashlib.sha256(b"oops\n").digest()}}, "status": 0}
        started = {"command": ["bash", "-c", "tr a-z A-Z; echo oops >&2"], "files": []}
        events = [place.log.get(f"/entries/{report[name]['entry']}/statement")[1] for name in ("permit", "start", "finish")]
        permit, start, finish = [cbor2.loads(cbor2.loads(event).value[2])["data"] for event in events]
        assert start["permit"] == permit["nonce"] and permit["outcome"] == "permit"
        assert start["input"] == hashlib.sha256(cbor2.dumps(started, canonical=True)).digest()
        assert finish["output"] == hashlib.sha256(cbor2.dumps(result, canonical=True)).digest()
        shown = run.shown()
        assert shown["phase"] == "proof-persisted" and shown["outcome"] == "executed", shown
        # Another status is the command's own; the outcome is failed.
        run = Exec(place, ["bash", "-c", "exit 7"])
        assert run.end() == 7 and run.report["outcome"] == "failed", run.said
        run = Exec(place, ["no-such-command"])
        assert run.end() == 127 and run.report["outcome"] == "failed", run.said
    finally:
        place.remove()


def test_nothing_starts_without_a_permit():
    """refused, replayed or unknown: the command is not started"""
    place = Place(BOUNDS)
    try:
        marker = place.log.parent / "marker"
        touch = ["touch", marker]
        run = Exec(place, touch, resource="letter:1")
        assert run.end() == 125 and run.report["ending"] == "not-permitted", run.said
        assert run.report["reason"] == "governance-mismatch", run.report
        run = Exec(place, touch, "--policy", "00" * 32)
        assert run.end() == 125 and run.report["reason"] == "governance-mismatch", run.said
        run = Exec(place, ["true"], "--id", "once")
        assert run.end() == 0, run.said
        run = Exec(place, touch, "--id", "once")
        assert run.end() == 125, run.said
        place.make("grant", "revoke", place.grant, "--reason", "over")
        run = Exec(place, touch)
        assert run.end() == 125, run.said
        assert not marker.exists()
    finally:
        place.remove()


def test_revoked_while_it_runs():
    """a grant that is revoked stops everything the command started within a second of the entry's publication"""
    place = Place(BOUNDS)
    try:
        escapee = Escapee(place)
        run = Exec(place, escapee.script())
        assert escapee.up.wait(30), run.end()
        place.make("grant", "revoke", place.grant, "--reason", "over")
        published = time.monotonic()
        assert escapee.gone.wait(20)
        assert run.end() == 124, run.said
        print(f"  {escapee.gone_at - published:.2f} s from the answer to the last process gone, 0.3 s of it grace")
        assert run.report["outcome"] == "blocked" and run.report["reason"] == "governance-mismatch", run.report
        shown = run.shown()
        assert shown["outcome"] == "blocked", shown
    finally:
        place.remove()


def test_the_gate_dies():
    """SIGKILL of the gate ends everything that the command started; a stopped one is as good as dead"""
    place = Place(BOUNDS)
    try:
        for number, how in ((signal.SIGKILL, "killed"), (signal.SIGSTOP, "stopped")):
            escapee = Escapee(place)
            run = Exec(place, escapee.script(), gate=f"gate-{how}")
            assert escapee.up.wait(30), run.end()
            run.process.send_signal(number)
            assert escapee.gone.wait(30), how
            run.process.kill()
            run.process.wait(10)
    finally:
        place.remove()


def test_the_log_is_lost():
    """a log that is gone: the command is stopped when the last head is too old"""
    place = Place({**BOUNDS, "maxHeadAge": 5000})
    try:
        escapee = Escapee(place)
        run = Exec(place, escapee.script())
        assert escapee.up.wait(30), run.end()
        place.log.kill()
        assert escapee.gone.wait(30)
        assert run.end(90) == 124, run.said
        assert run.report["reason"] == "synchronization-interrupted", run.report
    finally:
        place.remove()


def test_somebody_elses_telemetry():
    """telemetry under the runtime's name that the supervisor did not send: contained as telemetry-inconsistent"""
    place = Place(BOUNDS)
    try:
        escapee = Escapee(place)
        run = Exec(place, escapee.script())
        assert escapee.up.wait(30), run.end()
        place.make("runtime", "telemetry", place.log.trust, by="runtime")
        assert escapee.gone.wait(20)
        assert run.end() == 124 and run.report["reason"] == "telemetry-inconsistent", run.said
    finally:
        place.remove()


def test_kills_at_any_step():
    """SIGKILL of the gate at any moment: what ran has a start on record, and is gone"""
    place = Place({**BOUNDS, "maxHeadAge": 5000})
    try:
        seed = int(os.environ.get("HOLDFAST_SEED", time.time()))
        rounds = 20 if os.environ.get("HOLDFAST_LONG") == "1" else 5
        print(f"  seed {seed}, {rounds} rounds", flush=True)
        random.seed(seed)
        ran = 0
        for number in range(rounds):
            escapee = Escapee(place)
            marker = place.log.parent / f"ran-{number}"
            script = escapee.script(f"touch {marker}; sleep 1000")
            run = Exec(place, script, "--id", f"run-{number}", gate=f"killed-{number}")
            time.sleep(random.uniform(0, 1.5))
            run.process.kill()
            run.process.communicate(timeout=10)
            # A pipe that nobody ever opened is opened here, so that its reader is let go.
            os.close(os.open(escapee.path, os.O_RDWR | os.O_NONBLOCK))
            assert escapee.gone.wait(20), "something still runs"
            if escapee.up.is_set() or marker.exists():
                ran += 1
                place.run("execution", "show", f"run-{number}", "--json")
        print(f"  {ran} of {rounds} had started")
    finally:
        place.remove()


def test_the_log_is_killed_at_any_step():
    """SIGKILL of the log at any moment: what ran has a start on record, and ends when the head is too old"""
    place = Place({**BOUNDS, "maxHeadAge": 5000})
    try:
        seed = int(os.environ.get("HOLDFAST_SEED", time.time()))
        rounds = 10 if os.environ.get("HOLDFAST_LONG") == "1" else 2
        print(f"  seed {seed}, {rounds} rounds", flush=True)
        random.seed(seed)
        for number in range(rounds):
            escapee = Escapee(place)
            run = Exec(place, escapee.script(), "--id", f"run-{number}", "--timeout", "3", gate=f"lost-{number}")
            time.sleep(random.uniform(0.2, 1.5))
            place.log.kill()
            code = run.end(90)
            os.close(os.open(escapee.path, os.O_RDWR | os.O_NONBLOCK))
            assert escapee.gone.wait(20), "something still runs"
            place.start()
            place.url = f"http://127.0.0.1:{place.log.port}/"
            if escapee.up.is_set():
                assert code == 124, (code, run.said)
                place.run("execution", "show", f"run-{number}", "--json")
            else:
                assert code in (3, 125), (code, run.said)
    finally:
        place.remove()
