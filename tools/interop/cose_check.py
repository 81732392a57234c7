#!/usr/bin/env python3
"""Holds the committed COSE vectors to another implementation: scitt-cose 0.5.0, cryptography and cbor2.

    cose_check.py check [FOLDER]    checks fixtures/cose; one line a check, exit 1 at the first difference
    cose_check.py statements        prints statements made by scitt-cose, as JSON, for Holdfast to accept:
                                    what fixtures/cose/third-party/scitt-cose.json is

What is checked: every valid statement, receipt and consistency proof verifies there; every signature that Holdfast
refuses is refused there; canonical entries, leaf hashes, thumbprints and CBOR are what other code makes of them.
"""

import hashlib
import json
import pathlib
import sys

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from scitt_cose import merkle
from scitt_cose.cose_sign1 import CoseError, verify_sign1
from scitt_cose.receipt import HDR_CWT_CLAIMS, HDR_VDS, build_receipt, verify_receipt
from scitt_cose.statement import attach_receipts, build_signed_statement, extract_receipts, parse_signed_statement

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "cose"

# scitt-cose knows EdDSA (-8) alone: statements under Ed25519 (-19), and headers that it does not understand but that
# are critical, are verified with cryptography instead.
UNDERSTOOD = {1, 2, 3, 4, 15}
CHECKPOINT_LABEL = -1 - 0x484F4C44


class Difference(Exception):
    """The other implementation says something else."""


def check(condition, what, name):
    if not condition:
        raise Difference(f"{name}: {what}")


def done(file, name):
    print(f"ok {file}: {name}")


def pem(key):
    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(key["publicKey"])).public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )


def seed_pem(seed):
    key = Ed25519PrivateKey.from_private_bytes(seed)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def thumbprint(public_key):
    """RFC 9679: the members that OKP needs, deterministic, SHA-256."""
    return hashlib.sha256(cbor2.dumps({1: 1, -1: 6, -2: public_key}, canonical=True)).digest()


def leaf_hash(entry):
    return hashlib.sha256(b"\x00" + entry).digest()


def verifies(message, public_key, payload=None):
    """The signature of a COSE_Sign1 under an Ed25519 key, by RFC 9052 section 4.4 and cryptography alone."""
    protected, _, attached, signature = cbor2.loads(message).value
    to_be_signed = cbor2.dumps(["Signature1", protected, b"", attached if payload is None else payload])
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, to_be_signed)
        return True
    except InvalidSignature:
        return False


def plain(value):
    """The same value with dicts and lists, whichever types this version of cbor2 decodes to."""
    if hasattr(value, "items"):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def load(folder, name):
    return json.loads((folder / f"{name}.json").read_text())


def check_cbor(folder):
    """cbor2 writes each valid item the same way. It orders map keys by length first, so maps are only decoded."""
    cases = load(folder, "cbor")
    for case in cases["valid"]:
        encoded = bytes.fromhex(case["cbor"])
        if case["diagnostic"].startswith(("0(", "1(", "2(", "3(", "32(")):
            cbor2.loads(encoded)  # becomes a date, number or address in Python, and is written in another way
        elif "{" in case["diagnostic"] or "[" in case["diagnostic"]:
            cbor2.loads(encoded)
        else:
            check(cbor2.dumps(cbor2.loads(encoded), canonical=True) == encoded, "other bytes", case["name"])
        done("cbor", case["name"])


def check_keys(folder):
    document = load(folder, "key")
    for case in document["valid"]:
        name, public_key = case["name"], bytes.fromhex(case["publicKey"])
        key = plain(cbor2.loads(bytes.fromhex(case["key"])))
        check(key[1] == 1 and key[-1] == 6 and key[-2] == public_key, "another key", name)
        check(thumbprint(public_key).hex() == case["thumbprint"], "another thumbprint", name)
        published = {1: 1, 2: thumbprint(public_key), 3: -8, -1: 6, -2: public_key}
        check(cbor2.dumps(published, canonical=True).hex() == case["published"], "published otherwise", name)
        done("key", name)


def check_statement(case, key):
    name, message, entry = case["name"], bytes.fromhex(case["statement"]), bytes.fromhex(case["entry"])
    public_key = bytes.fromhex(key["publicKey"])
    protected, _, payload, signature = cbor2.loads(message).value
    canonical = cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, signature]), canonical=True)
    check(canonical == entry, "other canonical bytes", name)
    check(leaf_hash(entry).hex() == case["leafHash"], "another leaf hash", name)
    check(payload.hex() == case["payload"], "another payload", name)
    header = plain(cbor2.loads(protected))
    check(header[4] == thumbprint(public_key), "the key identifier is not the thumbprint", name)
    check(verifies(message, public_key), "the signature does not verify with cryptography", name)
    if header[1] != -8 or not set(header.get(2, [])) <= UNDERSTOOD:
        return "cryptography"
    for form in (message, entry):
        parsed = parse_signed_statement(form, public_key_pem=pem(key))
        check(parsed["signature_verified"] is True, "scitt-cose does not verify it", name)
        check(parsed["issuer"] == case["issuer"], "another issuer", name)
        check(parsed["subject"] == case["subject"], "another subject", name)
        check(parsed["payload"] == payload, "another payload", name)
        if "/" in case["contentType"]:
            check(parsed["content_type"] == case["contentType"], "another content type", name)
    return "scitt-cose"


def check_statements(folder):
    document = load(folder, "statement")
    for case in document["valid"]:
        done("statement", f"{case['name']} ({check_statement(case, document['issuer'])})")
    for case in document["unverified"]:
        message = bytes.fromhex(case["statement"])
        parsed = parse_signed_statement(message, public_key_pem=pem(document["issuer"]))
        check(parsed["signature_verified"] is False, "scitt-cose accepts the signature", case["name"])
        done("statement", f"refused: {case['name']}")

    document = load(folder, "hash-envelope")
    digest = hashlib.sha256(bytes.fromhex(document["preimage"])).hexdigest()
    for case in document["valid"]:
        check(case["payload"] == digest, "the payload is not the preimage's digest", case["name"])
        done("hash-envelope", f"{case['name']} ({check_statement(case, document['issuer'])})")


def check_receipts(folder):
    document = load(folder, "receipt")
    key, entries = pem(document["receiptKey"]), document["entries"]
    kid = bytes.fromhex(document["receiptKey"]["thumbprint"])
    for case in document["inclusion"]:
        name, receipt = case["name"], bytes.fromhex(case["receipt"])
        result = verify_receipt(receipt, leaf_entry_hex=entries[case["index"]], log_public_key_pem=key)
        check(result.ok, f"scitt-cose refuses it: {result.errors}", name)
        check((result.root, result.tree_size, result.leaf_index) == (case["root"], case["size"], case["index"]),
              "another root, size or index", name)
        check(result.issuer == result.subject == document["origin"], "another issuer or subject", name)
        check(result.protected_header_ext == {4: kid}, "another key identifier", name)
        check(merkle.merkle_root(entries[: case["size"]]) == case["root"], "another root from the entries", name)
        carried = plain(cbor2.loads(receipt).value[1]).get(CHECKPOINT_LABEL)
        check((carried.decode() if carried else None) == case["checkpoint"], "another checkpoint", name)
        for other, entry in enumerate(entries):
            if other != case["index"]:
                result = verify_receipt(receipt, leaf_entry_hex=entry, log_public_key_pem=key)
                check(not result.ok, f"scitt-cose accepts it for entry {other}", name)
        done("receipt", name)
    for case in document["consistency"]:
        name, receipt = case["name"], bytes.fromhex(case["receipt"])
        proofs = plain(cbor2.loads(receipt).value[1])[396][-2]
        old, new, path = plain(cbor2.loads(proofs[0]))
        check((old, new) == (case["oldSize"], case["newSize"]), "other sizes", name)
        check(merkle.verify_consistency(case["oldRoot"], case["newRoot"], old, new, [h.hex() for h in path]),
              "scitt-cose refuses the path", name)
        check(path == [] or not merkle.verify_consistency(case["newRoot"], case["newRoot"], old, new,
              [h.hex() for h in path]), "scitt-cose accepts another old root", name)
        verify_sign1(receipt, public_key_pem=key, detached_payload=bytes.fromhex(case["newRoot"]),
                     understood_labels=frozenset({1, 2, 4, HDR_CWT_CLAIMS, HDR_VDS}))
        done("receipt", f"consistency {name}")
    for case in document["unverified"]:
        if case["reason"] in ("checkpoint", "checkpoint-mismatch", "key-mismatch"):
            continue  # the carried checkpoint and the rule on key identifiers are Holdfast's own
        result = verify_receipt(
            bytes.fromhex(case["receipt"]), leaf_entry_hex=case["entry"], log_public_key_pem=key)
        check(not result.ok, "scitt-cose accepts it", case["name"])
        done("receipt", f"refused: {case['name']}")


def check_transparent(folder):
    document = load(folder, "transparent")
    key = pem(document["receiptKey"])
    for case in document["valid"]:
        name, statement = case["name"], bytes.fromhex(case["statement"])
        receipts = extract_receipts(statement)
        check(len(receipts) == case["receipts"] + case["unread"], "another number of receipts", name)
        verified = [r for r in receipts
                    if verify_receipt(r, leaf_entry_hex=case["entry"], log_public_key_pem=key).ok]
        check(len(verified) == case["receipts"], "another number of receipts verifies", name)
        check(attach_receipts(bytes.fromhex(case["entry"]), receipts) == statement, "attached otherwise", name)
        parsed = parse_signed_statement(statement, public_key_pem=pem(document["issuer"]))
        check(parsed["signature_verified"] is True, "scitt-cose does not verify the statement", name)
        done("transparent", name)


def check_made(folder):
    """The committed statements that Holdfast's tests accept are what scitt-cose makes."""
    committed = json.loads((folder / "third-party" / "scitt-cose.json").read_text())
    check(committed == made_statements(), "scitt-cose makes other statements", "third-party/scitt-cose.json")
    for case in committed["statements"]:
        check(verifies(bytes.fromhex(case["statement"]), bytes.fromhex(committed["issuer"]["publicKey"])),
              "the signature does not verify with cryptography", case["leafHash"])
    done("third-party", "scitt-cose.json")


def made_statements():
    """Statements, a transparent statement and a receipt of scitt-cose's own making."""
    seed = bytes(range(32))
    private = seed_pem(seed)
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    kid = thumbprint(public)

    def make(payload, **extra):
        return build_signed_statement(
            payload, alg="EdDSA", private_key_pem=private, issuer="https://issuer.example/python",
            subject="urn:example:python", content_type="application/json", kid=kid, **extra)

    statements = [
        make(b"{}"), make(b""), make(bytes(range(256)) * 40),
        make(b"[1]", extra_cwt_claims={6: 1790000000, "role": "builder", 4: 1890000000}),
    ]
    entries = [statement.hex() for statement in statements]
    log = bytes(range(64, 96))
    log_public = Ed25519PrivateKey.from_private_bytes(log).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    receipts = [
        build_receipt(leaf_entry_hex=entry, leaf_index=index, tree_entries_hex=entries, alg="EdDSA",
                      log_private_key_pem=seed_pem(log), iss="log.example", sub="log.example",
                      kid=thumbprint(log_public))
        for index, entry in enumerate(entries)
    ]
    return {
        "issuer": {"seed": seed.hex(), "publicKey": public.hex(), "thumbprint": kid.hex()},
        "receiptKey": {"publicKey": log_public.hex(), "thumbprint": thumbprint(log_public).hex()},
        "statements": [
            {
                "statement": statement.hex(),
                "leafHash": leaf_hash(statement).hex(),
                "receipt": receipt.hex(),
                "transparent": attach_receipts(statement, [receipt]).hex(),
            }
            for statement, receipt in zip(statements, receipts)
        ],
    }


def main(arguments):
    command = arguments[0] if arguments else "check"
    if command == "statements":
        print(json.dumps(made_statements(), indent=2))
        return 0
    if command != "check":
        print(__doc__, file=sys.stderr)
        return 2
    folder = pathlib.Path(arguments[1]) if len(arguments) > 1 else FIXTURES
    try:
        for group in (check_cbor, check_keys, check_statements, check_receipts, check_transparent, check_made):
            group(folder)
    except (Difference, CoseError) as difference:
        print(f"FAILED {difference}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
