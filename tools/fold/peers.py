"""What a permit carries of a peer's state: spec/governance.md, "Grants of peers"."""

import cbor
import prefixtree
import shapes
import tlog
from shapes import Refused
from statement import Statement, leaf_hash, thumbprint

EVENT = "application/vnd.holdfast.event+cbor"


class Shown:
    """A peer's state as far as a proof shows it. What it does not show cannot be asked (`peer-proof`)."""

    def __init__(self, proof, record):
        """`record` is that of the peer in the state. Raises Refused unless all of the proof is under its recorded head."""
        self.origin = record["peer"]["origin"]
        try:
            self.values = self.verified(proof, record)
        except (cbor.Malformed, tlog.NotValid, KeyError, TypeError, ValueError, IndexError) as fault:
            raise Refused("peer-proof", str(fault)) from None
        except Refused as fault:
            raise Refused("peer-proof", fault.code) from None

    def verified(self, proof, record):
        parts = cbor.decode(proof)
        tlog.need(sorted(parts) == ["checkpoint", "path", "seal", "values"], "fields")
        shapes.array(shapes.hash, 0, 63)(parts["path"])
        tlog.need(isinstance(parts["values"], list) and 1 <= len(parts["values"]) <= 64, "values")
        keys = [key for key, _, _ in parts["values"]]
        tlog.need(all(a < b for a, b in zip(keys, keys[1:])), "order")
        self.check_head(tlog.Checkpoint(parts["checkpoint"]), record)
        head = record["head"]
        root = tlog.inclusion(head["size"] - 1, head["size"], leaf_hash(parts["seal"]), parts["path"])
        tlog.need(root == head["root"], "seal")
        seal = Statement(parts["seal"])
        state_root = self.root_in(seal)
        values = {}
        for key, value, map_proof in parts["values"]:
            tlog.need(prefixtree.proven_root(key, value, map_proof) == state_root, "map")
            values[key] = None if value is None else cbor.decode(value)
        key = values[cbor.encode(["policy"])]["policy"]["logKeys"]["statement"]
        tlog.need(seal.key_id == thumbprint(key) and seal.verify(key), "seal signature")
        return values

    def check_head(self, checkpoint, record):
        head, peer = record["head"], record["peer"]
        tlog.need(head["size"] > 0, "no head")
        tlog.need(checkpoint.origin == self.origin, "origin")
        policy = tlog.Policy(peer["policy"])
        policy.verify(checkpoint)
        tlog.need([checkpoint.size, checkpoint.root] == [head["size"], head["root"]], "another head")
        policy.verify(checkpoint, peer["stateQuorum"].encode())

    def root_in(self, seal):
        tlog.need(seal.content_type == EVENT and seal.issuer == seal.subject == self.origin, "not a seal")
        event = shapes.read_event(seal.payload)
        tlog.need(event["type"] == event["stream"] == "log.seal" and "trace" not in event, "not a seal")
        shapes.struct(statements=shapes.uint(), stateRoot=shapes.hash)(event["data"])
        return event["data"]["stateRoot"]

    def get(self, key):
        key = cbor.encode(key)
        if key not in self.values:
            raise Refused("peer-proof", f"not shown: {cbor.decode(key)}")
        return self.values[key]
