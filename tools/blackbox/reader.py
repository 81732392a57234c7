"""An independent reader of a Holdfast log, written from the public specifications only.

Downloads checkpoint, tiles and entry bundles over HTTP, recomputes the root, and checks the log's signature, every
statement's signature against the keys that entry 0 names, and the chain of seals. It shares no code with Holdfast: the
Merkle tree is the recursive definition of RFC 6962 section 2.1, the CBOR reader is PyPI's cbor2, the signatures are
PyPI's cryptography. One line per check; exits 1 at the first difference.

usage: reader.py URL LEAF_HASH_OF_ENTRY_0_HEX
"""

import base64
import gzip
import hashlib
import io
import sys
import urllib.request

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

WIDTH = 256


def fail(text):
    print(f"FAILED: {text}")
    sys.exit(1)


def passed(text):
    print(f"ok: {text}")


def get(url, accept_gzip=False):
    request = urllib.request.Request(url)
    if accept_gzip:
        request.add_header("Accept-Encoding", "gzip, identity")
    with urllib.request.urlopen(request, timeout=20) as response:
        body = response.read()
        if response.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return body, response.headers


def sha256(data):
    return hashlib.sha256(data).digest()


def merkle_root(hashes):
    """RFC 6962 section 2.1: MTH over leaf hashes, split at the largest power of two below the size."""
    if not hashes:
        return sha256(b"")
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return sha256(b"\x01" + merkle_root(hashes[:k]) + merkle_root(hashes[k:]))


def tile_path(index):
    """tlog-tiles: zero-padded 3-digit path elements, all but the last with an x."""
    parts = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        parts.append(f"x{index % 1000:03d}")
    return "/".join(reversed(parts))


def widths(count):
    """(tile index, width) of the tiles that hold `count` items."""
    full, rest = divmod(count, WIDTH)
    return [(i, WIDTH) for i in range(full)] + ([(full, rest)] if rest else [])


def read_checkpoint(base):
    body, headers = get(base + "/checkpoint")
    if headers.get("Content-Type") != "text/plain; charset=utf-8":
        fail(f"checkpoint served as {headers.get('Content-Type')}")
    text, _, signatures = body.decode("utf-8").rpartition("\n\n")
    text += "\n"
    origin, size, root = text.split("\n")[:3]
    lines = [line.split(" ") for line in signatures.strip("\n").split("\n")]
    return text, origin, int(size), base64.b64decode(root, validate=True), lines


def read_level(base, level, count):
    hashes = []
    for index, width in widths(count):
        path = f"{base}/tile/{level}/{tile_path(index)}" + ("" if width == WIDTH else f".p/{width}")
        body, headers = get(path)
        if len(body) != 32 * width:
            fail(f"{path}: {len(body)} bytes, not {32 * width}")
        if "immutable" not in headers.get("Cache-Control", ""):
            fail(f"{path}: Cache-Control {headers.get('Cache-Control')}")
        hashes += [body[i : i + 32] for i in range(0, len(body), 32)]
    return hashes


def read_entries(base, size):
    entries = []
    for index, width in widths(size):
        path = f"{base}/tile/entries/{tile_path(index)}" + ("" if width == WIDTH else f".p/{width}")
        data, _ = get(path, accept_gzip=True)
        position, before = 0, len(entries)
        while position < len(data):
            length = int.from_bytes(data[position : position + 2], "big")
            entries.append(data[position + 2 : position + 2 + length])
            position += 2 + length
        if position != len(data) or len(entries) - before != width:
            fail(f"{path}: {len(entries) - before} entries, not {width}")
    return entries


def decode(data):
    """One CBOR item, nothing behind it."""
    stream = io.BytesIO(data)
    value = cbor2.load(stream)
    if stream.read(1):
        fail("bytes behind a CBOR item")
    return value


def thumbprint(key):
    """RFC 9679: SHA-256 of the deterministic encoding of the required members of an OKP key."""
    return sha256(b"\xa3\x01\x01\x20\x06\x21\x58\x20" + key)


def verify_statement(entry, keys, index):
    tagged = decode(entry)
    if tagged.tag != 18:
        fail(f"entry {index}: tag {tagged.tag}")
    protected, unprotected, payload, signature = tagged.value
    if unprotected != {}:
        fail(f"entry {index}: unprotected header is not empty")
    header = decode(protected)
    key = keys.get(bytes(header[4]))
    if key is None:
        fail(f"entry {index}: signed by a key that entry 0 does not name ({bytes(header[4]).hex()})")
    message = cbor2.dumps(["Signature1", protected, b"", payload])
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        fail(f"entry {index}: bad signature")
    return header, payload


def keys_of(value):
    """Every 32-byte string in the genesis policy, as a possible key by its thumbprint."""
    found = {}
    if isinstance(value, bytes) and len(value) == 32:
        found[thumbprint(value)] = value
    elif isinstance(value, dict):
        for item in value.values():
            found.update(keys_of(item))
    elif isinstance(value, list):
        for item in value:
            found.update(keys_of(item))
    return found


def check_log_signature(text, origin, lines, keys):
    """signed-note: key ID = SHA-256(name || 0x0A || 0x01 || key)[:4]."""
    for key in keys.values():
        key_id = sha256(origin.encode() + b"\n\x01" + key)[:4]
        for _, name, blob in lines:
            raw = base64.b64decode(blob, validate=True)
            if name == origin and raw[:4] == key_id:
                try:
                    Ed25519PublicKey.from_public_bytes(key).verify(raw[4:], text.encode())
                except InvalidSignature:
                    fail("the log's signature on the checkpoint does not verify")
                return
    fail("no signature of the log on the checkpoint")


def main():
    base, genesis_leaf = sys.argv[1].rstrip("/"), sys.argv[2]
    text, origin, size, root, lines = read_checkpoint(base)
    passed(f"checkpoint of {origin}, size {size}")

    entries = read_entries(base, size)
    leaves = [sha256(b"\x00" + entry) for entry in entries]
    if leaves[0].hex() != genesis_leaf:
        fail(f"entry 0 has leaf hash {leaves[0].hex()}")
    passed(f"{len(entries)} entries from bundles, entry 0 is the genesis")

    level, hashes = 0, leaves
    while hashes:
        served = read_level(base, level, len(hashes))
        if served != hashes:
            fail(f"tiles of level {level} differ from what the entries give")
        passed(f"level {level}: {len(served)} hashes")
        hashes = [merkle_root(served[i : i + WIDTH]) for i in range(0, len(served) - WIDTH + 1, WIDTH)]
        level += 1
    if merkle_root(leaves) != root:
        fail("the root recomputed from the entries is not the checkpoint's")
    passed("root recomputed from the entries")

    genesis = decode(decode(entries[0]).value[2])
    keys = keys_of(genesis["data"])
    check_log_signature(text, origin, lines, keys)
    passed("the log's signature on the checkpoint")

    seals, since, clock = 0, 0, 0
    for index, entry in enumerate(entries):
        header, payload = verify_statement(entry, keys, index)
        since += 1
        if header.get(3) != "application/vnd.holdfast.event+cbor":
            continue
        event = decode(payload)
        if event["type"] != "log.seal":
            continue
        if event["data"]["statements"] != since - 1:
            fail(f"seal at {index} counts {event['data']['statements']} statements, there are {since - 1}")
        if event["seq"] != seals or event["time"] < clock:
            fail(f"seal at {index}: seq {event['seq']}, time {event['time']}")
        seals, since, clock = seals + 1, 0, event["time"]
    if since:
        fail("the published head does not end with a seal")
    passed(f"{size} signatures, {seals} seals, the head ends with a seal")


if __name__ == "__main__":
    main()
