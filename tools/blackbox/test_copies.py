"""No second history: restored copies, two writers, a lost or foreign anchor, damaged pages."""

import shutil
import subprocess

from harness import BIN, Log, Signer, tree_head


def grown(count=5):
    signer = Signer()
    log = Log([signer])
    log.signer = signer
    log.start()
    add(log, count)
    return log


def add(log, count):
    for _ in range(count):
        statement = log.signer.event({"n": log.signer.seq})
        status, body, _ = log.submit(statement)
        assert status == 201, (status, body)
        log.signer.follow(statement)


def anchor_directory(log):
    return log.directory / "anchor"


def test_an_old_copy_of_the_data_is_refused():
    """an old copy of the data directory under the newer anchor does not start"""
    log = grown()
    try:
        log.stop()
        shutil.copytree(log.directory / "data", log.parent / "old")
        log.start()
        add(log, 3)
        log.stop()
        shutil.rmtree(log.directory / "data")
        shutil.copytree(log.parent / "old", log.directory / "data")
        text = log.refuses_to_start()
        assert "a later head was signed" in text, text
    finally:
        log.remove()


def test_one_writer():
    """a second server on the same directory does not start, and the first goes on"""
    log = grown()
    try:
        second = subprocess.run(
            [BIN / "holdfast", "serve", log.directory, "--port", "0"], capture_output=True, text=True, timeout=30
        )
        assert second.returncode != 0, second.stdout
        assert "lock" in (second.stdout + second.stderr).lower(), second.stdout + second.stderr
        add(log, 2)
    finally:
        log.remove()


def test_a_copy_beside_the_original_is_refused():
    """a copy of the data under the same anchor can't run beside the original"""
    log = grown()
    try:
        copy = log.parent / "copy"
        shutil.copytree(log.directory, copy, ignore=shutil.ignore_patterns("anchor"))
        (copy / "anchor").symlink_to(anchor_directory(log), target_is_directory=True)
        second = subprocess.run(
            [BIN / "holdfast", "serve", copy, "--port", "0"], capture_output=True, text=True, timeout=30
        )
        assert second.returncode != 0, second.stdout
        add(log, 2)
    finally:
        log.remove()


def test_a_lost_anchor_needs_a_word():
    """without its anchor a log starts only when told to make a new one"""
    log = grown()
    try:
        before = tree_head(log.checkpoint())
        log.stop()
        shutil.rmtree(anchor_directory(log))
        text = log.refuses_to_start()
        assert "re-anchor" in text, text
        log.start("--re-anchor")
        assert tree_head(log.checkpoint()) == before
        log.stop()
        assert "the anchor was missing; a new one was made" in "".join(log.output), log.output
        log.start()
        add(log, 1)
    finally:
        log.remove()


def test_an_anchor_of_another_history_is_refused():
    """an anchor that names another root, or a larger tree, stops the log before it signs"""
    log, other = grown(3), grown(9)
    try:
        log.stop()
        other.stop()
        shutil.rmtree(anchor_directory(log))
        shutil.copytree(anchor_directory(other), anchor_directory(log))
        text = log.refuses_to_start()
        assert "a later head was signed" in text, text
    finally:
        log.remove()
        other.remove()


def test_damage_in_the_last_batch_is_found_before_signing():
    """a flipped bit in the newest entry's page: the log refuses to sign"""
    log = grown()
    try:
        statement = log.signer.event({"marker": "flip-this-very-byte-please"})
        status, _, _ = log.submit(statement)
        assert status == 201
        log.stop()
        path = log.directory / "data" / "data.mdb"
        data = bytearray(path.read_bytes())
        at = data.rfind(b"flip-this-very-byte-please")
        assert at > 0
        while at > 0:
            data[at] ^= 1
            at = data.rfind(b"flip-this-very-byte-please")
        path.write_bytes(data)
        text = log.refuses_to_start()
        assert "index" in text or "entry" in text or "hash" in text, text
    finally:
        log.remove()
