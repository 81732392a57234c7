"""Acknowledged means kept: what was written and synced before a head was signed and an answer left."""

import os

from harness import Log, Signer, shimmed

# What has to have happened, in this order, between two answers.
ORDER = ["write journal", "sync journal", "write anchor", "sync anchor", "sign checkpoint", "sign receipt", "answer"]


# And while commits go to one file of the journal: what the other has is folded. LMDB writes its meta page through a descriptor
# opened with O_DSYNC ("write-through"), after it has synced the data pages.
FOLD = ["write data", "sync data", "write-through data"]


def answers(log, shim_log, environment, count):
    """The shim's lines for each of so many submissions, cut at the answers."""
    signer = log.signer
    log.start(environment=shimmed(shim_log, **environment))
    pieces, seen = [], len(shim_log.read_text().splitlines())
    for number in range(count):
        statement = signer.event({"n": number})
        status, body, _ = log.submit(statement)
        assert status == 201, (status, body)
        signer.follow(statement)
        lines = shim_log.read_text().splitlines()
        pieces.append(lines[seen:])
        seen = len(lines)
    log.stop()
    return pieces


def first_missing(lines, order=ORDER):
    """The first step of the order that is not found after the one before it; None when all are there."""
    position = 0
    for step in order:
        while position < len(lines) and not lines[position].startswith(step):
            position += 1
        if position == len(lines):
            return step
        position += 1
    return None


def run(environment, count=10):
    signer = Signer()
    log = Log([signer])
    log.signer = signer
    try:
        return answers(log, log.parent / "shim.log", environment, count)
    finally:
        log.remove()


def test_data_then_anchor_then_signatures_then_answer():
    """the journal synced, then the anchor, then the signatures, then the answer"""
    for number, lines in enumerate(run({})):
        missing = first_missing(lines)
        assert missing is None, f"submission {number}: no '{missing}' in its place in {lines}"
        for what in ("sign checkpoint", "sign receipt", "answer"):
            early = [i for i, line in enumerate(lines) if line.startswith(what)]
            synced = max(i for i, line in enumerate(lines) if line.startswith("sync journal"))
            assert min(early) > synced, f"submission {number}: '{what}' before the journal was synced: {lines}"


def test_folded_before_it_is_written_over():
    """what a file of the journal has is in LMDB and synced before another row takes its place"""
    lines = [line for piece in run({}, 270) for line in piece]
    rows = [(position, line) for position, line in enumerate(lines) if line.startswith("write journal")]
    # The last row in one file, and the first in the other: the fold of the one may begin before the other is written.
    turns = [(last, first) for (last, before), (first, line) in zip(rows, rows[1:]) if line != before]
    assert len(turns) >= 3, f"270 commits, and the journal turned {len(turns)} times"
    for (ended, _), (_, written_over) in zip(turns, turns[1:]):
        missing = first_missing(lines[ended:written_over], FOLD)
        assert missing is None, f"no '{missing}' in its place in {lines[ended:written_over]}"
    # One for each file that was written over: no fold stands for two.
    for count, (_, written_over) in enumerate(turns):
        folds = lines[turns[0][0]:written_over].count("write-through data")
        assert folds >= count, f"{folds} folds, and {count} files were written over"


def test_the_check_sees_a_store_that_does_not_sync():
    """with a journal that is not synced the same check fails"""
    assert os.environ.get("HOLDFAST_SHIM_NOSYNC") is None
    found = [first_missing(lines) for lines in run({"HOLDFAST_SHIM_NOSYNC": "1"})]
    assert all(missing == "sync journal" for missing in found), found
