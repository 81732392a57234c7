"""What the fold needs of other logs' formats: notes, checkpoints, tlog-policies and consistency proofs (spec/tlog.md and
the C2SP documents it names); and the tiles of a log of our own, for reading it from a directory."""

import base64
import os

import ed25519
from statement import sha256

# Unicode's White_Space, written out in spec/governance.md so that nobody's version of Unicode matters.
SPACES = (set(range(0x09, 0x0E)) | {0x20, 0x85, 0xA0, 0x1680} | set(range(0x2000, 0x200B))
          | {0x2028, 0x2029, 0x202F, 0x205F, 0x3000})


class NotValid(Exception):
    pass


def need(condition, what="not valid"):
    if not condition:
        raise NotValid(what)


def is_key_name(text):
    return text != "" and all(c != "+" and ord(c) >= 0x20 and ord(c) not in SPACES for c in text)


def strict_base64(text):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise NotValid("base64") from None
    need(base64.b64encode(data).decode() == text, "base64")
    return data


def strict_decimal(text):
    need(text.isascii() and text.isdigit() and str(int(text)) == text, "decimal")
    return int(text)


class Note:
    """c2sp.org/signed-note."""

    def __init__(self, data):
        need(len(data) <= 131_072)
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            raise NotValid("utf-8") from None
        need(not any(ord(c) < 0x20 and c != "\n" for c in text))
        body, separator, signatures = text.rpartition("\n\n")
        need(separator and text.endswith("\n"))
        self.text = body + "\n"
        self.signatures = []
        for line in signatures[:-1].split("\n"):
            parts = line.split(" ")
            need(len(parts) == 3 and parts[0] == "\u2014" and is_key_name(parts[1]), "signature line")
            blob = strict_base64(parts[2])
            need(len(blob) > 4, "signature line")
            self.signatures.append((parts[1], blob[:4], blob[4:]))
        need(1 <= len(self.signatures) <= 100)

    def by(self, key):
        return [blob for name, key_id, blob in self.signatures if name == key.name and key_id == key.key_id]


class Checkpoint:
    """c2sp.org/tlog-checkpoint."""

    def __init__(self, data):
        self.note = Note(data)
        lines = self.note.text[:-1].split("\n")
        need(len(lines) >= 3 and all(lines))
        need(is_key_name(lines[0]))
        self.origin = lines[0]
        self.size = strict_decimal(lines[1])
        need(self.size < 1 << 63)
        self.root = strict_base64(lines[2])
        need(len(self.root) == 32)


class VerifierKey:
    """c2sp.org/signed-note: <name>+<key ID>+<base64 of type and key>."""

    def __init__(self, text):
        parts = text.split("+", 2)
        need(len(parts) == 3 and is_key_name(parts[0]))
        self.name = parts[0]
        blob = strict_base64(parts[2])
        need(len(blob) == 33)
        self.type, self.key = blob[0], blob[1:]
        self.key_id = sha256(self.name.encode() + b"\n" + blob)[:4]
        need(parts[1] == self.key_id.hex())
        need(ed25519.fault_of_key(self.key) is None)


class Policy:
    """c2sp.org/tlog-policy."""

    def __init__(self, text):
        data = text.encode("utf-8")
        need(len(data) <= 1 << 20 and (not data or data.endswith(b"\n")))
        self.logs, self.witnesses, self.groups, self.quorum = [], {}, {}, None
        for line in data[:-1].split(b"\n") if data else []:
            need(all(b >= 0x20 and b != 0x7F or b == 9 for b in line))
            words = line.replace(b"\t", b" ").split(b" ")
            words = [word for word in words if word]
            if words and not words[0].startswith(b"#"):
                self.line(words)
        need(self.quorum is not None)

    def line(self, words):
        keyword, words = words[0], words[1:]
        if keyword == b"log":
            need(1 <= len(words) <= 2)
            key = self.key(words[0], 1)
            need(all(key.key != other.key for other in self.logs) and len(self.logs) < 256)
            self.logs.append(key)
        elif keyword == b"witness":
            need(2 <= len(words) <= 3 and self.is_new(words[0]))
            key = self.key(words[1], 4)
            need(all(key.key != other.key for other in self.witnesses.values()) and len(self.witnesses) < 256)
            self.witnesses[words[0]] = key
        elif keyword == b"group":
            need(len(words) >= 3 and self.is_new(words[0]))
            members = words[2:]
            taken = [member for _, others in self.groups.values() for member in others]
            need(all(not self.is_new(member) and member != b"none" for member in members))
            need(len(set(members + taken)) == len(members + taken) and len(self.groups) < 256)
            threshold = {b"any": 1, b"all": len(members)}.get(words[1])
            if threshold is None:
                threshold = strict_decimal(words[1].decode("latin-1"))
            need(1 <= threshold <= len(members))
            self.groups[words[0]] = (threshold, members)
        elif keyword == b"quorum":
            need(len(words) == 1 and self.quorum is None)
            need(words[0] == b"none" or not self.is_new(words[0]))
            self.quorum = words[0]
        else:
            raise NotValid("keyword")

    def is_new(self, name):
        return name != b"none" and name not in self.witnesses and name not in self.groups

    @staticmethod
    def key(word, type):
        try:
            key = VerifierKey(word.decode("utf-8"))
        except UnicodeDecodeError:
            raise NotValid("utf-8") from None
        need(key.type == type)
        return key

    def verify(self, checkpoint, quorum=None):
        """Raises unless one of the logs signed the checkpoint and the quorum, or this witness or group, cosigned it."""
        quorum = quorum or self.quorum
        signed = False
        for key in self.logs:
            if key.name == checkpoint.origin:
                for blob in checkpoint.note.by(key):
                    need(ed25519.verify(key.key, checkpoint.note.text.encode(), blob), "log signature")
                    signed = True
        need(signed, "no log signed it")
        have = set()
        for name, key in self.witnesses.items():
            for blob in checkpoint.note.by(key):
                need(len(blob) == 72, "cosignature")
                seconds = int.from_bytes(blob[:8], "big")
                need(seconds < 1 << 63, "cosignature")
                message = f"cosignature/v1\ntime {seconds}\n{checkpoint.note.text}".encode()
                need(ed25519.verify(key.key, message, blob[8:]), "cosignature")
                have.add(name)
        for name, (threshold, members) in self.groups.items():
            if sum(member in have for member in members) >= threshold:
                have.add(name)
        need(quorum == b"none" or quorum in have, "quorum")


def node(left, right):
    return sha256(b"\x01", left, right)


def consistency(old_size, old_root, new_size, new_root, path):
    """RFC 9162 section 2.1.4.2, and spec/tlog.md for the empty tree and equal sizes."""
    need(old_size <= new_size, "sizes")
    if old_size == new_size:
        need(not path and old_root == new_root, "equal sizes")
        return
    if old_size == 0:
        need(not path and old_root == sha256(), "empty tree")
        return
    path = list(path)
    if old_size & old_size - 1 == 0:
        path = [old_root] + path
    need(path, "path")
    first, second = old_size - 1, new_size - 1
    while first & 1:
        first, second = first >> 1, second >> 1
    from_old = from_new = path[0]
    for hash in path[1:]:
        need(second != 0, "path too long")
        if first & 1 or first == second:
            from_old, from_new = node(hash, from_old), node(hash, from_new)
            while not first & 1 and first:
                first, second = first >> 1, second >> 1
        else:
            from_new = node(from_new, hash)
        first, second = first >> 1, second >> 1
    need(second == 0 and from_old == old_root and from_new == new_root, "roots")


def inclusion(index, size, leaf, path):
    """The root that a path leads to: RFC 9162 section 2.1.3.2."""
    need(index < size, "index")
    hash = leaf
    last = size - 1
    for other in path:
        need(last != 0, "path too long")
        if index & 1 or index == last:
            hash = node(other, hash)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            hash = node(hash, other)
        index, last = index >> 1, last >> 1
    need(last == 0, "path too short")
    return hash


def tree_root(leaves):
    """RFC 6962 section 2.1."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return node(tree_root(leaves[:half]), tree_root(leaves[half:]))


def bundle_path(index):
    """tlog-tiles: groups of three digits, all but the last with an x."""
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03d}")
    return os.path.join(*groups)


def entries_of(directory):
    """The entries of an exported log: `checkpoint` and the bundles under `tile/entries`."""
    with open(os.path.join(directory, "checkpoint"), "rb") as file:
        checkpoint = Checkpoint(file.read())
    entries = []
    for index in range((checkpoint.size + 255) // 256):
        width = min(256, checkpoint.size - 256 * index)
        path = os.path.join(directory, "tile", "entries", bundle_path(index))
        if width < 256 and not os.path.exists(path):
            path = f"{path}.p/{width}"
        with open(path, "rb") as file:
            data = file.read()
        for _ in range(width):
            length = int.from_bytes(data[:2], "big")
            entries.append(data[2 : 2 + length])
            data = data[2 + length :]
    return checkpoint, entries
