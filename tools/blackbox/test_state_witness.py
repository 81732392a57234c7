"""State witnesses: what was replayed is cosigned, and nothing else, however well it is signed."""

import hashlib
import re
import urllib.error
import urllib.request

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from harness import leaf_hash, tree_head
from monitors import Files, StateWitness
from test_witness import TestLog
from test_witnessed import Witnessed


def test_state_witness():
    """a state witness's cosignature is on the served head after the replay, and not before; nothing waits for it"""
    place, state = Witnessed(), StateWitness()
    try:
        with place.policy.open("a") as policy:
            policy.write(f"witness s {state.vkey} {state.url}\nstate-quorum s\n")
        place.start()
        place.add(5)
        assert not state.cosigned(place.log.checkpoint())
        assert place.metric('holdfast_state_cosigned_tree_size{witness="s"}') == 0
        url = f"http://127.0.0.1:{place.log.port}/"
        state.start(place.trust, url)
        place.wait(lambda: state.cosigned(place.log.checkpoint()), "the state witness's line")
        for _ in range(3):
            statement, _ = place.add()
        place.wait(lambda: state.cosigned(place.log.checkpoint()), "the state witness's line on the next head")
        size = tree_head(place.log.checkpoint())[0]
        assert state.monitor.event("growth", size=size)
        place.verify(statement)
        place.wait(lambda: place.metric('holdfast_state_cosigned_tree_size{witness="s"}') == size, "its metric")
        # When it is gone, the log goes on without it; when it is back, it is asked again.
        assert state.monitor.stop() == 0, state.monitor.errors
        place.add(2)
        assert not state.cosigned(place.log.checkpoint())
        state.start(place.trust, url)
        place.wait(lambda: state.cosigned(place.log.checkpoint()), "the line after a restart", seconds=30)
        text = state.monitor.get("/metrics")
        assert "holdfast_witness_requests_total" in text and "holdfast_monitor_tree_size" in text, text
    finally:
        state.monitor.remove()
        place.remove()


def entries_of(directory, size):
    """The entries in a copy of a log of fewer than 256,000."""
    entries = []
    for number in range((size + 255) // 256):
        width = min(256, size - number * 256)
        name = f"{number:03}" + ("" if width == 256 else f".p/{width}")
        data, position = (directory / "tile" / "entries" / name).read_bytes(), 0
        while position < len(data):
            length = int.from_bytes(data[position : position + 2], "big")
            entries.append(data[position + 2 : position + 2 + length])
            position += 2 + length
    assert len(entries) == size, (len(entries), size)
    return entries


def test_lying_log():
    """a log that signs what its rules don't allow gets no state cosignature; the monitor names the entry, status 5"""
    place, state = Witnessed(), StateWitness()
    server = None
    try:
        place.start()
        place.add(3)
        place.log.stop()
        copy = place.log.export("copy")
        keys = place.log.directory / "keys"

        def key(name):
            words = (keys / f"{name}.key").read_text().split()
            secret = next(bytes.fromhex(w) for w in words if re.fullmatch(r"[0-9a-f]{64}", w))
            return Ed25519PrivateKey.from_private_bytes(secret)

        size = tree_head((copy / "checkpoint").read_bytes())[0]
        entries = entries_of(copy, size)
        # The last seal again, with another state root, signed with the log's own statement key.
        tag = cbor2.loads(entries[-1])
        protected, _, payload, _ = tag.value
        event = cbor2.loads(payload)
        event["data"]["stateRoot"] = bytes(32)
        payload = cbor2.dumps(event, canonical=True)
        signature = key("statement").sign(cbor2.dumps(["Signature1", protected, b"", payload]))
        entries[-1] = cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, signature]))
        hashes = [leaf_hash(entry) for entry in entries]
        log = TestLog("example.com/blackbox")
        log.key = key("checkpoint")
        log.public = log.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        log.leaves = entries
        note = log.note(size)
        files = {
            "/checkpoint": note.encode(), f"/tile/0/000.p/{size}": b"".join(hashes),
            f"/tile/entries/000.p/{size}": b"".join(len(e).to_bytes(2, "big") + e for e in entries),
        }

        server = Files(files.get)
        url = server.url
        state.start(place.log.trust, url)
        state.monitor.event("violation", index=size - 1, reason="state-root")
        request = urllib.request.Request(
            state.url + "add-checkpoint", data=log.request(0, size, note=note).encode(), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                raise AssertionError(f"cosigned: {response.status} {response.read()}")
        except urllib.error.HTTPError as error:
            text = error.read().decode()
            assert error.code == 403 and f"entry {size - 1}" in text, (error.code, text)
        assert "holdfast_monitor_violation{log=\"example.com/blackbox\"} 1\n" in state.monitor.get("/metrics")
        assert state.monitor.stop() == 5
        # Without that role the monitor ends by itself, and finds the same again.
        code, events, _ = state.monitor.once("--log", f"{place.log.trust}={url}")
        assert code == 5 and events[-2]["index"] == size - 1, (code, events)
    finally:
        state.monitor.remove()
        if server:
            server.end()
        place.remove()


def test_no_state_cosignature_before_the_replay():
    """a head whose entries can't be read is not cosigned, whoever asks; when they can, it is"""
    place, state = Witnessed(), StateWitness()
    files = None
    try:
        place.start()
        place.add(3)
        place.log.stop()
        copy = place.log.export("copy")
        note = (copy / "checkpoint").read_text()
        size = tree_head(note.encode())[0]
        hidden = {"entries"}
        files = Files(lambda path: None if hidden and "/entries/" in path else copy / path.strip("/"))
        state.start(place.log.trust, files.url, "--patience", "1")
        assert state.monitor.event("gap")

        def ask():
            request = urllib.request.Request(
                state.url + "add-checkpoint", data=f"old 0\n\n{note}".encode(), method="POST")
            try:
                with urllib.request.urlopen(request, timeout=60) as response:
                    return response.status, response.read().decode(), response.headers
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode(), error.headers

        status, text, headers = ask()
        assert status == 503 and int(headers["Retry-After"]) > 0 and f"0 of {size} entries" in text, (status, text)
        hidden.clear()
        status, text, _ = state.monitor.wait(lambda: (lambda a: a if a[0] != 503 else None)(ask()), "no answer")
        assert status == 200, (status, text)
        assert state.cosigned((note + text).encode())
        assert state.monitor.event("growth", size=size)
        # What was cosigned is served, as every witness does; and only that.
        path = hashlib.sha256(b"example.com/blackbox").hexdigest() + "/checkpoint"
        with urllib.request.urlopen(state.url + path, timeout=10) as response:
            assert state.cosigned(response.read())
    finally:
        state.monitor.remove()
        if files:
            files.end()
        place.remove()
