import COSE
import Tlog

enum COSEStatementFixtures {
    static func document() throws -> FixtureValue {
        [
            "about": """
            Signed statements in hex. A valid one has its canonical entry bytes, their leaf hash and what its header \
            says, and verifies with the issuer's key. Those in refused can't be read, for the reason given; those in \
            unverified can be read and don't verify with the issuer's key.
            """,
            "issuer": try COSECast.description(0x00),
            "stranger": try COSECast.description(0x20),
            "valid": .array(try valid().map(describe)),
            "refused": .array(try refused().map(describe)),
            "unverified": .array(try COSEStatementFaults.unverified().map(describe)),
        ]
    }

    static func hashEnvelopeDocument() throws -> FixtureValue {
        [
            "about": """
            Signed statements whose payload is a SHA-256 digest (RFC 9995), in the form of statement.json. The \
            preimage of each valid one is given.
            """,
            "issuer": try COSECast.description(0x00),
            "preimage": COSECast.hex(COSECast.payload),
            "valid": .array(try COSEStatementFaults.validEnvelopes().map(describe)),
            "refused": .array(try COSEStatementFaults.refusedEnvelopes().map(describe)),
        ]
    }

    private static func describe(_ name: String, _ bytes: [UInt8], _ reason: String) -> FixtureValue {
        ["name": .string(name), "statement": COSECast.hex(bytes), "reason": .string(reason)]
    }

    private static func describe(_ name: String, _ bytes: [UInt8]) throws -> FixtureValue {
        let statement = try SignedStatement(decoding: bytes)
        let header = statement.header
        var members: [(name: String, value: FixtureValue)] = [
            ("name", .string(name)), ("statement", COSECast.hex(bytes)),
            ("entry", COSECast.hex(statement.entryBytes)), ("leafHash", .string(statement.leafHash.hex)),
            ("algorithm", .string("\(header.algorithm)")), ("contentType", .string(header.contentType)),
            ("issuer", .string(header.issuer)), ("subject", .string(header.subject)),
            ("issuedAt", header.issuedAt.map { .number($0) } ?? .null),
            ("payload", COSECast.hex(statement.payload)),
        ]
        if let envelope = header.hashEnvelope {
            members.append(("preimageContentType", envelope.preimageContentType.map { .string($0) } ?? .null))
            members.append(("payloadLocation", envelope.payloadLocation.map { .string($0) } ?? .null))
        }
        return .object(members)
    }

    private static func valid() throws -> [(String, [UInt8])] {
        let sound = try COSEMessage()
        return [
            ("as Holdfast writes it", sound.encoded),
            ("with a time", try COSEMessage { $0.setClaim(6, 1_790_000_000) }.encoded),
            ("with an empty payload", try COSEMessage { $0.payload = [] }.encoded),
            (
                "with a payload of 300 bytes",
                try COSEMessage { $0.payload = Array(repeating: 0x5a, count: 300) }.encoded
            ),
            ("algorithm Ed25519", try COSEMessage { $0.protected[1] = -19 }.encoded),
            (
                "with an unprotected header, which is dropped",
                try COSEMessage { $0.unprotected = [33: .bytes([1, 2])] }.encoded
            ),
            (
                "with another content type in the unprotected header's private labels",
                try COSEMessage { $0.unprotected = ["alg": "none"] }.encoded
            ),
            (
                "protected labels in another order",
                try COSEMessage { $0.protectedBytes = reversed($0.protected) }.encoded
            ),
            (
                "with labels and claims that mean nothing here",
                try COSEMessage {
                    $0.protected[16] = "application/example+cose"
                    $0.protected["x"] = [1, nil, true]
                    $0.setClaim("role", "builder")
                    $0.setClaim(4, 1_800_000_000)
                }.encoded
            ),
            ("a CoAP content format", try COSEMessage { $0.protected[3] = 50 }.encoded),
            ("critical labels that are understood", try COSEMessage { $0.protected[2] = [15, 4] }.encoded),
            ("a subject that is not ASCII", try COSEMessage { $0.setClaim(2, "Größe \u{6c34}") }.encoded),
        ]
    }

    /// The encoding of a map with its keys backwards, as libraries write it that keep the order of insertion.
    static func reversed(_ map: CBORMap) -> [UInt8] {
        var bytes: [UInt8] = [0xa0 | UInt8(map.count)]
        for entry in map.entries.reversed() {
            bytes += entry.key.encoded()
            bytes += entry.value.mapValue.map(reversed) ?? entry.value.encoded()
        }
        return bytes
    }

    private static func refused() throws -> [(String, [UInt8], String)] {
        try COSEStatementFaults.outer() + COSEStatementFaults.protected() + COSEStatementFaults.claims()
    }
}
