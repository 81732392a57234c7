import COSE
import Governance
import Tlog

/// A log that changed its keys, and what was signed with which of them.
enum VerificationRotationFixtures {
    private struct Logs {
        /// Before the change, at 10 entries.
        let old: TestLog
        /// After it, at 30; the cut-off is 12.
        let log: TestLog
        /// The same log, signed with the keys that ended.
        let leaked: TestLog
        let trust: FixtureValue

        init() throws {
            var log = try TestLog()
            let text = try log.trustText()
            try log.grow(to: 10)
            old = log
            let cutoff = try log.rotate()
            try log.grow(to: 30)
            self.log = log
            log.use(checkpoint: old.checkpointKey, receipt: old.receiptKey, statement: old.statementKey)
            leaked = log
            func join(_ lines: [String]) -> String { text + lines.map { $0 + "\n" }.joined() }
            let (keys, origin) = (self.log.keys, log.origin)
            trust = [
                "the genesis's keys": .string(text),
                "no cut-offs": .string(join(TestLog.laterLines(keys, origin: origin))),
                "cut-offs": .string(join(TestLog.laterLines(keys, origin: origin, ended: old.keys, at: cutoff))),
            ]
        }

        typealias Given = [(name: String, value: FixtureValue)]

        func checkpoint(_ signed: SignedCheckpoint, trust: FixtureValue = "cut-offs") -> Given {
            [("trust", trust), ("checkpoint", .text(signed.bytes))]
        }

        func receipt(_ receipt: Receipt, trust: FixtureValue = "cut-offs") throws -> Given {
            [
                ("trust", trust), ("statement", .hex(try log.statement(4).entryBytes)),
                ("receipt", .hex(receipt.encoded())),
            ]
        }

        func seal(_ log: TestLog, _ index: UInt64) throws -> Given {
            [
                ("trust", "cut-offs"), ("statement", .hex(log.entries[Int(index)])),
                ("proof", .text(try log.tlogProof(index).bytes)),
            ]
        }

        /// What carries a tree of this size over.
        func carried(_ size: UInt64, by checkpoint: SignedCheckpoint? = nil, _ proof: [UInt8]? = nil) throws -> Given {
            [
                ("successor", .text(try checkpoint?.bytes ?? log.checkpoint().bytes)),
                ("consistency", .text(proof ?? log.consistencyJSON(size, 30))),
            ]
        }
    }

    static func document() throws -> FixtureValue {
        let logs = try Logs()
        return [
            "about": """
            Checkpoints, receipts (hex, with their statements) and the log's own statements (hex, with tlog-proofs) of \
            a log that changed its keys in the batch that ends at size 12. Some come with a successor, a newer \
            checkpoint, and the consistency proof that leads to it.
            """,
            "trust": logs.trust,
            "cases": .array((try heads(logs) + receipts(logs) + seals(logs)).map(\.value)),
        ]
    }

    private static func heads(_ logs: Logs) throws -> [VerificationCase] {
        let (old, log, leaked) = (logs.old, logs.log, logs.leaked)
        let before = logs.checkpoint(try old.checkpoint())
        var fork = try TestLog()
        try fork.grow(to: 10, batch: 3)
        return [
            VerificationCase("a head of the new key", logs.checkpoint(try log.checkpoint())),
            VerificationCase("an older tree under the new key", logs.checkpoint(try log.checkpoint(8))),
            VerificationCase("an old head", before, failed: ["successor: successor-missing"]),
            VerificationCase("an old head, carried over", before + (try logs.carried(10))),
            VerificationCase(
                "the last size below the cut-off, carried over",
                logs.checkpoint(try leaked.checkpoint(11)) + (try logs.carried(11))),
            VerificationCase(
                "the old key at the cut-off", logs.checkpoint(try leaked.checkpoint(12)) + (try logs.carried(12)),
                failed: ["log-signature: key-ended"]),
            VerificationCase(
                "the old key's fork, with the log's proof",
                logs.checkpoint(try fork.checkpoint()) + (try logs.carried(10)),
                failed: ["successor: old-root-mismatch"]),
            VerificationCase(
                "a successor without the quorum", before + (try logs.carried(10, by: try log.checkpoint(witnesses: 1))),
                failed: ["successor: quorum-not-reached"]),
            VerificationCase(
                "a successor under the old key", before + (try logs.carried(10, by: try leaked.checkpoint())),
                failed: ["successor: key-ended"]),
            VerificationCase(
                "the proof of another size", before + (try logs.carried(10, log.consistencyJSON(8, 30))),
                failed: ["successor: other-sizes"]),
            VerificationCase(
                "the old key's head without cut-offs", logs.checkpoint(try leaked.checkpoint(), trust: "no cut-offs")),
            VerificationCase(
                "the new key, which the trust file does not name",
                logs.checkpoint(try log.checkpoint(), trust: "the genesis's keys"),
                failed: ["log-signature: no-signature"], leftOut: ["witness-quorum"]),
        ]
    }

    private static func receipts(_ logs: Logs) throws -> [VerificationCase] {
        let (old, log, leaked) = (logs.old, logs.log, logs.leaked)
        return [
            VerificationCase("a receipt of the new key", try logs.receipt(log.receipt(4))),
            VerificationCase(
                "an old receipt", try logs.receipt(old.receipt(4)), failed: ["successor: successor-missing"]),
            VerificationCase("an old receipt, carried over", try logs.receipt(old.receipt(4)) + logs.carried(10)),
            VerificationCase(
                "an old receipt with the new key's checkpoint of the same tree",
                try logs.receipt(old.receipt(4).carrying(log.checkpoint(10)))),
            VerificationCase(
                "the old receipt key beyond the cut-off",
                try logs.receipt(leaked.receipt(4).carrying(log.checkpoint())),
                failed: ["receipt-signature: key-ended"]),
            VerificationCase(
                "the new receipt key, which the trust file does not name",
                try logs.receipt(log.receipt(4), trust: "the genesis's keys"),
                failed: ["receipt-signature: key-mismatch", "log-signature: no-signature"],
                leftOut: ["witness-quorum"]),
        ]
    }

    private static func seals(_ logs: Logs) throws -> [VerificationCase] {
        var early = logs.old
        try early.rotate(isSealedByNext: true)
        try early.grow(to: 30)
        var late = logs.old
        try late.rotate()
        late.use(checkpoint: late.checkpointKey, receipt: late.receiptKey, statement: logs.old.statementKey)
        try late.grow(to: 20)
        return [
            VerificationCase("the rotation's seal, the old key's last entry", try logs.seal(logs.log, 11)),
            VerificationCase("a seal of the new key", try logs.seal(logs.log, 29)),
            VerificationCase(
                "the rotation's seal by the new key", try logs.seal(early, 11),
                failed: ["statement-signature: key-not-begun"]),
            VerificationCase(
                "a later seal by the old key", try logs.seal(late, 19), failed: ["statement-signature: key-ended"]),
        ]
    }
}
