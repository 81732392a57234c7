"""Writes fixtures/audit and fixtures/mirror: expectations from RFC 6962 and C2SP's pages alone, no code of ours.

Run with the interpreter of tools/blackbox/run; the output is the same byte for byte each time.
"""

import base64
import hashlib
import json
import pathlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "fixtures"
ORIGIN = "fixture.example/audited"
COUNT = 700


def sha256(data):
    return hashlib.sha256(data).digest()


def leaf(entry):
    return sha256(b"\x00" + entry)


def tree(hashes):
    """RFC 6962, section 2.1, over leaf hashes."""
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return sha256(b"\x01" + tree(hashes[:k]) + tree(hashes[k:]))


def vkey(name, kind, public):
    """c2sp.org/signed-note: "<key name>+<hex key ID>+<base64 of type and key>"."""
    key_id = sha256(name.encode() + b"\n" + bytes([kind]) + public)[:4]
    return key_id, f"{name}+{key_id.hex()}+{base64.b64encode(bytes([kind]) + public).decode()}"


def public(key):
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def line(name, key_id, signature):
    return f"— {name} {base64.b64encode(key_id + signature).decode()}\n"


def tiles(leaves):
    """c2sp.org/tlog-tiles: path to content."""
    files, level, hashes = {}, 0, leaves
    while hashes:
        for index in range(0, (len(hashes) + 255) // 256):
            part = hashes[index * 256 : index * 256 + 256]
            suffix = "" if len(part) == 256 else f".p/{len(part)}"
            files[f"tile/{level}/{index:03d}{suffix}"] = part
        hashes = [tree(hashes[at : at + 256]) for at in range(0, len(hashes) // 256 * 256, 256)]
        level += 1
    return files


def damage(kind, place, expected, found, index=None):
    value = {"kind": kind, "place": place}
    if index is not None:
        value["index"] = index
    return {**value, "expected": expected, "found": found}


def write(path, value):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def main():
    log_key = Ed25519PrivateKey.from_private_bytes(bytes([31]) * 32)
    entries = [f"entry {number}".encode() for number in range(COUNT)]
    leaves = [leaf(entry) for entry in entries]
    body = f"{ORIGIN}\n{COUNT}\n{base64.b64encode(tree(leaves)).decode()}\n"
    key_id, log_vkey = vkey(ORIGIN, 1, public(log_key))
    checkpoint = body + "\n" + line(ORIGIN, key_id, log_key.sign(body.encode()))

    files = tiles(leaves)
    cases = [{"name": "nothing is damaged", "changes": [], "verdict": "clean", "damage": []}]

    def case(name, changes, *found):
        cases.append({"name": name, "changes": changes, "verdict": "damaged", "damage": list(found)})

    # An entry in a bundle: two bytes of length before each.
    def entry_change(number):
        first = number // 256 * 256
        at = sum(2 + len(entry) for entry in entries[first:number]) + 2
        changed = bytearray(entries[number])
        changed[0] ^= 1
        width = min(256, COUNT - first)
        path = f"tile/entries/{first // 256:03d}" + ("" if width == 256 else f".p/{width}")
        found = damage("entry", path, leaves[number].hex(), leaf(bytes(changed)).hex(), number)
        return {"path": path, "offset": at, "xor": 1}, found

    for number in (0, 255, 256, 699):
        change, found = entry_change(number)
        case(f"one bit of entry {number}", [change], found)

    # A position of a tile.
    def tile_change(path, position):
        right = files[path][position]
        wrong = bytearray(right)
        wrong[5] ^= 1
        found = damage("tile", path, right.hex(), wrong.hex(), position)
        return {"path": path, "offset": position * 32 + 5, "xor": 1}, found

    for path, position in (("tile/0/000", 0), ("tile/0/001", 255), ("tile/0/002.p/188", 187), ("tile/1/000.p/2", 1)):
        change, found = tile_change(path, position)
        case(f"one bit of {path}, position {position}", [change], found)

    for path in ("tile/0/001", "tile/1/000.p/2"):
        case(f"{path} is missing", [{"path": path, "remove": True}],
             damage("tile", path, tree(files[path]).hex(), None))
    for path, width in (("tile/entries/001", 256), ("tile/entries/002.p/188", 188)):
        case(f"{path} is missing", [{"path": path, "remove": True}],
             damage("bundle", path, f"{width} entries", None))

    edge, edge_found = tile_change("tile/1/000.p/2", 0)
    tile, tile_found = tile_change("tile/0/001", 9)
    entry, entry_found = entry_change(300)
    case("the edge, a tile, and an entry below the same tile", [edge, tile, entry], edge_found, tile_found, entry_found)

    write(FIXTURES / "audit" / "damage.json", {
        "comment": "A log of 700 entries 'entry 0' ... 'entry 699', as tlog-tiles files; what an audit of its content "
                   "finds after each change (spec/audit.md). Made by tools/blackbox/make_mirror_fixtures.py.",
        "vkey": log_vkey, "entries": COUNT, "checkpoint": checkpoint, "root": tree(leaves).hex(), "cases": cases,
    })

    mirror_key = Ed25519PrivateKey.from_private_bytes(bytes([32]) * 32)
    name, time = "mirror.example/m1", 1_800_000_000
    mirror_id, mirror_vkey = vkey(name, 4, public(mirror_key))
    signature = mirror_key.sign(f"cosignature/v1\ntime {time}\n{body}".encode())
    write(FIXTURES / "mirror" / "cosigned.json", {
        "comment": "What a mirror puts into its directory as 'checkpoint' (spec/mirror.md): the log's checkpoint and its "
                   "own line. Made by tools/blackbox/make_mirror_fixtures.py.",
        "seed": (bytes([32]) * 32).hex(), "name": name, "vkey": mirror_vkey, "time": time,
        "log": log_vkey, "checkpoint": checkpoint,
        "cosigned": checkpoint + line(name, mirror_id, time.to_bytes(8, "big") + signature),
    })


main()
