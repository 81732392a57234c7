import COSE
import Governance
import Testing
import Tlog

@testable import Verification

@Suite("Receipts and transparent statements")
struct ReceiptTests {
    let log: TestLog
    let verifier: Verifier

    init() throws {
        var log = try TestLog()
        try log.grow(to: 13)
        self.log = log
        verifier = Verifier(trust: try trust(log))
    }

    private func transparent(_ index: UInt64, _ receipts: Receipt...) throws -> [UInt8] {
        TransparentStatement(statement: try log.statement(index), receipts: receipts).encoded()
    }

    /// Both ways to hand over a receipt must come to the same.
    private func failures(_ index: UInt64, _ receipt: Receipt, _ verifier: Verifier? = nil) throws -> [String] {
        let verifier = verifier ?? self.verifier
        let inside = verifier.transparentStatement(try transparent(index, receipt))
        let beside = verifier.receipt(receipt.encoded(), statement: try log.statement(index).entryBytes)
        #expect(inside.failures == beside.failures)
        #expect(inside.verdict == beside.verdict)
        return inside.failures
    }

    @Test("every entry verifies with its receipt")
    func every() throws {
        for index in 0..<log.size {
            let report = verifier.transparentStatement(try transparent(index, try log.receipt(index)))
            #expect(report.verdict == .verified, "\(report.text())")
            #expect(
                report.checks.filter(\.isRequired).map(\.name) == [
                    .statementForm, .statementSignature, .receiptPresent, .inclusion, .receiptSignature,
                    .checkpointForm,
                    .logSignature, .witnessQuorum, .rootAgreement,
                ])
            #expect(try failures(index, try log.receipt(index)).isEmpty)
        }
    }

    @Test("with a quorum, a receipt without a checkpoint fails; with quorum none it verifies, and says what it is")
    func noCheckpoint() throws {
        let bare = try log.receipt(4, witnesses: nil)
        #expect(try failures(4, bare) == ["witness-quorum: no-checkpoint"])
        let relaxed = Verifier(trust: try trust(log, quorum: "none"))
        let report = relaxed.transparentStatement(try transparent(4, bare))
        #expect(report.verdict == .verified)
        #expect(report.noted == [.witnessQuorum, .rootAgreement, .admission])
    }

    @Test("too few cosignatures on the checkpoint inside fail the quorum")
    func quorum() throws {
        #expect(try failures(4, try log.receipt(4, witnesses: 1)) == ["witness-quorum: quorum-not-reached"])
    }

    @Test("a receipt for another entry, or by another key, fails at its signature")
    func signature() throws {
        let misplaced = try log.receipt(5)
        // The path gives some other root, which nobody signed and no checkpoint has.
        #expect(try failures(4, misplaced) == ["receipt-signature: bad-signature", "root-agreement: other-head"])
        let head = log.head()
        let byCheckpointKey = SignedRoot(
            head: head, origin: log.origin, key: log.checkpointKey, checkpoint: try log.checkpoint()
        ).receipt(log.inclusion(4))
        #expect(try failures(4, byCheckpointKey) == ["receipt-signature: key-mismatch"])
    }

    @Test("a good receipt with the good checkpoint of another size fails: the roots must agree")
    func otherHead() throws {
        var longer = log
        try longer.grow(to: 20)
        let receipt = try log.receipt(4).carrying(try longer.checkpoint())
        #expect(try failures(4, receipt) == ["root-agreement: other-head"])
        // The same root under another size is not the head that was signed either.
        let lie = Checkpoint(origin: log.origin, head: TreeHead(size: 14, root: log.head().root))
        #expect(try failures(4, try log.receipt(4).carrying(try log.cosigned(lie))) == ["root-agreement: other-head"])
    }

    @Test("the checkpoint inside must be signed by the log")
    func forgedCheckpoint() throws {
        let other = try TestLog(seed: 50)
        let forged = try other.cosigned(Checkpoint(origin: log.origin, head: log.head()))
        #expect(try failures(4, try log.receipt(4).carrying(forged)) == ["log-signature: no-signature"])
        let foreign = try other.checkpoint()
        #expect(
            try failures(4, try log.receipt(4).carrying(foreign))
                == ["log-signature: no-signature", "root-agreement: other-head"])
    }

    @Test("a consistency receipt is no receipt of inclusion")
    func wrongKind() throws {
        let receipt = SignedRoot(
            head: log.head(), origin: log.origin, key: log.receiptKey, checkpoint: try log.checkpoint()
        ).receipt(log.consistency(5, 13))
        #expect(try failures(4, receipt) == ["inclusion: wrong-kind"])
    }

    @Test("receipts of other logs are left aside, but one of the trusted log there must be")
    func otherLogs() throws {
        var other = try TestLog(origin: "log.example/other", seed: 50)
        try other.append(try log.statement(4))
        other.seal()
        let foreign = try other.receipt(2)
        let both = verifier.transparentStatement(try transparent(4, foreign, try log.receipt(4)))
        #expect(both.verdict == .verified, "\(both.text())")
        #expect(both.outcome(.inclusion, of: "receipt 1") == .passed)
        #expect(both.noted == [.receiptIssuer, .admission])

        let alone = verifier.transparentStatement(try transparent(4, foreign))
        #expect(alone.failures == ["receipt-present: no-receipt"])
        #expect(verifier.transparentStatement(try transparent(4)).failures.count == 1)
        let beside = verifier.receipt(foreign.encoded(), statement: try log.statement(4).entryBytes)
        #expect(beside.failures == ["receipt-issuer: unknown-log"])
    }

    @Test("of several receipts of the trusted log, each must hold")
    func several() throws {
        let report = verifier.transparentStatement(
            try transparent(4, try log.receipt(4), try log.receipt(4, witnesses: 1)))
        #expect(report.failures == ["receipt 1: witness-quorum: quorum-not-reached"])
        #expect(report.verdict == .notVerified)
    }

    @Test("bytes that are no statement or no receipt fail at their form")
    func form() throws {
        #expect(verifier.transparentStatement([0x80]).failures == ["statement-form: untagged"])
        let statement = try log.statement(4).entryBytes
        #expect(verifier.receipt([], statement: statement).failures == ["receipt-form: end-of-input"])
        // A statement is no receipt: it has no verifiable data structure.
        #expect(verifier.receipt(statement, statement: statement).failures == ["receipt-form: header-missing"])
    }

    @Test("without the genesis entry the keys are not known, and nothing is verified")
    func noGenesis() throws {
        let lines = try trustText(log).filter { !$0.hasPrefix("genesis") }
        let report = Verifier(trust: try parse(lines)).transparentStatement(try transparent(4, try log.receipt(4)))
        #expect(report.leftOut == [.statementSignature, .receiptSignature])
        #expect(report.verdict == .notVerified)
    }

    @Test("no bit of a transparent statement, or of a receipt, can be changed")
    func bitFlips() throws {
        let bytes = try transparent(4, try log.receipt(4))
        for bit in 0..<bytes.count * 8 {
            let report = verifier.transparentStatement(bytes.flipped(bit))
            #expect(report.verdict == .notVerified, "bit \(bit)")
        }
        let (receipt, statement) = (try log.receipt(4).encoded(), try log.statement(4).entryBytes)
        for bit in 0..<receipt.count * 8 {
            #expect(verifier.receipt(receipt.flipped(bit), statement: statement).verdict == .notVerified, "bit \(bit)")
        }
    }
}
