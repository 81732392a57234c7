import COSE
import Governance
import Tlog

/// Statements, receipts and checkpoints to verify under a trust file, right and wrong in one thing each.
enum VerificationCases {
    /// A log of 13 entries: genesis, seal, ten events, seal.
    private static func log() throws -> TestLog {
        var log = try TestLog()
        try log.grow(to: 13)
        return log
    }

    /// The trust files that cases name.
    private static func trustFiles(_ log: TestLog) throws -> FixtureValue {
        let text = try log.trustText()
        let lines = text.split(separator: "\n")
        let withoutGenesis = lines.filter { !$0.hasPrefix("genesis") }.map { $0 + "\n" }.joined()
        return [
            "default": .string(text), "quorum none": .string(try log.trustText(quorum: "none")),
            "no genesis": .string(withoutGenesis),
        ]
    }

    private static func document(_ about: String, _ cases: [VerificationCase]) throws -> FixtureValue {
        [
            "about": .string(about), "trust": try trustFiles(try log()), "cases": .array(cases.map(\.value)),
        ]
    }

    // MARK: Statements

    static func statementDocument() throws -> FixtureValue {
        try document(
            """
            Signed statements (hex) with tlog-proofs, to verify under one of the trust files. The verdict, the failed \
            checks with the codes of their failures, and the required checks that could not be made, are given.
            """, try statements())
    }

    private static func statements() throws -> [VerificationCase] {
        let log = try log()
        let event = try log.statement(4).entryBytes
        let proof = try log.tlogProof(4)
        func given(
            _ statement: [UInt8], _ proof: TlogProof, trust: FixtureValue = "default"
        ) -> [(name: String, value: FixtureValue)] {
            [("trust", trust), ("statement", .hex(statement)), ("proof", .text(proof.bytes))]
        }
        func moved(index: UInt64 = 4, path: [Hash]? = nil, checkpoint: SignedCheckpoint? = nil) -> TlogProof {
            TlogProof(index: index, path: path ?? proof.path, checkpoint: checkpoint ?? proof.checkpoint)
        }
        var badSignature = event
        badSignature[badSignature.count - 1] ^= 1
        var changedPath = proof.path
        changedPath[2] = .zero
        let forged = try TestLog(seed: 50).cosigned(Checkpoint(origin: log.origin, head: log.head()))
        let foreign = try TestLog(origin: "log.example/other", seed: 50).checkpoint()
        let mismatch = ["inclusion: root-mismatch"]
        return [
            VerificationCase("an event", given(event, proof)),
            VerificationCase("the genesis", given(log.genesisEntry, try log.tlogProof(0))),
            VerificationCase("a seal", given(try log.statement(12).entryBytes, try log.tlogProof(12))),
            VerificationCase(
                "quorum none and no cosignatures",
                given(event, try log.tlogProof(4, witnesses: 0), trust: "quorum none")),
            VerificationCase(
                "no genesis in the trust file", given(event, proof, trust: "no genesis"),
                leftOut: ["statement-signature"]),
            VerificationCase(
                "a bad signature", given(badSignature, proof),
                failed: ["statement-signature: bad-signature"] + mismatch),
            try unenrolled(
                "a stranger's statement, in the tree", by: TestLog.key(77), issuer: TestLog.issuer),
            try unenrolled(
                "an enrolled key under another name, in the tree", by: log.issuerKey,
                issuer: "spiffe://example.org/other"),
            VerificationCase(
                "the proof of another entry", given(try log.statement(5).entryBytes, proof), failed: mismatch),
            VerificationCase("a changed hash", given(event, moved(path: changedPath)), failed: mismatch),
            VerificationCase("a changed index", given(event, moved(index: 5)), failed: mismatch),
            VerificationCase(
                "a hash too few", given(event, moved(path: proof.path.dropLast())),
                failed: ["inclusion: wrong-path-length"]),
            VerificationCase(
                "an index beyond the tree", given(event, moved(index: 13)), failed: ["inclusion: index-out-of-range"]),
            VerificationCase(
                "one cosignature of the two needed", given(event, try log.tlogProof(4, witnesses: 1)),
                failed: ["witness-quorum: quorum-not-reached"]),
            VerificationCase(
                "a checkpoint by another key", given(event, moved(checkpoint: forged)),
                failed: ["log-signature: no-signature"], leftOut: ["witness-quorum"]),
            VerificationCase(
                "a checkpoint of another log", given(event, moved(checkpoint: foreign)),
                failed: ["log-signature: unknown-log", "inclusion: index-out-of-range"], leftOut: ["witness-quorum"]),
        ]
    }

    private static func unenrolled(
        _ name: String, by key: Ed25519.SigningKey, issuer: String
    ) throws -> VerificationCase {
        var log = try log()
        let event = try Event(type: "work.done", stream: "x", seq: 0, prev: nil, time: log.time, data: .null)
        let statement = try log.sign(event, by: key, issuer: issuer)
        log.appendAnyway(statement.entryBytes)
        let given: [(name: String, value: FixtureValue)] = [
            ("trust", "default"), ("statement", .hex(statement.entryBytes)),
            ("proof", .text(try log.tlogProof(log.size - 1).bytes)),
        ]
        return VerificationCase(name, given, failed: ["statement-signature: not-enrolled"])
    }

    // MARK: Receipts

    static func receiptDocument() throws -> FixtureValue {
        try document(
            """
            Receipts and the statements they are for (both hex), to verify under one of the trust files; a statement \
            that carries these receipts comes to the same.
            """, try receipts())
    }

    private static func receipts() throws -> [VerificationCase] {
        let log = try log()
        let head = log.head()
        let receipt = try log.receipt(4)
        func given(
            _ receipt: Receipt, trust: FixtureValue = "default"
        ) throws -> [(name: String, value: FixtureValue)] {
            [
                ("trust", trust), ("statement", .hex(try log.statement(4).entryBytes)),
                ("receipt", .hex(receipt.encoded())),
            ]
        }
        let byCheckpointKey = SignedRoot(
            head: head, origin: log.origin, key: log.checkpointKey, checkpoint: try log.checkpoint())
        let consistency = SignedRoot(
            head: head, origin: log.origin, key: log.receiptKey, checkpoint: try log.checkpoint()
        ).receipt(log.consistency(5, 13))
        let otherSize = Checkpoint(origin: log.origin, head: TreeHead(size: 14, root: head.root))
        let forged = try TestLog(seed: 50).cosigned(Checkpoint(origin: log.origin, head: head))
        let foreign = try TestLog(origin: "log.example/other", seed: 50).receipt(0)
        return [
            VerificationCase("a receipt", try given(receipt)),
            VerificationCase(
                "quorum none and no checkpoint",
                try given(try log.receipt(4, witnesses: nil), trust: "quorum none")),
            VerificationCase(
                "no genesis in the trust file", try given(receipt, trust: "no genesis"),
                leftOut: ["statement-signature", "receipt-signature"]),
            VerificationCase(
                "no checkpoint", try given(try log.receipt(4, witnesses: nil)),
                failed: ["witness-quorum: no-checkpoint"]),
            VerificationCase(
                "one cosignature of the two needed", try given(try log.receipt(4, witnesses: 1)),
                failed: ["witness-quorum: quorum-not-reached"]),
            VerificationCase(
                "the receipt of another entry", try given(try log.receipt(5)),
                failed: ["receipt-signature: bad-signature", "root-agreement: other-head"]),
            VerificationCase(
                "a receipt by the checkpoint key", try given(byCheckpointKey.receipt(log.inclusion(4))),
                failed: ["receipt-signature: key-mismatch"]),
            VerificationCase(
                "a checkpoint of another size", try given(receipt.carrying(try log.checkpoint(8))),
                failed: ["root-agreement: other-head"]),
            VerificationCase(
                "a checkpoint of the same root and another size",
                try given(receipt.carrying(try log.cosigned(otherSize))), failed: ["root-agreement: other-head"]),
            VerificationCase(
                "a checkpoint by another key", try given(receipt.carrying(forged)),
                failed: ["log-signature: no-signature"], leftOut: ["witness-quorum"]),
            VerificationCase(
                "a receipt of consistency", try given(consistency), failed: ["inclusion: wrong-kind"]),
            VerificationCase(
                "a receipt of another log", try given(foreign), failed: ["receipt-issuer: unknown-log"]),
        ]
    }

    // MARK: Checkpoints

    static func checkpointDocument() throws -> FixtureValue {
        try document(
            """
            Checkpoints, or an older one, a newer one and a consistency proof, to verify under one of the trust files.
            """, try checkpoints() + (try consistency()))
    }

    private static func checkpoints() throws -> [VerificationCase] {
        let log = try log()
        let checkpoint = Checkpoint(origin: log.origin, head: log.head())
        let stranger = Cosignature.sign(
            checkpoint, name: try KeyName("stranger.example"), key: try TestLog.key(99), time: 1)
        let elsewhere = Checkpoint(origin: log.origin, head: log.head(8))
        let wrong = Cosignature.sign(
            elsewhere, name: try KeyName("w2.example"), key: log.witnessKeys[2], time: 1)
        let other = try TestLog(origin: "log.example/other", seed: 50)
        let sameName = try TestLog(seed: 50)
        func given(_ checkpoint: SignedCheckpoint) -> [(name: String, value: FixtureValue)] {
            [("trust", "default"), ("checkpoint", .text(checkpoint.bytes))]
        }
        return [
            VerificationCase("a checkpoint", given(try log.checkpoint())),
            VerificationCase("three cosignatures", given(try log.checkpoint(witnesses: 3))),
            VerificationCase("an unknown cosigner's line", given(try log.checkpoint().adding([stranger]))),
            VerificationCase(
                "a known witness's line over another head", given(try log.checkpoint().adding([wrong])),
                failed: ["witness-quorum: invalid-signature"]),
            VerificationCase(
                "one cosignature of the two needed", given(try log.checkpoint(witnesses: 1)),
                failed: ["witness-quorum: quorum-not-reached"]),
            VerificationCase(
                "another log's", given(try other.checkpoint()), failed: ["log-signature: unknown-log"],
                leftOut: ["witness-quorum"]),
            VerificationCase(
                "another key's", given(try sameName.checkpoint()), failed: ["log-signature: no-signature"],
                leftOut: ["witness-quorum"]),
        ]
    }

    private static func consistency() throws -> [VerificationCase] {
        let log = try log()
        var fork = try TestLog()
        try fork.grow(to: 13, batch: 3)
        func given(
            _ old: SignedCheckpoint, _ new: SignedCheckpoint, _ proof: [UInt8]
        ) -> [(name: String, value: FixtureValue)] {
            [
                ("trust", "default"), ("old", .text(old.bytes)), ("new", .text(new.bytes)),
                ("proof", .text(proof)),
            ]
        }
        let (five, all) = (try log.checkpoint(5), try log.checkpoint())
        return [
            VerificationCase("a proof in JSON", given(five, all, log.consistencyJSON(5, 13))),
            VerificationCase("a proof in lines", given(five, all, log.consistencyLines(5, 13))),
            VerificationCase("equal sizes", given(all, all, [])),
            VerificationCase("from the empty tree", given(try log.checkpoint(0), all, log.consistencyJSON(0, 13))),
            VerificationCase(
                "a proof between other sizes", given(five, all, log.consistencyJSON(4, 13)),
                failed: ["consistency: other-sizes"]),
            VerificationCase(
                "the order changed", given(all, five, log.consistencyLines(5, 13)),
                failed: ["consistency: sizes-out-of-order"]),
            VerificationCase(
                "a fork of the same size", given(all, try fork.checkpoint(), []),
                failed: ["consistency: root-mismatch"]),
            VerificationCase(
                "a proof that is none", given(five, all, Array("{\"from\": 5}".utf8)),
                failed: ["proof-form: json-member"]),
        ]
    }
}
