"""Mirrors: killed at any moment, fed by a log that forked, served, and what a log is restored from."""

import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request

from harness import BIN, Log, Signer, holdfast, tree_head
from test_witnessed import IMPATIENT, Witnessed

ROUNDS = 60 if os.environ.get("HOLDFAST_LONG") == "1" else 6


def grown(count):
    signer = Signer()
    log = Log([signer])
    log.signer = signer
    log.start()
    add(log, count)
    return log


def add(log, count):
    connection = log.connect()
    for _ in range(count):
        statement = log.signer.event({"n": log.signer.seq, "pad": "x" * random.randint(0, 600)})
        status, body, _ = log.submit(statement, connection)
        assert status == 201, (status, body)
        log.signer.follow(statement)


def url(log):
    return f"http://{log.host}:{log.port}"


def mirror(log, target, *more, **options):
    return holdfast("mirror", target, "--url", url(log), "--trust", log.trust, *more, **options)


def verify(directory, log):
    holdfast("log", directory, "--trust", log.trust, program="holdfast-verify")


def files(directory):
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in pathlib.Path(directory).rglob("*")
        if path.is_file() and not path.relative_to(directory).parts[0].startswith(".")
    }


def check_whole(directory):
    """No half file at any path of tlog-tiles."""
    for name, content in files(directory).items():
        match = re.fullmatch(r"tile/(\d+)/(?:x\d{3}/)*\d{3}(?:\.p/(\d+))?", name)
        if match:
            assert len(content) == 32 * int(match.group(2) or 256), name
        match = re.fullmatch(r"tile/entries/(?:x\d{3}/)*\d{3}(?:\.p/(\d+))?", name)
        if match:
            count, at = 0, 0
            while at < len(content):
                at += 2 + int.from_bytes(content[at : at + 2], "big")
                count += 1
            assert at == len(content) and count == int(match.group(1) or 256), name


def test_a_mirror_is_killed():
    """SIGKILL at random moments: no half file, and the directory verifies whenever it has a checkpoint"""
    log = grown(140)
    target = log.parent / "copy"
    try:
        # What is faster than the kill is killed earlier the next time.
        interrupted, latest = 0, 0.4
        for number in range(ROUNDS):
            add(log, 15)
            process = subprocess.Popen(
                [BIN / "holdfast", "mirror", target, "--url", url(log), "--trust", log.trust, "--parallel", "2"],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            time.sleep(random.uniform(0.002, latest))
            ended = process.poll() is not None
            interrupted += not ended
            latest = latest / 3 if ended else min(latest * 1.5, 0.5)
            process.kill()
            process.communicate()
            if target.exists():
                check_whole(target)
            if (target / "checkpoint").exists():
                verify(target, log)
        assert interrupted > 0
        mirror(log, target)
        verify(target, log)
        assert tree_head((target / "checkpoint").read_bytes()) == tree_head(log.checkpoint())
        leftovers = [name for name in files(target) if ".dat.nosync" in name]
        assert not leftovers, leftovers
    finally:
        log.remove()


def test_a_fork_is_refused():
    """a log that forked, under the same key, is refused; the mirror keeps the old head and what it was shown"""
    log = grown(30)
    target = log.parent / "copy"
    try:
        log.stop()
        shutil.copytree(log.directory, log.parent / "twin", symlinks=True)
        log.start()
        place = log.signer.seq, log.signer.prev
        add(log, 5)
        mirror(log, target)
        log.stop()
        before = files(target)
        # The twin goes on from the older copy, data and anchor together, with other statements.
        shutil.rmtree(log.directory)
        shutil.copytree(log.parent / "twin", log.directory)
        log.start()
        log.signer.seq, log.signer.prev = place
        for count in (0, 8):
            add(log, count)
            result = mirror(log, target, check=False)
            assert result.returncode == 1, result
            assert "does not continue" in result.stderr, result.stderr
            assert files(target) == before
        assert len(list((target / ".refused").iterdir())) == 2
        verify(target, log)
    finally:
        log.remove()


def start_mirror(log, target, *more):
    process = subprocess.Popen(
        [BIN / "holdfast", "mirror", target, "--url", url(log), "--trust", log.trust, "--follow", "--interval", "1",
         "--listen", "127.0.0.1:0", *map(str, more)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    found = re.search(r"http://\S+:\d+", re.sub("\x1b\\[[0-9]*m", "", line))
    assert found, line
    return process, found.group(0)


def get(address, path):
    try:
        with urllib.request.urlopen(address + path, timeout=20) as response:
            return response.status, response.read(), response.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


def wait_for_size(address, size):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        status, body, _ = get(address, "/checkpoint")
        if status == 200 and tree_head(body)[0] >= size:
            return body
        time.sleep(0.05)
    raise AssertionError(f"the mirror does not reach {size}")


def test_a_mirror_is_served_and_cosigns():
    """a mirror follows, cosigns and serves: media types, caching, partial tiles that were replaced, the origin's hash"""
    log = grown(120)
    target = log.parent / "copy"
    process = None
    try:
        key = log.parent / "mirror.key"
        holdfast("key", "new", "--out", key)
        process, address = start_mirror(log, target, "--key", key, "--name", "mirror.example/m1")
        first = wait_for_size(address, tree_head(log.checkpoint())[0])
        assert b"mirror.example/m1 " in first
        size = tree_head(first)[0]
        if size % 256:
            partial = f"/tile/0/{size // 256:03d}.p/{size % 256}"
            status, content, headers = get(address, partial)
            assert status == 200 and len(content) == 32 * (size % 256)
            assert headers["Content-Type"] == "application/octet-stream" and "immutable" in headers["Cache-Control"]
        add(log, 140)
        newer = wait_for_size(address, tree_head(log.checkpoint())[0])
        assert tree_head(newer) == tree_head(log.checkpoint())
        status, content, headers = get(address, "/checkpoint")
        assert headers["Content-Type"] == "text/plain; charset=utf-8"
        # The narrower tile was replaced by a full one, and is still served.
        status, narrow, _ = get(address, "/tile/0/000.p/17")
        assert status == 200 and narrow == get(address, "/tile/0/000")[1][: 32 * 17]
        status, entries, _ = get(address, "/tile/entries/000.p/3")
        assert status == 200 and get(address, "/tile/entries/000")[1].startswith(entries)
        assert get(address, "/tile/0/999")[0] == 404 and get(address, "/.lock")[0] == 404
        assert get(address, "/../log.trust")[0] == 404
        origin = newer.decode().split("\n")[0].encode()
        assert get(address, f"/{hashlib.sha256(origin).hexdigest()}/checkpoint")[1] == newer
        assert get(address, "/healthz")[0] == 200
        metrics = get(address, "/metrics")[1].decode()
        assert f"holdfast_mirror_tree_size {tree_head(newer)[0]}" in metrics
        # A mirror of the mirror.
        holdfast("mirror", log.parent / "second", "--url", address, "--trust", log.trust)
        verify(log.parent / "second", log)
        process.terminate()
        assert process.wait(20) == 0, process.stderr.read()
        verify(target, log)
    finally:
        if process and process.poll() is None:
            process.kill()
        log.remove()


def test_restore():
    """a log restored from a served mirror is the log that was: it serves, appends, and audits clean"""
    log = grown(140)
    target = log.parent / "copy"
    process = None
    try:
        statement = log.signer.event({"last": True})
        assert log.submit(statement)[0] == 201
        log.signer.follow(statement)
        process, address = start_mirror(log, target)
        before = tree_head(wait_for_size(address, tree_head(log.checkpoint())[0]))
        refused = holdfast("restore", log.directory, "--from", address, check=False)
        assert refused.returncode == 1 and "not touched" in refused.stderr, refused.stderr
        # A server that has the log open keeps its anchor, even where its data is moved away under it.
        shutil.move(log.directory / "data", log.parent / "moved")
        refused = holdfast("restore", log.directory, "--from", address, check=False)
        assert refused.returncode == 1 and not (log.directory / "data").exists(), refused
        log.stop()
        holdfast("restore", log.directory, "--from", address)
        audit = holdfast("audit", log.directory, "--governance", "--json")
        assert json.loads(audit.stdout)["verdict"] == "clean", audit.stdout
        log.start()
        assert tree_head(log.checkpoint()) == before
        status, _, headers = log.submit(statement)
        assert status == 200, status
        add(log, 5)
        process.terminate()
        assert process.wait(20) == 0
        mirror(log, target)
        verify(target, log)
    finally:
        if process and process.poll() is None:
            process.kill()
        log.remove()


def test_restore_behind_the_anchor_is_refused():
    """a mirror that is behind the anchor, or a lost anchor without a word, restores nothing"""
    log = grown(50)
    target = log.parent / "copy"
    try:
        mirror(log, target)
        add(log, 3)
        log.stop()
        shutil.rmtree(log.directory / "data")
        result = holdfast("restore", log.directory, "--from", target, check=False)
        assert result.returncode == 1 and "anchor says so" in result.stderr, result.stderr
        assert not (log.directory / "data").exists()
        shutil.rmtree(log.directory / "anchor")
        result = holdfast("restore", log.directory, "--from", target, check=False)
        assert result.returncode == 1 and "--re-anchor" in result.stderr, result.stderr
        assert not (log.directory / "data").exists()
        holdfast("restore", log.directory, "--from", target, "--re-anchor")
        log.start()
        assert tree_head(log.checkpoint()) == tree_head((target / "checkpoint").read_bytes())
    finally:
        log.remove()


def test_restore_from_a_mirror_that_lies():
    """a mirror with one changed entry restores nothing"""
    log = grown(50)
    target = log.parent / "copy"
    try:
        mirror(log, target)
        log.stop()
        shutil.rmtree(log.directory / "data")
        bundle = next((target / "tile" / "entries").glob("000.p/*"))
        content = bytearray(bundle.read_bytes())
        content[-3] ^= 1
        bundle.write_bytes(content)
        result = holdfast("restore", log.directory, "--from", target, check=False)
        assert result.returncode == 1, result
        assert not (log.directory / "data").exists()
    finally:
        log.remove()


def lose(log):
    """Data and anchor, both."""
    for part in ("data", "anchor"):
        shutil.rmtree(log.directory / part, ignore_errors=True)


def test_restore_under_witnesses():
    """with the anchor lost, witnesses know that a mirror is old: nothing is signed; from the newest one the log goes on"""
    place = Witnessed()
    log = place.log
    old, new = log.parent / "old", log.parent / "new"
    try:
        place.start()
        place.add(3)
        mirror(log, old)
        place.add(3)
        mirror(log, new)
        head = tree_head(log.checkpoint())
        log.stop()
        lose(log)
        said = holdfast("restore", log.directory, "--from", old, "--re-anchor").stdout
        assert "Nobody can say" in said, said
        text = log.refuses_to_start("--witnesses", place.policy, *IMPATIENT)
        assert "signature" in text and "witness" in text, text
        lose(log)
        # A trust file that names the witnesses: the mirror's checkpoint must have their quorum.
        said = holdfast("restore", log.directory, "--from", new, "--re-anchor", "--trust", place.trust).stdout
        assert "Nobody can say" not in said, said
        place.start()
        assert tree_head(log.checkpoint()) == head
        place.verify(place.add(2)[0])
    finally:
        place.remove()


def test_a_restore_is_killed():
    """SIGKILL at random moments of a restore: there is no store or a whole one, and the next run makes it"""
    log = grown(100)
    target = log.parent / "copy"
    try:
        mirror(log, target)
        head = tree_head(log.checkpoint())
        log.stop()
        # What is faster than the kill is killed earlier the next time.
        interrupted, latest = 0, 0.4
        for _ in range(ROUNDS // 2):
            shutil.rmtree(log.directory / "data", ignore_errors=True)
            process = subprocess.Popen(
                [BIN / "holdfast", "restore", log.directory, "--from", target],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            time.sleep(random.uniform(0.002, latest))
            ended = process.poll() is not None
            interrupted += not ended
            latest = latest / 3 if ended else min(latest * 1.5, 0.5)
            process.kill()
            process.communicate()
            if (log.directory / "data").exists():
                assert json.loads(holdfast("audit", log.directory, "--json").stdout)["verdict"] == "clean"
        assert interrupted > 0
        shutil.rmtree(log.directory / "data", ignore_errors=True)
        holdfast("restore", log.directory, "--from", target)
        assert not [path for path in log.directory.iterdir() if "restoring" in path.name]
        log.start()
        assert tree_head(log.checkpoint()) == head
        add(log, 2)
    finally:
        log.remove()


def test_restore_elsewhere():
    """a new directory, the keys from somewhere else, the anchor on another disk by the configuration"""
    log = grown(20)
    target, fresh = log.parent / "copy", log.parent / "fresh"
    try:
        mirror(log, target)
        head = tree_head(log.checkpoint())
        log.stop()
        trust, keys = ("--trust", log.trust), ("--keys", log.directory / "keys")
        refused = holdfast("restore", fresh, "--from", target, *keys, check=False)
        assert refused.returncode == 2 and "--trust" in refused.stderr, refused
        refused = holdfast("restore", fresh, "--from", target, *trust, check=False)
        assert refused.returncode in (1, 2) and "checkpoint.key" in refused.stderr, refused
        refused = holdfast("restore", fresh, "--from", log.parent / "none", *trust, *keys, check=False)
        assert refused.returncode == 2 and "neither a directory nor a URL" in refused.stderr, refused
        holdfast("restore", fresh, "--from", target, *trust, *keys, "--anchor", log.directory / "anchor" / "signed-head")
        shutil.rmtree(log.directory / "data")
        (log.parent / "disk").mkdir()
        shutil.move(log.directory / "anchor" / "signed-head", log.parent / "disk" / "head")
        configuration = log.directory / "holdfast.yaml"
        text = configuration.read_text()
        assert "anchor: anchor/signed-head" in text, text
        configuration.write_text(text.replace("anchor: anchor/signed-head", f"anchor: {log.parent}/disk/head"))
        holdfast("restore", log.directory, "--from", target)
        log.start()
        assert tree_head(log.checkpoint()) == head
        other = grown(2)
        other.stop()
        shutil.rmtree(other.directory / "data")
        refused = holdfast("restore", other.directory, "--from", target, check=False)
        assert refused.returncode == 1 and not (other.directory / "data").exists(), refused
        other.remove()
    finally:
        log.remove()
