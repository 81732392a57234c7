"""The root of a state: the prefix tree of spec/governance.md, "Merkle map", straight from its definition."""

import cbor
from statement import sha256


def root(state):
    """The root of a state, a dict from encoded keys to items."""
    leaves = []
    for key, item in state.items():
        place = sha256(key)
        bits = int.from_bytes(place, "big")
        leaves.append((bits, sha256(b"\x02", place, sha256(cbor.encode(item)))))
    return subtree(leaves, 0)


def subtree(leaves, depth):
    if not leaves:
        return bytes(32)
    if len(leaves) == 1:
        return leaves[0][1]
    mask = 1 << (255 - depth)
    left = subtree([leaf for leaf in leaves if not leaf[0] & mask], depth + 1)
    right = subtree([leaf for leaf in leaves if leaf[0] & mask], depth + 1)
    return sha256(b"\x03", left, right)


def proven_root(key, value, proof):
    """The root under which a map-proof of spec/event.cddl shows that the key (encoded) has the value (encoded), or with
    None is absent. Raises ValueError if it shows neither under any root."""
    kind, hashes, rest = proof[0], list(proof[1]), proof[2:]
    if len(hashes) > 256 or not all(isinstance(hash, bytes) and len(hash) == 32 for hash in hashes + rest):
        raise ValueError("not a map proof")
    place = sha256(key)
    bits = [int.from_bytes(place, "big") >> (255 - depth) & 1 for depth in range(len(hashes))]
    if kind == 1 and not rest and value is not None:
        hash = sha256(b"\x02", place, sha256(value))
    elif kind == 2 and len(rest) == 2 and value is None:
        other = int.from_bytes(rest[0], "big")
        if rest[0] == place or any(other >> (255 - depth) & 1 != bit for depth, bit in enumerate(bits)):
            raise ValueError("the other leaf is not where the search ends")
        hash = sha256(b"\x02", *rest)
    elif kind == 3 and not rest and value is None:
        hash = bytes(32)
    else:
        raise ValueError("the proof is of something else")
    # From left to right in the tree: what is left of the path from the top down, what is right of it from the bottom up.
    for bit in bits[::-1]:
        lefts = sum(bits)
        if bit:
            hash = sha256(b"\x03", hashes.pop(lefts - 1), hash)
        else:
            hash = sha256(b"\x03", hash, hashes.pop(lefts))
        bits.pop()
    return hash
