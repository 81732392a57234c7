import Tlog

/// Evidence that a log signed two histories, and what only looks like it.
enum VerificationForkFixtures {
    private static let seen: UInt64 = 1_790_000_000

    /// Two logs with one key: they begin alike (entries 0 and 1), and batches of other lengths make the rest differ.
    private static func histories() throws -> (TestLog, TestLog) {
        var (log, other) = (try TestLog(), try TestLog())
        try log.grow(to: 21)
        try other.grow(to: 21, batch: 3)
        return (log, other)
    }

    static func document() throws -> FixtureValue {
        let (log, _) = try histories()
        let key = VerifierKey.ed25519(name: log.origin.keyName, publicKey: log.checkpointKey.publicKey)
        return [
            "about": .string(
                """
                Evidence of forks, as a witness or a monitor writes it, to verify under the key of the log. "verified" \
                means that the log signed two histories. Between two sizes, "consistency" has the root of the larger \
                tree at the smaller size, and RFC 6962's proof from there to the larger root.
                """),
            "key": .string(key.text),
            "cases": .array(try (forks() + lookalikes() + malformed()).map(\.value)),
        ]
    }

    private static func forks() throws -> [VerificationCase] {
        let (log, other) = try histories()
        return [
            VerificationCase(
                "two roots of one size", given([try log.checkpoint(), try other.checkpoint()])),
            VerificationCase(
                "a smaller tree that the larger does not begin with",
                given([try log.checkpoint(13), try other.checkpoint(21)], other.at(13, 21))),
            VerificationCase(
                "the larger one was known first",
                given([try other.checkpoint(21), try log.checkpoint(13)], other.at(13, 21))),
            VerificationCase(
                "the smaller size is a power of two, so its root is not in the path",
                given([try log.checkpoint(16), try other.checkpoint(21)], other.at(16, 21))),
            VerificationCase(
                "without cosignatures",
                given([try log.checkpoint(witnesses: 0), try other.checkpoint(witnesses: 0)])),
            VerificationCase(
                "a tree without leaves that has a root",
                given([try emptyRoot(log)], kind: "empty-tree-root")),
            VerificationCase(
                "a tree without leaves that has a root, beside a larger one",
                given(
                    [try emptyRoot(log), try log.checkpoint(13)],
                    ["root": .string(Hash.emptyTree.base64), "path": []])),
        ]
    }

    private static func lookalikes() throws -> [VerificationCase] {
        let (log, other) = try histories()
        let stranger = try TestLog(seed: 50)
        let foreign = try TestLog(origin: "log.example/other")
        let (first, second) = (try log.checkpoint(13), try other.checkpoint(21))
        let unsigned = Checkpoint(origin: log.origin, head: TreeHead(size: 21, root: .zero))
        let forged = try VerificationForkFixtures.forged(log, unsigned)
        return [
            VerificationCase(
                "the same tree twice", given([try log.checkpoint(), try log.checkpoint(witnesses: 3)]),
                failed: ["fork: consistent"]),
            VerificationCase(
                "a tree that grew", given([first, try log.checkpoint(21)], log.at(13, 21)),
                failed: ["fork: consistent"]),
            VerificationCase(
                "two logs that were the same so far", given([try log.checkpoint(2), second], other.at(2, 21)),
                failed: ["fork: consistent"]),
            VerificationCase(
                "a root that the path does not start from",
                given([first, second], ["root": .string(Hash.zero.base64), "path": other.path(13, 21)]),
                failed: ["fork: old-root-mismatch"]),
            VerificationCase(
                "a path of the smaller log's own", given([first, second], log.at(13, 21)),
                failed: ["fork: consistent"]),
            VerificationCase(
                "a path between other sizes",
                given([first, second], ["root": .string(other.head(13).root.base64), "path": other.path(12, 21)]),
                failed: ["fork: wrong-path-length"]),
            VerificationCase(
                "two sizes and no path", given([first, second]), failed: ["fork: consistency-missing"]),
            VerificationCase(
                "a key of somebody else's", given([try log.checkpoint(), try stranger.checkpoint(2)]),
                failed: ["checkpoint 2: log-signature: no-signature", "fork: consistency-missing"]),
            VerificationCase(
                "a signature that is none", given([try log.checkpoint(), forged]),
                failed: ["checkpoint 2: log-signature: invalid-signature"]),
            VerificationCase(
                "another log",
                given([try foreign.checkpoint(), try foreign.checkpoint()], origin: "log.example/other"),
                failed: [
                    "checkpoint 1: log-signature: unknown-log", "checkpoint 2: log-signature: unknown-log",
                    "fork: consistent",
                ]),
            VerificationCase(
                "the empty tree", given([try log.checkpoint(0)], kind: "empty-tree-root"),
                failed: ["fork: consistent"]),
            VerificationCase(
                "a tree with leaves that is to be empty", given([first], kind: "empty-tree-root"),
                failed: ["fork: not-empty"]),
        ]
    }

    private static func malformed() throws -> [VerificationCase] {
        let (log, other) = try histories()
        let pair = [try log.checkpoint(), try other.checkpoint()]
        let foreign = try TestLog(origin: "log.example/other").checkpoint()
        return [
            VerificationCase(
                "two logs", given([try log.checkpoint(), foreign]), failed: ["evidence-form: other-log"]),
            VerificationCase(
                "an origin that is not the checkpoints'", given(pair, origin: "log.example/x"),
                failed: ["evidence-form: other-log"]),
            VerificationCase(
                "one checkpoint", given([try log.checkpoint()]), failed: ["evidence-form: checkpoint-count"]),
            VerificationCase(
                "another kind", given(pair, kind: "rollback"), failed: ["evidence-form: evidence-kind"]),
            VerificationCase(
                "an unknown member", [("evidence", "{\"kind\": \"fork\", \"note\": \"\"}")],
                failed: ["evidence-form: json-member"]),
            VerificationCase(
                "a checkpoint that is none",
                [
                    (
                        "evidence",
                        "{\"checkpoints\": [\"a\", \"b\"], \"kind\": \"fork\", \"origin\": \"x\", \"seen\": 1}"
                    )
                ], failed: ["evidence-form: no-final-newline"]),
        ]
    }

    /// The file's text as the one given thing of a case.
    private static func given(
        _ checkpoints: [SignedCheckpoint], _ consistency: FixtureValue? = nil, kind: String = "fork",
        origin: String = "log.example/test"
    ) -> [(name: String, value: FixtureValue)] {
        var members: [(name: String, value: FixtureValue)] = [
            ("checkpoints", .array(checkpoints.map { .text($0.bytes) }))
        ]
        if let consistency { members.append(("consistency", consistency)) }
        members += [("kind", .string(kind)), ("origin", .string(origin)), ("seen", .number(seen))]
        return [("evidence", .text(FixtureValue.object(members).file))]
    }

    private static func emptyRoot(_ log: TestLog) throws -> SignedCheckpoint {
        try log.cosigned(Checkpoint(origin: log.origin, head: TreeHead(size: 0, root: .zero)))
    }

    /// The log's line of another checkpoint under this one.
    private static func forged(_ log: TestLog, _ checkpoint: Checkpoint) throws -> SignedCheckpoint {
        let line = try log.checkpoint(witnesses: 0).note.signatures
        return try SignedCheckpoint(
            parsing: SignedNote(text: checkpoint.noteText, signatures: line).bytes)
    }
}

extension TestLog {
    fileprivate func path(_ old: UInt64, _ new: UInt64) -> FixtureValue {
        .array(consistency(old, new).path.map { .string($0.base64) })
    }

    /// What this log's tree was at the smaller size, as evidence has it.
    fileprivate func at(_ old: UInt64, _ new: UInt64) -> FixtureValue {
        ["root": .string(head(old).root.base64), "path": path(old, new)]
    }
}
