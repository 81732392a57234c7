"""Each reason for a containment, entered by the fault that its clause names, in a run of the real programs: what the
gate finds, what it registers, and how long everything that the command started lives after the fault."""

import json
import pathlib
import shutil
import time

from holding import Holding, other_history, other_state
from test_exec import Escapee, Exec
from test_gate import RUNTIME, Place
from test_kill_matrix import Record

BOUNDS = {"recheck": 500, "grace": 300}


class Running:
    """A command under gate exec, through a proxy, with something in its cell that minds no signal."""

    def __init__(self, place, proxy=None, *arguments, gate="supervisor", **options):
        self.place, self.escapee = place, Escapee(place)
        url, place.url = place.url, proxy.url if proxy else place.url
        try:
            self.run = Exec(place, self.escapee.script(), *arguments, gate=gate, **options)
        finally:
            place.url = url
        assert self.escapee.up.wait(60), self.run.end()

    def contained(self, reason, fault, *, ends=True, scopes=("execution",)):
        """The fault is there: the command is stopped, and the log has it for this reason."""
        began = time.monotonic()
        fault()
        there = time.monotonic()
        assert self.escapee.gone.wait(60), (reason, self.run.process.poll())
        gone = self.escapee.gone_at
        assert self.run.end(120) == 124, self.run.said
        report = self.run.report
        assert report["ending"] == "stopped" and report["reason"] == reason, (report, self.run.said)
        entered = [data for _, data in Record(self.place).of("containment.enter") if data["reason"] == reason]
        kinds = {data["scope"][0] for data in entered}
        assert set(scopes) <= kinds, (scopes, entered, self.run.said)
        if ends:
            assert report["outcome"] == "blocked" and self.run.shown()["outcome"] == "blocked", report
        print(f"      {reason}: all of it gone {gone - there:.2f} s after the fault was there"
              f" ({there - began:.2f} s to make it); contained: {', '.join(sorted(kinds))}", flush=True)


def test_what_the_log_says():
    """policy changed, grant revoked, keys revoked, measurement changed, somebody else's telemetry: each stopped for its reason"""
    place = Place(BOUNDS)
    try:
        def policy():
            draft = json.loads(place.run("policy", "draft").stdout)
            draft["bounds"]["maxTelemetryAge"] += 1000
            path = place.log.parent / "changed.json"
            path.write_text(json.dumps(draft))
            place.digest = place.make("policy", "set", path)["notes"]["digest"]

        # "runtime governance mismatch (wrong policy version, outside scope or grant)"
        Running(place).contained("governance-mismatch", policy)
        Running(place).contained(
            "governance-mismatch", lambda: place.make("grant", "revoke", place.grant, "--reason", "over"))
        place.grant = place.issue()
        # "runtime telemetry inconsistency": the log's newest digest is not the one that the runtime has sent.
        Running(place).contained(
            "telemetry-inconsistent", lambda: place.make("runtime", "telemetry", place.log.trust, by="runtime"))
        # "cryptographic verification interruption / failure": the grant's issuer has no key in force any more.
        place.make("identity", "enroll", "spiffe://example.org/issuer", place.public("issuer"), "--role", "operator")
        mine = place.make("grant", "issue", RUNTIME, "--action", "embed", "--resource", "doc:*", by="issuer")["id"]
        Running(place, grant=mine).contained(
            "cryptographic-failure",
            lambda: place.make("identity", "revoke", place.public("issuer"), "--reason", "stolen"))
        # "unauthorized operational modification (measurement changed)": the runtime is contained, not this run alone.
        Running(place).contained(
            "unauthorized-modification", lambda: place.make("runtime", "attest", "beef", by="runtime"),
            scopes=("execution", "runtime"))
    finally:
        place.remove()


def test_the_runtimes_key_is_revoked():
    """a runtime whose key is revoked while it works: cryptographic-failure; its end it can't sign any more"""
    place = Place(BOUNDS)
    try:
        Running(place).contained(
            "cryptographic-failure",
            lambda: place.make("identity", "revoke", place.public("runtime"), "--reason", "stolen"), ends=False)
    finally:
        place.remove()


def test_the_model_is_changed():
    """a byte of the model's files changes while it is used: unauthorized-modification, and the runtime is contained"""
    place = Place(BOUNDS)
    try:
        model = place.log.parent / "model"
        model.mkdir()
        (model / "weights").write_bytes(bytes(range(256)) * 64)
        (model / "config").write_text("{}")
        place.make("identity", "enroll", "spiffe://example.org/registrar", place.public("registrar"), "--role", "registrar")
        place.make("model", "register", model, "--model", "m@1", "--action", "embed", "--purpose", "search", by="registrar")
        place.make("model", "approve", "m@1")

        def change():
            with (model / "weights").open("r+b") as file:
                file.write(b"\xff")

        Running(place, None, "--uses", "m@1", "--purpose", "search", "--model", f"m@1={model}").contained(
            "unauthorized-modification", change, scopes=("execution", "runtime"))
    finally:
        place.remove()


def test_what_is_not_heard():
    """telemetry that does not arrive, and a quorum that is gone: synchronization-interrupted, when the bound is passed"""
    place = Place({**BOUNDS, "maxTelemetryAge": 5000, "maxHeadAge": 6000})
    proxy = Holding(place.log.port)
    try:
        # "telemetry silence beyond its bound": the runtime's telemetry and heartbeats are lost on their way.
        running = Running(place, proxy)
        running.contained(
            "synchronization-interrupted", lambda: proxy.dropped.update({"telemetry.digest", "runtime.heartbeat"}))
        proxy.dropped.clear()

        # "synchronization interruption": no head with a quorum of witnesses.
        def lose():
            for witness in place.witnesses[:2]:
                witness.end()

        running = Running(place)
        began = time.monotonic()
        lose()
        assert running.escapee.gone.wait(60)
        for witness in place.witnesses[:2]:
            witness.start()
        assert running.run.end(120) == 124, running.run.said
        assert running.run.report["reason"] == "synchronization-interrupted", running.run.report
        print(f"      synchronization-interrupted: all of it gone {running.escapee.gone_at - began:.2f} s after the witnesses"
              " were; 6 s is what the policy allows", flush=True)
    finally:
        proxy.end()
        place.remove()


def test_another_history():
    """a running gate is shown another history, signed by the log and cosigned: audit-discontinuity, for the domain too"""
    place = Place(BOUNDS)
    proxy = Holding(place.log.port)
    try:
        running = Running(place, proxy, "--telemetry", "600")
        time.sleep(1)
        running.contained(
            "audit-discontinuity", lambda: proxy.shown.update(other_history(place, proxy.newest)),
            ends=False, scopes=("execution", "domain"))
        assert (place.log.parent / "state-supervisor" / "fork.json").exists()
        # The gate that was lied to does nothing any more, whatever it is shown.
        proxy.shown.clear()
        again = Exec(place, ["true"])
        assert again.end() in (3, 125), again.said
        # Others go on in a domain that is contained, when it is free again.
        assert Exec(place, ["true"], gate="other").end() == 125
    finally:
        proxy.end()
        place.remove()


def test_another_state():
    """a running gate is shown a seal that lies about the state: state-divergence, for the domain too"""
    place = Place(BOUNDS)
    proxy = Holding(place.log.port)
    try:
        running = Running(place, proxy, "--telemetry", "600")
        time.sleep(1)
        running.contained(
            "state-divergence", lambda: proxy.shown.update(other_state(place)), ends=False,
            scopes=("execution", "domain"))
    finally:
        proxy.end()
        place.remove()


def test_nothing_decidable():
    """the gate's own storage fails: what cannot be decided is unverifiable-transition, and the command is stopped"""
    place = Place(BOUNDS)
    try:
        mark = pathlib.Path(place.log.parent) / "state-supervisor" / "mark"

        def break_it():
            mark.unlink()
            mark.mkdir()
            (mark / "in-the-way").touch()

        Running(place).contained("unverifiable-transition", break_it, ends=False)
        shutil.rmtree(mark)
    finally:
        place.remove()
