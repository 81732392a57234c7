"""The forms of spec/event.cddl: what the data of each type has to be, and why it is refused otherwise."""

import base64
import re

import cbor
import ed25519
import tlog
from statement import thumbprint

MAX = 2**64 - 1
ROLES = ["operator", "runtime", "registrar", "gate", "observer"]
REASONS = [
    "synchronization-interrupted", "telemetry-inconsistent", "routing-mismatch", "governance-mismatch",
    "cryptographic-failure", "audit-discontinuity", "coordination-inconsistent", "state-divergence",
    "unauthorized-modification", "unverifiable-transition",
]
AUTHORITY_PREFIX = "urn:ietf:params:oauth:ckt:sha-256:"


class Refused(Exception):
    def __init__(self, code, why=""):
        super().__init__(code, why)
        self.code = code
        self.why = why


def refuse_unless(condition, code, why=""):
    if not condition:
        raise Refused(code, why)


# Texts


def is_name(text, most=256):
    return 1 <= len(text.encode()) <= most and not any(
        ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F or ord(c) in (0x2028, 0x2029) for c in text)


def is_uri(text):
    return (3 <= len(text.encode()) <= 512 and all(0x21 <= ord(c) <= 0x7E for c in text)
            and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:.+", text) is not None)


def is_event_type(text):
    word = "[a-z]([a-z0-9-]*[a-z0-9])?"
    return len(text.encode()) <= 64 and re.fullmatch(f"{word}([.]{word})+", text) is not None


def is_pattern(text):
    return is_name(text) and "*" not in text[:-1]


def authority_name(key):
    """RFC 9679 section 5.7."""
    return AUTHORITY_PREFIX + base64.urlsafe_b64encode(thumbprint(key)).decode().rstrip("=")


# Kinds of items. Each takes an item and raises Refused unless it is one of its kind.


def uint(low=0, high=MAX):
    def check(item):
        refuse_unless(isinstance(item, int) and not isinstance(item, bool) and item >= 0, "wrong-kind")
        refuse_unless(low <= item <= high, "invalid-value")
    return check


def text(is_valid):
    def check(item):
        refuse_unless(isinstance(item, str), "wrong-kind")
        refuse_unless(is_valid(item), "invalid-value")
    return check


def boolean(item):
    refuse_unless(isinstance(item, bool), "wrong-kind")


def data(low, high):
    """A byte string of some length that is not a hash: the length is part of the value."""
    def check(item):
        refuse_unless(isinstance(item, bytes), "wrong-kind")
        refuse_unless(low <= len(item) <= high, "invalid-value")
    return check


def hash(item):
    """A byte string of another length is none."""
    refuse_unless(isinstance(item, bytes) and len(item) == 32, "wrong-kind")


def public_key(item):
    refuse_unless(isinstance(item, bytes), "wrong-kind")
    refuse_unless(ed25519.fault_of_key(item) is None, "invalid-value")


def or_null(check):
    def either(item):
        if item is not None:
            check(item)
    return either


def choice(*texts):
    return text(lambda item: item in texts)


def array(check, low=0, high=None, distinct=False):
    def each(items):
        refuse_unless(isinstance(items, list), "wrong-kind")
        for item in items:
            check(item)
        refuse_unless(low <= len(items) and (high is None or len(items) <= high), "invalid-value")
        encoded = [cbor.encode(item) for item in items]
        refuse_unless(not distinct or len(set(encoded)) == len(encoded), "invalid-value")
    return each


def struct(also=None, **fields):
    """A map with these fields; names that end with an underscore may be missing. `also` looks at the whole."""
    known = {name.rstrip("_") for name in fields}

    def check(item):
        refuse_unless(isinstance(item, dict), "wrong-kind")
        for name in item:
            refuse_unless(name in known, "unknown-field", name)
        for name, kind in fields.items():
            bare = name.rstrip("_")
            if bare in item:
                kind(item[bare])
            else:
                refuse_unless(name != bare, "missing-field", bare)
        if also:
            also(item)
    return check


name = text(is_name)
uri = text(is_uri)
origin = text(tlog.is_key_name)
pattern = text(is_pattern)
ms = uint()
model = struct(name=name, version=name)
execution = struct(home=origin, id=name)
nonce = data(16, 32)
head = struct(size=uint(), root=hash)
roles = array(choice(*ROLES), distinct=True)
measurements = array(data(1, 64), low=1, distinct=True)
reason = choice(*REASONS)


def manifest(item):
    refuse_unless(isinstance(item, dict), "wrong-kind")
    refuse_unless(item, "invalid-value")
    for path, digest in item.items():
        refuse_unless(isinstance(path, str), "wrong-kind")
        parts = path.split("/")
        refuse_unless(is_name(path, 1024) and not {"", ".", ".."} & set(parts), "invalid-value")
        hash(digest)


def scope(item):
    refuse_unless(isinstance(item, list) and all(isinstance(part, str) for part in item), "wrong-kind")
    kinds = {
        "execution": [tlog.is_key_name, is_name], "runtime": [is_uri], "model": [is_name, is_name],
        "route": [is_name], "domain": [tlog.is_key_name],
    }
    refuse_unless(item and len(kinds.get(item[0], [])) == len(item) - 1 > 0, "invalid-value")
    refuse_unless(all(is_part(part) for is_part, part in zip(kinds[item[0]], item[1:])), "invalid-value")


def enrolled(item):
    refuse_unless(not item["issuer"].startswith(AUTHORITY_PREFIX), "invalid-value")
    refuse_unless("measurements" not in item or "runtime" in item["roles"], "invalid-value")


def in_order(first, last):
    def check(item):
        refuse_unless(first not in item or last not in item or item[first] <= item[last], "invalid-value")
    return check


def permission(item):
    refuse_unless("permit" not in item or "lease" not in item, "invalid-value")
    refuse_unless("permit" in item or "lease" in item, "missing-field")


def three_keys(item):
    refuse_unless(len(set(item["logKeys"].values())) == 3, "invalid-value")


def has_output(item):
    refuse_unless(item["outcome"] != "executed" or "output" in item, "missing-field")


def parts_of_decision(item):
    outcome = item["outcome"]
    refuse_unless(outcome != "permit" or "grant" in item, "missing-field")
    refuse_unless(("reason" in item) == (outcome == "contain"), "invalid-value")
    refuse_unless(("scope" in item) == (outcome == "revalidate"), "invalid-value")
    refuse_unless(("purpose" in item) == ("model" in item), "invalid-value")
    refuse_unless("peerProof" not in item or (outcome == "permit" and "route" in item), "invalid-value")


def peer_policy(item):
    refuse_unless(isinstance(item, str), "wrong-kind")
    try:
        tlog.Policy(item)
    except tlog.NotValid:
        raise Refused("invalid-value") from None


def peer_state_quorum(item):
    """The state quorum is a witness or a group of the policy."""
    if "stateQuorum" in item:
        refuse_unless(not tlog.Policy(item["policy"]).is_new(item["stateQuorum"].encode()), "invalid-value")
        refuse_unless(item["stateQuorum"] != "none", "invalid-value")


def octets(item):
    refuse_unless(isinstance(item, bytes), "wrong-kind")


conditions = struct(
    in_order("notBefore", "notAfter"), notBefore_=ms, notAfter_=ms, uses_=uint(1), model_=model, route_=name,
    domain_=origin)
grant = struct(
    subject=uri, actions=array(pattern, 1, 64), resources=array(pattern, 1, 64), conditions=conditions,
    delegations=uint(0, 8), parent_=hash)
names = array(name, 1, 64, distinct=True)

TYPES = {
    "identity.enroll": struct(enrolled, issuer=uri, key=public_key, roles=roles, measurements_=measurements),
    "identity.rotate": struct(keyID=hash, newKey=public_key),
    "identity.revoke": struct(keyID=hash, reason=name),
    "grant.issue": grant,
    "grant.revoke": struct(grant=hash, reason=name),
    "model.register": struct(model=model, manifest=manifest, scope=struct(actions=names, purposes=names)),
    "model.approve": struct(model=model, policy=hash),
    "model.retire": struct(model=model),
    "model.revoke": struct(model=model, reason=name),
    "runtime.attest": struct(measurement=data(1, 64), previous=or_null(data(1, 64))),
    "runtime.heartbeat": struct(telemetry=or_null(hash)),
    "telemetry.digest": struct(
        in_order("from", "until"), **{"digest": hash, "previous": or_null(hash), "from": ms, "until": ms}),
    "execution.start": struct(
        permission, execution=execution, permit_=nonce, lease_=hash, parents=array(execution, 0, 64, distinct=True),
        model_=model, input=hash),
    "execution.step": struct(execution=execution, step=uint(), input=hash, output=hash),
    "execution.finish": struct(
        has_output, execution=execution, outcome=choice("executed", "blocked", "failed", "timed-out"), output_=hash),
    "peer.admit": struct(peer_state_quorum, origin=origin, policy=peer_policy, genesis=hash, stateQuorum_=name),
    "peer.head": struct(origin=origin, checkpoint=octets, consistency=array(hash, 0, 128)),
    "peer.expel": struct(origin=origin, reason=name),
    "route.open": struct(
        **{"route": name, "from": origin, "to": origin, "actions": names, "maxPeerAge": uint(1)}),
    "route.close": struct(route=name),
    "containment.enter": struct(scope=scope, reason=reason, evidence_=hash),
    "containment.recover": struct(scope=scope),
    "containment.lift": struct(scope=scope),
    "trust.revoke": struct(scope=scope, reason=reason),
    "decision.record": struct(
        parts_of_decision, subject=uri, action=name, resource=name, request=hash, nonce=nonce, head=head, expires=ms,
        outcome=choice("permit", "contain", "revalidate"), reliesOn=array(data(1, 2048), 0, 64, distinct=True),
        grant_=hash, model_=model, purpose_=name, route_=name, execution_=execution, reason_=reason, scope_=scope,
        evaluation_=hash, peerProof_=data(1, 16_384)),
    "lease.record": struct(subject=uri, action=name, resource=name, grant=hash, expires=ms),
}

TYPES["log.rotate"] = struct(
    three_keys, logKeys=struct(checkpoint=public_key, receipt=public_key, statement=public_key), previous=hash)
TYPES["log.freeze"] = struct(successor=origin, genesis=hash)


def refusal(item):
    refuse_unless(isinstance(item, list) and len(item) == 3, "wrong-kind")
    hash(item[0])
    text(lambda reason: is_name(reason, 64))(item[1])
    uint(1)(item[2])


REFUSALS = struct(refusals=array(refusal, 1, 64), others=uint())


# The policy has faults of its own: spec/governance.md, "Faults of a policy".


def policy_text(item):
    refuse_unless(isinstance(item, str), "wrong-kind")


def policy_key(item):
    refuse_unless(isinstance(item, bytes), "wrong-kind")
    fault = ed25519.fault_of_key(item)
    refuse_unless(fault is None, fault)


def policy_role(item):
    refuse_unless(isinstance(item, str), "wrong-kind")
    refuse_unless(item in ROLES, "unknown-role")


rate = struct(perSecond=uint(), burst=uint())
POLICY = struct(
    origin=policy_text, logKeys=struct(checkpoint=policy_key, receipt=policy_key, statement=policy_key),
    authorities=array(policy_key), threshold=uint(),
    issuers=array(struct(issuer=policy_text, key=policy_key, roles=array(policy_role))),
    contentTypes=array(policy_text),
    limits=struct(maxEntryBytes=uint(), maxSkew=uint(), maxBatch=uint(), maxStreamsPerIssuer=uint()),
    rates=struct(perIssuer=rate, perAddress=rate), allowUnwitnessed=boolean,
    governance_=struct(lifters=roles, maxPermit=uint(), maxLease=uint()),
    bounds_=struct(
        maxSilence=uint(), maxAttestationAge=uint(), maxTelemetryAge=uint(), maxHeadAge=uint(), maxStateLag=uint(),
        recheck=uint(), grace=uint()),
    previous_=hash)


def check_policy(item):
    POLICY(item)
    refuse_unless(tlog.is_key_name(item["origin"]), "origin")
    refuse_unless(1 <= len(item["authorities"]) <= 64, "authority-count")
    refuse_unless(1 <= item["threshold"] <= len(item["authorities"]), "threshold")
    keys = list(item["logKeys"].values()) + item["authorities"] + [issuer["key"] for issuer in item["issuers"]]
    refuse_unless(len(set(keys)) == len(keys), "same-key")
    for issuer in item["issuers"]:
        refuse_unless(is_uri(issuer["issuer"]) and not issuer["issuer"].startswith(AUTHORITY_PREFIX), "issuer")
        refuse_unless(len(set(issuer["roles"])) == len(issuer["roles"]), "same-role")
    types = item["contentTypes"]
    for type in types:
        refuse_unless(1 <= len(type.encode()) <= 255 and all(0x21 <= ord(c) <= 0x7E for c in type), "content-type")
    refuse_unless(len(set(types)) == len(types), "same-content-type")
    limits = item["limits"]
    refuse_unless(1024 <= limits["maxEntryBytes"] <= 65_535 and 1 <= limits["maxBatch"] <= 65_536, "out-of-bounds")
    refuse_unless(limits["maxSkew"] >= 1 and limits["maxStreamsPerIssuer"] >= 1, "out-of-bounds")
    refuse_unless(governance_of(item)["maxPermit"] >= 1, "out-of-bounds")
    for name, bound in item.get("bounds", {}).items():
        refuse_unless(bound >= 1 or name == "grace", "out-of-bounds")
    for rate in item["rates"].values():
        refuse_unless(rate["perSecond"] >= 1 and rate["burst"] >= 1, "out-of-bounds")


def governance_of(policy):
    return policy.get("governance", {"lifters": ["operator"], "maxPermit": 300_000, "maxLease": 0})


# Events


def hex_zero(text):
    return set(text) == {"0"}


def is_trace(item):
    if not isinstance(item, dict) or not set(item) <= {"traceparent", "tracestate"}:
        return False
    parent, state = item.get("traceparent"), item.get("tracestate")
    if not isinstance(parent, str) or not ("tracestate" not in item or isinstance(state, str)):
        return False
    match = re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}", parent)
    if match is None or hex_zero(match[1]) or hex_zero(match[2]):
        return False
    return state is None or (1 <= len(state) <= 512 and all(0x20 <= ord(c) <= 0x7E for c in state))


def read_event(payload):
    """The event that a payload is; Refused with the event's fault otherwise."""
    try:
        event = cbor.decode(payload)
    except cbor.Malformed as fault:
        raise Refused(fault.code) from None
    refuse_unless(isinstance(event, dict), "not-a-map")
    for field in event:
        refuse_unless(field in ("type", "stream", "seq", "prev", "time", "data", "trace"), "unknown-field")
    for field in ("type", "stream", "seq", "prev", "time", "data"):
        refuse_unless(field in event, "missing-field")
    for field, kind in (("type", str), ("stream", str), ("seq", int), ("time", int)):
        item = event[field]
        refuse_unless(isinstance(item, kind) and not isinstance(item, bool), "wrong-kind")
        refuse_unless(kind is str or item >= 0, "wrong-kind")
    or_null(hash)(event["prev"])
    refuse_unless("trace" not in event or is_trace(event["trace"]), "trace")
    refuse_unless(is_event_type(event["type"]), "type")
    refuse_unless(is_name(event["stream"]), "stream")
    refuse_unless((event["seq"] == 0) == (event["prev"] is None), "prev")
    return event
