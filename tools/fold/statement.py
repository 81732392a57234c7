"""Entries of a log: spec/cose.md, "Signed statements", as far as the fold has to know them."""

import hashlib

import cbor
import ed25519


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def leaf_hash(entry):
    """RFC 6962 section 2.1."""
    return sha256(b"\x00", entry)


def thumbprint(key):
    """RFC 9679: SHA-256 over the deterministic encoding of {1: 1, -1: 6, -2: x}."""
    return sha256(cbor.encode({1: 1, -1: 6, -2: key}))


class Statement:
    """An entry, taken apart. Its form is taken to be right: whoever admitted it read it first."""

    def __init__(self, entry):
        message = cbor.decode(entry)
        if not isinstance(message, cbor.Tag) or message.number != 18 or message.item[1] != {}:
            raise ValueError("not the canonical bytes of a signed statement")
        protected, _, self.payload, self.signature = message.item
        header = cbor.decode(protected, any_order=True, depth=8, items=512)
        self.entry = entry
        self.protected = protected
        self.leaf_hash = leaf_hash(entry)
        self.key_id = header[4]
        self.issuer = header[15][1]
        self.subject = header[15][2]
        self.preimage = None
        if 258 in header:
            self.content_type = "hash-envelope"
            self.preimage = self.media_type(header.get(259))
        else:
            self.content_type = self.media_type(header[3])

    @staticmethod
    def media_type(value):
        """A CoAP content format n is called coap:n."""
        return f"coap:{value}" if isinstance(value, int) else value

    def verify(self, key):
        message = cbor.encode(["Signature1", self.protected, b"", self.payload])
        return ed25519.verify(key, message, self.signature)
