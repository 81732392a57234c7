import COSE
import Tlog

enum COSEKeyFixtures {
    static func document() throws -> FixtureValue {
        let key = COSEKey(try COSECast.issuer().publicKey)
        return [
            "about": """
            COSE_Key structures in hex. A valid one has its public key, its RFC 9679 thumbprint, and the bytes under \
            which Holdfast publishes it; an invalid one has the reason of its refusal.
            """,
            "key": try COSECast.description(0x00),
            "thumbprintInput": .string("a301012006215820" + Hex.encode(key.publicKey.bytes)),
            "valid": .array(
                valid(key).map { name, map in
                    [
                        "name": .string(name), "key": COSECast.hex(map),
                        "publicKey": COSECast.hex(key.publicKey.bytes), "thumbprint": .string(key.thumbprint.hex),
                        "published": COSECast.hex(key.encoded()),
                    ]
                }),
            "invalid": .array(
                invalid(key).map { name, bytes, reason in
                    ["name": .string(name), "key": COSECast.hex(bytes), "reason": .string(reason)]
                }),
        ]
    }

    private static func valid(_ key: COSEKey) -> [(String, [UInt8])] {
        let x = CBOR.bytes(key.publicKey.bytes)
        return [
            ("as published", key.encoded()),
            ("required members alone", CBOR.map([1: 1, -1: 6, -2: x]).encoded()),
            ("algorithm Ed25519", CBOR.map([1: 1, 3: -19, -1: 6, -2: x]).encoded()),
            ("key operations with verify", CBOR.map([1: 1, 4: [2], -1: 6, -2: x]).encoded()),
            ("members in another order", [0xa3, 0x20, 0x06, 0x21, 0x58, 0x20] + key.publicKey.bytes + [0x01, 0x01]),
        ]
    }

    private static func invalid(_ key: COSEKey) -> [(String, [UInt8], String)] {
        let x = CBOR.bytes(key.publicKey.bytes)
        var identity = [UInt8](repeating: 0, count: 32)
        identity[0] = 1
        // y = p = 2^255 - 19, another way to write y = 0.
        let notCanonical: [UInt8] = [0xed] + [UInt8](repeating: 0xff, count: 30) + [0x7f]
        return [
            ("not a map", [0x80], "not-map"),
            ("key type EC2", CBOR.map([1: 2, -1: 6, -2: x]).encoded(), "key-type"),
            ("no key type", CBOR.map([-1: 6, -2: x]).encoded(), "key-type"),
            ("curve X25519", CBOR.map([1: 1, -1: 4, -2: x]).encoded(), "curve"),
            ("no curve", CBOR.map([1: 1, -2: x]).encoded(), "curve"),
            ("algorithm ES256", CBOR.map([1: 1, 3: -7, -1: 6, -2: x]).encoded(), "algorithm"),
            ("key operations without verify", CBOR.map([1: 1, 4: [1], -1: 6, -2: x]).encoded(), "key-operations"),
            ("no public key", CBOR.map([1: 1, -1: 6]).encoded(), "public-key-missing"),
            ("public key as text", CBOR.map([1: 1, -1: 6, -2: "x"]).encoded(), "public-key-missing"),
            ("31 bytes", CBOR.map([1: 1, -1: 6, -2: .bytes(identity.dropLast())]).encoded(), "public-key-length"),
            ("the neutral element", CBOR.map([1: 1, -1: 6, -2: .bytes(identity)]).encoded(), "public-key-small-order"),
            (
                "not canonical", CBOR.map([1: 1, -1: 6, -2: .bytes(notCanonical)]).encoded(),
                "public-key-not-canonical"
            ),
            ("a private key", CBOR.map([1: 1, -1: 6, -2: x, -4: x]).encoded(), "private-key"),
            ("another key's identifier", CBOR.map([1: 1, 2: x, -1: 6, -2: x]).encoded(), "key-id-mismatch"),
            ("bytes behind the key", key.encoded() + [0], "trailing-bytes"),
            ("a member twice", [0xa2, 0x01, 0x01, 0x01, 0x01], "duplicate-key"),
        ]
    }
}
