"""A disk that fails, or is full, at writes and syncs between a statement and its receipt, and while commits are folded: what
was acknowledged stays, what was not may be sent again, and a log that does not know what its disk has signs no more."""

import collections
import http.client
import io

import cbor2

from harness import ISSUER, Log, Signer, holdfast, leaf_hash, problem, shimmed

# Commits after which one has been folded, whatever the store does besides.
ENOUGH = 200

# A batch with more bytes than a row of the journal may have: it goes into LMDB with all that waits, and is waited for.
LONG = [60_000] * 10


class Place:
    """A log whose disk can be made to fail, and two issuers that submit: one by one, and long batches."""

    def __init__(self):
        self.signer, self.long_signer = Signer(), Signer(ISSUER + "/long")
        self.log = Log([self.signer, self.long_signer])
        self.fault, self.seen = self.log.parent / "fault", self.log.parent / "shim.log"
        self.acknowledged = {}
        self.pending, self.pending_long = None, []
        self.start()

    def start(self):
        self.log.start(environment=shimmed(self.seen, self.fault))
        self.connection = self.log.connect()

    def submit(self):
        """The next statement, or again the one that was not acknowledged; the code of the refusal, None if there is none."""
        statement = self.pending or self.signer.event({"n": self.signer.seq})
        self.pending = statement
        status, body, headers = self.log.submit(statement, self.connection)
        if status not in (200, 201):
            return problem(body)[0], status, headers
        self.acknowledged[leaf_hash(statement)] = int(headers["Holdfast-Index"])
        self.signer.follow(statement)
        self.pending = None
        return None

    def submit_many(self, count):
        """Returns how many were acknowledged, and the first refusal."""
        for number in range(count):
            refusal = self.submit()
            if refusal:
                return number, refusal
        return count, None

    def submit_long(self):
        """A sequence that is a long batch, or again the one that was not acknowledged; the code of the refusal, None if there is
        none. All of it has one answer."""
        signer = self.long_signer
        if not self.pending_long:
            for length in LONG:
                self.pending_long.append(signer.event({"n": signer.seq, "long": bytes(length)}))
                signer.follow(self.pending_long[-1])
        status, body, headers = self.log.request(
            "POST", "/entries", b"".join(self.pending_long), {"Content-Type": "application/cbor-seq"}, self.connection)
        if status != 200:
            return problem(body)[0], status, headers
        decoder = cbor2.CBORDecoder(io.BytesIO(body))
        results = [decoder.decode() for _ in self.pending_long]
        refusals = {(problem(answer)[0], status) for status, _, answer in results if status not in (200, 201)}
        if refusals:
            assert len(refusals) == 1 and all(index is None for _, index, _ in results), results
            return (*refusals.pop(), headers)
        for statement, (_, index, _) in zip(self.pending_long, results):
            self.acknowledged[leaf_hash(statement)] = index
        self.pending_long = []
        return None

    def check_not_kept(self):
        for statement in self.pending_long:
            assert self.log.get(f"/entries/{leaf_hash(statement).hex()}")[0] == 404, "what was refused is there"

    def calls(self):
        return collections.Counter(self.seen.read_text().splitlines())

    def failed(self, fault):
        """What the shim has seen from the first time on that this failed; empty if it has not."""
        lines = self.seen.read_text().splitlines()
        failures = [i for i, line in enumerate(lines) if line.startswith("failed " + fault.split(":")[0])]
        return lines[failures[0]:] if failures else []

    def check_kept(self):
        for leaf, index in self.acknowledged.items():
            status, body, headers = self.log.get(f"/entries/{leaf.hex()}")
            assert status == 200, f"acknowledged at {index}, now {status}: {body[:200]}"
            assert int(headers["Holdfast-Index"]) == index

    def end(self):
        """Stops it, and has everything audited offline."""
        self.check_kept()
        assert self.log.stop() == 0, "".join(self.log.output)
        assert len(set(self.acknowledged.values())) == len(self.acknowledged), "two statements at one index"
        holdfast("log", self.log.export(), "--trust", self.log.trust, program="holdfast-verify")


SYNC, ANCHOR = "a write could not be synced to disk", "the anchor could not be written"


def ends(place, fault, reason, signatures=0):
    """Nothing more is submitted: the server ends by itself, says why, and has signed no more heads than that since."""
    code = place.log.process.wait(20)
    place.log.reader.join(5)
    said = "".join(place.log.output)
    assert code > 0, f"exit {code}: {said}"
    assert "the log has stopped" in said and reason in said, said
    signed = [line for line in place.failed(fault) if line.startswith("sign checkpoint")]
    assert len(signed) <= signatures, f"signed after {fault}: {signed}"


def stopped_by(fault, reason, is_beside=False):
    """A fault after which nobody knows what the disk has: the server ends, and the log is whole after a restart."""
    place = Place()
    try:
        assert place.submit_many(5) == (5, None)
        place.fault.write_text(fault)
        count, refusal = 0, None
        while not refusal and not place.failed(fault) and count < ENOUGH:
            try:
                more, refusal = place.submit_many(1)
            except (OSError, http.client.HTTPException):
                # It has ended before this was answered.
                more, refusal = 0, ("gone",)
            count += more
        assert place.failed(fault), f"{fault}: nothing has failed after {count} statements, {refusal}"
        # Where a fold fails beside commits nobody need have noticed, and a statement that is published may lack its proof.
        expected = (None, "stopped", "storage-failed", "gone") if is_beside else ("stopped",)
        assert (refusal[0] if refusal else None) in expected, f"{fault}: after {count} statements {refusal}"
        # A commit that was under way beside a fold, or began before the failure was known, comes to its end.
        ends(place, fault, reason, signatures=2 if is_beside else 0)
        place.fault.unlink()
        place.start()
        place.check_kept()
        assert place.submit_many(ENOUGH) == (ENOUGH, None)
        assert len(place.acknowledged) == 5 + count + ENOUGH
        place.end()
    finally:
        place.log.remove()


def stopped_by_long(fault):
    """A long batch, with rows waiting to be folded before it: nobody knows what of it the disk has, so the server ends."""
    place = Place()
    try:
        assert place.submit_many(5) == (5, None)
        assert place.submit_long() is None
        assert place.submit_many(5) == (5, None)
        place.fault.write_text(fault)
        refusal = place.submit_long()
        assert refusal and refusal[0] == "stopped", f"{fault}: {refusal}"
        assert place.failed(fault), f"{fault}: nothing has failed"
        ends(place, fault, SYNC)
        place.fault.unlink()
        place.start()
        place.check_kept()
        assert place.submit_long() is None
        assert place.submit_many(ENOUGH) == (ENOUGH, None)
        place.end()
    finally:
        place.log.remove()


def goes_on_after(fault):
    """A full disk: what was submitted meanwhile is refused, nothing of it is kept, and when there is room it goes on."""
    place = Place()
    try:
        assert place.submit_many(5) == (5, None)
        place.fault.write_text(fault)
        count, refusal = place.submit_many(ENOUGH)
        assert refusal and refusal[0] == "storage-failed", f"{fault}: after {count} statements {refusal}"
        assert int(refusal[2]["Retry-After"]) > 0
        size = int(place.log.checkpoint().split(b"\n")[1])
        for _ in range(3):
            assert place.submit()[0] == "storage-failed"
        assert int(place.log.checkpoint().split(b"\n")[1]) == size, "something of what was refused was published"
        assert place.log.get("/readyz")[0] == 200, "it can be written to again as soon as there is room"
        place.check_kept()
        place.fault.unlink()
        folds = place.calls()["write-through data"]
        assert place.submit_many(ENOUGH) == (ENOUGH, None)
        assert place.calls()["write-through data"] > folds, "nothing was folded any more"
        place.end()
    finally:
        place.log.remove()


def test_row_not_synced():
    """the row of a commit cannot be brought to the disk: the log stops"""
    stopped_by("sync journal: EIO", SYNC)


def test_row_not_written():
    """the row of a commit cannot be written: the log stops"""
    stopped_by("write journal: EIO", SYNC)


def test_anchor_not_synced():
    """the anchor cannot be brought to the disk: the log stops, and signs nothing"""
    stopped_by("sync anchor: EIO", ANCHOR)


def test_anchor_full():
    """there is no room for the anchor: the log stops, and signs nothing"""
    stopped_by("write anchor: ENOSPC", ANCHOR)


def test_fold_not_synced():
    """a fold beside commits cannot be brought to the disk: the log stops, and has lost nothing"""
    stopped_by("sync data: EIO", SYNC, is_beside=True)


def test_fold_not_written():
    """a fold beside commits cannot be written: the log stops, and has lost nothing"""
    stopped_by("write data: EIO", SYNC, is_beside=True)


def test_fold_not_named():
    """the page that names a fold cannot be written: the log stops, and has lost nothing"""
    stopped_by("write-through data: EIO", SYNC, is_beside=True)


def test_fold_not_named_full():
    """the same on a full disk: LMDB is of no use any more, so the log stops"""
    stopped_by("write-through data: ENOSPC", SYNC, is_beside=True)


def test_row_not_synced_full():
    """the same with an errno that says there is no room: after a sync that failed nobody knows what the disk has"""
    stopped_by("sync journal: ENOSPC", SYNC)


def test_long_batch_not_written():
    """a batch that goes into LMDB at once cannot be written: the log stops, and has lost nothing"""
    stopped_by_long("write data: EIO")


def test_long_batch_not_synced():
    """the same where it cannot be brought to the disk"""
    stopped_by_long("sync data: EIO")


def test_no_room_for_a_row():
    """there is no room for the row of a commit: it is refused, and the log goes on when there is"""
    goes_on_after("write journal: ENOSPC")


def test_no_room_for_a_fold():
    """there is no room for a fold beside commits: commits are refused, and the log goes on when there is"""
    goes_on_after("write data: ENOSPC")


def test_no_quota_for_a_row():
    """the same where a quota is used up"""
    goes_on_after("write journal: EDQUOT")


def test_no_room_for_the_sync_of_a_fold():
    """a fold whose sync says that there is no room belongs to no state: commits are refused, and later it is made anew"""
    goes_on_after("sync data: ENOSPC")


def test_no_room_for_a_long_batch():
    """there is no room for a batch that goes into LMDB at once: it is refused whole, and taken when there is"""
    place = Place()
    try:
        assert place.submit_many(5) == (5, None)
        size = int(place.log.checkpoint().split(b"\n")[1])
        place.fault.write_text("write data: ENOSPC")
        for _ in range(3):
            refusal = place.submit_long()
            assert refusal and refusal[0] == "storage-failed", refusal
        assert place.failed("write data"), "nothing has failed"
        assert int(place.log.checkpoint().split(b"\n")[1]) == size, "something of what was refused was published"
        place.check_not_kept()
        # A row needs no room in LMDB, and takes the index that one of the refused statements was to have.
        assert place.submit_many(3) == (3, None)
        assert place.submit_long()[0] == "storage-failed"
        place.check_kept()
        place.check_not_kept()
        place.fault.unlink()
        assert place.submit_long() is None
        place.check_kept()
        assert place.submit_many(ENOUGH) == (ENOUGH, None)
        place.end()
    finally:
        place.log.remove()
