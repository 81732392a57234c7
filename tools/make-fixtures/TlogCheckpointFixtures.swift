import Tlog

/// `checkpoint.json`: checkpoints under the log's key.
enum TlogCheckpointFixtures {
    private static let root = Hash.sha256(Array("a root".utf8)).base64

    static func document() throws -> FixtureValue {
        [
            "about": .string(
                "Checkpoints (c2sp.org/tlog-checkpoint) in their notes. One is accepted if it is well formed and the log's "
                    + "key, whose name must be the origin, signed it. The reasons prefer form to signature."),
            "keys": TlogCast.keys([("log", try TlogCast.logKey())]),
            "logKey": .string(try TlogCast.logKey().text),
            "checkpoints": .array(try accepted() + refused()),
        ]
    }

    private static func signed(_ text: String) throws -> String {
        text + "\n" + (try TlogCast.line(text, "log", TlogCast.originText))
    }

    private static func accepted() throws -> [FixtureValue] {
        func checkpoint(
            _ title: String, size: UInt64, root: String, extensions: [String] = [], more: String = ""
        ) throws -> FixtureValue {
            let text = "\(TlogCast.originText)\n\(size)\n\(root)\n" + extensions.map { $0 + "\n" }.joined()
            return FixtureCase.accepted(
                title, [("checkpoint", .string(try signed(text) + more))],
                [
                    ("origin", .string(TlogCast.originText)), ("size", .number(size)), ("root", .string(root)),
                    ("extensions", FixtureCase.strings(extensions)),
                ])
        }
        let checkpoint5 = try TlogCast.checkpoint(5)
        let cosignature = try TlogCast.cosignature(checkpoint5, "w1", time: 1_800_000_000).line + "\n"
        return [
            try checkpoint("size 5", size: 5, root: checkpoint5.root.base64),
            try checkpoint("size 5 with a cosignature", size: 5, root: checkpoint5.root.base64, more: cosignature),
            try checkpoint("size 0", size: 0, root: Hash.emptyTree.base64),
            try checkpoint("the largest size", size: UInt64(Int64.max), root: root),
            try checkpoint("extension lines", size: 5, root: root, extensions: ["one", " two: \u{e9} ", "— three"]),
        ]
    }

    private static func refused() throws -> [FixtureValue] {
        let origin = TlogCast.originText
        func form(_ title: String, _ reason: String, _ text: String) throws -> FixtureValue {
            FixtureCase.refused(title, reason, [("checkpoint", .string(try signed(text)))])
        }
        func size(_ title: String, _ size: String, _ reason: String = "checkpoint-size") throws -> FixtureValue {
            try form(title, reason, "\(origin)\n\(size)\n\(root)\n")
        }
        func badRoot(_ title: String, _ root: String) throws -> FixtureValue {
            try form(title, "checkpoint-root", "\(origin)\n5\n\(root)\n")
        }
        let text = "\(origin)\n5\n\(root)\n"
        let elsewhere = "elsewhere.example\n5\n\(root)\n"
        return [
            try form("one line", "checkpoint-too-few-lines", "\(origin)\n"),
            try form("two lines", "checkpoint-too-few-lines", "\(origin)\n5\n"),
            try form("empty origin", "checkpoint-empty-line", "\n5\n\(root)\n"),
            try form("space in the origin (our rule)", "checkpoint-origin", "log example\n5\n\(root)\n"),
            try form("plus in the origin (our rule)", "checkpoint-origin", "log+example\n5\n\(root)\n"),
            try form("empty extension line", "checkpoint-empty-line", text + "\n"),
            try form("empty line between extensions", "checkpoint-empty-line", text + "one\n\ntwo\n"),
            try size("no size", "", "checkpoint-empty-line"),
            try size("leading zero", "05"),
            try size("two zeros", "00"),
            try size("plus sign", "+5"),
            try size("minus sign", "-5"),
            try size("hexadecimal", "0x5"),
            try size("space before", " 5"),
            try size("space after", "5 "),
            try size("underscore", "1_000"),
            try size("digits beyond ASCII", "\u{0665}"),
            try size("2^64", "18446744073709551616"),
            try size("2^63 (our limit)", "9223372036854775808", "checkpoint-size-too-large"),
            try badRoot("root without its padding", String(root.dropLast())),
            try badRoot("root with unused bits set", "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J="),
            try badRoot("root of the URL alphabet", "CsUYapGGPo4dkMgIAUqom_Xajj7h2fB2MPA3j2jxq2I="),
            try badRoot("root of 31 bytes", Base64.encode([UInt8](repeating: 1, count: 31))),
            try badRoot("root of 33 bytes", Base64.encode([UInt8](repeating: 1, count: 33))),
            try badRoot("root with a space after", root + " "),
            try badRoot("root in hexadecimal", Hash.zero.hex),
            FixtureCase.refused("no signature", "no-signatures", [("checkpoint", .string(text + "\n"))]),
            FixtureCase.refused(
                "signed by a stranger under the log's name", "no-signature",
                [("checkpoint", .string(text + "\n" + (try TlogCast.line(text, "stranger", origin))))]),
            FixtureCase.refused(
                "signature of another checkpoint", "invalid-signature",
                [("checkpoint", .string(text + "\n" + (try TlogCast.line("x\n", "log", origin))))]),
            FixtureCase.refused(
                "the log's key under another origin", "key-name-is-not-origin",
                [("checkpoint", .string(elsewhere + "\n" + (try TlogCast.line(elsewhere, "log", origin))))]),
        ]
    }
}
