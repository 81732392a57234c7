"""A whole log: spec/governance.md, "Genesis" and "Sealed batches"."""

import cbor
import prefixtree
import shapes
from rules import EVENT, Fold
from shapes import Refused, refuse_unless
from statement import Statement, thumbprint


def check_genesis(statement, signatures):
    refuse_unless(statement.content_type == EVENT, "content-type")
    event = shapes.read_event(statement.payload)
    refuse_unless(event["type"] == "policy.set", "type")
    refuse_unless(event["stream"] == "policy" and event["seq"] == 0, "place")
    policy = event["data"]
    shapes.check_policy(policy)
    refuse_unless("previous" not in policy, "previous")
    refuse_unless(shapes.is_uri(statement.issuer), "issuer")
    refuse_unless(statement.subject == policy["origin"], "subject")
    signer = [key for key in policy["authorities"] if thumbprint(key) == statement.key_id]
    refuse_unless(signer, "not-an-authority")
    refuse_unless(not signatures or statement.verify(signer[0]), "bad-signature")
    refuse_unless(len(statement.entry) <= policy["limits"]["maxEntryBytes"], "too-large")


class Replay:
    """Takes the entries of a log one by one. `root` is the state's after the newest seal."""

    def __init__(self, signatures=False):
        self.signatures = signatures
        self.size = 0
        self.fold = None
        self.pending = []
        self.last_seal = None
        self.root = None

    def append(self, entry):
        """Raises Refused at the first entry that is not as the specification has it; True after a seal."""
        try:
            statement = Statement(entry)
        except (cbor.Malformed, KeyError, TypeError, ValueError) as fault:
            raise Refused("not-a-statement", str(fault)) from None
        is_seal = False
        if self.fold is None:
            check_genesis(statement, self.signatures)
            self.fold = Fold(statement)
            self.pending.append(None)
        elif statement.key_id == thumbprint(self.fold.policy["logKeys"]["statement"]):
            is_seal = self.take_own(statement)
        else:
            self.check_going_on()
            refuse_unless(
                len(self.pending) < self.fold.policy["limits"]["maxBatch"], "batch-too-large", f"entry {self.size}")
            self.pending.append((self.size, statement, False))
        if self.size > 0:
            self.fold.leaves.append(statement.leaf_hash)
        self.size += 1
        return is_seal

    def check_going_on(self):
        """Nothing comes after the seal of a frozen log, and after a record of refusals only a seal."""
        refuse_unless(not self.fold.get(["frozen"]), "frozen")
        refuse_unless(not self.pending or self.pending[-1] is None or not self.pending[-1][2], "refusals-place")

    def take_own(self, statement):
        """True for a seal."""
        refuse_unless(not self.fold.get(["frozen"]), "frozen")
        if self.signatures:
            refuse_unless(statement.verify(self.fold.policy["logKeys"]["statement"]), "bad-signature")
        origin = self.fold.origin
        refuse_unless(statement.content_type == EVENT, "content-type")
        refuse_unless(statement.issuer == origin and statement.subject == origin, "issuer")
        event = shapes.read_event(statement.payload)
        refuse_unless("trace" not in event, "unknown-field")
        if event["type"] != "log.refusals":
            self.take_seal(statement)
            return True
        self.check_going_on()
        refuse_unless(event["stream"] == "log.refusals", "not-a-seal")
        shapes.REFUSALS(event["data"])
        self.pending.append((self.size, statement, True))
        return False

    def take_seal(self, statement):
        event = shapes.read_event(statement.payload)
        refuse_unless(event["type"] == "log.seal" and event["stream"] == "log.seal", "not-a-seal")
        shapes.struct(statements=shapes.uint(), stateRoot=shapes.hash)(event["data"])
        seq, prev, time = self.last_seal or (-1, None, 0)
        refuse_unless(event["seq"] == seq + 1 and event["prev"] == prev, "seal-chain")
        refuse_unless(event["data"]["statements"] == len(self.pending), "seal-count")
        refuse_unless(event["time"] >= time, "time-backwards")
        for index, pending, is_refusals in filter(None, self.pending):
            self.admit(pending, index, event["time"], is_refusals)
        self.root = prefixtree.root(self.fold.state)
        refuse_unless(event["data"]["stateRoot"] == self.root, "state-root", f"entry {self.size}: {self.root.hex()}")
        self.last_seal = (event["seq"], statement.leaf_hash, event["time"])
        self.pending = []
        self.fold.batch_start = self.size + 1
        self.fold.sealed.add(self.size + 1)

    def admit(self, statement, index, time, is_refusals):
        if self.signatures and not is_refusals:
            key = self.key_of(statement)
            refuse_unless(key is None or statement.verify(key), "bad-signature", f"entry {index}")
        try:
            (self.fold.record_refusals if is_refusals else self.fold.admit)(statement, index, time)
        except Refused as refusal:
            raise Refused(refusal.code, f"entry {index}") from None

    def key_of(self, statement):
        for key in self.fold.policy["authorities"]:
            if thumbprint(key) == statement.key_id:
                return key
        known = self.fold.identity(statement.key_id)
        return known[1]["key"] if known else None

    def finish(self):
        refuse_unless(not self.pending, "unsealed")
