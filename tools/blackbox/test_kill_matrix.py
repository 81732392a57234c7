"""Every process of the permit protocol killed at every step of it: a proxy before the log holds one message, and whoever
is to die is killed while it is held. Whatever dies when: nothing runs without a permit and a start on record, no use is
counted twice, and after a restart everything that was begun has its end on record."""

import collections
import http.client
import json
import os
import signal
import threading
import time

import cbor2
from harness import tree_head
from holding import Holding
from test_exec import Escapee, Exec
from test_gate import Place
from test_state_witness import entries_of

BOUNDS = {"recheck": 500, "grace": 300, "maxHeadAge": 6000}

# A message, where it is held, and in words what is so then.
STEPS = [
    ("telemetry.digest", "before", "the runtime has not said that it is there"),
    ("telemetry.digest", "after", "telemetry recorded, not answered"),
    ("decision.record", "before", "judged, the decision not submitted"),
    ("decision.record", "after", "the decision recorded, not answered"),
    ("decision.record", "then", "the decision answered, its head not read"),
    ("execution.start", "before", "permitted, the start not submitted"),
    ("execution.start", "after", "the start recorded, not answered"),
    ("execution.start", "then", "the start answered, its head not read: nothing runs"),
    (None, "during", "the command runs"),
    ("execution.finish", "before", "the command has ended, the end not submitted"),
    ("execution.finish", "after", "the end recorded, not answered"),
    ("execution.finish", "then", "the end answered, its head not read"),
]


class Run(Exec):
    """A run through the proxy, whose command leaves a marker."""

    def __init__(self, place, proxy, name, script, **options):
        url, place.url = place.url, proxy.url
        try:
            super().__init__(
                place, script, "--id", name, "--timeout", "3", "--telemetry", "600", gate="matrix", **options)
        finally:
            place.url = url


class Record:
    """What the log has, read from its export without any code of the gate's."""

    def __init__(self, place):
        copy = place.log.export("record")
        size = tree_head((copy / "checkpoint").read_bytes())[0]
        self.events = []
        for entry in entries_of(copy, size):
            event = cbor2.loads(cbor2.loads(entry).value[2])
            self.events.append((event["type"], event["data"]))

    def of(self, type):
        return [(index, data) for index, (name, data) in enumerate(self.events) if name == type]

    def execution(self, name):
        starts = [(i, d) for i, d in self.of("execution.start") if d["execution"]["id"] == name]
        ends = [(i, d) for i, d in self.of("execution.finish") if d["execution"]["id"] == name]
        return starts, ends

    def check(self):
        """Of all of it: each start under a permit of its own that was there before it, each ended once."""
        permits = {d["nonce"]: i for i, d in self.of("decision.record") if d["outcome"] == "permit"}
        used = collections.Counter()
        for index, data in self.of("execution.start"):
            used[data["permit"]] += 1
            assert permits[data["permit"]] < index, data
            starts, ends = self.execution(data["execution"]["id"])
            assert len(starts) == 1 and len(ends) == 1 and ends[0][0] > index, (data, starts, ends)
        assert not used or max(used.values()) == 1, used
        return len(used)


def settled(place, proxy, name):
    """The next run from the same directory, with nothing wrong: it works, and leaves nothing open."""
    run = Run(place, proxy, name, ["true"])
    assert run.end(90) == 0, run.said
    return run


def uses(place):
    lines = place.run("grant", "show", place.grant, "--json").stdout.splitlines()
    return next((line["used"] for line in map(json.loads, lines) if "used" in line), 0)


def matrix(victim):
    place = Place(BOUNDS)
    proxy = None
    try:
        place.grant = place.issue("--uses", "200")
        proxy = Holding(place.log.port)
        settled(place, proxy, "warm")
        ran = []
        for number, (type, where, words) in enumerate(STEPS):
            name = f"run-{number}"
            marker = place.log.parent / f"ran-{number}"
            escapee = Escapee(place)
            begun = time.monotonic()
            held = proxy.hold(type, where) if type else None
            then = f"touch {marker}; sleep " + ("1000" if where == "during" else "0.2; exit 0")
            # A command that ends takes what it left with it; one that runs on is there to be killed.
            run = Run(place, proxy, name, escapee.script(then))
            if held:
                assert held.reached.wait(60), (words, run.process.poll())
            else:
                assert escapee.up.wait(60)
            should_run = number >= 8
            assert marker.exists() or not should_run or escapee.up.is_set(), words
            if not should_run:
                assert not marker.exists() and not escapee.up.is_set(), f"it runs already: {words}"
            if victim == "gate":
                run.process.kill()
                proxy.release(lost=True)
                run.process.communicate(timeout=10)
            else:
                place.log.kill()
                proxy.release()
                time.sleep(0.3)
                place.start("--port", proxy.port)
                if where == "during":
                    # It goes on: the log was away for less than a head may be old.
                    time.sleep(1)
                    assert run.process.poll() is None, run.end()
                    run.process.kill()
                run.end(120)
            # A pipe that nobody ever opened is opened here, so that its reader is let go.
            os.close(os.open(escapee.path, os.O_RDWR | os.O_NONBLOCK))
            assert escapee.gone.wait(30), f"something still runs: {words}"
            settled(place, proxy, f"after-{number}")
            record = Record(place)
            starts, ends = record.execution(name)
            has_run = marker.exists() or escapee.up.is_set()
            assert starts or not has_run, f"it ran and was never started: {words}"
            assert len(starts) == len(ends) <= 1, (words, starts, ends)
            outcome = ends[0][1]["outcome"] if ends else "no start"
            ran.append(has_run)
            print(f"      {victim} killed, {words}: {outcome} ({time.monotonic() - begun:.1f} s)", flush=True)
        record = Record(place)
        count = record.check()
        assert uses(place) == count, (uses(place), count)
        assert not any(ran[:8]) or victim == "log", ran
        print(f"      {count} starts on record, each with its permit before it and its end after it; as many uses gone")
    finally:
        if proxy:
            proxy.end()
        place.remove()


def test_the_gate_is_killed():
    """SIGKILL of the gate and supervisor at each step of the protocol: nothing unpermitted, nothing twice, all of it ended"""
    matrix("gate")


def test_the_log_is_killed():
    """SIGKILL of the log at each step of the protocol: nothing unpermitted, nothing twice, all of it ended"""
    matrix("log")


def commands(marker):
    """The processes of the command itself: bash, with the marker in its script."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            words = open(f"/proc/{entry}/cmdline", "rb").read().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"bash") and words[1:2] == [b"-c"] and str(marker).encode() in b" ".join(words):
            found.append(int(entry))
    return found


def test_the_command_is_killed():
    """SIGKILL of the command itself: its end is on record as failed, with what it left behind gone"""
    place = Place(BOUNDS)
    try:
        marker = place.log.parent / "marker"
        escapee = Escapee(place)
        run = Exec(place, escapee.script(f"touch {marker}; sleep 1000; true"), "--id", "victim")
        assert escapee.up.wait(30)
        deadline = time.monotonic() + 20
        while not marker.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        # What bash has just forked looks like itself until it has become the sleep.
        while len(found := commands(marker)) != 1:
            assert time.monotonic() < deadline, found
            time.sleep(0.02)
        os.kill(found[0], signal.SIGKILL)
        assert escapee.gone.wait(10)
        assert run.end() == 137, run.said
        assert run.report["outcome"] == "failed" and Record(place).check() == 1, run.report
    finally:
        place.remove()


def test_the_supervisor_is_stopped():
    """SIGSTOP of the supervisor until the leash is over, then SIGCONT: on record as blocked, exit 124, not as the command's"""
    place = Place(BOUNDS)
    try:
        escapee = Escapee(place)
        run = Exec(place, escapee.script(), "--id", "stopped")
        assert escapee.up.wait(30)
        run.process.send_signal(signal.SIGSTOP)
        assert escapee.gone.wait(30)
        run.process.send_signal(signal.SIGCONT)
        assert run.end() == 124, run.said
        report = run.report
        assert report["outcome"] == "blocked" and report["ending"] == "stopped", report
        assert report["reason"] in ("unheard", "synchronization-interrupted"), report
    finally:
        place.remove()


def test_the_answering_gate_is_killed():
    """SIGKILL of `gate serve` and of the log at each step of a permit: what was answered starts once, what was not starts nothing"""
    place = Place(BOUNDS)
    proxy = None
    try:
        place.grant = place.issue("--uses", "100")
        proxy = Holding(place.log.port)
        gate = place.gate("gate", url=proxy.url)
        started = 0
        for victim in ("gate", "log"):
            for number, (type, where, words) in enumerate(STEPS[2:5]):
                answers = []

                def ask():
                    try:
                        answers.append(gate.ask(f"doc:{victim}-{number}"))
                    except (OSError, http.client.HTTPException, AssertionError) as error:
                        answers.append(error)

                held = proxy.hold(type, where)
                asking = threading.Thread(target=ask)
                asking.start()
                assert held.reached.wait(30), words
                assert not answers, f"it was answered: {words}"
                if victim == "gate":
                    gate.kill()
                    proxy.release(lost=True)
                    asking.join(60)
                    assert not isinstance(answers[0], dict), answers
                    gate.start(url=proxy.url)
                else:
                    place.log.kill()
                    proxy.release()
                    time.sleep(0.3)
                    place.start("--port", proxy.port)
                    asking.join(60)
                answer = answers[0]
                if isinstance(answer, dict) and answer["decision"]:
                    place.execution(f"late-{victim}-{number}", answer)
                    started += 1
                gate.wait(lambda: gate.request("GET", "/readyz")[0] == 200, "not ready again", 60)
                deadline = time.monotonic() + 30
                while True:
                    again = gate.ask(f"doc:again-{victim}-{number}")
                    if again["decision"] or time.monotonic() > deadline:
                        break
                    time.sleep(0.2)
                assert again["decision"] is True, again
                place.execution(f"again-{victim}-{number}", again)
                started += 1
                twice = place.execution(f"twice-{victim}-{number}", again, check=False)
                assert twice.returncode == 1, twice.stdout
                print(f"      {victim} killed, {words}: {answered(answer)}; permitted again", flush=True)
        record = Record(place)
        nonces = [data["permit"] for _, data in record.of("execution.start")]
        assert len(nonces) == started == len(set(nonces)) == uses(place), (nonces, started, uses(place))
    finally:
        if proxy:
            proxy.end()
        place.remove()


def answered(answer):
    if not isinstance(answer, dict):
        return "not answered"
    return "permitted" if answer["decision"] else "not permitted"
