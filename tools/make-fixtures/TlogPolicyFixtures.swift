import Tlog

/// `tlog-policy.json`: policy files, and checkpoints under them.
enum TlogPolicyFixtures {
    private static let roles = ["w1", "w2", "w3", "w4", "w5", "w6"]

    /// Names of keys in the texts below; each stands for a verifier key.
    private static func fill(_ text: String) throws -> String {
        let postQuantum = try VerifierKey(
            name: KeyName("pq.example"), type: .cosignatureMLDSA44, publicKey: [UInt8](repeating: 9, count: 1312))
        var filled = text.replacing("<log>", with: try TlogCast.logKey().text)
            .replacing("<log2>", with: try TlogCast.noteKey("log2", "log2.example").text)
            .replacing("<log-renamed>", with: try TlogCast.noteKey("log", "renamed.example").text)
            .replacing(
                "<w1-renamed>",
                with: VerifierKey.cosigner(
                    name: try KeyName("renamed.example"), publicKey: try TlogCast.key("w1").publicKey
                ).text
            )
            .replacing("<pq>", with: postQuantum.text)
        for role in roles { filled = filled.replacing("<\(role)>", with: try TlogCast.witnessKey(role).text) }
        return filled
    }

    static let groups = """
        # The example of the specification.
        log <log>

        witness X1 <w1>
        witness X2 <w2>
        witness X3 <w3>
        group X-witnesses 2 X1 X2 X3

        witness Y1 <w4>
        witness Y2 <w5>
        witness Y3 <w6>
        group Y-witnesses any Y1 Y2 Y3

        group X-and-Y all X-witnesses Y-witnesses
        quorum X-and-Y

        """

    static func document() throws -> FixtureValue {
        [
            "about": .string(
                "Trust policies (c2sp.org/tlog-policy). policies: accepted ones with the number of logs, witnesses and groups, "
                    + "refused ones with the line at fault where there is one. checks: a checkpoint under a policy; "
                    + "accepted with the names of the witnesses that cosigned, and the greatest time t (seconds, none later "
                    + "than notAfter) such that the cosignatures of t or later reach the quorum."),
            "keys": TlogCast.keys(
                [("log", try TlogCast.logKey())] + (try roles.map { ($0, try TlogCast.witnessKey($0)) })),
            "policies": .array(try accepted() + refused()),
            "checks": .array(try checks()),
        ]
    }

    private static func accepted() throws -> [FixtureValue] {
        func policy(
            _ title: String, _ text: [UInt8], _ logs: UInt64, _ witnesses: UInt64, _ groups: UInt64, _ quorum: String
        )
            throws -> FixtureValue
        {
            FixtureCase.accepted(
                title, [FixtureCase.text("policy", text)],
                [
                    ("logs", .number(logs)), ("witnesses", .number(witnesses)), ("groups", .number(groups)),
                    ("quorum", .string(quorum)),
                ])
        }
        func text(
            _ title: String, _ text: String, _ logs: UInt64, _ witnesses: UInt64, _ groups: UInt64, _ quorum: String
        )
            throws -> FixtureValue
        {
            try policy(title, Array(try fill(text).utf8), logs, witnesses, groups, quorum)
        }
        var many = ""
        for number in 0..<32 {
            let key = try TlogCast.key("many \(number)").publicKey
            many += "log \(VerifierKey.ed25519(name: try KeyName("l\(number)"), publicKey: key).text)\n"
            many += "witness w\(number) \(VerifierKey.cosigner(name: try KeyName("w\(number)"), publicKey: key).text)\n"
            many += number == 0 ? "group g0 all w0\n" : "group g\(number) all w\(number) g\(number - 1)\n"
        }
        let octets = Array("witness ".utf8) + [0xff, 0x80] + Array(try fill(" <w1>\nquorum none\n").utf8)
        return [
            try text("groups of groups", groups, 1, 6, 3, "X-and-Y"),
            try text("quorum none alone", "quorum none\n", 0, 0, 0, "none"),
            try text("one witness", "log <log>\nwitness w <w1>\nquorum w\n", 1, 1, 0, "w"),
            try text(
                "URLs", "log <log> https://log.example/\nwitness w <w1> https://w.example/\nquorum w\n", 1, 1, 0, "w"),
            try text(
                "white space, comments, empty lines", "\n \t\n  # c\n#\n\tlog\t <log> \nquorum \t none\t\n", 1, 0, 0,
                "none"),
            try text("number sign inside a line is no comment", "log <log> #url\nquorum none\n", 1, 0, 0, "none"),
            try text("log after the quorum", "quorum none\nlog <log>\n", 1, 0, 0, "none"),
            try text(
                "quorum before a witness it does not name", "witness a <w1>\nquorum a\nwitness b <w2>\n", 0, 2, 0, "a"),
            try text("group of one", "witness a <w1>\ngroup g 1 a\nquorum g\n", 0, 1, 1, "g"),
            try text("witness and log with the same public key", many, 32, 32, 32, "g31").appendingQuorum("g31"),
            try text(
                "keywords as names", "witness log <w1>\nwitness any <w2>\ngroup all any log any\nquorum all\n", 0, 2, 1,
                "all"),
            try text(
                "K and the Kelvin sign are two names", "witness K <w1>\nwitness \u{212a} <w2>\nquorum K\n", 0, 2, 0, "K"
            ),
            try text(
                "two normal forms are two names", "witness \u{e9} <w1>\nwitness e\u{301} <w2>\nquorum none\n", 0, 2, 0,
                "none"),
            try policy("name that is not UTF-8", octets, 0, 1, 0, "none"),
        ]
    }

    private static func refused() throws -> [FixtureValue] {
        func policy(_ title: String, _ reason: String, _ text: String, line: UInt64? = nil) throws -> FixtureValue {
            .object(
                [
                    ("name", .string(title)), ("policy", .string(try fill(text))), ("valid", false),
                    ("reason", .string(reason)),
                ]
                    + (line.map { [("line", .number($0))] } ?? []))
        }
        let two = "witness a <w1>\nwitness b <w2>\n"
        return [
            try policy("empty", "policy-no-quorum", ""),
            try policy("no quorum", "policy-no-quorum", "log <log>\n"),
            try policy("two quorums", "policy-second-quorum", "quorum none\nquorum none\n", line: 2),
            try policy("no final newline", "policy-no-final-newline", "quorum none"),
            try policy("carriage return", "policy-control-character", "quorum none\r\n", line: 1),
            try policy("vertical tab", "policy-control-character", "quorum\u{b}none\n", line: 1),
            try policy("NUL in a comment", "policy-control-character", "# \u{0}\nquorum none\n", line: 1),
            try policy("DELETE in a comment", "policy-control-character", "\n# \u{7f}\nquorum none\n", line: 2),
            try policy("unknown keyword", "policy-unknown-keyword", "mirror <log>\nquorum none\n", line: 1),
            try policy("keyword in capitals", "policy-unknown-keyword", "QUORUM none\n", line: 1),
            try policy("comment after the quorum", "policy-item-count", "quorum none # c\n", line: 1),
            try policy("quorum without a name", "policy-item-count", "quorum\n", line: 1),
            try policy("log without a key", "policy-item-count", "log\nquorum none\n", line: 1),
            try policy("log with a third item", "policy-item-count", "log <log> u v\nquorum none\n", line: 1),
            try policy("witness without a key", "policy-item-count", "witness a\nquorum none\n", line: 1),
            try policy("witness with a fourth item", "policy-item-count", "witness a <w1> u v\nquorum a\n", line: 1),
            try policy("group without members", "policy-item-count", two + "group g all\nquorum g\n", line: 3),
            try policy("log with a damaged key", "malformed-verifier-key", "log x\nquorum none\n", line: 1),
            try policy("log with a cosigner's key", "policy-key-type", "log <w1>\nquorum none\n", line: 1),
            try policy("witness with a log's key", "policy-key-type", "witness a <log>\nquorum none\n", line: 1),
            try policy(
                "witness with a post-quantum key (not verified here)", "policy-key-type", "witness a <pq>\nquorum a\n",
                line: 1),
            try policy("the same log twice", "policy-duplicate-log", "log <log>\nlog <log>\nquorum none\n", line: 2),
            try policy(
                "two names for one log key", "policy-duplicate-log", "log <log>\nlog <log-renamed>\nquorum none\n",
                line: 2),
            try policy(
                "two names for one witness key", "policy-duplicate-witness",
                "witness a <w1>\nwitness b <w1-renamed>\nquorum a\n", line: 2),
            try policy(
                "two witnesses of one name", "policy-duplicate-name", "witness a <w1>\nwitness a <w2>\nquorum a\n",
                line: 2),
            try policy("group named as a witness", "policy-duplicate-name", two + "group a any b\nquorum a\n", line: 3),
            try policy(
                "two groups of one name", "policy-duplicate-name", two + "group g any a\ngroup g any b\nquorum g\n",
                line: 4),
            try policy("witness named none", "policy-reserved-name", "witness none <w1>\nquorum none\n", line: 1),
            try policy("group named none", "policy-reserved-name", two + "group none any a\nquorum none\n", line: 3),
            try policy("none as a member", "policy-reserved-name", two + "group g any none\nquorum g\n", line: 3),
            try policy("undefined quorum", "policy-undefined-name", "quorum a\n", line: 1),
            try policy("quorum defined later", "policy-undefined-name", "quorum a\n" + two, line: 1),
            try policy("undefined member", "policy-undefined-name", two + "group g any c\nquorum g\n", line: 3),
            try policy(
                "member defined later", "policy-undefined-name",
                "witness a <w1>\ngroup g any a b\nwitness b <w2>\nquorum g\n", line: 2),
            try policy("group in itself", "policy-undefined-name", two + "group g any g\nquorum g\n", line: 3),
            try policy("member twice in a group", "policy-repeated-member", two + "group g 2 a a\nquorum g\n", line: 3),
            try policy(
                "member of two groups", "policy-repeated-member", two + "group g any a\ngroup h any a b\nquorum h\n",
                line: 4),
            try policy("threshold 0", "policy-threshold-out-of-range", two + "group g 0 a b\nquorum g\n", line: 3),
            try policy(
                "threshold above the members", "policy-threshold-out-of-range", two + "group g 3 a b\nquorum g\n",
                line: 3),
            try policy(
                "threshold with a leading zero", "policy-threshold", two + "group g 01 a b\nquorum g\n", line: 3),
            try policy("threshold with a sign", "policy-threshold", two + "group g +1 a b\nquorum g\n", line: 3),
            try policy("threshold in hexadecimal", "policy-threshold", two + "group g 0x1 a b\nquorum g\n", line: 3),
            try policy("threshold in capitals", "policy-threshold", two + "group g ANY a b\nquorum g\n", line: 3),
            try policy(
                "threshold above 2^64", "policy-threshold", two + "group g 18446744073709551617 a b\nquorum g\n",
                line: 3),
        ]
    }
}

extension FixtureValue {
    /// The same case with a quorum line at the end of its policy.
    fileprivate func appendingQuorum(_ name: String) -> FixtureValue {
        guard case .object(let members) = self else { return self }
        return .object(
            members.map { member in
                guard member.name == "policy", case .string(let text) = member.value else { return member }
                return (member.name, .string(text + "quorum \(name)\n"))
            })
    }
}

extension TlogPolicyFixtures {
    private static func checks() throws -> [FixtureValue] {
        let checkpoint = try TlogCast.checkpoint(5)
        let signed = checkpoint.signed(by: try TlogCast.key("log"))
        func cosigned(_ roles: [(String, UInt64)], _ more: [NoteSignature] = []) throws -> SignedCheckpoint {
            signed.adding(try roles.map { try TlogCast.cosignature(checkpoint, $0.0, time: $0.1) } + more)
        }
        func input(_ policy: String, _ checkpoint: SignedCheckpoint) throws -> FixtureFields {
            [("policy", .string(try fill(policy))), FixtureCase.text("checkpoint", checkpoint.bytes)]
        }
        func accepted(
            _ title: String, _ policy: String, _ checkpoint: SignedCheckpoint, _ witnesses: [String],
            notAfter: UInt64 = 2_000_000_000, headTime: UInt64?
        ) throws -> FixtureValue {
            FixtureCase.accepted(
                title, try input(policy, checkpoint),
                [
                    ("cosigned", FixtureCase.strings(witnesses)), ("notAfter", .number(notAfter)),
                    ("headTime", headTime.map { .number($0) } ?? .null),
                ])
        }
        func refused(_ title: String, _ reason: String, _ policy: String, _ checkpoint: SignedCheckpoint) throws
            -> FixtureValue
        {
            FixtureCase.refused(title, reason, try input(policy, checkpoint))
        }
        let simple = "log <log>\nwitness a <w1>\nwitness b <w2>\nwitness c <w3>\ngroup g 2 a b c\nquorum g\n"
        let w1 = try TlogCast.witnessKey("w1")
        let forged = NoteSignature(name: w1.name, keyID: w1.keyID, signature: [UInt8](repeating: 1, count: 72))
        let badLog = NoteSignature(
            name: checkpoint.origin.keyName, keyID: try TlogCast.logKey().keyID,
            signature: [UInt8](repeating: 1, count: 64))
        let other = Checkpoint(origin: try Origin("other.example"), head: checkpoint.treeHead)
            .signed(by: try TlogCast.key("log"))
        let unsigned = try SignedCheckpoint(
            parsing: Array(
                (checkpoint.noteText + "\n"
                    + (try cosigned([("w1", 100), ("w2", 100)])).note.signatures[1...]
                    .map { $0.line + "\n" }.joined()).utf8))
        return [
            try accepted("two of three", simple, try cosigned([("w1", 100), ("w3", 200)]), ["a", "c"], headTime: 100),
            try accepted(
                "three of three", simple, try cosigned([("w1", 100), ("w2", 300), ("w3", 200)]), ["a", "b", "c"],
                headTime: 200),
            try accepted(
                "the latest is in the future", simple, try cosigned([("w1", 100), ("w2", 300), ("w3", 200)]),
                ["a", "b", "c"], notAfter: 250, headTime: 100),
            try accepted(
                "two are in the future", simple, try cosigned([("w1", 100), ("w2", 300), ("w3", 200)]),
                ["a", "b", "c"], notAfter: 150, headTime: nil),
            try accepted(
                "a witness twice: its later time counts", simple,
                try cosigned([("w1", 100), ("w1", 500), ("w2", 300)]),
                ["a", "b"], headTime: 300),
            try accepted(
                "groups of groups", groups, try cosigned([("w1", 100), ("w3", 200), ("w6", 300)]), ["X1", "X3", "Y3"],
                headTime: 100),
            try accepted(
                "unknown cosigner beside", simple, try cosigned([("w1", 100), ("w2", 100), ("w5", 100)]), ["a", "b"],
                headTime: 100),
            try accepted("quorum none", "log <log>\nquorum none\n", signed, [], headTime: nil),
            try accepted(
                "quorum none, but a witness cosigned", "log <log>\nwitness a <w1>\nquorum none\n",
                try cosigned([("w1", 100)]), ["a"], headTime: nil),
            try refused("one of three", "quorum-not-reached", simple, try cosigned([("w1", 100)])),
            try refused(
                "one witness twice is not two", "quorum-not-reached", simple, try cosigned([("w1", 100), ("w1", 101)])),
            try refused(
                "strangers do not count", "quorum-not-reached", simple,
                try cosigned([("w1", 100), ("w5", 100), ("w6", 100)])),
            try refused(
                "one group is missing", "quorum-not-reached", groups, try cosigned([("w1", 1), ("w2", 1), ("w3", 1)])),
            try refused(
                "a forged cosignature of a known witness", "invalid-signature", simple,
                try cosigned([("w2", 100), ("w3", 100)], [forged])),
            try refused(
                "a forged signature of the log beside its true one", "invalid-signature", simple,
                try cosigned([("w1", 100), ("w2", 100)], [badLog])),
            try refused("the log did not sign", "no-signature", simple, unsigned),
            try refused("another origin", "unknown-log", simple, other),
            try refused("no logs", "unknown-log", "quorum none\n", signed),
            try refused(
                "quorum none, but a known witness's line is forged", "invalid-signature",
                "log <log>\nwitness a <w1>\nquorum none\n", try cosigned([], [forged])),
        ]
    }
}
