import Tlog

/// `add-checkpoint.json`: the bodies of tlog-witness.
enum TlogWitnessFixtures {
    static func document() throws -> FixtureValue {
        [
            "about": .string(
                "Bodies of add-checkpoint (c2sp.org/tlog-witness): requests as to their form, and whether their proof leads from "
                    + "oldRoot to the checkpoint's root; responses with the lines that a log which knows the witness's key may "
                    + "copy; bodies of status 409. Entry i of the log is the text \"entry i\"."),
            "keys": TlogCast.keys([("log", try TlogCast.logKey()), ("w1", try TlogCast.witnessKey("w1"))]),
            "witness": .string(try TlogCast.witnessKey("w1").text),
            "checkpointText": .string(try TlogCast.checkpoint(300).noteText),
            "requests": .array(try requests()),
            "responses": .array(try responses()),
            "conflicts": .array(conflicts()),
        ]
    }

    private static func request(_ old: UInt64, _ size: UInt64) throws -> AddCheckpointRequest {
        AddCheckpointRequest(
            oldSize: old, path: try TlogCast.hashes(of: .consistency(from: old, to: size), in: size),
            checkpoint: try TlogCast.checkpoint(size).signed(by: try TlogCast.key("log")))
    }

    private static func requests() throws -> [FixtureValue] {
        func input(_ old: UInt64, _ body: String) -> FixtureFields {
            [("body", .string(body)), ("oldRoot", .string(TlogCast.frontier(old).root().hex))]
        }
        func accepted(_ title: String, _ old: UInt64, _ size: UInt64) throws -> FixtureValue {
            FixtureCase.accepted(
                title, input(old, String(decoding: try request(old, size).body, as: UTF8.self)),
                [("oldSize", .number(old)), ("size", .number(size))])
        }
        let good = try request(100, 300)
        let path = good.path.map { $0.base64 + "\n" }.joined()
        let rest = "\n" + String(decoding: good.checkpoint.bytes, as: UTF8.self)
        let first = good.path[0].base64
        func refused(_ title: String, _ reason: String, _ body: String, old: UInt64 = 100) -> FixtureValue {
            FixtureCase.refused(title, reason, input(old, body))
        }
        func old(_ title: String, _ line: String) -> FixtureValue {
            refused(title, "request-old-size", line + "\n" + path + rest)
        }
        return [
            try accepted("first contact: no proof", 0, 300),
            try accepted("growth", 100, 300),
            try accepted("growth from a power of two", 256, 300),
            try accepted("no growth: no proof", 300, 300),
            try accepted("empty tree", 0, 0),
            refused("empty", "request-no-blank-line", ""),
            refused("no checkpoint", "request-no-blank-line", "old 100\n" + path),
            old("no old line", "\(first)"),
            old("old in capitals", "OLD 100"),
            old("leading zero", "old 0100"),
            old("sign", "old +100"),
            old("two spaces", "old  100"),
            old("tab", "old\t100"),
            old("space after", "old 100 "),
            old("no number", "old"),
            old("2^63 (our limit)", "old 9223372036854775808"),
            refused(
                "carriage returns", "request-no-blank-line", ("old 100\n" + path + rest).replacing("\n", with: "\r\n")),
            refused("hash without its padding", "request-hash", "old 100\n" + first.dropLast() + "\n" + rest),
            refused(
                "hash of 33 bytes", "request-hash",
                "old 100\n" + Base64.encode([UInt8](repeating: 1, count: 33)) + "\n" + rest),
            refused("space before a hash", "request-hash", "old 100\n " + path + rest),
            refused(
                "64 hashes", "request-too-many-hashes",
                "old 100\n" + String(repeating: Hash.zero.base64 + "\n", count: 64) + rest),
            refused("two empty lines", "checkpoint-empty-line", "old 100\n" + path + "\n" + rest),
            refused("checkpoint without its final newline", "no-final-newline", "old 100\n" + path + rest.dropLast()),
            refused("old size above the checkpoint's", "sizes-out-of-order", "old 301\n" + path + rest),
            refused("proof with old size 0", "wrong-path-length", "old 0\n" + path + rest, old: 0),
            refused("proof with no growth", "wrong-path-length", "old 300\n" + path + rest, old: 300),
            refused("one hash too few", "wrong-path-length", "old 100\n" + path.dropFirst(first.count + 1) + rest),
            refused(
                "another hash", "old-root-mismatch",
                "old 100\n" + Hash.zero.base64 + "\n" + path.dropFirst(first.count + 1) + rest),
            refused("another old root", "old-root-mismatch", "old 100\n" + path + rest, old: 101),
            refused("no growth, another root", "root-mismatch", "old 300\n" + rest, old: 299),
        ]
    }

    private static func responses() throws -> [FixtureValue] {
        let checkpoint = try TlogCast.checkpoint(300)
        let good = try TlogCast.cosignature(checkpoint, "w1", time: 1_800_000_000).line + "\n"
        let later = try TlogCast.cosignature(checkpoint, "w1", time: 1_800_000_001).line + "\n"
        let stranger = try TlogCast.cosignature(checkpoint, "w2", time: 1_800_000_000).line + "\n"
        let asLog = try TlogCast.line(checkpoint.noteText, "stranger", TlogCast.originText)
        let elsewhere = try TlogCast.cosignature(try TlogCast.checkpoint(299), "w1", time: 1_800_000_000).line + "\n"
        let timeless = try TlogCast.cosignature(checkpoint, "w1", time: 0).line + "\n"
        func accepted(_ title: String, _ body: String, copied: [String]) -> FixtureValue {
            FixtureCase.accepted(
                title, [("body", .string(body))],
                [("copied", FixtureCase.strings(copied.map { String($0.dropLast()) }))])
        }
        func refused(_ title: String, _ reason: String, _ body: String) -> FixtureValue {
            FixtureCase.refused(title, reason, [("body", .string(body))])
        }
        return [
            accepted("one cosignature", good, copied: [good]),
            accepted("two cosignatures", good + later, copied: [good, later]),
            accepted("a stranger's line is left out", stranger + good, copied: [good]),
            accepted("a line in the log's name is left out", asLog + good, copied: [good]),
            accepted("only strangers", stranger, copied: []),
            refused("empty", "response-no-final-newline", ""),
            refused("no final newline", "response-no-final-newline", String(good.dropLast())),
            refused("empty line", "malformed-signature-line", good + "\n"),
            refused("note text before", "malformed-signature-line", "text\n\n" + good),
            refused("not base64", "signature-base64", "— x ?\n"),
            refused("cosignature of another checkpoint", "invalid-signature", good + elsewhere),
            refused("cosignature without a time", "timestamp-zero", timeless),
        ]
    }

    private static func conflicts() -> [FixtureValue] {
        [("zero", "0\n", 0), ("size", "20852163\n", 20_852_163)].map { title, body, size in
            FixtureCase.accepted(title, [("body", .string(body))], [("size", .number(size))])
        }
            + [
                ("empty", ""), ("no newline", "17"), ("two newlines", "17\n\n"), ("leading zero", "017\n"),
                ("sign", "+17\n"),
                ("space", " 17\n"), ("carriage return", "17\r\n"), ("2^63 (our limit)", "9223372036854775808\n"),
            ].map { title, body in
                FixtureCase.refused(title, "response-conflict-size", [("body", .string(body))])
            }
    }
}
