"""A log and three witnesses, all of them real: what is published, when nothing is, and what stops the log."""

import json
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from harness import BIN, Log, Signer, holdfast, leaf_hash, problem, tree_head

# Impatient, so that nothing here takes long.
IMPATIENT = ("--witness-timeout", "2", "--submission-timeout", "3", "--recosign-interval", "2")


class Witness:
    """One witness: its directory, and its server, which comes back at the same port."""

    def __init__(self, number, origin_key):
        self.name = f"witness.example/w{number}"
        self.parent = pathlib.Path(tempfile.mkdtemp(prefix="holdfast-witness-"))
        self.directory = self.parent / "w"
        made = json.loads(holdfast("witness", "init", self.directory, "--name", self.name, "--json").stdout)
        self.vkey = made["vkey"]
        (self.directory / "logs").write_text(origin_key + "\n")
        self.port = 0
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [BIN / "holdfast", "witness", "serve", self.directory, "--port", str(self.port)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        self.output, ready = [], threading.Event()

        def read(stream):
            for text in stream:
                self.output.append(text)
                found = re.search(r"http://127\.0\.0\.1:(\d+)", text)
                if found:
                    self.port = int(found.group(1))
                    ready.set()
            ready.set()

        threading.Thread(target=read, args=(self.process.stdout,), daemon=True).start()
        assert ready.wait(30) and self.process.poll() is None, "".join(self.output)

    def send(self, number):
        self.process.send_signal(number)

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)

    def remove(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        shutil.rmtree(self.parent, ignore_errors=True)


class Witnessed:
    """A log with three witnesses, two of which are a quorum."""

    def __init__(self, origin="example.com/blackbox"):
        self.signer = Signer()
        self.log = Log([self.signer], origin=origin)
        trust = self.log.trust.read_text()
        key = next(line.split()[1] for line in trust.splitlines() if line.startswith("log "))
        self.witnesses = [Witness(number, key) for number in range(3)]
        lines = "".join(
            f"witness w{n} {w.vkey} http://127.0.0.1:{w.port}/\n" for n, w in enumerate(self.witnesses)
        )
        lines += "group g 2 w0 w1 w2\nquorum g\n"
        self.policy = self.log.parent / "witnesses.policy"
        self.policy.write_text(lines)
        # What verifiers have: the same lines in the place of "quorum none".
        self.trust = self.log.parent / "witnessed.trust"
        self.trust.write_text(lines + "\n".join(l for l in trust.splitlines() if not l.startswith("quorum")) + "\n")

    def start(self, *arguments, **options):
        return self.log.start("--witnesses", self.policy, *IMPATIENT, *arguments, **options)

    def add(self, count=1):
        for _ in range(count):
            statement = self.signer.event({"n": self.signer.seq})
            status, body, headers = self.log.submit(statement)
            assert status == 201, (status, body)
            self.signer.follow(statement)
        return statement, int(headers["Holdfast-Index"])

    def verify(self, statement):
        """The transparent statement under the trust file that names the witnesses."""
        status, body, _ = self.log.get(f"/entries/{leaf_hash(statement).hex()}/statement")
        assert status == 200, (status, body)
        path = self.log.parent / "one.transparent"
        path.write_bytes(body)
        report = holdfast("transparent", path, "--trust", self.trust, program="holdfast-verify")
        assert re.search(r"^✓ witness-quorum +quorum g, cosigned-by w\d w\d", report.stdout, re.M), report.stdout
        return report.stdout

    def cosignatures(self):
        return self.log.checkpoint().decode().split("\n\n")[1].count("witness.example/")

    def wait(self, condition, what, seconds=15):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, what + "\n" + "".join(self.log.output[-20:])
            time.sleep(0.05)

    def metric(self, name):
        text = self.log.get("/metrics")[1].decode()
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)
        assert found, (name, text)
        return float(found.group(1))

    def remove(self):
        self.log.remove()
        for witness in self.witnesses:
            witness.remove()


def test_three_witnesses():
    """a log and three witnesses: every answer is under a quorum, verified offline; the head's time moves on by itself"""
    place = Witnessed()
    try:
        place.start()
        statement, _ = place.add(10)
        place.verify(statement)
        place.wait(lambda: place.cosignatures() == 3, "the third cosignature is added")
        head = tree_head(place.log.checkpoint())
        before = place.log.checkpoint()
        place.wait(lambda: place.log.checkpoint() != before, "the head is cosigned again")
        assert tree_head(place.log.checkpoint()) == head
        assert place.metric("holdfast_quorum") == 1
        assert place.metric('holdfast_witness_quarantined{witness="w0"}') == 0
        assert place.log.stop() == 0
        # The witnesses are ahead of what a new process knows of them; and one has lost its memory of the connection.
        place.start()
        place.verify(place.add()[0])
    finally:
        place.remove()


def test_one_down_one_stuck():
    """one witness down, or stuck with its connections open: nothing waits for it"""
    place = Witnessed()
    try:
        place.start()
        place.add()
        place.witnesses[0].end()
        place.verify(place.add(5)[0])
        place.witnesses[0].start()
        place.add()
        place.witnesses[1].send(signal.SIGSTOP)
        begun = time.monotonic()
        statement, _ = place.add(10)
        assert time.monotonic() - begun < 4, time.monotonic() - begun
        place.verify(statement)
        place.witnesses[1].send(signal.SIGCONT)
        place.wait(lambda: place.cosignatures() == 3, "the witness that was stuck is there again")
    finally:
        place.witnesses[1].send(signal.SIGCONT)
        place.remove()


def test_quorum_lost_and_regained():
    """without a quorum nothing is published and POST answers 503 in time; with it again the statement is there"""
    place = Witnessed()
    try:
        place.start()
        place.add(3)
        place.witnesses[0].end()
        place.witnesses[1].end()
        before = tree_head(place.log.checkpoint())
        statement = place.signer.event({"n": "kept"})
        begun = time.monotonic()
        status, body, headers = place.log.submit(statement)
        assert status == 503 and problem(body)[0] in ("no-quorum", "timed-out"), (status, body)
        assert int(headers["Retry-After"]) > 0
        assert time.monotonic() - begun < 6
        assert tree_head(place.log.checkpoint()) == before
        assert place.log.get(f"/entries/{leaf_hash(statement).hex()}")[0] == 404
        status, body, _ = place.log.get("/readyz")
        assert status == 503 and b"witness" in body, (status, body)
        assert place.metric("holdfast_quorum") == 0
        place.witnesses[0].start()
        path = f"/entries/{leaf_hash(statement).hex()}"
        place.wait(lambda: place.log.get(path)[0] == 200, "the statement is published")
        status, _, headers = place.log.submit(statement)
        assert status == 200 and int(headers["Holdfast-Index"]) == before[0], (status, headers)
        place.verify(statement)
        place.signer.follow(statement)
        place.add()
        place.log.wait_until_ready(10)
    finally:
        place.remove()


def test_killed_between_commit_and_quorum():
    """killed while a statement is stored and not published: the next start cosigns it before anything else"""
    place = Witnessed()
    try:
        place.start()
        place.add(2)
        for witness in place.witnesses[:2]:
            witness.end()
        before = tree_head(place.log.checkpoint())
        statement = place.signer.event({"n": "kept"})
        assert place.log.submit(statement)[0] == 503
        place.log.kill()
        for witness in place.witnesses[:2]:
            witness.start()
        place.start()
        assert tree_head(place.log.checkpoint())[0] == before[0] + 2
        status, _, headers = place.log.submit(statement)
        assert status == 200 and int(headers["Holdfast-Index"]) == before[0], (status, headers)
    finally:
        place.remove()


def refused(place):
    """Before the first quorum after a start: nothing is taken, and the server says so."""
    status, body, headers = place.log.submit(place.signer.event({"n": "early"}))
    assert (status, problem(body)[0]) == (503, "no-quorum") and int(headers["Retry-After"]) > 0, (status, body)
    status, body, _ = place.log.get("/readyz")
    assert status == 503 and b"no-quorum-yet" in body, (status, body)
    assert place.log.get("/healthz")[0] == 200
    assert place.metric("holdfast_quorum") == 0


def test_served_before_the_first_quorum():
    """started with its witnesses down, a log serves what it published before, cut there, and takes nothing till they answer"""
    place = Witnessed()
    try:
        for witness in place.witnesses:
            witness.end()
        place.start(expect_ready=False)
        refused(place)
        status, body, headers = place.log.get("/checkpoint")
        assert (status, problem(body)[0], headers["Retry-After"]) == (503, "no-quorum", "5"), (status, body)
        for witness in place.witnesses:
            witness.start()
        place.log.wait_until_ready(20)
        statement, _ = place.add(3)
        published = tree_head(place.log.checkpoint())
        for witness in place.witnesses:
            witness.end()
        # Stored, and not published: no list shows it, before the end and after the next start.
        unseen = place.signer.event({"n": "unseen"})
        assert place.log.submit(unseen)[0] == 503
        lists = ["/statements?limit=1000", "/statements?type=test.event", "/policy", "/identities"]
        before = {path: place.log.get(path)[1] for path in lists}
        assert all(json.loads(body)["size"] == published[0] for body in before.values()), before
        assert len(json.loads(before["/statements?type=test.event"])["items"]) == 3
        assert place.log.get("/state/policy?size=%d" % (published[0] + 2))[0] == 400
        assert place.log.stop() == 0
        place.start(expect_ready=False)
        refused(place)
        assert tree_head(place.log.checkpoint()) == published and place.cosignatures() >= 2
        assert {path: place.log.get(path)[1] for path in lists} == before
        assert place.log.get(f"/entries/{leaf_hash(unseen).hex()}")[0] == 404
        place.verify(statement)
        place.witnesses[0].start()
        place.witnesses[2].start()
        place.log.wait_until_ready(20)
        assert tree_head(place.log.checkpoint())[0] == published[0] + 2
        status, _, headers = place.log.submit(unseen)
        assert status == 200 and int(headers["Holdfast-Index"]) == published[0], (status, headers)
        place.signer.follow(unseen)
        place.verify(place.add()[0])
    finally:
        place.remove()


def test_old_copy_of_everything():
    """an old copy of data and anchor together: with witnesses up it refuses, with all down it takes nothing"""
    place = Witnessed()
    try:
        place.start()
        place.add(2)
        place.log.stop()
        old = place.log.parent / "old"
        shutil.copytree(place.log.directory, old)
        place.start()
        place.add(3)
        place.log.stop()
        shutil.rmtree(place.log.directory)
        shutil.copytree(old, place.log.directory)
        anchor = (place.log.directory / "anchor" / "signed-head").read_bytes()
        text = place.log.refuses_to_start("--witnesses", place.policy, *IMPATIENT)
        assert "signature" in text and "witness" in text and "old copy" in text, text
        assert (place.log.directory / "anchor" / "signed-head").read_bytes() == anchor
        for witness in place.witnesses:
            witness.end()
        place.start(expect_ready=False)
        refused(place)
        place.wait(lambda: any("waits for a quorum" in line for line in place.log.output), "it says what it waits for")
        assert (place.log.directory / "anchor" / "signed-head").read_bytes() == anchor
        # As soon as one witness is there again, it ends.
        place.witnesses[1].start()
        code = place.log.process.wait(30)
        place.log.reader.join(5)
        said = "".join(place.log.output)
        assert code == 1 and "old copy" in said, (code, said)
        assert (place.log.directory / "anchor" / "signed-head").read_bytes() == anchor
    finally:
        place.remove()


def test_witness_restarted_with_old_state():
    """a witness that comes back with an old copy of its state: the log proves its growth from there, and goes on"""
    place = Witnessed()
    try:
        place.start()
        place.add(2)
        data = place.witnesses[0].directory / "data"
        place.wait(lambda: place.cosignatures() == 3, "all three have cosigned")
        place.witnesses[0].end()
        old = place.log.parent / "old-data"
        shutil.copytree(data, old)
        place.witnesses[0].start()
        place.add(3)
        place.wait(lambda: place.cosignatures() == 3, "all three have cosigned again")
        place.witnesses[0].end()
        shutil.rmtree(data)
        shutil.copytree(old, data)
        place.witnesses[0].start()
        # It is needed for the quorum from here on.
        place.witnesses[1].end()
        place.verify(place.add(2)[0])
        assert place.metric('holdfast_witness_quarantined{witness="w0"}') == 0
        assert place.metric("holdfast_quorum") == 1
        # One that lost everything is no other case.
        place.witnesses[0].end()
        shutil.rmtree(data)
        place.witnesses[0].start()
        place.verify(place.add(2)[0])
    finally:
        place.remove()


def test_fail_open():
    """fail-open is said at the start, publishes without a quorum, and is counted; it does not hold for the start"""
    place = Witnessed()
    try:
        place.start("--fail-open")
        place.add()
        place.witnesses[0].end()
        place.witnesses[1].end()
        place.add()
        assert place.metric("holdfast_published_without_quorum_total") == 1
        assert place.log.get("/readyz")[0] == 200
        said = "".join(place.log.output)
        assert "fail-open is set" in said and "publishing all the same" in said, said
    finally:
        place.remove()
