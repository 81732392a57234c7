"""The governance state as a stranger reads it: lists over HTTP, and state proofs checked with hashes alone."""

import base64
import hashlib
import json
import time
import urllib.parse

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from harness import Log, Signer, holdfast, leaf_hash, tree_head

ORIGIN = "example.com/blackbox"
ZERO = bytes(32)


def sha256(data):
    return hashlib.sha256(data).digest()


def quoted(text):
    return urllib.parse.quote(text, safe="")


class Domain:
    """A log with an operator who is also a runtime, a registrar and a gate, enrolled by statements."""

    def __init__(self):
        self.operator = Signer("spiffe://example.org/operator")
        self.registrar = Signer("spiffe://example.org/registrar")
        self.gate = Signer("spiffe://example.org/gate")
        self.log = Log([self.operator])
        self.log.start()
        for signer, role in ((self.registrar, "registrar"), (self.gate, "gate")):
            self.say(self.operator, "identity.enroll", issuer=signer.issuer, key=signer.public, roles=[role])

    def say(self, signer, kind, /, **data):
        """Registers one event and answers its leaf hash."""
        body = {
            "type": kind, "stream": signer.stream, "seq": signer.seq, "prev": signer.prev,
            "time": int(time.time() * 1000), "data": data,
        }
        statement = signer.sign(cbor2.dumps(body, canonical=True))
        status, answer, headers = self.log.submit(statement)
        assert status == 201, (kind, status, answer)
        signer.follow(statement)
        self.index = int(headers["Holdfast-Index"])
        return leaf_hash(statement)

    def json(self, path):
        status, body, headers = self.log.get(path, Accept="application/json")
        assert status == 200 and headers["Content-Type"] == "application/json", (path, status, body)
        return json.loads(body)

    def items(self, path):
        found = []
        while path:
            page = self.json(path)
            found += page["items"]
            path = page["next"]
        return found

    def size(self):
        return int(self.log.checkpoint().split(b"\n")[1])

    def permit(self, number, grant, **more):
        """A permit for the operator, judged on the newest head, and its nonce."""
        nonce = bytes([number]) * 16
        size, root = tree_head(self.log.checkpoint())
        self.say(
            self.gate, "decision.record", request=ZERO, nonce=nonce, head={"size": size, "root": base64.b64decode(root)},
            expires=int(time.time() * 1000) + 60_000, outcome="permit", subject=self.operator.issuer, action="sort",
            resource="inbox/1", reliesOn=[cbor2.dumps(["grant", grant])], grant=grant, **more,
        )
        return nonce


# What the specification says a proof proves, written from spec/governance.md and spec/state-proof.cddl.


def map_root(key, value, proof):
    """The root that the proof leads to. value None: the key is absent."""
    place = sha256(key)
    bits = [place[n // 8] >> (7 - n % 8) & 1 for n in range(256)]
    kind, hashes = proof[0], proof[1]
    if value is not None:
        assert kind == 1, "a proof of absence for a key that is there"
        node = sha256(b"\x02" + place + sha256(value))
    elif kind == 2:
        other = proof[2]
        assert other != place and all(other[n // 8] >> (7 - n % 8) & 1 == bits[n] for n in range(len(hashes)))
        node = sha256(b"\x02" + other + proof[3])
    else:
        assert kind == 3, "a proof of presence for a key that is not there"
        node = ZERO
    # The hashes are from left to right in the tree: those left of the path first, from the top down; then those
    # right of it, from the bottom up.
    left = [n for n in range(len(hashes)) if bits[n]]
    right = [n for n in reversed(range(len(hashes))) if not bits[n]]
    beside = dict(zip(left + right, hashes))
    for depth in reversed(range(len(hashes))):
        pair = beside[depth] + node if bits[depth] else node + beside[depth]
        node = sha256(b"\x03" + pair)
    return node


def tree_root(leaf, index, size, path):
    """RFC 9162 section 2.1.3.2."""
    assert index < size
    fn, sn, node = index, size - 1, leaf
    for sibling in path:
        assert sn != 0
        if fn & 1 or fn == sn:
            node = sha256(b"\x01" + sibling + node)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            node = sha256(b"\x01" + node + sibling)
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0
    return node


def verify(proof, policy):
    """From the value to the checkpoint's signature; answers the decoded value, or None for absence."""
    seal = cbor2.loads(proof["seal"])
    protected, _, payload, signature = seal.value
    message = cbor2.dumps(["Signature1", protected, b"", payload])
    Ed25519PublicKey.from_public_bytes(policy["logKeys"]["statement"]).verify(signature, message)
    event = cbor2.loads(payload)
    assert event["type"] == "log.seal"
    assert map_root(proof["key"], proof["value"], proof["proof"]) == event["data"]["stateRoot"]

    text, _, signatures = proof["checkpoint"].partition(b"\n\n")
    origin, size, root = text.decode().split("\n")
    assert origin == ORIGIN
    blob = base64.b64decode(signatures.decode().split("\n")[0].rsplit(" ", 1)[1])
    Ed25519PublicKey.from_public_bytes(policy["logKeys"]["checkpoint"]).verify(blob[4:], text + b"\n")
    found = tree_root(sha256(b"\x00" + proof["seal"]), proof["index"], int(size), proof["path"])
    assert found == base64.b64decode(root)
    return None if proof["value"] is None else cbor2.loads(proof["value"])


def state_proof(domain, key, size=None):
    kind = "application/vnd.holdfast.state-proof+cbor"
    status, body, headers = domain.log.get(f"/state/{key}" + (f"?size={size}" if size else ""), Accept=kind)
    assert status == 200 and headers["Content-Type"] == kind, (key, status, body)
    return cbor2.loads(body)


def genesis_policy(log):
    statement = cbor2.loads(log.get("/genesis", Accept="application/cose")[1])
    return cbor2.loads(statement.value[2])["data"]


def test_every_list():
    """what is said in a log is in its lists, each item with its entry and the key to prove it"""
    domain = Domain()
    operator = domain.operator
    try:
        assert domain.json("/policy")["digest"] == sha256(
            cbor2.dumps(genesis_policy(domain.log), canonical=True)
        ).hex()
        issuers = {item["issuer"] for item in domain.items("/identities?limit=1")}
        assert issuers == {s.issuer for s in (operator, domain.registrar, domain.gate)}
        gate = domain.json("/identities/" + quoted(domain.gate.issuer))["items"][0]
        assert gate["keyID"] == domain.gate.kid.hex() and gate["roles"] == ["gate"] and gate["inForce"]

        model = {"name": "mail sorter", "version": "1"}
        domain.say(
            domain.registrar, "model.register", model=model, manifest={"weights": ZERO},
            scope={"actions": ["sort"], "purposes": ["mail"]},
        )
        digest = bytes.fromhex(domain.json("/policy")["digest"])
        domain.say(operator, "model.approve", model=model, policy=digest)
        assert domain.json("/models/mail%20sorter/1")["usable"]

        grant = domain.say(
            operator, "grant.issue", subject=operator.issuer, actions=["sort"], resources=["inbox/*"],
            conditions={"uses": 3}, delegations=0,
        )
        runs = []
        for number, parents in enumerate(([], [0], [0])):
            nonce = domain.permit(number, grant, model=model, purpose="mail")
            execution = {"home": ORIGIN, "id": f"run {number}"}
            domain.say(
                operator, "execution.start", execution=execution, permit=nonce, model=model, input=ZERO,
                parents=[runs[parent] for parent in parents],
            )
            runs.append(execution)
        spent = domain.json(f"/grants/{grant.hex()}")
        assert spent["remainingUses"] == 0 and spent["notInForce"][0]["rule"] == "grant-uses", spent
        domain.say(operator, "execution.finish", execution=runs[1], outcome="executed", output=ZERO)
        run = domain.json(f"/executions/{quoted(ORIGIN)}/run%201")
        assert run["outcome"] == "executed" and run["phase"] == "proof-persisted"
        assert run["permit"]["grant"] == grant.hex() and run["model"]["status"] == "approved"

        lineage = domain.json(f"/executions/{quoted(ORIGIN)}/run%200/lineage")
        names = [node["execution"]["id"] for node in lineage["nodes"]]
        edges = {(names[edge["parent"]], names[edge["child"]]) for edge in lineage["edges"]}
        assert edges == {("run 0", "run 1"), ("run 0", "run 2")} and not lineage["cut"]

        domain.say(operator, "containment.enter", scope=["runtime", operator.issuer], reason="state-divergence")
        contained = domain.items("/containments")
        assert [item["scope"] for item in contained] == [["runtime", operator.issuer]]
        assert contained[0]["index"] == domain.index
        assert domain.items("/peers") == [] and domain.items("/routes") == []

        starts = domain.items("/statements?type=execution.start&limit=2")
        assert [item["issuer"] for item in starts] == [operator.issuer] * 3
        assert starts[0]["index"] > starts[1]["index"] > starts[2]["index"]
        for item in starts:
            status, _, headers = domain.log.get(f"/entries/{item['leafHash']}", Accept="application/cose")
            assert status == 200 and int(headers["Holdfast-Index"]) == item["index"]

        policy = genesis_policy(domain.log)
        for path in ("/identities", "/grants", "/models", "/executions", "/containments"):
            for item in domain.items(path):
                value = verify(state_proof(domain, item["stateKey"]), policy)
                assert value["index"] == item["index"], (path, item)
    finally:
        domain.log.remove()


def test_proofs_of_presence_and_absence():
    """state proofs lead from value or absence to the log's signature, at any kept size; a changed one does not"""
    domain = Domain()
    try:
        policy = genesis_policy(domain.log)
        grants = []
        for _ in range(20):
            grants.append(
                domain.say(
                    domain.operator, "grant.issue", subject=domain.operator.issuer, actions=["sort"],
                    resources=["*"], conditions={}, delegations=0,
                )
            )
            size = domain.size()
            for number in range(25):
                grant = grants[number] if number < len(grants) else sha256(bytes([number]))
                value = verify(state_proof(domain, f"grant/{grant.hex()}"), policy)
                assert (value is not None) == (number < len(grants))
        domain.say(domain.operator, "grant.revoke", grant=grants[3], reason="no")
        assert verify(state_proof(domain, f"grant/{grants[3].hex()}"), policy)["revoked"] is True
        # As of the size before: not revoked, under the newest checkpoint all the same.
        old = state_proof(domain, f"grant/{grants[3].hex()}", size)
        assert old["index"] == size - 1 and verify(old, policy)["revoked"] is False
        assert domain.json(f"/state/grant/{grants[3].hex()}?size={size}")["record"]["revoked"] is False

        for change in ({"value": None}, {"value": cbor2.dumps({"index": 1})}, {"key": cbor2.dumps(["grant", ZERO])}):
            try:
                verify({**old, **change}, policy)
            except AssertionError:
                continue
            raise AssertionError(f"a proof with another {list(change)} was accepted")

        # Problems are JSON where the answers are.
        status, body, headers = domain.log.get(f"/state/policy?size={size - 1}")
        fault = json.loads(body)
        assert headers["Content-Type"] == "application/problem+json", headers["Content-Type"]
        assert (status, fault["code"]) == (404, "not-sealed"), (status, fault)
        assert fault["nearest-size"] in (size, size - 2), fault
    finally:
        domain.log.remove()


def test_pages():
    """a list is the same in pages of any size, and stays what it was while more is registered; one proof offline"""
    domain = Domain()
    try:
        for number in range(10):
            domain.say(
                domain.operator, "grant.issue", subject=f"spiffe://example.org/agent/{number}", actions=["sort"],
                resources=["*"], conditions={}, delegations=0,
            )
        whole = domain.json("/grants?limit=1000")["items"]
        assert len(whole) == 10
        for limit in (1, 10, 3):
            page = domain.json(f"/grants?limit={limit}")
            found, pages = page["items"], 1
            while page["next"]:
                # Revoked and issued while the list is read: none of it shows.
                if limit == 3:
                    domain.say(domain.operator, "grant.revoke", grant=bytes.fromhex(whole[-pages]["hash"]), reason="r")
                    domain.say(
                        domain.operator, "grant.issue", subject="spiffe://example.org/later", actions=["sort"],
                        resources=["*"], conditions={}, delegations=0,
                    )
                page = domain.json(page["next"])
                found, pages = found + page["items"], pages + 1
            assert found == whole and pages == -(-10 // limit), (limit, pages)
        assert len(domain.items("/grants")) == 13
        for path in ("/grants?limit=0", "/grants?limit=1001", "/grants?after=x", "/grants?size=1000", "/policy?sise=2"):
            status, body, _ = domain.log.get(path)
            assert (status, json.loads(body)["code"]) == (400, "bad-parameter"), (path, status, body)
        by_issuer = domain.items(f"/statements?issuer={quoted(domain.operator.issuer)}&limit=4")
        indices = [item["index"] for item in by_issuer]
        assert indices == sorted(set(indices), reverse=True) and len(indices) == domain.operator.seq, indices

        path = domain.log.parent / "one.state-proof"
        kind = "application/vnd.holdfast.state-proof+cbor"
        path.write_bytes(domain.log.get(f"/state/{whole[0]['stateKey']}", Accept=kind)[1])
        arguments = ("state", path, "--trust", domain.log.trust, "--key", whole[0]["stateKey"], "--expect-present")
        holdfast(*arguments, "--without-state-quorum", program="holdfast-verify")
        assert holdfast(*arguments, program="holdfast-verify", check=False).returncode == 1
        other = [*arguments[:5], whole[1]["stateKey"], "--without-state-quorum"]
        assert holdfast(*other, program="holdfast-verify", check=False).returncode == 1
    finally:
        domain.log.remove()


def test_what_is_no_longer_kept():
    """of a size whose state is no longer kept the answer says so, and names the oldest that is"""
    domain = Domain()
    try:
        assert domain.log.stop() == 0
        domain.log.start("--retain-state", "3")
        sizes = []
        for number in range(6):
            domain.say(
                domain.operator, "grant.issue", subject="spiffe://example.org/agent", actions=[f"a{number}"],
                resources=["*"], conditions={}, delegations=0,
            )
            sizes.append(domain.size())
        found = {}
        for size in sizes:
            status, body, _ = domain.log.get(f"/grants?size={size}")
            found[size] = status
            if status != 200:
                fault = json.loads(body)
                assert (status, fault["code"]) == (404, "not-retained"), (size, fault)
                assert fault["nearest-size"] == sizes[-3], (size, fault)
                assert domain.log.get(f"/state/policy?size={size}")[0] == 404
        assert list(found.values()) == [404] * 3 + [200] * 3, found
        for size in sizes[3:]:
            assert verify(state_proof(domain, "policy", size), genesis_policy(domain.log))["index"] == 0
    finally:
        domain.log.remove()


def test_state_survives_a_restart():
    """after a kill and a restart the same sizes answer the same"""
    domain = Domain()
    try:
        sizes = [2]
        for number in range(5):
            domain.say(
                domain.operator, "grant.issue", subject=domain.operator.issuer, actions=[f"a{number}"],
                resources=["*"], conditions={}, delegations=0,
            )
            sizes.append(domain.size())
        before = {size: domain.json(f"/grants?size={size}&limit=1000") for size in sizes}
        assert [len(page["items"]) for page in before.values()] == [0, 1, 2, 3, 4, 5]
        domain.log.kill()
        domain.log.start()
        for size in sizes:
            after = domain.json(f"/grants?size={size}&limit=1000")
            assert after == before[size], size
            proof = state_proof(domain, "policy", size)
            assert verify(proof, genesis_policy(domain.log))["index"] == 0
    finally:
        domain.log.remove()
