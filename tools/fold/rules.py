"""The fold of spec/governance.md: which statements are admitted, and the state after them. Written from the specification,
for obviousness and not for speed, so that it can be held against the fold that the log runs.

The state is a dict from encoded keys to items of CBOR. An item is never changed in place."""

import cbor
import peers
import shapes
import tlog
from shapes import Refused, governance_of, refuse_unless
from statement import sha256, thumbprint

EVENT = "application/vnd.holdfast.event+cbor"

SIGNERS = {
    "policy.set": "authority",
    "identity.enroll": "authority operator",
    "identity.rotate": "enrolled",
    "identity.revoke": "authority operator",
    "grant.issue": "enrolled",
    "grant.revoke": "enrolled",
    "model.register": "registrar",
    "model.approve": "authority operator",
    "model.retire": "authority operator registrar",
    "model.revoke": "authority operator registrar",
    "runtime.attest": "runtime",
    "runtime.heartbeat": "runtime",
    "telemetry.digest": "runtime",
    "execution.start": "runtime",
    "execution.step": "runtime",
    "execution.finish": "runtime",
    "peer.admit": "authority operator",
    "peer.head": "operator gate observer",
    "peer.expel": "authority operator",
    "route.open": "authority operator",
    "route.close": "authority operator",
    "containment.enter": "authority operator gate",
    "containment.recover": "authority operator gate",
    "containment.lift": "authority lifter",
    "trust.revoke": "authority operator",
    "decision.record": "gate",
    "lease.record": "gate",
    "log.rotate": "authority",
    "log.freeze": "authority",
}
RESERVED = {
    "policy", "identity", "grant", "model", "route", "peer", "containment", "trust", "decision", "lease", "log",
}


def table(text):
    """A table of phases: lines of event: from, from > to."""
    rows = {}
    for line in text.strip().splitlines():
        event, _, rest = line.strip().partition(": ")
        froms, _, to = rest.partition(" > ")
        for phase in froms.split(", "):
            rows[event, phase] = to
    return rows


EXECUTION = table("""
    permit: baseline > authorized
    start: authorized > activated
    step: activated, executing > executing
    drift: activated, executing > drift-detected
    contain: activated, executing, drift-detected, contained, recovering, revalidated > contained
    recover: contained > recovering
    revalidate: recovering > revalidated
    lift: revalidated > executing
    revoke: activated, executing, drift-detected, contained, recovering, revalidated > revoked
    finish: activated, executing > proof-persisted
    stop: activated, executing, drift-detected, contained, recovering, revalidated, revoked > proof-persisted
""")
CONTAINMENT = table("""
    contain: baseline, contained, recovering, revalidated > contained
    recover: contained > recovering
    revalidate: recovering > revalidated
    lift: revalidated > baseline
    revoke: baseline, contained, recovering, revalidated > revoked
""")
ROUTE = table("""
    open: baseline, proof-persisted > activated
    close: activated > proof-persisted
""")


def covers(pattern, text):
    """Whether a pattern matches a text; or all that another pattern matches."""
    if pattern.endswith("*"):
        return text.removesuffix("*").startswith(pattern[:-1]) if text.endswith("*") else text.startswith(pattern[:-1])
    return pattern == text


def optional(item, *names):
    return {name: item[name] for name in names if name in item}


class Signer:
    def __init__(self, issuer, key_id, roles, is_authority):
        self.issuer, self.key_id, self.roles, self.is_authority = issuer, key_id, roles, is_authority

    @property
    def is_operator(self):
        return self.is_authority or "operator" in self.roles

    def may_sign(self, type, policy):
        for signer in SIGNERS[type].split():
            if signer == "enrolled" or (signer == "authority" and self.is_authority) or signer in self.roles:
                return True
            if signer == "lifter" and set(self.roles) & set(governance_of(policy)["lifters"]):
                return True
        return False


class Fold:
    def __init__(self, genesis):
        """Entry 0."""
        event = shapes.read_event(genesis.payload)
        policy = event["data"]
        shapes.check_policy(policy)
        self.state = {}
        self.changes = {}
        # Which issuer's identity a key is: an index over the state.
        self.issuer_of = {}
        self.batch_start = 0
        # The leaf hashes of the log, and the sizes at which a seal is the last entry: for the heads of decisions.
        self.leaves = [genesis.leaf_hash]
        self.sealed = set()
        self.roots = {}
        self.put(["policy"], self.policy_record(policy, 0))
        for issuer in policy["issuers"]:
            self.put_identity(issuer["issuer"], {"index": 0, "key": issuer["key"], "roles": issuer["roles"]})
        self.put(["stream", genesis.issuer, event["stream"]], [0, genesis.leaf_hash, 0])
        self.put(["streams", genesis.issuer], 1)
        self.keep()

    # The state

    def get(self, key):
        key = cbor.encode(key)
        return self.changes[key] if key in self.changes else self.state.get(key)

    def put(self, key, item):
        self.changes[cbor.encode(key)] = item

    def keep(self):
        for key, item in self.changes.items():
            if item is None:
                self.state.pop(key, None)
            else:
                self.state[key] = item
                parts = cbor.decode(key)
                if parts[0] == "identity":
                    self.issuer_of[parts[2]] = parts[1]
        self.changes = {}

    @staticmethod
    def policy_record(policy, index):
        return {"index": index, "digest": sha256(cbor.encode(policy)), "policy": policy}

    @property
    def policy(self):
        return self.get(["policy"])["policy"]

    @property
    def origin(self):
        return self.policy["origin"]

    def put_identity(self, issuer, record):
        self.put(["identity", issuer, thumbprint(record["key"])], record)

    def identity(self, key_id):
        """The issuer and the record of a key that is enrolled, or was; None otherwise."""
        issuer = self.issuer_of.get(key_id)
        return None if issuer is None else (issuer, self.get(["identity", issuer, key_id]))

    def is_authority(self, key_id):
        return any(thumbprint(key) == key_id for key in self.policy["authorities"])

    # Admission

    def admit(self, statement, index, time):
        """Applies a statement, or raises Refused and changes nothing."""
        try:
            self.try_to_admit(statement, index, time)
        except Refused:
            self.changes = {}
            raise
        self.keep()

    def try_to_admit(self, statement, index, time):
        self.check_not_frozen()
        policy = self.policy
        refuse_unless(len(statement.entry) <= policy["limits"]["maxEntryBytes"], "too-large")
        signer = self.signer(statement)
        if statement.content_type != EVENT:
            allowed = {"*", statement.content_type, statement.preimage} & set(policy["contentTypes"])
            refuse_unless(allowed, "content-type-not-allowed")
            return
        event = shapes.read_event(statement.payload)
        type, data = event["type"], event["data"]
        refuse_unless(type in SIGNERS or type.split(".")[0] not in RESERVED, "reserved-type")
        if type == "policy.set":
            shapes.check_policy(data)
        elif type in SIGNERS:
            shapes.TYPES[type](data)
        if type in SIGNERS:
            refuse_unless(signer.may_sign(type, policy), "not-permitted")
        refuse_unless(abs(event["time"] - time) <= policy["limits"]["maxSkew"], "time-skew")
        self.link(statement, event, index)
        if type in SIGNERS:
            self.signer_now, self.index, self.time = signer, index, time
            self.event_time, self.leaf_hash = event["time"], statement.leaf_hash
            getattr(self, type.replace(".", "_"))(data)

    def signer(self, statement):
        """Whose statement it is."""
        key_id = statement.key_id
        for key in self.policy["authorities"]:
            if thumbprint(key) == key_id:
                refuse_unless(statement.issuer == shapes.authority_name(key), "key-of-another-issuer")
                return Signer(statement.issuer, key_id, [], True)
        known = self.identity(key_id)
        refuse_unless(known, "unknown-key")
        issuer, record = known
        refuse_unless(statement.issuer == issuer, "key-of-another-issuer")
        refuse_unless("ending" not in record, "key-ended")
        return Signer(issuer, key_id, record["roles"], False)

    def link(self, statement, event, index):
        key = ["stream", statement.issuer, event["stream"]]
        newest = self.get(key)
        if newest:
            refuse_unless(event["seq"] <= newest[0] + 1, "stream-gap")
            refuse_unless(event["seq"] == newest[0] + 1 and event["prev"] == newest[1], "stream-fork")
        else:
            refuse_unless(event["seq"] == 0, "stream-gap")
            count = self.get(["streams", statement.issuer]) or 0
            refuse_unless(count < self.policy["limits"]["maxStreamsPerIssuer"], "too-many-streams")
            self.put(["streams", statement.issuer], count + 1)
        self.put(key, [event["seq"], statement.leaf_hash, index])

    # Policy

    def policy_set(self, policy):
        now = self.get(["policy"])
        refuse_unless(policy.get("previous") == now["digest"], "policy-predecessor")
        refuse_unless(policy["origin"] == self.origin, "policy-fixed")
        refuse_unless(policy["logKeys"] == now["policy"]["logKeys"], "policy-fixed")
        for key in policy["authorities"] + [issuer["key"] for issuer in policy["issuers"]]:
            refuse_unless(not self.get(["logKey", thumbprint(key)]), "key-known")
        for key in policy["authorities"]:
            refuse_unless(self.is_authority(thumbprint(key)) or not self.identity(thumbprint(key)), "key-known")
        for issuer in policy["issuers"]:
            known = self.identity(thumbprint(issuer["key"]))
            if known and not self.is_authority(thumbprint(issuer["key"])):
                refuse_unless(known[0] == issuer["issuer"], "key-known")
                refuse_unless(known[1].get("ending", "policy") == "policy", "identity-ended")
        if self.approve(policy):
            self.enact(policy)

    def approve(self, what):
        """An authority's approval of an item; true if it is the last one that it takes."""
        digest = sha256(cbor.encode(what))
        approvals = dict((self.get(["approvals"]) or {"approvals": {}})["approvals"])
        earlier = approvals.get(self.signer_now.key_id)
        refuse_unless(earlier is None or earlier[0] != digest, "already-approved")
        approvals[self.signer_now.key_id] = [digest, self.index]
        if sum(approval[0] == digest for approval in approvals.values()) < self.policy["threshold"]:
            self.put(["approvals"], {"index": self.index, "approvals": approvals})
            return False
        self.put(["approvals"], None)
        return True

    def enact(self, policy):
        named = [issuer["key"] for issuer in policy["issuers"]]
        for issuer in self.policy["issuers"]:
            _, record = self.identity(thumbprint(issuer["key"]))
            if issuer["key"] not in named and "ending" not in record:
                self.put_identity(issuer["issuer"], {**record, "index": self.index, "ending": "policy"})
        for issuer in policy["issuers"]:
            _, record = self.identity(thumbprint(issuer["key"])) or (None, {"ending": "none yet", "roles": []})
            if "ending" in record or record["roles"] != issuer["roles"]:
                kept = optional(record, "measurements") if "runtime" in issuer["roles"] else {}
                self.put_identity(
                    issuer["issuer"],
                    {"index": self.index, "key": issuer["key"], "roles": issuer["roles"], **kept})
        self.put(["policy"], self.policy_record(policy, self.index))

    # The log itself

    def check_not_frozen(self):
        refuse_unless(not self.get(["frozen"]), "frozen")

    def log_rotate(self, data):
        now = self.get(["policy"])
        refuse_unless(data["previous"] == now["digest"], "policy-predecessor")
        before, after = now["policy"]["logKeys"], data["logKeys"]
        changed = [use for use in before if before[use] != after[use]]
        for use in changed:
            self.check_unused(after[use])
        refuse_unless(changed, "key-known")
        policy = {**now["policy"], "logKeys": after, "previous": now["digest"]}
        if self.approve(policy):
            for use in changed:
                self.put(["logKey", thumbprint(before[use])], {"index": self.index, "key": before[use], "use": use})
            self.put(["policy"], self.policy_record(policy, self.index))

    def log_freeze(self, data):
        refuse_unless(data["successor"] != self.origin, "successor")
        if self.approve(data):
            self.put(["frozen"], {"index": self.index, **data})

    def record_refusals(self, statement, index, time):
        """The log's own record of refusals, directly before a seal."""
        event = shapes.read_event(statement.payload)
        shapes.REFUSALS(event["data"])
        self.check_not_frozen()
        newest = self.get(["refusals"])
        rows = event["data"]["refusals"]
        places = [(row[0], row[1].encode()) for row in rows]
        refuse_unless(event["time"] == time, "refusals", "time")
        refuse_unless(event["seq"] == (newest["seq"] + 1 if newest else 0), "refusals", "chain")
        refuse_unless(event["prev"] == (newest["entry"] if newest else None), "refusals", "chain")
        refuse_unless(not newest or time - newest["time"] >= 60_000, "refusals", "interval")
        refuse_unless(all(one < next for one, next in zip(places, places[1:])), "refusals", "order")
        for key_id, _, _ in rows:
            known = self.identity(key_id)
            refuse_unless(self.is_authority(key_id) or (known and "ending" not in known[1]), "refusals", "key")
        self.put(
            ["refusals"],
            {"index": index, "entry": statement.leaf_hash, "seq": event["seq"], "time": time})
        self.keep()

    # Identities

    def check_decides(self, roles):
        refuse_unless("operator" not in roles or self.signer_now.is_authority, "role-reserved")

    def check_unused(self, key):
        known = self.is_authority(thumbprint(key)) or self.identity(thumbprint(key))
        is_log = key in self.policy["logKeys"].values() or self.get(["logKey", thumbprint(key)])
        refuse_unless(not known and not is_log, "key-known")

    def active(self, key_id):
        known = None if self.is_authority(key_id) else self.identity(key_id)
        refuse_unless(known, "unknown-identity")
        refuse_unless("ending" not in known[1], "identity-ended")
        return known

    def identity_enroll(self, data):
        self.check_decides(data["roles"])
        self.check_unused(data["key"])
        self.put_identity(
            data["issuer"],
            {"index": self.index, "key": data["key"], "roles": data["roles"], **optional(data, "measurements")})

    def identity_rotate(self, data):
        issuer, record = self.active(data["keyID"])
        if self.signer_now.key_id != data["keyID"]:
            refuse_unless(self.signer_now.is_operator, "not-permitted")
            self.check_decides(record["roles"])
        self.check_unused(data["newKey"])
        self.put_identity(issuer, {**record, "index": self.index, "ending": "rotated"})
        self.put_identity(issuer, {**record, "index": self.index, "key": data["newKey"]})

    def identity_revoke(self, data):
        issuer, record = self.active(data["keyID"])
        if self.signer_now.key_id != data["keyID"]:
            self.check_decides(record["roles"])
        self.put_identity(issuer, {**record, "index": self.index, "ending": "revoked"})

    # Grants

    def chain(self, grant):
        """A grant and all that it comes from, itself first: pairs of identifier and record."""
        chain = []
        while grant is not None:
            record = self.get(["grant", grant])
            refuse_unless(record, "unknown-grant")
            chain.append((grant, record))
            grant = record["grant"].get("parent")
        return chain

    def check_unrevoked(self, chain):
        refuse_unless(not any(record["revoked"] for _, record in chain), "grant-revoked")

    def used(self, grant):
        record = self.get(["uses", grant])
        return record["used"] if record else 0

    def check_uses(self, chain, count):
        for id, record in chain:
            uses = record["grant"]["conditions"].get("uses")
            refuse_unless(uses is None or self.used(id) + count <= uses, "grant-uses")

    def take(self, chain, count):
        self.check_uses(chain, count)
        for id, record in chain:
            if "uses" in record["grant"]["conditions"]:
                self.put(["uses", id], {"index": self.index, "used": self.used(id) + count})

    def is_elsewhere(self, grant):
        return grant["conditions"].get("domain", self.origin) != self.origin

    def grant_issue(self, grant):
        if "parent" in grant:
            chain = self.chain(grant["parent"])
            self.check_unrevoked(chain)
            parent = chain[0][1]["grant"]
            refuse_unless(
                parent["subject"] == self.signer_now.issuer and parent["delegations"] > 0, "delegation-not-allowed")
            refuse_unless(not self.is_wider(grant, parent), "delegation-widens")
            if self.is_elsewhere(grant) and not self.is_elsewhere(parent) and "uses" in grant["conditions"]:
                self.take(chain, grant["conditions"]["uses"])
        else:
            refuse_unless(self.signer_now.is_operator, "not-permitted")
        self.put(
            ["grant", self.leaf_hash],
            {"index": self.index, "issuer": self.signer_now.issuer, "grant": grant, "revoked": False})

    @staticmethod
    def is_wider(grant, parent):
        mine, theirs = grant["conditions"], parent["conditions"]
        for what in ("actions", "resources"):
            if not all(any(covers(pattern, text) for pattern in parent[what]) for text in grant[what]):
                return True
        return (
            ("notBefore" in theirs and mine.get("notBefore", 0) < theirs["notBefore"])
            or ("notAfter" in theirs and mine.get("notAfter", shapes.MAX) > theirs["notAfter"])
            or ("uses" in theirs and mine.get("uses", shapes.MAX) > theirs["uses"])
            or any(what in theirs and mine.get(what) != theirs[what] for what in ("model", "route", "domain"))
            or grant["delegations"] >= parent["delegations"])

    def grant_revoke(self, data):
        record = self.get(["grant", data["grant"]])
        refuse_unless(record, "unknown-grant")
        refuse_unless(
            self.signer_now.is_operator or record["issuer"] == self.signer_now.issuer, "grant-issuer")
        refuse_unless(not record["revoked"], "grant-revoked")
        self.put(["grant", data["grant"]], {**record, "index": self.index, "revoked": True})

    def check_in_force(self, chain, access, model, route):
        self.check_unrevoked(chain)
        for _, record in chain:
            conditions = record["grant"]["conditions"]
            refuse_unless(
                conditions.get("notBefore", 0) <= self.time <= conditions.get("notAfter", shapes.MAX), "grant-window")
        self.check_uses(chain, 1)
        grant = chain[0][1]["grant"]
        conditions = grant["conditions"]
        refuse_unless(
            grant["subject"] == access["subject"]
            and any(covers(pattern, access["action"]) for pattern in grant["actions"])
            and any(covers(pattern, access["resource"]) for pattern in grant["resources"])
            and conditions.get("model", model) == model and conditions.get("route", route) == route
            and not self.is_elsewhere(grant), "grant-cover")

    # Models

    def model(self, model):
        record = self.get(["model", model["name"], model["version"]])
        refuse_unless(record, "unknown-model")
        return record

    def put_model(self, model, record):
        self.put(["model", model["name"], model["version"]], {**record, "index": self.index})

    def model_register(self, data):
        model = data["model"]
        refuse_unless(not self.get(["model", model["name"], model["version"]]), "model-known")
        self.put_model(model, {
            "entry": self.leaf_hash, "digest": sha256(cbor.encode(data["manifest"])), "scope": data["scope"],
            "status": "registered", "policy": None})

    def model_approve(self, data):
        record = self.model(data["model"])
        refuse_unless(record["status"] in ("registered", "approved"), "model-ended")
        refuse_unless(data["policy"] == self.get(["policy"])["digest"], "model-approval")
        self.put_model(data["model"], {**record, "status": "approved", "policy": data["policy"]})

    def model_retire(self, data):
        record = self.model(data["model"])
        refuse_unless(record["status"] in ("registered", "approved"), "model-ended")
        self.put_model(data["model"], {**record, "status": "retired"})

    def model_revoke(self, data):
        record = self.model(data["model"])
        refuse_unless(record["status"] != "revoked", "model-ended")
        self.put_model(data["model"], {**record, "status": "revoked"})

    def check_usable(self, model, action, purpose):
        record = self.model(model)
        refuse_unless(record["status"] not in ("retired", "revoked"), "model-ended")
        refuse_unless(
            record["status"] == "approved" and record["policy"] == self.get(["policy"])["digest"], "model-approval")
        refuse_unless(action in record["scope"]["actions"] and purpose in record["scope"]["purposes"], "model-scope")

    # Runtimes

    def runtime_attest(self, data):
        key = ["attestation", self.signer_now.issuer]
        newest = self.get(key)
        refuse_unless(data["previous"] == (newest["measurement"] if newest else None), "measurement-chain")
        self.put(key, {"index": self.index, "measurement": data["measurement"], "time": self.event_time})

    def check_telemetry(self, digest):
        newest = self.get(["telemetry", self.signer_now.issuer])
        refuse_unless(digest == (newest["digest"] if newest else None), "telemetry-chain")

    def runtime_heartbeat(self, data):
        self.check_telemetry(data["telemetry"])
        self.put(["heartbeat", self.signer_now.issuer], {"index": self.index, "time": self.event_time})

    def telemetry_digest(self, data):
        self.check_telemetry(data["previous"])
        self.put(
            ["telemetry", self.signer_now.issuer],
            {"index": self.index, "digest": data["digest"], "until": data["until"]})

    # Containment

    def containment_enter(self, data):
        self.move(data["scope"], "contain", data["reason"])

    def containment_recover(self, data):
        self.move(data["scope"], "recover")

    def containment_lift(self, data):
        self.move(data["scope"], "lift")

    def trust_revoke(self, data):
        self.move(data["scope"], "revoke", data["reason"])

    def move(self, scope, event, reason=None):
        record = self.get(["containment"] + scope) or {"phase": "baseline"}
        refuse_unless(record["phase"] != "revoked", "trust-revoked")
        refuse_unless((event, record["phase"]) in CONTAINMENT, "transition")
        if scope[0] == "execution" and self.get(scope):
            self.move_execution(scope, event)
        self.put(["containment"] + scope, {
            "index": self.index, "phase": CONTAINMENT[event, record["phase"]], "reason": reason or record["reason"]})

    def move_execution(self, key, event, **more):
        record = self.get(key)
        refuse_unless((event, record["phase"]) in EXECUTION, "transition")
        self.put(key, {**record, "index": self.index, "phase": EXECUTION[event, record["phase"]], **more})

    def check_free(self, subject, model=None, route=None, execution=None):
        scopes = [["domain", self.origin], ["runtime", subject]]
        if model:
            scopes.append(["model", model["name"], model["version"]])
        if route is not None:
            scopes.append(["route", route])
            record = self.get(["route", route])
            if record:
                scopes += [["domain", record["route"]["from"]], ["domain", record["route"]["to"]]]
        if execution:
            scopes.append(["execution", execution["home"], execution["id"]])
        for scope in scopes:
            record = self.get(["containment"] + scope) or {"phase": "baseline"}
            refuse_unless(record["phase"] != "revoked", "trust-revoked")
            refuse_unless(record["phase"] == "baseline", "contained")

    # Decisions and leases

    def decision_record(self, data):
        size = data["head"]["size"]
        refuse_unless(0 < size <= self.batch_start and size in self.sealed, "head-unknown")
        if size not in self.roots:
            self.roots[size] = tlog.tree_root(self.leaves[:size])
        refuse_unless(self.roots[size] == data["head"]["root"], "head-unknown")
        for key in data["reliesOn"]:
            item = self.changes.get(key, self.state.get(key))
            if isinstance(item, dict):
                refuse_unless(item["index"] < data["head"]["size"], "state-moved")
            elif isinstance(item, list):
                refuse_unless(item[2] < data["head"]["size"], "state-moved")
            else:
                refuse_unless(item is None, "state-moved")
        refuse_unless(not self.get(["decision", data["nonce"]]), "nonce-seen")
        peer = {}
        if data["outcome"] == "permit":
            peer = self.permit(data)
        elif data["outcome"] == "contain":
            self.drift(data)
        else:
            self.move(data["scope"], "revalidate")
        self.put(["decision", data["nonce"]], {
            "index": self.index, "entry": self.leaf_hash,
            **optional(
                data, "subject", "action", "resource", "outcome", "expires", "grant", "model", "purpose", "route",
                "execution"), **peer})

    def check_expiry(self, expires, longest):
        refuse_unless(self.time <= expires, "expired")
        refuse_unless(expires - self.time <= longest, "expiry-too-late")

    def permit(self, data):
        """What the record of the permit says besides: whose grant it is, if it is a peer's."""
        self.check_expiry(data["expires"], governance_of(self.policy)["maxPermit"])
        rest = ["route", data["route"]] if "peerProof" in data else ["grant", data["grant"]]
        refuse_unless(cbor.encode(rest) in data["reliesOn"], "relies-on-nothing")
        model, route = data.get("model"), data.get("route")
        self.check_free(data["subject"], model, route, data.get("execution"))
        if "peerProof" not in data:
            self.check_in_force(self.chain(data["grant"]), data, model, route)
        if model:
            self.check_usable(model, data["action"], data["purpose"])
        if route is not None:
            self.check_open(route, data["action"])
        return self.show_peer_grant(data) if "peerProof" in data else {}

    def show_peer_grant(self, data):
        """The grant is one of a peer's, which the permit shows."""
        route = self.get(["route", data["route"]])["route"]
        peer = self.get(["peer", self.other_end(route)])
        shown = Shown(data["peerProof"], peer)
        self.check_peer_age(peer, route)
        theirs = shown.get(["route", route["route"]])
        refuse_unless(theirs and theirs["phase"] == "activated", "unknown-route")
        refuse_unless(all(theirs["route"][end] == route[end] for end in ("from", "to")), "unknown-route")
        refuse_unless(data["action"] in theirs["route"]["actions"], "unknown-route")
        shown.check_free(data["subject"], data.get("model"), route["route"], data.get("execution"))
        chain = shown.chain(data["grant"])
        shown.check_unrevoked(chain)
        conditions = [record["grant"]["conditions"] for _, record in chain]
        is_counted = any("uses" in each for each in conditions)
        refuse_unless(not is_counted or conditions[0].get("domain") == self.origin, "grant-uses")
        self.check_in_force(chain, data, data.get("model"), route["route"])
        self.put(["peerGrant", data["grant"]], {
            "index": self.index, "origin": shown.origin, "head": peer["head"],
            "grants": [[id, record["issuer"], record["grant"]] for id, record in chain]})
        return {"peer": shown.origin}

    def check_peer_age(self, peer, route):
        refuse_unless(self.time - peer["headTime"] <= route["maxPeerAge"], "peer-age")

    def shown_chain(self, permit):
        """The chain of a peer's grant that a permit was given on, if nothing newer of the peer's is recorded."""
        route = self.get(["route", permit["route"]])["route"]
        peer = self.peer(self.other_end(route))
        record = self.get(["peerGrant", permit["grant"]])
        refuse_unless(record and record["origin"] == self.other_end(route), "unknown-grant")
        refuse_unless(record["head"] == peer["head"], "peer-moved")
        self.check_peer_age(peer, route)
        return [(id, {"grant": grant, "revoked": False}) for id, _, grant in record["grants"]]

    def drift(self, data):
        if "execution" in data:
            key = ["execution", data["execution"]["home"], data["execution"]["id"]]
            record = self.get(key)
            if record and ("drift", record["phase"]) in EXECUTION:
                self.move_execution(key, "drift")

    def lease_record(self, data):
        longest = governance_of(self.policy)["maxLease"]
        refuse_unless(longest > 0, "lease-not-allowed")
        self.check_expiry(data["expires"], longest)
        self.check_free(data["subject"])
        chain = self.chain(data["grant"])
        refuse_unless(not any("uses" in record["grant"]["conditions"] for _, record in chain), "lease-counted")
        self.check_in_force(chain, data, None, None)
        self.put(["lease", self.leaf_hash], {"index": self.index, "lease": data})

    # Executions

    def execution_start(self, data):
        execution, model = data["execution"], data.get("model")
        key = ["execution", execution["home"], execution["id"]]
        refuse_unless(execution["home"] == self.origin, "not-home")
        refuse_unless(not self.get(key), "execution-known")
        for parent in data["parents"]:
            if parent["home"] == self.origin:
                refuse_unless(self.get(["execution", parent["home"], parent["id"]]), "unknown-parent")
            else:
                peer = self.get(["peer", parent["home"]])
                refuse_unless(peer and not peer["expelled"], "unknown-parent")
        permit = self.permission(data)
        refuse_unless(permit["subject"] == self.signer_now.issuer, "permit-mismatch")
        route = permit.get("route")
        self.check_free(self.signer_now.issuer, model, route, execution)
        chain = self.shown_chain(permit) if "peer" in permit else self.chain(permit["grant"])
        self.check_in_force(chain, permit, model, route)
        if model:
            self.check_usable(model, permit["action"], permit["purpose"])
        if route is not None:
            self.check_open(route, permit["action"])
        self.take(chain, 1)
        if "permit" in data:
            self.put(["decision", data["permit"]], {**permit, "index": self.index, "usedBy": self.index})
        # The events permit and start.
        phase = EXECUTION["start", EXECUTION["permit", "baseline"]]
        self.put(key, {
            "index": self.index, "entry": self.leaf_hash, "subject": self.signer_now.issuer, "start": data,
            "phase": phase, "steps": 0, **optional(permit, "route")})

    def permission(self, data):
        if "permit" in data:
            permit = self.get(["decision", data["permit"]])
            refuse_unless(permit and permit["outcome"] == "permit", "unknown-permit")
            refuse_unless("usedBy" not in permit, "permit-used")
            refuse_unless(self.time <= permit["expires"], "expired")
            refuse_unless(permit.get("model") == data.get("model"), "permit-mismatch")
            refuse_unless(permit.get("execution", data["execution"]) == data["execution"], "permit-mismatch")
            return permit
        lease = self.get(["lease", data["lease"]])
        refuse_unless(lease, "unknown-permit")
        refuse_unless(self.time <= lease["lease"]["expires"], "expired")
        refuse_unless("model" not in data, "permit-mismatch")
        return lease["lease"]

    def running(self, execution):
        key = ["execution", execution["home"], execution["id"]]
        record = self.get(key)
        refuse_unless(record, "unknown-execution")
        refuse_unless(record["subject"] == self.signer_now.issuer, "execution-subject")
        return key, record

    def execution_step(self, data):
        key, record = self.running(data["execution"])
        self.check_free(self.signer_now.issuer, record["start"].get("model"), record.get("route"))
        self.move_execution(key, "step", steps=record["steps"] + 1)
        refuse_unless(data["step"] == record["steps"], "step-order")

    def execution_finish(self, data):
        key, record = self.running(data["execution"])
        if data["outcome"] == "executed":
            self.check_free(self.signer_now.issuer, record["start"].get("model"), record.get("route"))
        self.move_execution(
            key, "finish" if data["outcome"] == "executed" else "stop", outcome=data["outcome"])

    # Peers and routes

    def peer(self, origin):
        record = self.get(["peer", origin])
        refuse_unless(record and not record["expelled"], "unknown-peer")
        return record

    def peer_admit(self, data):
        refuse_unless(data["origin"] != self.origin and not self.get(["peer", data["origin"]]), "peer-known")
        self.put(["peer", data["origin"]], {
            "index": self.index, "peer": data, "expelled": False, "head": {"size": 0, "root": sha256()},
            "headTime": 0})

    def peer_head(self, data):
        record = self.peer(data["origin"])
        try:
            checkpoint = tlog.Checkpoint(data["checkpoint"])
            tlog.need(checkpoint.origin == data["origin"])
            tlog.Policy(record["peer"]["policy"]).verify(checkpoint)
        except tlog.NotValid as fault:
            raise Refused("peer-head", str(fault)) from None
        old = record["head"]
        try:
            tlog.consistency(old["size"], old["root"], checkpoint.size, checkpoint.root, data["consistency"])
        except tlog.NotValid as fault:
            raise Refused("peer-fork", str(fault)) from None
        self.put(["peer", data["origin"]], {
            **record, "index": self.index, "head": {"size": checkpoint.size, "root": checkpoint.root},
            "headTime": self.time})

    def peer_expel(self, data):
        record = self.peer(data["origin"])
        self.put(["peer", data["origin"]], {**record, "index": self.index, "expelled": True})

    def other_end(self, route):
        return route["to"] if route["from"] == self.origin else route["from"]

    def route_open(self, data):
        refuse_unless((data["from"] == self.origin) != (data["to"] == self.origin), "route-ends")
        self.peer(self.other_end(data))
        record = self.get(["route", data["route"]]) or {"phase": "baseline"}
        refuse_unless(("open", record["phase"]) in ROUTE, "route-known")
        self.put(["route", data["route"]], {
            "index": self.index, "route": data, "phase": ROUTE["open", record["phase"]]})

    def route_close(self, data):
        record = self.get(["route", data["route"]])
        refuse_unless(record and ("close", record["phase"]) in ROUTE, "unknown-route")
        self.put(["route", data["route"]], {
            **record, "index": self.index, "phase": ROUTE["close", record["phase"]]})

    def check_open(self, route, action):
        record = self.get(["route", route])
        refuse_unless(record and record["phase"] == "activated", "unknown-route")
        refuse_unless(action in record["route"]["actions"], "unknown-route")
        self.peer(self.other_end(record["route"]))


class Shown(peers.Shown):
    """A peer's state, asked as this one is."""

    check_free, chain, check_unrevoked = Fold.check_free, Fold.chain, Fold.check_unrevoked
