import Tlog

/// `cosignature.json`: Ed25519 cosignatures.
enum TlogCosignatureFixtures {
    static func document() throws -> FixtureValue {
        let key = try TlogCast.witnessKey("w1")
        let checkpoint = try TlogCast.checkpoint(5)
        return [
            "about": .string(
                "Ed25519 cosignatures (c2sp.org/tlog-cosignature, type 0x04): a signature line for a checkpoint's text under "
                    + "a known cosigner's key. Accepted: the time in seconds since 1970."),
            "keys": TlogCast.keys([("w1", key)]),
            "cosigner": .string(key.text),
            "cosignatures": .array(try cases(key, checkpoint)),
        ]
    }

    private static func cases(_ key: VerifierKey, _ checkpoint: Checkpoint) throws -> [FixtureValue] {
        let signer = try TlogCast.key("w1")
        let line = try TlogCast.cosignature(checkpoint, "w1", time: 1_800_000_000)
        func input(_ line: NoteSignature, on checkpoint: Checkpoint) -> FixtureFields {
            [("checkpointText", .string(checkpoint.noteText)), ("line", .string(line.line))]
        }
        func accepted(_ title: String, _ checkpoint: Checkpoint, _ seconds: UInt64) throws -> FixtureValue {
            FixtureCase.accepted(
                title, input(try TlogCast.cosignature(checkpoint, "w1", time: seconds), on: checkpoint),
                [("seconds", .number(seconds))])
        }
        func refused(
            _ title: String, _ reason: String, _ bytes: [UInt8], keyID: UInt32? = nil, name: String? = nil
        ) throws -> FixtureValue {
            let line = NoteSignature(
                name: try KeyName(name ?? key.name.text), keyID: keyID ?? key.keyID, signature: bytes)
            return FixtureCase.refused(title, reason, input(line, on: checkpoint))
        }
        func over(_ message: String, time: [UInt8] = Array(line.signature[..<8])) -> [UInt8] {
            time + signer.sign(Array(message.utf8))
        }
        let text = checkpoint.noteText
        let header = "cosignature/v1\ntime 1800000000\n"
        let extended = try Checkpoint(
            origin: checkpoint.origin, head: checkpoint.treeHead, extensions: ["an extension line"])
        let empty = Checkpoint(origin: checkpoint.origin, head: .empty)
        let late = [0x80] + [UInt8](repeating: 0, count: 7)
        var otherTime = line.signature
        otherTime[7] ^= 1
        return [
            try accepted("plain", checkpoint, 1_800_000_000),
            try accepted("time 0", checkpoint, 0),
            try accepted("time 2^63 - 1", checkpoint, UInt64(Int64.max)),
            try accepted("with an extension line", extended, 1_800_000_000),
            try accepted("empty tree", empty, 1_800_000_000),
            FixtureCase.refused("of another checkpoint", "invalid-signature", input(line, on: empty)),
            FixtureCase.refused("without the extension line", "invalid-signature", input(line, on: extended)),
            try refused("another time than was signed", "invalid-signature", otherTime),
            try refused(
                "time of 2^63", "timestamp-too-large",
                over("cosignature/v1\ntime 9223372036854775808\n" + text, time: late)),
            try refused("no header line", "invalid-signature", over("time 1800000000\n" + text)),
            try refused(
                "header of another version", "invalid-signature", over("cosignature/v2\ntime 1800000000\n" + text)),
            try refused(
                "time with a leading zero", "invalid-signature", over("cosignature/v1\ntime 01800000000\n" + text)),
            try refused("text alone", "invalid-signature", over(text)),
            try refused("text without its final newline", "invalid-signature", over(header + text.dropLast())),
            try refused("text with the blank line", "invalid-signature", over(header + text + "\n")),
            try refused(
                "time in little-endian order", "invalid-signature",
                over("cosignature/v1\ntime 1800000000\n" + text, time: line.signature[..<8].reversed())),
            try refused("71 bytes", "cosignature-length", Array(line.signature.dropLast())),
            try refused("73 bytes", "cosignature-length", line.signature + [0]),
            try refused("signature without a time", "cosignature-length", Array(line.signature[8...])),
            try refused("another key ID", "no-signature", line.signature, keyID: ~key.keyID),
            try refused(
                "key ID of the same key as a note key", "no-signature", line.signature,
                keyID: VerifierKey.ed25519(name: key.name, publicKey: signer.publicKey).keyID),
            try refused("another name", "no-signature", line.signature, name: "witness.example/W1"),
        ]
    }
}
