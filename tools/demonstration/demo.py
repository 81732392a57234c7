"""The Runtime Governance Demo: what tools/demo runs, once the programs are built."""

import argparse
import json
import os
import pathlib
import shutil
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "blackbox"))

from harness import holdfast, tree_head  # noqa: E402
from holding import Holding, other_state  # noqa: E402
from test_exec import Exec  # noqa: E402
from test_gate import RUNTIME, Place  # noqa: E402

REGISTRAR = "spiffe://example.org/registrar"
MODEL = "minilm@1"
ORIGIN = "example.com/blackbox"
BOUNDS = {"recheck": 1000, "grace": 500, "maxHeadAge": 8000, "maxTelemetryAge": 12_000}
TEXTS = ["A cat sits on the mat.", "A kitten rests on a rug.", "The interest rate rose."]


class Steps:
    """What was expected and what happened, a step each."""

    def __init__(self):
        self.begun, self.number, self.wrong, self.missing = time.monotonic(), 0, [], []

    def step(self, title, expected, happened, as_expected):
        self.number += 1
        print(f"\n{self.number:2}. {title}   ({time.monotonic() - self.begun:.0f} s)")
        print(f"    expected  {expected}")
        print(f"    happened  {happened}")
        print("    " + ("as expected" if as_expected else "NOT AS EXPECTED"), flush=True)
        if not as_expected:
            self.wrong.append(title)

    def not_yet(self, title, why):
        self.missing.append(title)
        print(f"\n --  {title}\n    not shown: {why}", flush=True)


class Embedding(Exec):
    """The model at work under gate exec, line by line, until it is stopped or has no more to read."""

    def __init__(self, demo, *arguments):
        super().__init__(
            demo.place, demo.command, "--uses", MODEL, "--purpose", "search", "--model", f"{MODEL}={demo.model}",
            *arguments, grant=demo.place.grant, gate=demo.gate)
        self.words, self.answers = [], []
        self.contained_at = None
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            self.words.append(line.decode(errors="replace").strip())
            if ": contained" in self.words[-1]:
                self.contained_at = time.monotonic()

    def embed(self, text):
        """One line in, one out; None if it is not there, or not any more."""
        try:
            self.process.stdin.write(text.encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            return None
        answer = self.process.stdout.readline().decode().strip()
        if answer:
            self.answers.append(answer)
        return answer or None

    def finish(self, timeout=90):
        try:
            self.process.stdin.close()
        except OSError:
            pass
        rest = self.process.stdout.read()
        status = self.process.wait(timeout)
        self.reader.join(5)
        return status, rest

    def outcome(self):
        report = self.report
        words = [f"exit {report['status']}", report["ending"]]
        return ", ".join(words + [report[key] for key in ("outcome", "reason") if key in report])


class Demo:
    def __init__(self, model, python, is_real):
        self.steps = Steps()
        self.place = Place(BOUNDS)
        self.model = self.place.log.parent / "model"
        shutil.copytree(model, self.model)
        self.is_real = is_real
        script = "embed.py" if is_real else "stand_in.py"
        self.command = [str(python), str(HERE / script), str(self.model)]
        # Between the runs and the log: what it loses or shows is a fault of the network's or of the log's.
        self.between = None
        self.gate = "supervisor"

    # What happens again and again.

    def start(self):
        """A run that has answered one line; the seconds it took."""
        begun = time.monotonic()
        url, self.place.url = self.place.url, self.between.url
        try:
            run = Embedding(self)
        finally:
            self.place.url = url
        answer = run.embed(TEXTS[0])
        return run, answer, time.monotonic() - begun

    def fault(self, title, inject, reason, *, after=None):
        """Something goes wrong while the model works: it has to be stopped for this reason."""
        run, answer, _ = self.start()
        begun = time.monotonic()
        inject()
        done = time.monotonic()
        self.wait(lambda: run.contained_at or run.process.poll() is not None, 40)
        if after:
            after()
        status, _ = run.finish()
        found = (run.contained_at or time.monotonic()) - done
        report = run.report
        happened = f"it ran: {bool(answer)}; then {run.outcome()}; found {max(found, 0):.2f} s after the fault was there"
        good = answer and status == 124 and report.get("reason") == reason and report.get("outcome") == "blocked"
        self.steps.step(title, f"it runs, is stopped (exit 124) and finished as blocked, for {reason}", happened, good)
        if not good:
            print("    " + "\n    ".join(run.words[-8:]))
        return begun

    def works(self, title):
        """A whole run, from the first line to the last."""
        run = Embedding(self)
        answers = [run.embed(text) for text in TEXTS]
        status, _ = run.finish()
        good = status == 0 and all(answers) and run.report.get("outcome") == "executed"
        happened = f"{len([a for a in answers if a])} answers; {run.outcome()}"
        if good and self.is_real:
            vectors = [[float(number) for number in answer.split()] for answer in answers]
            near, far = (sum(a * b for a, b in zip(vectors[0], vectors[other])) for other in (1, 2))
            happened += f"; {len(vectors[0])} numbers each; cat and kitten {near:.2f}, cat and interest rate {far:.2f}"
            good = near > far
        self.steps.step(title, "permitted, embeds three lines, exit 0, executed", happened, good)
        if not good:
            print("    " + "\n    ".join(run.words[-8:]))
        return run

    def refused(self, title, reasons):
        run = Embedding(self)
        answer = run.embed(TEXTS[0])
        status, _ = run.finish()
        if reasons is None:
            said = run.words[-1] if run.words else ""
            return self.steps.step(
                title, "nothing is judged (exit 3): two histories", f"answered: {bool(answer)}; exit {status}; {said}",
                answer is None and status == 3)
        reason = run.report.get("reason")
        self.steps.step(
            title, f"not started (exit 125): {' or '.join(reasons)}", f"answered: {bool(answer)}; {run.outcome()}",
            answer is None and status == 125 and reason in reasons)

    def wait(self, condition, seconds=30):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if condition():
                return True
            time.sleep(0.05)
        return False

    def speak(self):
        """The runtime is heard of, so that what is asked for it is not refused for its silence."""
        self.place.make("runtime", "telemetry", self.place.log.trust, by="runtime")

    def recover(self, title, *scope):
        """The way out of a containment: recovery, a gate's word that the checks pass, the lift."""
        place, scope = self.place, scope or ("runtime", RUNTIME)
        place.make("containment", "recover", *scope)
        self.speak()
        question = place.question()
        question["context"] = {
            "grant": place.grant, "policy": place.digest, "scope": list(scope),
            "model": {"name": MODEL.split("@")[0], "version": MODEL.split("@")[1], "purpose": "search"},
        }
        answer = self.door.post("/gate/v1/revalidation", question)
        lift = place.run("containment", "lift", *scope, check=False)
        failed = [item["detail"] for item in answer["context"].get("failed", [])]
        self.steps.step(
            title, "recovered, revalidated by the gate, lifted",
            f"revalidated: {answer['decision']} {'; '.join(failed)}; lift: exit {lift.returncode}",
            answer["decision"] is True and lift.returncode == 0)

    # The story.

    def run(self):
        place = self.place
        place.make("identity", "enroll", REGISTRAR, place.public("registrar"), "--role", "registrar")
        scope = ["--model", MODEL, "--action", "embed", "--purpose", "search"]
        registered = place.make("model", "register", self.model, *scope, by="registrar")
        place.make("model", "approve", MODEL)
        files, digest = registered["notes"]["files"], registered["notes"]["digest"]
        self.steps.step(
            "a model is registered file by file, approved, and its use granted", "a digest over all files",
            f"{files} files, {digest[:16]}…; policy {place.digest[:16]}…, grant {place.grant[:16]}…", len(digest) == 64)
        self.door = place.gate("door", "--model", f"{MODEL}={self.model}")
        model = {"name": MODEL.split("@")[0], "version": MODEL.split("@")[1], "purpose": "search"}
        self.speak()
        answer = self.door.ask(model=model)
        self.steps.step(
            "a gate is asked over HTTP (AuthZEN)", "permit, all ten steps passed",
            f"{answer['decision']}: {[step['outcome'] for step in answer['context']['steps']].count('passed')} passed",
            answer["decision"] is True)
        self.between = Holding(place.log.port)
        good = self.works("the model embeds text under gate exec")
        self.modification()
        self.policy_change()
        self.fault(
            "the grant is revoked while it runs", lambda: place.make("grant", "revoke", place.grant, "--reason", "over"),
            "governance-mismatch")
        place.grant = place.issue()
        self.fault(
            "a telemetry gap: what the runtime says of itself is lost on its way to the log",
            lambda: self.between.dropped.update({"telemetry.digest", "runtime.heartbeat"}),
            "synchronization-interrupted", after=self.between.dropped.clear)
        self.fault(
            "telemetry under the runtime's name that its supervisor did not send", self.speak, "telemetry-inconsistent")
        self.fault(
            "the measurement changes while it runs", lambda: place.make("runtime", "attest", "beef", by="runtime"),
            "unauthorized-modification")
        place.make("runtime", "attest", "abcd", by="runtime")
        self.recover("the runtime attests the right measurement again and recovers")
        self.quorum()
        self.divergence()
        self.works("after all of it, with nothing wrong any more, it works again")
        self.evidence(good)
        self.revocation()
        self.verify()

    def modification(self):
        weights = max((path for path in self.model.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
        first = weights.read_bytes()[:1]

        def write(byte):
            with weights.open("r+b") as file:
                file.write(byte)

        self.fault(
            f"a byte of the model is changed while it runs ({weights.name})",
            lambda: write(bytes([first[0] ^ 1])), "unauthorized-modification")
        self.refused("the changed model, once more", ["unauthorized-modification"])
        write(first)
        self.recover("the file is put right; the runtime, which was contained, recovers")

    def policy_change(self):
        place = self.place

        def change():
            draft = json.loads(place.run("policy", "draft").stdout)
            draft["bounds"]["maxTelemetryAge"] += 1000
            path = place.log.parent / "changed.json"
            path.write_text(json.dumps(draft))
            place.digest = place.make("policy", "set", path)["notes"]["digest"]

        self.fault("the policy changes while it runs", change, "governance-mismatch")
        self.refused("the model under a policy that did not approve it", ["governance-mismatch"])
        place.make("model", "approve", MODEL)

    def quorum(self):
        place = self.place

        def lose():
            for witness in place.witnesses[:2]:
                witness.end()

        def back():
            for witness in place.witnesses[:2]:
                witness.start()

        self.fault(
            "two of three witnesses are gone while it runs; they come back after it was stopped", lose,
            "synchronization-interrupted", after=back)
        self.wait(lambda: self.door.request("GET", "/readyz")[0] == 200, 40)

    def divergence(self):
        place = self.place

        def lie():
            # Of the newest tree, so that it continues what the gate has seen.
            while True:
                shown = other_state(place)
                size = tree_head(shown["/checkpoint"])[0]
                if tree_head(place.log.checkpoint())[0] == size - 1:
                    return self.between.shown.update(shown)

        # The gate that was lied to decides nothing any more, for good: another one goes on.
        self.fault(
            "state divergence: the running gate is shown a head whose seal lies about the state, cosigned by two witnesses",
            lie, "state-divergence", after=self.between.shown.clear)
        self.gate, lied_to = "after-the-lie", self.gate
        self.refused("another gate, which was not lied to: the domain is contained", ["state-divergence"])
        self.gate = lied_to
        self.refused("the gate that was lied to, shown the true log again", None)
        self.gate = "after-the-lie"
        self.recover("the domain recovers", "domain", ORIGIN)

    def revocation(self):
        place = self.place
        self.fault(
            "the runtime's trust is revoked, for good",
            lambda: place.make("trust", "revoke", "runtime", RUNTIME, "--reason", "unauthorized-modification",
                               "--for-good"),
            "unauthorized-modification")
        result = place.run("containment", "recover", "runtime", RUNTIME, check=False)
        self.steps.step(
            "recovery of what was revoked for good", "refused by the log", f"exit {result.returncode}",
            result.returncode == 1)
        self.refused("a run of what was revoked for good", ["unauthorized-modification"])

    def evidence(self, run):
        self.bundle = None
        if " evidence " not in holdfast("--help").stdout:
            return self.steps.not_yet("one evidence bundle of the first run", "this build has no 'holdfast evidence' yet")
        path = self.place.log.parent / "run.evidence"
        result = holdfast(
            "evidence", "execution", run.report["execution"], "-o", path, "--trust", self.place.trust, "--url",
            self.place.url, check=False)
        size = path.stat().st_size if path.exists() else 0
        self.steps.step(
            "one evidence bundle of the first run is gathered", "a file", f"exit {result.returncode}, {size} bytes",
            result.returncode == 0 and size > 0)
        if result.returncode:
            print(result.stderr)
        self.bundle = path if size else None

    def verify(self):
        for gate in self.place.gates:
            gate.stop()
        self.place.state.monitor.stop()
        self.place.log.stop()
        for witness in self.place.witnesses:
            witness.end()
        if not self.bundle:
            return
        result = holdfast("bundle", self.bundle, "--trust", self.place.trust, program="holdfast-verify", check=False)
        lines = [line for line in result.stdout.strip().splitlines() if line]
        self.steps.step(
            "with everything stopped, the bundle is verified with the trust file alone", "exit 0",
            f"exit {result.returncode}: {lines[-1] if lines else result.stderr.strip()}", result.returncode == 0)

    def remove(self):
        if self.between:
            self.between.end()
        self.place.remove()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True, type=pathlib.Path)
    parser.add_argument("--stand-in", action="store_true")
    arguments = parser.parse_args()
    demo = Demo(arguments.model, sys.executable, not arguments.stand_in)
    try:
        demo.run()
    finally:
        demo.remove()
    steps = demo.steps
    print(f"\n{steps.number} steps, {len(steps.wrong)} not as expected, {time.monotonic() - steps.begun:.0f} s")
    for title in steps.missing:
        print(f"not shown: {title}")
    for title in steps.wrong:
        print(f"NOT AS EXPECTED: {title}")
    sys.exit(1 if steps.wrong else 0)


if __name__ == "__main__":
    main()
