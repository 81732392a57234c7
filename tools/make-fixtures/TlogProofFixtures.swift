import Tlog

/// `tlog-proof.json`: proofs of entries, to be checked without a network.
enum TlogProofFixtures {
    static func document() throws -> FixtureValue {
        let policy = "log \(try TlogCast.logKey().text)\nwitness w \(try TlogCast.witnessKey("w1").text)\nquorum w\n"
        return [
            "about": .string(
                "Proofs (c2sp.org/tlog-proof). A proof is accepted if it is well formed, its checkpoint satisfies the policy, and "
                    + "its path leads from the leaf hash (hexadecimal) to the checkpoint's root. Entry i of the log is the text "
                    + "\"entry i\"."),
            "keys": TlogCast.keys([("log", try TlogCast.logKey()), ("w1", try TlogCast.witnessKey("w1"))]),
            "policy": .string(policy),
            "proofs": .array(try accepted() + refused()),
        ]
    }

    private static func checkpoint(_ size: UInt64) throws -> SignedCheckpoint {
        let checkpoint = try TlogCast.checkpoint(size)
        return checkpoint.signed(by: try TlogCast.key("log"))
            .adding([try TlogCast.cosignature(checkpoint, "w1", time: 1_800_000_000)])
    }

    private static func proof(_ index: UInt64, _ size: UInt64, extra: [UInt8]? = nil) throws -> TlogProof {
        let path = try TlogCast.hashes(of: .inclusion(index: index, size: size), in: size)
        return TlogProof(extra: extra, index: index, path: path, checkpoint: try checkpoint(size))
    }

    private static func leaf(_ index: UInt64) -> (name: String, value: FixtureValue) {
        ("leafHash", .string(Hash.leaf(TlogCast.entry(index)).hex))
    }

    private static func accepted() throws -> [FixtureValue] {
        func accepted(_ title: String, _ index: UInt64, _ size: UInt64, extra: [UInt8]? = nil) throws -> FixtureValue {
            FixtureCase.accepted(
                title, [FixtureCase.text("proof", try proof(index, size, extra: extra).bytes), leaf(index)],
                [
                    ("index", .number(index)), ("size", .number(size)),
                    ("extra", extra.map { .string(Hex.encode($0)) } ?? .null),
                ])
        }
        return [
            try accepted("one entry: no path", 0, 1),
            try accepted("first of 300", 0, 300),
            try accepted("last of 300", 299, 300),
            try accepted("across the tile boundary", 256, 300),
            try accepted("extra data", 70, 100, extra: Array("age-v1.2.1".utf8)),
            try accepted("extra data of one byte", 70, 100, extra: [0]),
        ]
    }

    private static func refused() throws -> [FixtureValue] {
        let good = try proof(70, 100)
        let text = String(decoding: good.bytes, as: UTF8.self)
        let header = "c2sp.org/tlog-proof@v1\n"
        let path = good.path.map { $0.base64 + "\n" }.joined()
        let rest = "\n" + String(decoding: good.checkpoint.bytes, as: UTF8.self)
        func refused(_ title: String, _ reason: String, _ text: String, leaf index: UInt64 = 70) -> FixtureValue {
            FixtureCase.refused(title, reason, [("proof", .string(text)), leaf(index)])
        }
        func lines(_ title: String, _ reason: String, _ lines: String) -> FixtureValue {
            refused(title, reason, header + lines + path + rest)
        }
        func hashes(_ title: String, _ reason: String, _ hashes: String) -> FixtureValue {
            refused(title, reason, header + "index 70\n" + hashes + rest)
        }
        let bare = try TlogCast.checkpoint(100).signed(by: try TlogCast.key("log"))
        let first = good.path[0].base64
        return [
            refused("empty", "proof-no-blank-line", ""),
            refused("no checkpoint", "proof-no-blank-line", header + "index 70\n" + path),
            refused("empty line at the beginning", "proof-header", "\n" + text),
            refused("another version", "proof-header", "c2sp.org/tlog-proof@v2\n" + text.dropFirst(header.count)),
            refused("no header", "proof-header", String(text.dropFirst(header.count))),
            refused("carriage returns", "proof-no-blank-line", text.replacing("\n", with: "\r\n")),
            lines("no index", "proof-index", ""),
            lines("index with a leading zero", "proof-index", "index 070\n"),
            lines("index with a sign", "proof-index", "index +70\n"),
            lines("index with two spaces", "proof-index", "index  70\n"),
            lines("index with a space after", "proof-index", "index 70 \n"),
            lines("index of 2^64", "proof-index", "index 18446744073709551616\n"),
            lines("index before the extra data", "proof-hash", "index 70\nextra AQ==\n"),
            lines("extra data twice", "proof-index", "extra AQ==\nextra AQ==\nindex 70\n"),
            lines("empty extra data", "proof-extra", "extra \nindex 70\n"),
            lines("extra data without its padding", "proof-extra", "extra AQ\nindex 70\n"),
            lines("extra data with unused bits set", "proof-extra", "extra AR==\nindex 70\n"),
            lines("extra without a space", "proof-index", "extraAQ==\nindex 70\n"),
            hashes("hash without its padding", "proof-hash", first.dropLast() + "\n" + path.dropFirst(first.count + 1)),
            hashes("hash of 31 bytes", "proof-hash", Base64.encode([UInt8](repeating: 1, count: 31)) + "\n"),
            hashes("64 hashes", "proof-too-many-hashes", String(repeating: Hash.zero.base64 + "\n", count: 64)),
            hashes("one hash too few", "wrong-path-length", String(path.dropFirst(first.count + 1))),
            hashes("one hash too many", "wrong-path-length", path + Hash.zero.base64 + "\n"),
            hashes("another hash", "root-mismatch", Hash.zero.base64 + "\n" + path.dropFirst(first.count + 1)),
            refused(
                "two empty lines before the checkpoint", "checkpoint-empty-line",
                header + "index 70\n" + path + "\n" + rest),
            refused("another leaf", "root-mismatch", text, leaf: 71),
            lines("another index", "root-mismatch", "index 71\n"),
            lines("index outside the tree", "index-out-of-range", "index 100\n"),
            refused(
                "no quorum", "quorum-not-reached",
                String(
                    decoding: TlogProof(
                        index: 70, path: good.path, checkpoint: bare
                    ).bytes, as: UTF8.self)),
            refused(
                "another checkpoint's signatures", "invalid-signature",
                text.replacing("\n100\n", with: "\n101\n")),
        ]
    }
}
