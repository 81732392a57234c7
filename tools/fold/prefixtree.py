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
