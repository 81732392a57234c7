"""SIGKILL at random points under load: what was acknowledged stays, at its index, in one history."""

import os
import random
import threading
import time

from harness import Log, Signer, holdfast, leaf_hash, tree_head

ROUNDS = 200 if os.environ.get("HOLDFAST_LONG") == "1" else 30
WORKERS = 4


def submit_until_killed(log, signer, acknowledged, lock):
    """One worker: one issuer, one stream, until the connection breaks. An unanswered statement is sent again first."""
    connection = log.connect()
    while True:
        statement = signer.pending or signer.event({"n": signer.seq, "pad": "x" * random.randint(0, 900)})
        signer.pending = statement
        try:
            status, body, headers = log.submit(statement, connection)
        except OSError:
            return
        except Exception:  # http.client has a family of its own for broken answers
            return
        if status not in (200, 201):
            if status in (429, 503):
                time.sleep(0.02)
                continue
            raise AssertionError((status, body))
        with lock:
            acknowledged[leaf_hash(statement)] = int(headers["Holdfast-Index"])
        signer.follow(statement)
        signer.pending = None


def check_kept(log, acknowledged, sample):
    for leaf in sample:
        status, body, headers = log.get(f"/entries/{leaf.hex()}")
        assert status == 200, f"acknowledged at {acknowledged[leaf]}, now {status}: {body[:200]}"
        assert int(headers["Holdfast-Index"]) == acknowledged[leaf]


def check_consistent(log, older):
    """The head before the kill and the one after, by the verifier."""
    newer = log.checkpoint()
    if older is None or tree_head(older)[0] == tree_head(newer)[0]:
        assert older is None or tree_head(older) == tree_head(newer)
        return newer
    sizes = tree_head(older)[0], tree_head(newer)[0]
    assert sizes[0] < sizes[1], f"the head went back from {sizes[0]} to {sizes[1]}"
    status, proof, _ = log.get(f"/proof/consistency?from={sizes[0]}&to={sizes[1]}")
    assert status == 200, proof
    paths = [log.parent / name for name in ("old", "new", "proof")]
    for path, content in zip(paths, (older, newer, proof)):
        path.write_bytes(content)
    holdfast("consistency", *paths, "--trust", log.trust, program="holdfast-verify")
    return newer


def test_kill():
    """SIGKILL under load keeps every acknowledged statement at its index"""
    seed = int(os.environ.get("HOLDFAST_SEED", time.time()))
    print(f"  seed {seed}, {ROUNDS} rounds (HOLDFAST_SEED repeats it)", flush=True)
    random.seed(seed)
    signers = [Signer(issuer=f"spiffe://example.org/worker{n}") for n in range(WORKERS)]
    for signer in signers:
        signer.pending = None
    log = Log(signers)
    acknowledged, lock, head, fresh = {}, threading.Lock(), None, set()
    try:
        for number in range(ROUNDS):
            log.start()
            head = check_consistent(log, head)
            known = set(acknowledged)
            check_kept(log, acknowledged, fresh | set(random.sample(sorted(known), min(20, len(known)))))
            workers = [
                threading.Thread(target=submit_until_killed, args=(log, signer, acknowledged, lock))
                for signer in signers
            ]
            for worker in workers:
                worker.start()
            time.sleep(random.uniform(0.02, 0.5))
            head = check_consistent(log, head)
            time.sleep(random.uniform(0, 0.1))
            log.kill()
            for worker in workers:
                worker.join(35)
            fresh = set(acknowledged) - known
        log.start()
        check_consistent(log, head)
        check_kept(log, acknowledged, sorted(acknowledged))
        assert log.stop() == 0, "".join(log.output)
        assert len(set(acknowledged.values())) == len(acknowledged), "two statements at one index"
        out = log.export()
        holdfast("log", out, "--trust", log.trust, program="holdfast-verify")
        print(f"  {len(acknowledged)} acknowledged statements, {ROUNDS} kills, none lost", flush=True)
        assert len(acknowledged) > ROUNDS
    finally:
        log.remove()
