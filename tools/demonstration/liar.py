"""A log that lies: a copy of a real one with one more seal, signed with its own keys, that says another root of the
state."""

import http.server
import re
import threading

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from harness import leaf_hash, tree_head
from test_state_witness import entries_of
from test_witness import TestLog


class Liar:
    """Serves the lie on loopback; `trust` demands no witnesses, as those are the liar's friends here."""

    def __init__(self, place):
        copy = place.log.export("copy-to-lie")
        keys = place.log.directory / "keys"
        size = tree_head((copy / "checkpoint").read_bytes())[0]
        entries = entries_of(copy, size)
        entries.append(self.lie(entries[-1], self.key(keys, "statement")))
        log = TestLog("example.com/blackbox")
        log.key = self.key(keys, "checkpoint")
        log.public = log.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        log.leaves = entries
        size += 1
        files = {
            "/checkpoint": log.note(size).encode(), f"/tile/0/000.p/{size}": b"".join(map(leaf_hash, entries)),
            f"/tile/entries/000.p/{size}": b"".join(len(e).to_bytes(2, "big") + e for e in entries),
        }

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = files.get(self.path)
                self.send_response(200 if body else 404)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def do_POST(self):
                self.send_error(503)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        self.trust = place.log.parent / "liar.trust"
        self.trust.write_text(re.sub(r"^(state-)?quorum .*$", r"\1quorum none", place.trust.read_text(), flags=re.M))

    @staticmethod
    def key(keys, name):
        words = (keys / f"{name}.key").read_text().split()
        return Ed25519PrivateKey.from_private_bytes(
            next(bytes.fromhex(word) for word in words if re.fullmatch(r"[0-9a-f]{64}", word)))

    @staticmethod
    def lie(seal, key):
        protected, _, payload, _ = cbor2.loads(seal).value
        event = cbor2.loads(payload)
        event["seq"], event["prev"] = event["seq"] + 1, leaf_hash(seal)
        event["data"] = {"statements": 0, "stateRoot": bytes(32)}
        payload = cbor2.dumps(event, canonical=True)
        signature = key.sign(cbor2.dumps(["Signature1", protected, b"", payload]))
        return cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, signature]))

    def stop(self):
        self.server.shutdown()
