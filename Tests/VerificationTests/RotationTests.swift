import COSE
import Governance
import Testing
import Tlog

@testable import Verification

@Suite("Through a rotation of the log's keys")
struct RotationTests {
    /// Before the rotation, at 10 entries.
    let old: TestLog
    /// After it, at 30 entries; the cut-off is 12.
    let log: TestLog
    let cutoff: UInt64
    /// The trust file that `init` writes, and that with the later keys and the cut-offs.
    let first: TrustFile
    let later: TrustFile

    init() throws {
        var log = try TestLog()
        let text = try log.trustText()
        try log.grow(to: 10)
        old = log
        cutoff = try log.rotate()
        try log.grow(to: 30)
        self.log = log
        first = try TrustFile(parsing: Array(text.utf8))
        let lines = TestLog.laterLines(log.keys, origin: log.origin, ended: old.keys, at: cutoff)
        later = try TrustFile(parsing: Array((text + lines.map { $0 + "\n" }.joined()).utf8))
    }

    /// The whole log, signed with the keys that ended.
    private var leaked: TestLog {
        var log = self.log
        log.use(checkpoint: old.checkpointKey, receipt: old.receiptKey, statement: old.statementKey)
        return log
    }

    private func successor(from sizes: UInt64...) throws -> Successor {
        Successor(checkpoint: try log.checkpoint().bytes, proofs: sizes.map { log.consistencyJSON($0, 30) })
    }

    private func verifier(_ successor: Successor? = nil) -> Verifier { Verifier(trust: later, successor: successor) }

    private static let missing = ["successor: successor-missing"]

    // MARK: Heads

    @Test("the new key's heads count, of whatever size; the old one's are carried over, or refused from the cut-off on")
    func heads() throws {
        #expect(cutoff == 12)
        #expect(verifier().checkpoint(try log.checkpoint().bytes).verdict == .verified)
        #expect(verifier().checkpoint(try log.checkpoint(8).bytes).verdict == .verified)
        let before = try old.checkpoint().bytes
        #expect(verifier().checkpoint(before).failures == Self.missing)
        let carried = verifier(try successor(from: 10)).checkpoint(before)
        #expect(carried.verdict == .verified, "\(carried.text())")
        #expect(carried.value(.successor, "to") == "30")
        // 11 is the last size at which the old key could have signed.
        #expect(verifier(try successor(from: 11)).checkpoint(try leaked.checkpoint(11).bytes).verdict == .verified)
        for size in [12, 13, 30] as [UInt64] {
            let report = verifier(try successor(from: size)).checkpoint(try leaked.checkpoint(size).bytes)
            #expect(report.failures == ["log-signature: key-ended"])
        }
    }

    @Test("a signature of the key that ended, beside one that counts, changes nothing")
    func bothSignatures() throws {
        let both = try log.checkpoint().adding(leaked.checkpoint().note.signatures)
        #expect(verifier().checkpoint(both.bytes).verdict == .verified)
    }

    @Test("a successor is a head under a key that counts, with the quorum, to which a proof leads from that very tree")
    func badSuccessors() throws {
        let before = try old.checkpoint().bytes
        func failures(_ successor: Successor) -> [String] { verifier(successor).checkpoint(before).failures }
        let head = try log.checkpoint().bytes
        let proof = log.consistencyJSON(10, 30)
        #expect(failures(Successor(checkpoint: head, proofs: [log.consistencyLines(10, 30)])).isEmpty)
        #expect(failures(Successor(checkpoint: head, proofs: [log.consistencyJSON(8, 30), proof])).isEmpty)
        #expect(failures(Successor(checkpoint: head, proofs: [])) == ["successor: consistency-missing"])
        #expect(
            failures(Successor(checkpoint: head, proofs: [log.consistencyJSON(8, 30)])) == ["successor: other-sizes"])
        #expect(failures(Successor(checkpoint: [], proofs: [proof])) == ["successor: no-final-newline"])
        let few = try log.checkpoint(witnesses: 1).bytes
        #expect(failures(Successor(checkpoint: few, proofs: [proof])) == ["successor: quorum-not-reached"])
        for size in [11, 30] as [UInt64] {
            let same = Successor(
                checkpoint: try leaked.checkpoint(size).bytes, proofs: [log.consistencyJSON(10, size)])
            #expect(failures(same) == ["successor: key-ended"])
        }
        // A head that the leaked key made up of another history.
        var fork = try TestLog()
        try fork.grow(to: 10, batch: 3)
        let forged = verifier(try successor(from: 10)).checkpoint(try fork.checkpoint().bytes)
        #expect(forged.failures == ["successor: old-root-mismatch"])
        // The same tree under the new key needs no proof.
        #expect(failures(Successor(checkpoint: try log.checkpoint(10).bytes, proofs: [])).isEmpty)
        let other = try TestLog(origin: "log.example/other", seed: 50)
        let foreign = Successor(checkpoint: try other.checkpoint().bytes, proofs: [proof])
        #expect(failures(foreign) == ["successor: unknown-log"])
    }

    @Test("between checkpoints, the newer one carries the older one over")
    func consistency() throws {
        let (before, head) = (try old.checkpoint().bytes, try log.checkpoint().bytes)
        let proof = log.consistencyJSON(10, 30)
        #expect(verifier().consistency(old: before, new: head, proof: proof).verdict == .verified)
        let report = verifier().consistency(
            old: try old.checkpoint(8).bytes, new: before, proof: old.consistencyJSON(8, 10))
        #expect(
            report.failures == [
                "old checkpoint: successor: successor-missing", "new checkpoint: successor: successor-missing",
            ])
    }

    @Test("a key that the trust file does not name counts for nothing, and the report says what to add")
    func unnamed() throws {
        let report = Verifier(trust: first).checkpoint(try log.checkpoint().bytes)
        #expect(report.failures == ["log-signature: no-signature"])
        #expect(report.text().contains("log.rotate"))
        let receipt = Verifier(trust: first).transparentStatement(try log.transparent(4, try log.receipt(4)))
        #expect(receipt.failures == ["receipt-signature: key-mismatch", "log-signature: no-signature"])
        let state = Verifier(trust: first, isWithoutStateQuorum: true).state(
            try log.stateProof(.policy).encoded(), StateQuestion(isWithoutStateQuorum: true))
        #expect(state.failures == ["log-signature: no-signature", "seal-signature: key-mismatch"])
    }

    @Test("what a key signs that had ended is no evidence against the log")
    func forks() throws {
        var fork = old
        try fork.grow(to: 30, batch: 3)
        let evidence = try ForkEvidence(
            known: log.checkpoint(), found: fork.checkpoint(), consistency: nil, seen: 1_750_000_000)
        let bytes = Array(evidence.json.text().utf8)
        let both = TestLog.laterLines(log.keys, origin: log.origin)
        let sideBySide = try TrustFile(parsing: first.bytes + Array(both.map { $0 + "\n" }.joined().utf8))
        #expect(Verifier(trust: sideBySide).fork(bytes).verdict == .verified)
        let report = verifier().fork(bytes)
        #expect(report.failures.count == 1 && report.failures[0].hasSuffix("log-signature: key-ended"))
    }

    // MARK: Receipts

    @Test(
        "receipts: as heads; one signature of a former key is carried by a checkpoint of the new key of the same tree")
    func receipts() throws {
        func failures(_ receipt: Receipt, _ verifier: Verifier) throws -> [String] {
            let report = verifier.transparentStatement(try log.transparent(4, receipt))
            #expect((report.verdict == .verified) == report.failures.isEmpty)
            return report.failures
        }
        #expect(try failures(log.receipt(4), verifier()).isEmpty)
        #expect(try failures(log.receipt(4, 10), verifier()).isEmpty)
        #expect(try failures(old.receipt(4), verifier()) == Self.missing)
        #expect(try failures(old.receipt(4), verifier(successor(from: 10))).isEmpty)
        #expect(
            try failures(leaked.receipt(4), verifier(successor(from: 10)))
                == ["receipt-signature: key-ended", "log-signature: key-ended"])
        let reissued = try old.receipt(4).carrying(try log.checkpoint(10))
        #expect(try failures(reissued, verifier()).isEmpty)
        let lone = try leaked.receipt(4).carrying(try log.checkpoint())
        #expect(try failures(lone, verifier()) == ["receipt-signature: key-ended"])
    }

    @Test("a former key's receipt without a checkpoint is carried over by its root")
    func bareReceipts() throws {
        let text = String(decoding: later.bytes, as: UTF8.self).replacing("quorum both", with: "quorum none")
        let trust = try TrustFile(parsing: Array(text.utf8))
        let bare = try log.transparent(4, try old.receipt(4, witnesses: nil))
        #expect(Verifier(trust: trust).transparentStatement(bare).failures == Self.missing)
        let carried = Verifier(trust: trust, successor: try successor(from: 10)).transparentStatement(bare)
        #expect(carried.verdict == .verified, "\(carried.text())")
        // The size is what its bearer says, so that the proof has to bear it out.
        var fork = try TestLog()
        try fork.grow(to: 10, batch: 3)
        let made = try fork.transparent(4, try fork.receipt(4, witnesses: nil))
        let forged = Verifier(trust: trust, successor: try successor(from: 10)).transparentStatement(made)
        #expect(forged.failures == ["successor: old-root-mismatch"])
    }

    // MARK: The log's own statements

    /// A log whose rotation's batch is sealed with the new key, and one whose old key goes on sealing.
    private func misSealed() throws -> (early: TestLog, late: TestLog) {
        var early = old
        _ = try early.rotate(isSealedByNext: true)
        try early.grow(to: 30)
        var late = old
        _ = try late.rotate()
        late.use(checkpoint: late.checkpointKey, receipt: late.receiptKey, statement: old.statementKey)
        try late.grow(to: 20)
        return (early, late)
    }

    @Test("a seal below the cut-off is the old key's, one from there on the new one's")
    func seals() throws {
        func failures(_ log: TestLog, _ index: UInt64) throws -> [String] {
            verifier().statement(
                log.entries[Int(index)], proof: try log.tlogProof(index).bytes
            ).failures
        }
        for index in [1, 9, 11, 22, 29] as [UInt64] where (try? Seal(log.statement(index), origin: log.origin)) != nil {
            #expect(try failures(log, index).isEmpty, "\(index)")
        }
        let (early, late) = try misSealed()
        #expect(try failures(early, 11) == ["statement-signature: key-not-begun"])
        #expect(try failures(late, 19) == ["statement-signature: key-ended"])
        // Without an index nothing says which key was the log's.
        let bare = try log.transparent(11, try log.receipt(11, witnesses: nil))
        let text = String(decoding: later.bytes, as: UTF8.self).replacing("quorum both", with: "quorum none")
        let report = Verifier(trust: try TrustFile(parsing: Array(text.utf8))).transparentStatement(bare)
        #expect(report.leftOut == [.statementSignature])
    }

    @Test("a state proof's seal: the same")
    func states() throws {
        let question = StateQuestion(isWithoutStateQuorum: true)
        func failures(_ log: TestLog, at size: UInt64) throws -> [String] {
            verifier().state(try log.stateProof(.policy, at: size).encoded(), question).failures
        }
        for size in [2, 10, 12, 30] as [UInt64] { #expect(try failures(log, at: size).isEmpty) }
        let (early, late) = try misSealed()
        #expect(try failures(early, at: 12) == ["seal-signature: key-not-begun"])
        #expect(try failures(late, at: 20) == ["seal-signature: key-ended"])
        let before = try old.stateProof(.policy).encoded()
        #expect(verifier().state(before, question).failures == Self.missing)
        #expect(verifier(try successor(from: 10)).state(before, question).verdict == .verified)
    }

    @Test("until a cut-off is there, both keys count everywhere")
    func withoutCutoffs() throws {
        let lines = TestLog.laterLines(log.keys, origin: log.origin)
        let trust = try TrustFile(parsing: first.bytes + Array(lines.map { $0 + "\n" }.joined().utf8))
        let verifier = Verifier(trust: trust)
        for log in [old, self.log, leaked] {
            #expect(verifier.checkpoint(try log.checkpoint().bytes).verdict == .verified)
            #expect(verifier.transparentStatement(try log.transparent(4, try log.receipt(4))).verdict == .verified)
        }
        let (early, late) = try misSealed()
        for (log, index) in [(early, 11), (late, 19)] as [(TestLog, UInt64)] {
            let report = verifier.statement(log.entries[Int(index)], proof: try log.tlogProof(index).bytes)
            #expect(report.verdict == .verified)
        }
    }
}
