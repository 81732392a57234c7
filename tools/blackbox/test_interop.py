"""Third parties: an independent reader of the whole log, and scitt-cose both ways."""

import pathlib
import re
import subprocess
import sys

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from harness import ISSUER, ROOT, Log, Signer, leaf_hash

HERE = pathlib.Path(__file__).parent


def served(count):
    signer = Signer()
    log = Log([signer])
    log.signer = signer
    log.start()
    log.statements = []
    for number in range(count):
        statement = signer.event({"n": number})
        status, body, _ = log.submit(statement)
        assert status == 201, (status, body)
        signer.follow(statement)
        log.statements.append((statement, body))
    return log


def pem(key):
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def receipt_key(log):
    status, body, _ = log.get("/.well-known/scitt-keys", Accept="application/cbor")
    assert status == 200, body
    keys = cbor2.loads(body)
    assert len(keys) == 1 and keys[0][1] == 1 and keys[0][-1] == 6, keys
    return pem(Ed25519PublicKey.from_public_bytes(keys[0][-2]))


def test_independent_reader():
    """an independent reader recomputes the root and checks every signature and seal"""
    log = served(150)
    try:
        genesis = re.search(r"^genesis ([0-9a-f]{64})", log.trust.read_text(), re.M).group(1)
        result = subprocess.run(
            [sys.executable, HERE / "reader.py", f"http://{log.host}:{log.port}", genesis],
            capture_output=True, text=True, timeout=60,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        assert "root recomputed" in result.stdout
    finally:
        log.remove()


def test_scitt_cose_verifies_receipts_and_statements():
    """scitt-cose verifies our receipts, and refuses one for another statement"""
    import scitt_cose

    log = served(5)
    try:
        key = receipt_key(log)
        for statement, receipt in log.statements:
            result = scitt_cose.verify_receipt(receipt, leaf_entry_hex=statement.hex(), log_public_key_pem=key)
            assert result.ok, result.errors
            other = log.statements[0][0] if statement != log.statements[0][0] else log.statements[1][0]
            assert not scitt_cose.verify_receipt(
                receipt, leaf_entry_hex=other.hex(), log_public_key_pem=key
            ).ok
    finally:
        log.remove()


def test_statements_of_scitt_cose_are_accepted():
    """a statement that scitt-cose builds is registered, as it is, and its receipt verifies with scitt-cose"""
    import scitt_cose
    from cryptography.hazmat.primitives.serialization import NoEncryption, PrivateFormat

    signer = Signer()
    log = Log([signer], arguments=["--accept", "*"])
    log.start()
    try:
        private = signer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        statement = build_statement(scitt_cose, signer, private)
        status, receipt, headers = log.submit(statement)
        assert status == 201, (status, receipt)
        status, kept, _ = log.get(f"/entries/{headers['Location'].split('/')[-1]}/statement")
        assert status == 200
        ours, theirs = cbor2.loads(kept).value, cbor2.loads(statement).value
        assert ours[0] == theirs[0] and ours[2:] == theirs[2:], "protected header, payload or signature changed"
        entry = cbor2.dumps(cbor2.CBORTag(18, [theirs[0], {}, theirs[2], theirs[3]]))
        assert headers["Location"].endswith(leaf_hash(entry).hex())
        assert scitt_cose.verify_receipt(
            receipt, leaf_entry_hex=entry.hex(), log_public_key_pem=receipt_key(log)
        ).ok
    finally:
        log.remove()


def build_statement(scitt_cose, signer, private):
    return scitt_cose.build_signed_statement(
        b'{"component":"left-pad"}', alg="EdDSA", private_key_pem=private, issuer=signer.issuer,
        subject="pkg:npm/left-pad@1.3.0", content_type="application/vnd.example+json", kid=signer.kid,
    )


def test_scitt_cose_reads_the_committed_vectors():
    """scitt-cose verifies the committed COSE vectors, and refuses those with bad signatures"""
    result = subprocess.run(
        [sys.executable, ROOT / "tools" / "interop" / "cose_check.py", "check"],
        capture_output=True, text=True, timeout=120, cwd=ROOT,
    )
    assert result.returncode == 0, result.stdout + result.stderr
