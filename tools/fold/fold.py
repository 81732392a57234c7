#!/usr/bin/env python3
"""The second fold of Holdfast's logs: slow, obvious, and written from spec/governance.md alone.

    fold.py log DIRECTORY [--signatures]   fold an exported log (tlog-tiles); a line for each batch: size, time, root
    fold.py entries FILE [--signatures]    the same for a file with an entry in hex on each line
    fold.py sequences [FILE]               fold what fold-sequences wrote and compare every admission and every root

Exit status: 0 if all is as it should be, 1 if something is refused or differs, 2 for a fault in the call."""

import os
import re
import sys

import cbor
import prefixtree
import tlog
from replay import Replay, check_genesis
from rules import Fold
from shapes import Refused, read_event
from statement import Statement, leaf_hash


def fold_entries(entries, signatures):
    replay = Replay(signatures)
    try:
        for entry in entries:
            if replay.append(entry):
                print(replay.size, replay.last_seal[2], replay.root.hex())
        replay.finish()
    except Refused as refusal:
        print(f"refused at size {replay.size}: {refusal.code} {refusal.why}".rstrip())
        return 1
    return 0


def describe(item, depth=0):
    if isinstance(item, bytes):
        return item.hex()[:16] + ("…" if len(item) > 8 else "")
    if isinstance(item, dict):
        return "{" + ", ".join(f"{key}: {describe(value, depth + 1)}" for key, value in item.items()) + "}"
    if isinstance(item, list):
        return "[" + ", ".join(describe(element, depth + 1) for element in item) + "]"
    return str(item)


class Sequence:
    """One log of a file of sequences, line by line."""

    def __init__(self, name):
        self.name = name
        self.fold = None
        self.size = self.time = self.statements = 0
        self.reached = {}

    def line(self, word, rest):
        if word == "genesis":
            statement = Statement(bytes.fromhex(rest))
            check_genesis(statement, False)
            self.fold = Fold(statement)
            self.size = 1
        elif word == "batch":
            self.time = int(rest)
        elif word == "refusals":
            word, _, rest = rest.partition(" ")
            self.candidate(word, bytes.fromhex(rest), is_refusals=True)
        elif word == "seal":
            self.seal(bytes.fromhex(rest))
        else:
            self.candidate(word, bytes.fromhex(rest))

    def candidate(self, expected, entry, is_refusals=False):
        statement = Statement(entry)
        self.statements += 1
        try:
            (self.fold.record_refusals if is_refusals else self.fold.admit)(statement, self.size, self.time)
            found = "ok"
            self.size += 1
            self.fold.leaves.append(statement.leaf_hash)
        except Refused as refusal:
            found = refusal.code
        if found != expected:
            raise Difference(f"{self.where(statement)}: Swift says {expected}, Python says {found}")
        self.reached[found] = self.reached.get(found, 0) + 1

    def where(self, statement):
        try:
            event = read_event(statement.payload)
            return f"entry {self.size} by {statement.issuer}, {event['type']} {describe(event['data'])}"
        except Refused:
            return f"entry {self.size} by {statement.issuer}"

    def seal(self, entry):
        data = cbor.decode(cbor.decode(entry).item[2])["data"]
        root = prefixtree.root(self.fold.state)
        if root != data["stateRoot"]:
            raise Difference(f"the root below entry {self.size}: Swift says {data['stateRoot'].hex()}, Python {root.hex()}")
        self.size += 1
        self.fold.leaves.append(leaf_hash(entry))
        self.fold.sealed.add(self.size)
        self.fold.batch_start = self.size
        self.reached["batches"] = self.reached.get("batches", 0) + 1


class Difference(Exception):
    pass


def fold_sequences(lines):
    sequence, differences, statements, logs, reached = None, [], 0, 0, {}

    def close():
        nonlocal statements
        if sequence:
            statements += sequence.statements
            for code, count in sequence.reached.items():
                reached[code] = reached.get(code, 0) + count
    skip = False
    for line in lines:
        word, _, rest = line.rstrip("\n").partition(" ")
        if word == "log":
            close()
            sequence, skip = Sequence(rest), False
            logs += 1
        elif not skip:
            try:
                sequence.line(word, rest)
            except Difference as difference:
                differences.append(f"log {sequence.name}: {difference}")
                skip = True
    close()
    for difference in differences:
        print(difference)
    for code, count in sorted(reached.items(), key=lambda pair: -pair[1]):
        print(f"  {code} {count}")
    # The specification's rules: a long run that never meets one of them tests less than it should.
    unmet = [rule for rule in rules_of_specification() if rule not in reached]
    if unmet:
        print("  not met:", " ".join(unmet))
    print(f"{statements} candidates in {logs} logs, {len(differences)} differences")
    return 1 if differences or not statements or (unmet and statements > 40_000) else 0


def rules_of_specification():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "spec", "governance.md")
    with open(path) as file:
        section = file.read().split("### Rules of the types\n")[1].split("\n#")[0]
    return re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE)


def main(arguments):
    signatures = "--signatures" in arguments
    words = [word for word in arguments if word != "--signatures"]
    if len(words) == 2 and words[0] == "log":
        checkpoint, entries = tlog.entries_of(words[1])
        if tlog.tree_root([leaf_hash(entry) for entry in entries]) != checkpoint.root:
            print("the entries are not those of the checkpoint")
            return 1
        return fold_entries(entries, signatures)
    if len(words) == 2 and words[0] == "entries":
        with open(words[1]) as file:
            return fold_entries([bytes.fromhex(line) for line in file], signatures)
    if words[:1] == ["sequences"] and len(words) <= 2:
        if len(words) == 1:
            return fold_sequences(sys.stdin)
        with open(words[1]) as file:
            return fold_sequences(file)
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
