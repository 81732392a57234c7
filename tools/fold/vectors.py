#!/usr/bin/env python3
"""Vectors of governance states, worked out by hand: fixtures/governance/derived.json.

    vectors.py            writes the file's text to standard output
    vectors.py --check    exits with 1 unless the file is what would be written

Each log below is written with this folder's own encoder and signatures, and beside each batch stands what the state is
after it: which keys changed, to what, and why, derived by people from spec/governance.md with that document at hand.
The root is the definition's (prefixtree.py) over the state that was written down. Then the fold of this folder has
to come to the same, entry by entry, and so has the log's own (GovernanceFixtureTests)."""

import json
import os
import sys

import cbor
import ed25519
import prefixtree
import tlog
from replay import Replay
from shapes import authority_name
from statement import Statement, leaf_hash, sha256, thumbprint

EVENT = "application/vnd.holdfast.event+cbor"
TIME = 1_790_000_000_000
FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "fixtures", "governance", "derived.json")


class Key:
    def __init__(self, number):
        self.seed = bytes([number]) * 32
        self.public = ed25519.public_key(self.seed)
        self.id = thumbprint(self.public)


CHECKPOINT, RECEIPT, STATEMENT, AUTHORITY, SECOND = (Key(number) for number in range(0xB0, 0xB5))
OPERATOR, GATE, RUNTIME, SPARE, SPARE_RECEIPT, SPARE_STATEMENT = (Key(number) for number in range(0xB5, 0xBB))
FOUNDER = "spiffe://example/founder"
OLGA, GUS, RON = "spiffe://example/olga", "spiffe://example/gus", "spiffe://example/ron"


def policy(origin, authorities, issuers, threshold=1, **more):
    return {
        "origin": origin,
        "logKeys": {"checkpoint": CHECKPOINT.public, "receipt": RECEIPT.public, "statement": STATEMENT.public},
        "authorities": [key.public for key in authorities], "threshold": threshold,
        "issuers": [{"issuer": issuer, "key": key.public, "roles": roles} for issuer, key, roles in issuers],
        "contentTypes": [], "allowUnwitnessed": True,
        "limits": {"maxEntryBytes": 4096, "maxSkew": 60_000, "maxBatch": 16, "maxStreamsPerIssuer": 2},
        "rates": {"perIssuer": {"perSecond": 10, "burst": 100}, "perAddress": {"perSecond": 10, "burst": 100}},
        **more,
    }


class Log:
    def __init__(self, name, about, first):
        self.name, self.about, self.policy = name, about, first
        self.entries, self.seals, self.state, self.reasons = [], [], {}, {}
        self.streams, self.statements, self.time, self.chain = {}, 0, TIME, (-1, None)
        self.add("policy.set", first, FOUNDER, AUTHORITY, stream="policy")
        self.put(["policy"], self.policy_record(first, 0), "entry 0 set it: digest over the policy's own encoding")
        for issuer in first["issuers"]:
            self.put(
                ["identity", issuer["issuer"], thumbprint(issuer["key"])],
                {"index": 0, "key": issuer["key"], "roles": issuer["roles"]}, "enrolled by the policy of entry 0")

    @staticmethod
    def policy_record(policy, index):
        return {"index": index, "digest": sha256(cbor.encode(policy)), "policy": policy}

    @property
    def size(self):
        return len(self.entries)

    def head(self, size):
        return {"size": size, "root": tlog.tree_root([leaf_hash(entry) for entry in self.entries[:size]])}

    def sign(self, event, issuer, subject, key):
        protected = cbor.encode({1: -8, 3: EVENT, 4: key.id, 15: {1: issuer, 2: subject}})
        payload = cbor.encode(event)
        signature = ed25519.sign(key.seed, cbor.encode(["Signature1", protected, b"", payload]))
        entry = cbor.encode(cbor.Tag(18, [protected, {}, payload, signature]))
        self.entries.append(entry)
        self.statements += 1
        return leaf_hash(entry)

    def add(self, type, data, issuer, key, stream="main"):
        """The next statement of a stream: its leaf hash. Streams change with each, as the table of keys says."""
        seq, prev = self.streams.get((issuer, stream), (-1, None))
        event = {"type": type, "stream": stream, "seq": seq + 1, "prev": prev, "time": self.time, "data": data}
        hash = self.sign(event, issuer, self.policy["origin"], key)
        if (issuer, stream) not in self.streams:
            self.put(["streams", issuer], 1 + sum(owner == issuer for owner, _ in self.streams), "its streams so far")
        self.streams[issuer, stream] = (seq + 1, hash)
        self.put(["stream", issuer, stream], [seq + 1, hash, self.size - 1], "seq, leaf hash and index of the newest")
        return hash

    def put(self, key, item, why):
        self.state[cbor.encode(key)] = item
        self.reasons[cbor.encode(key)] = why

    def change(self, key, why, **fields):
        self.put(key, {**self.state[cbor.encode(key)], **fields}, why)

    def gone(self, key):
        del self.state[cbor.encode(key)]

    def refusals(self, rows, others, seq, prev):
        """The log's own record of refusals."""
        event = {"type": "log.refusals", "stream": "log.refusals", "seq": seq, "prev": prev, "time": self.time,
                 "data": {"refusals": rows, "others": others}}
        return self.sign(event, self.policy["origin"], self.policy["origin"], STATEMENT)

    def seal(self, later=1000, key=STATEMENT):
        root = prefixtree.root(self.state)
        seq, prev = self.chain
        statements, index = self.statements, self.size
        hash = self.sign(
            {"type": "log.seal", "stream": "log.seal", "seq": seq + 1, "prev": prev, "time": self.time,
             "data": {"statements": statements, "stateRoot": root}},
            self.policy["origin"], self.policy["origin"], key)
        self.seals.append({
            "index": index, "time": self.time, "statements": statements, "stateRoot": root.hex(),
            "state": [{"key": place.hex(), "value": cbor.encode(item).hex(), "why": self.reasons[place]}
                      for place, item in sorted(self.state.items())],
        })
        self.statements, self.chain, self.time = 0, (seq + 1, hash), self.time + later

    def json(self):
        """Checked: the second fold comes to what was written down."""
        replay = Replay(signatures=True)
        seals = iter(self.seals)
        for entry in self.entries:
            if replay.append(entry):
                seal = next(seals)
                found = {key.hex(): cbor.encode(item).hex() for key, item in replay.fold.state.items()}
                assert found == {pair["key"]: pair["value"] for pair in seal["state"]}, (self.name, seal["index"])
                assert replay.root.hex() == seal["stateRoot"], (self.name, seal["index"])
        replay.finish()
        assert next(seals, None) is None
        return {
            "name": self.name, "about": self.about,
            "entries": [{"entry": entry.hex(), "leafHash": leaf_hash(entry).hex()} for entry in self.entries],
            "seals": self.seals,
        }


def tiny():
    log = Log("tiny", "A genesis of one authority and nobody else: a state of three keys, which tools/fold/derive-root "
              "derives with sha256sum alone.", policy("log.example/tiny", [AUTHORITY], []))
    log.seal()
    return log


def used_grant():
    """A counted grant, a permit on it, the start that takes the use, a step and the end."""
    log = Log(
        "used-grant", "A counted grant, a permit on it, the start that takes a use, a step, the end.",
        policy("log.example/used", [AUTHORITY], [
            (OLGA, OPERATOR, ["operator"]), (GUS, GATE, ["gate"]), (RON, RUNTIME, ["runtime"])]))
    log.seal()
    issue = {"subject": RON, "actions": ["sort"], "resources": ["inbox/*"], "conditions": {"uses": 2}, "delegations": 0}
    grant = log.add("grant.issue", issue, OLGA, OPERATOR)
    log.put(["grant", grant], {"index": 2, "issuer": OLGA, "grant": issue, "revoked": False}, "entry 2 issued it")
    log.seal()

    nonce, execution = bytes([1]) * 16, {"home": "log.example/used", "id": "run"}
    access = {"subject": RON, "action": "sort", "resource": "inbox/7"}
    permit = log.add("decision.record", {
        **access, "request": bytes(32), "nonce": nonce, "head": log.head(4),
        "expires": log.time + 500, "outcome": "permit", "reliesOn": [cbor.encode(["grant", grant])], "grant": grant,
    }, GUS, GATE)
    start = {"execution": execution, "permit": nonce, "parents": [], "input": sha256(b"in")}
    started = log.add("execution.start", start, RON, RUNTIME)
    # A use changes neither the grant nor what rests on it; the permit says who used it.
    log.put(["uses", grant], {"index": 5, "used": 1}, "the start of entry 5 took one")
    log.put(["decision", nonce], {
        "index": 5, "entry": permit, **access, "outcome": "permit", "expires": TIME + 2000 + 500, "grant": grant,
        "usedBy": 5}, "entry 4 recorded it, the start of entry 5 used it")
    log.put(["execution", "log.example/used", "run"], {
        "index": 5, "entry": started, "subject": RON, "start": start, "phase": "activated", "steps": 0},
        "started: permit and start happen together, from baseline by authorized to activated")
    log.seal()

    key = ["execution", "log.example/used", "run"]
    log.add("execution.step", {"execution": execution, "step": 0, "input": bytes(32), "output": bytes(32)}, RON, RUNTIME)
    log.add("execution.finish", {"execution": execution, "outcome": "executed", "output": sha256(b"out")}, RON, RUNTIME)
    log.change(
        key, "entry 7 was step 0 (executing), entry 8 the end (finish: proof-persisted)", index=8, steps=1,
        phase="proof-persisted", outcome="executed")
    log.seal()
    return log


def contained():
    """A runtime is contained, recovers, is revalidated and set free; the trust in a model is revoked for good."""
    log = Log(
        "contained", "A runtime is contained, recovers, is revalidated and set free; the trust in a model is revoked.",
        policy("log.example/contained", [AUTHORITY], [(OLGA, OPERATOR, ["operator"]), (GUS, GATE, ["gate"])]))
    log.seal()
    enrol = {"issuer": RON, "key": RUNTIME.public, "roles": ["runtime"], "measurements": [b"\x01\x02"]}
    log.add("identity.enroll", enrol, OLGA, OPERATOR)
    log.put(
        ["identity", RON, RUNTIME.id],
        {"index": 2, "key": RUNTIME.public, "roles": ["runtime"], "measurements": [b"\x01\x02"]}, "entry 2 enrolled it")
    scope, key = ["runtime", RON], ["containment", "runtime", RON]
    log.add("containment.enter", {"scope": scope, "reason": "telemetry-inconsistent"}, GUS, GATE)
    log.put(key, {"index": 3, "phase": "contained", "reason": "telemetry-inconsistent"}, "entry 3 contained it")
    log.seal()

    log.add("containment.recover", {"scope": scope}, OLGA, OPERATOR)
    nonce = bytes([2]) * 16
    decision = log.add("decision.record", {
        "subject": RON, "action": "sort", "resource": "inbox/7", "request": bytes(32), "nonce": nonce,
        "head": log.head(5), "expires": log.time, "outcome": "revalidate", "reliesOn": [],
        "scope": scope}, GUS, GATE)
    log.put(["decision", nonce], {
        "index": 6, "entry": decision, "subject": RON, "action": "sort", "resource": "inbox/7",
        "outcome": "revalidate", "expires": TIME + 2000}, "entry 6 recorded it")
    log.change(key, "entry 5: recovering, entry 6: revalidated; the reason stays", index=6, phase="revalidated")
    log.seal()

    log.add("containment.lift", {"scope": scope}, OLGA, OPERATOR)
    log.change(key, "entry 8 lifted it", index=8, phase="baseline")
    log.add("trust.revoke", {"scope": ["model", "m", "1"], "reason": "cryptographic-failure"}, OLGA, OPERATOR)
    log.put(
        ["containment", "model", "m", "1"], {"index": 9, "phase": "revoked", "reason": "cryptographic-failure"},
        "entry 9 revoked the trust, from baseline")
    log.seal()
    return log


def governed():
    """Two authorities change the policy and the log's keys and end the log; a key is rotated, another revoked."""
    issuers = [(OLGA, OPERATOR, ["operator"]), (RON, RUNTIME, ["runtime"])]
    first = policy("log.example/governed", [AUTHORITY, SECOND], issuers, threshold=2)
    log = Log("governed", "Two authorities change the policy, then the log's keys, and end the log; keys of others are "
              "rotated and left out; the log says what it refused.", first)
    one, two = authority_name(AUTHORITY.public), authority_name(SECOND.public)
    log.seal()

    # One approval is not enough: it waits.
    second = policy(
        "log.example/governed", [AUTHORITY, SECOND], [(RON, RUNTIME, ["runtime"])], threshold=2,
        governance={"lifters": [], "maxPermit": 1000, "maxLease": 500}, previous=sha256(cbor.encode(first)))
    log.add("policy.set", second, one, AUTHORITY)
    log.put(["approvals"], {
        "index": 2, "approvals": {AUTHORITY.id: [sha256(cbor.encode(second)), 2]}}, "the first of two approvals")
    log.seal()

    log.add("policy.set", second, two, SECOND)
    log.gone(["approvals"])
    log.put(["policy"], log.policy_record(second, 4), "entry 4 was the second approval")
    log.change(["identity", OLGA, OPERATOR.id], "the policy of entry 4 leaves it out", index=4, ending="policy")
    # The runtime rotates its own key: roles stay, the old key keeps its place with its ending.
    log.add("identity.rotate", {"keyID": RUNTIME.id, "newKey": SPARE.public}, RON, RUNTIME)
    log.change(["identity", RON, RUNTIME.id], "entry 5 rotated it away", index=5, ending="rotated")
    log.put(["identity", RON, SPARE.id], {"index": 5, "key": SPARE.public, "roles": ["runtime"]}, "its successor")
    record = log.refusals([[SPARE.id, "stream-fork", 3]], 1, 0, None)
    log.put(["refusals"], {"index": 6, "entry": record, "seq": 0, "time": log.time}, "the log's record, entry 6")
    log.seal()

    keys = {"checkpoint": CHECKPOINT.public, "receipt": SPARE_RECEIPT.public, "statement": SPARE_STATEMENT.public}
    rotation = {"logKeys": keys, "previous": sha256(cbor.encode(second))}
    log.add("log.rotate", rotation, one, AUTHORITY)
    log.add("log.rotate", rotation, two, SECOND)
    third = {**second, "logKeys": keys, "previous": sha256(cbor.encode(second))}
    log.put(["policy"], log.policy_record(third, 9), "entry 9: the policy before with the new keys")
    log.put(["logKey", RECEIPT.id], {"index": 9, "key": RECEIPT.public, "use": "receipt"}, "no longer the log's")
    log.put(["logKey", STATEMENT.id], {"index": 9, "key": STATEMENT.public, "use": "statement"}, "no longer the log's")
    log.seal()  # Still with the statement key before.

    freeze = {"successor": "log.example/next", "genesis": sha256(b"next")}
    log.add("log.freeze", freeze, two, SECOND)
    log.add("log.freeze", freeze, one, AUTHORITY)
    log.put(["frozen"], {"index": 12, **freeze}, "entry 12 was the second approval: the last statement")
    log.seal(key=SPARE_STATEMENT)
    return log


def text():
    logs = [make().json() for make in (tiny, used_grant, contained, governed)]
    about = (
        "Logs whose states were derived by hand from spec/governance.md, in tools/fold/vectors.py: each seal's state is "
        "given whole, with the reason for each value. Keys, values and entries are hex.")
    return json.dumps({"about": about, "logs": logs}, indent=1, ensure_ascii=False) + "\n"


def main():
    if sys.argv[1:] == ["--check"]:
        with open(FILE) as file:
            same = file.read() == text()
        print("derived states:", "as stored, and the second fold agrees" if same else "derived.json is not up to date")
        return 0 if same else 1
    if sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        return 2
    sys.stdout.write(text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
