"""Acknowledged means kept: what was written and synced before a head was signed and an answer left."""

import os

from harness import ROOT, Log, Signer

SHIM = ROOT / ".build" / "shim.so"
# What has to have happened, in this order, between two answers.
ORDER = ["write journal", "sync journal", "write anchor", "sync anchor", "sign checkpoint", "sign receipt", "answer"]


# And before a row is written over one that was folded. LMDB writes its meta page through a descriptor opened with O_DSYNC
# ("write-through"), after it has synced the data pages.
FOLD = ["write data", "sync data", "write-through data", "write journal"]


def answers(log, shim_log, environment, count):
    """The shim's lines for each of so many submissions, cut at the answers."""
    signer = log.signer
    log.start(environment={"LD_PRELOAD": str(SHIM), "HOLDFAST_SHIM_LOG": str(shim_log), **environment})
    pieces = []
    for number in range(count):
        shim_log.write_text("")
        statement = signer.event({"n": number})
        status, body, _ = log.submit(statement)
        assert status == 201, (status, body)
        signer.follow(statement)
        pieces.append(shim_log.read_text().splitlines())
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
            synced = max(i for i, line in enumerate(lines) if line == "sync journal")
            assert min(early) > synced, f"submission {number}: '{what}' before the journal was synced: {lines}"


def test_folded_before_it_is_written_over():
    """what the journal has is in LMDB and synced before another row takes its place"""
    folds = [lines for lines in run({}, 70) if any(line.endswith("write data") for line in lines)]
    assert folds, "seventy commits and no fold"
    for lines in folds:
        missing = first_missing(lines, FOLD)
        assert missing is None, f"no '{missing}' in its place in {lines}"
        assert lines.index("write journal") > lines.index("write-through data"), lines


def test_the_check_sees_a_store_that_does_not_sync():
    """with a journal that is not synced the same check fails"""
    assert os.environ.get("HOLDFAST_SHIM_NOSYNC") is None
    found = [first_missing(lines) for lines in run({"HOLDFAST_SHIM_NOSYNC": "1"})]
    assert all(missing == "sync journal" for missing in found), found
