import COSE
import Tlog

/// Statements that are wrong in one thing each, with the reason of their refusal.
enum COSEStatementFaults {
    typealias Fault = (String, [UInt8], String)

    private static func fault(
        _ name: String, _ reason: String, _ change: (inout COSEMessage) throws -> Void
    ) throws -> Fault {
        (name, try COSEMessage(change).encoded, reason)
    }

    /// Faults of the array around the statement.
    static func outer() throws -> [Fault] {
        let sound = try COSEMessage()
        let bytes = sound.encoded
        let sign1 = sound.sign1
        let parts: [CBOR] = [.bytes(sign1.protected), [:], .bytes(COSECast.payload), .bytes(sign1.signature)]
        return [
            ("no tag", Array(bytes.dropFirst()), "untagged"),
            ("tag 98, COSE_Sign", [0xd8, 0x62] + bytes.dropFirst(), "wrong-tag"),
            ("tag 61 around tag 18", [0xd8, 0x3d] + bytes, "wrong-tag"),
            ("three elements", CBOR.tagged(18, .array(Array(parts.dropLast()))).encoded(), "element-count"),
            ("five elements", CBOR.tagged(18, .array(parts + [.bytes([])])).encoded(), "element-count"),
            ("a map in the array's place", CBOR.tagged(18, [1: 2, 3: 4]).encoded(), "unexpected-type"),
            ("a byte behind the statement", bytes + [0], "trailing-bytes"),
            ("the last byte missing", Array(bytes.dropLast()), "length-beyond-input"),
            ("the array's length in two bytes", [0xd2, 0x98, 0x04] + bytes.dropFirst(2), "not-shortest"),
            ("the tag's number in two bytes", [0xd8, 0x12] + bytes.dropFirst(1), "not-shortest"),
            ("an array of indefinite length", [0xd2, 0x9f] + bytes.dropFirst(2) + [0xff], "indefinite-length"),
            ("the payload detached", try COSEMessage { $0.payload = nil }.encoded, "payload-missing"),
            (
                "the payload a text", CBOR.tagged(18, [parts[0], parts[1], "text", parts[3]]).encoded(),
                "unexpected-type"
            ),
            (
                "the unprotected header an array", CBOR.tagged(18, [parts[0], [], parts[2], parts[3]]).encoded(),
                "unexpected-type"
            ),
            (
                "an unprotected label twice",
                [0xd2, 0x84] + parts[0].encoded() + [0xa2, 0x18, 0x63, 0, 0x18, 0x63, 0] + parts[2].encoded()
                    + parts[3].encoded(), "duplicate-key"
            ),
            (
                "a signature of 63 bytes",
                COSESign1(protected: sign1.protected, payload: COSECast.payload, signature: sign1.signature.dropLast())
                    .encoded(), "signature-length"
            ),
            (
                "a signature of 65 bytes",
                COSESign1(protected: sign1.protected, payload: COSECast.payload, signature: sign1.signature + [0])
                    .encoded(), "signature-length"
            ),
        ]
    }

    /// Faults of the protected header.
    static func protected() throws -> [Fault] {
        [
            try fault("no protected header", "header-missing") { $0.protectedBytes = [] },
            try fault("the protected header an array", "protected-header-not-map") { $0.protectedBytes = [0x80] },
            try fault("a byte behind the protected header", "trailing-bytes") {
                $0.protectedBytes = $0.protected.encoded() + [0]
            },
            try fault("a protected label twice", "duplicate-key") {
                $0.protectedBytes = [0xa5, 0x01, 0x27] + $0.protected.encoded().dropFirst()
            },
            try fault("a protected label not in its shortest form", "not-shortest") {
                $0.protectedBytes = [0xa4, 0x18] + $0.protected.encoded().dropFirst()
            },
            try fault("a label in both headers", "label-in-both-headers") { $0.unprotected = [3: "text/plain"] },
            try fault("no algorithm", "header-missing") { $0.protected[1] = nil },
            try fault("the algorithm in the unprotected header alone", "header-missing") {
                $0.protected[1] = nil
                $0.unprotected = [1: -8]
            },
            try fault("algorithm ES256", "unsupported-algorithm") { $0.protected[1] = -7 },
            try fault("the algorithm a text", "unsupported-algorithm") { $0.protected[1] = "EdDSA" },
            try fault("a critical label that is not understood", "critical-not-understood") {
                $0.protected[2] = [99]
                $0.protected[99] = true
            },
            try fault("a critical text label", "critical-not-understood") {
                $0.protected[2] = ["x"]
                $0.protected["x"] = true
            },
            try fault("a critical label that is not there", "critical-absent") { $0.protected[2] = [258] },
            try fault("no critical labels", "header-invalid") { $0.protected[2] = [] },
            try fault("critical labels not an array", "header-invalid") { $0.protected[2] = 4 },
            try fault("no content type", "content-type-missing") { $0.protected[3] = nil },
            try fault("a content type without a slash", "content-type") { $0.protected[3] = "json" },
            try fault("a content type with a space behind it", "content-type") { $0.protected[3] = "text/plain " },
            try fault("a content type that is not ASCII", "content-type") { $0.protected[3] = "text/pläin" },
            try fault("a content type of 256 bytes", "content-type") {
                $0.protected[3] = .text("text/" + String(repeating: "x", count: 251))
            },
            try fault("content format 65536", "content-type") { $0.protected[3] = 65_536 },
            try fault("the content type a byte string", "content-type") { $0.protected[3] = .bytes([1]) },
            try fault("no key identifier", "header-missing") { $0.protected[4] = nil },
            try fault("a key identifier of 31 bytes", "key-id-length") {
                $0.protected[4] = .bytes(Array(repeating: 7, count: 31))
            },
            try fault("the key identifier a text", "header-invalid") { $0.protected[4] = "key" },
        ]
    }

    /// Faults of the CWT claims.
    static func claims() throws -> [Fault] {
        [
            try fault("no claims", "header-missing") { $0.protected[15] = nil },
            try fault("the claims an array", "header-invalid") { $0.protected[15] = [] },
            try fault("no issuer", "claim-missing") { $0.setClaim(1, nil) },
            try fault("no subject", "claim-missing") { $0.setClaim(2, nil) },
            try fault("an empty issuer", "claim-empty") { $0.setClaim(1, "") },
            try fault("an empty subject", "claim-empty") { $0.setClaim(2, "") },
            try fault("the issuer a byte string", "claim-invalid") { $0.setClaim(1, .bytes([0x61])) },
            try fault("the subject a number", "claim-invalid") { $0.setClaim(2, 7) },
            try fault("an issuer of 8193 bytes", "claim-too-long") {
                $0.setClaim(1, .text(String(repeating: "i", count: 8193)))
            },
            try fault("a subject of 8193 bytes", "claim-too-long") {
                $0.setClaim(2, .text(String(repeating: "s", count: 8193)))
            },
            try fault("a negative time", "claim-invalid") { $0.setClaim(6, -1) },
            try fault("the time a text", "claim-invalid") { $0.setClaim(6, "now") },
        ]
    }

    /// Statements that can be read and don't verify with the issuer's key.
    static func unverified() throws -> [Fault] {
        let sound = try COSEMessage().sign1
        let stranger = try COSECast.stranger()
        func message(payload: [UInt8] = COSECast.payload, signature: [UInt8]) -> [UInt8] {
            COSESign1(protected: sound.protected, payload: payload, signature: signature).encoded()
        }
        var flipped = sound.signature
        flipped[0] ^= 1
        return [
            ("a bit of the signature flipped", message(signature: flipped), "bad-signature"),
            ("the signature all zero", message(signature: Array(repeating: 0, count: 64)), "bad-signature"),
            ("S plus the group order", message(signature: raised(sound.signature)), "bad-signature"),
            (
                "another payload", message(payload: COSECast.payload + [0x20], signature: sound.signature),
                "bad-signature"
            ),
            (
                "signed over the payload alone", message(signature: try COSECast.issuer().sign(COSECast.payload)),
                "bad-signature"
            ),
            (
                "a stranger's signature under the issuer's key identifier",
                try COSEMessage { $0.key = stranger }.encoded, "bad-signature"
            ),
            (
                "a stranger's statement",
                try COSEMessage {
                    $0.key = stranger
                    $0.protected[4] = .bytes(COSECast.thumbprint(stranger).bytes)
                }.encoded, "key-mismatch"
            ),
        ]
    }

    /// The signature with the group order L added to S: the same number modulo L, not canonical (RFC 8032 section
    /// 5.1.7 has S in the range 0 <= s < L).
    private static func raised(_ signature: [UInt8]) -> [UInt8] {
        let order: [UInt8] = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ]
        var raised = signature
        var carry: UInt16 = 0
        for position in 0..<32 {
            let sum = UInt16(signature[32 + position]) + UInt16(order[position]) + carry
            raised[32 + position] = UInt8(truncatingIfNeeded: sum)
            carry = sum >> 8
        }
        return raised
    }

    private static func envelope(_ change: (inout COSEMessage) throws -> Void = { _ in }) throws -> [UInt8] {
        try COSEMessage {
            $0.protected[3] = nil
            $0.protected[258] = -16
            $0.payload = Hash.sha256(COSECast.payload).bytes
            try change(&$0)
        }.encoded
    }

    static func validEnvelopes() throws -> [(String, [UInt8])] {
        [
            ("the algorithm alone", try envelope()),
            (
                "with content type and location",
                try envelope {
                    $0.protected[259] = .text(COSECast.contentType)
                    $0.protected[260] = "https://issuer.example/statements/7"
                }
            ),
            ("with a CoAP content format", try envelope { $0.protected[259] = 50 }),
            ("critical", try envelope { $0.protected[2] = [258] }),
        ]
    }

    static func refusedEnvelopes() throws -> [Fault] {
        [
            ("with a content type", try envelope { $0.protected[3] = "text/plain" }, "content-type-of-hash"),
            ("SHA-512", try envelope { $0.protected[258] = -44 }, "hash-algorithm"),
            ("the algorithm a text", try envelope { $0.protected[258] = "sha-256" }, "hash-algorithm"),
            ("a digest of 31 bytes", try envelope { $0.payload?.removeLast() }, "digest-length"),
            ("no digest", try envelope { $0.payload = [] }, "digest-length"),
            ("the digest detached", try envelope { $0.payload = nil }, "payload-missing"),
            (
                "a preimage content type alone",
                try COSEMessage { $0.protected[259] = "text/plain" }.encoded, "hash-header-alone"
            ),
            ("a location alone", try COSEMessage { $0.protected[260] = "https://x" }.encoded, "hash-header-alone"),
            ("a preimage content type without a slash", try envelope { $0.protected[259] = "json" }, "header-invalid"),
            ("an empty location", try envelope { $0.protected[260] = "" }, "header-invalid"),
            ("the location a byte string", try envelope { $0.protected[260] = .bytes([1]) }, "header-invalid"),
            (
                "a location in the unprotected header", try envelope { $0.unprotected = [260: "https://x"] },
                "hash-header-unprotected"
            ),
            (
                "a content type in the unprotected header", try envelope { $0.unprotected = [3: "text/plain"] },
                "hash-header-unprotected"
            ),
        ]
    }
}
