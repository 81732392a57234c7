import COSE
import Governance
import Testing
import Tlog

@testable import Verification

@Suite("A statement with its proof")
struct StatementTests {
    var log: TestLog
    let verifier: Verifier

    init() throws {
        log = try TestLog()
        try log.grow(to: 13)
        verifier = Verifier(trust: try trust(log))
    }

    private func verify(_ index: UInt64, _ proof: TlogProof) throws -> VerificationReport {
        verifier.statement(try log.statement(index).entryBytes, proof: proof.bytes)
    }

    @Test("every entry of the log verifies: the genesis, seals, events")
    func every() throws {
        for index in 0..<log.size {
            let report = try verify(index, try log.tlogProof(index))
            #expect(report.verdict == .verified, "\(report.text())")
            #expect(
                report.checks.filter(\.isRequired).map(\.name) == [
                    .statementForm, .statementSignature, .proofForm, .logSignature, .witnessQuorum, .inclusion,
                ])
            #expect(report.noted == [.admission])
            let role = index == 0 ? "genesis" : [1, 12].contains(index) ? "log" : "issuer"
            #expect(report.value(.statementSignature, "role") == role)
        }
    }

    @Test("receipts that the statement carries are ignored")
    func withReceipts() throws {
        let transparent = TransparentStatement(statement: try log.statement(4), receipts: [try log.receipt(4)])
        let report = verifier.statement(transparent.encoded(), proof: try log.tlogProof(4).bytes)
        #expect(report.verdict == .verified)
    }

    @Test("a statement signed by another key, or by a stranger, fails at its signature")
    mutating func signature() throws {
        let good = try log.statement(4)
        let proof = try log.tlogProof(4).bytes
        let flipped = good.entryBytes.flipped(good.entryBytes.count * 8 - 1)
        #expect(
            verifier.statement(flipped, proof: proof).failures
                == ["statement-signature: bad-signature", "inclusion: root-mismatch"])

        // Its place in the tree is good, and still nobody enrolled signed it.
        let stranger = try TestLog.key(77)
        let event = try Event(type: "work.done", stream: "x", seq: 0, prev: nil, time: log.time, data: .null)
        let statement = try log.sign(event, by: stranger)
        log.appendAnyway(statement.entryBytes)
        let index = log.size - 1
        let report = verifier.statement(statement.entryBytes, proof: try log.tlogProof(index).bytes)
        #expect(report.failures == ["statement-signature: not-enrolled"])
    }

    @Test("a place in the tree does not make up for a signature that is not good")
    mutating func signatureInTheTree() throws {
        let event = try Event(type: "work.done", stream: "x", seq: 0, prev: nil, time: log.time, data: .null)
        let good = try log.sign(event).entryBytes
        log.appendAnyway(good.flipped(good.count * 8 - 1))
        let index = log.size - 1
        let report = verifier.statement(log.entries[Int(index)], proof: try log.tlogProof(index).bytes)
        #expect(report.failures == ["statement-signature: bad-signature"])
    }

    @Test("an enrolled key under another issuer's name is not enrolled")
    mutating func otherIssuer() throws {
        let event = try Event(type: "work.done", stream: "x", seq: 0, prev: nil, time: log.time, data: .null)
        let statement = try log.sign(event, issuer: "spiffe://example.org/other")
        log.appendAnyway(statement.entryBytes)
        let report = verifier.statement(statement.entryBytes, proof: try log.tlogProof(log.size - 1).bytes)
        #expect(report.failures == ["statement-signature: not-enrolled"])
    }

    @Test("who is known from elsewhere than the genesis counts under that name and key alone")
    mutating func knownIssuer() throws {
        let late = try TestLog.key(78)
        let event = try Event(type: "work.done", stream: "x", seq: 0, prev: nil, time: log.time, data: .null)
        let statement = try log.sign(event, by: late, issuer: "urn:example:late")
        log.appendAnyway(statement.entryBytes)
        let proof = try log.tlogProof(log.size - 1).bytes
        let known = EnrolledIssuer(issuer: "urn:example:late", key: late.publicKey, roles: [])
        let other = EnrolledIssuer(issuer: "urn:example:other", key: late.publicKey, roles: [])
        #expect(verifier.statement(statement.entryBytes, proof: proof).verdict != .verified)
        let others = Verifier(trust: verifier.trust, knownIssuers: [other])
        #expect(others.statement(statement.entryBytes, proof: proof).failures == ["statement-signature: not-enrolled"])
        let knowing = Verifier(trust: verifier.trust, knownIssuers: [other, known])
        #expect(knowing.statement(statement.entryBytes, proof: proof).verdict == .verified)
    }

    @Test("an authority of the genesis is known under the name that its key gives it")
    mutating func authority() throws {
        let key = COSEKey(log.authorityKey.publicKey)
        let event = try Event(type: "work.done", stream: "x", seq: 0, prev: nil, time: log.time, data: .null)
        let statement = try log.sign(event, by: log.authorityKey, issuer: KeyDirectory.authorityIssuer(key))
        log.appendAnyway(statement.entryBytes)
        let report = verifier.statement(statement.entryBytes, proof: try log.tlogProof(log.size - 1).bytes)
        #expect(report.verdict == .verified)
    }

    @Test("the proof of another entry, or with a changed hash, index or size, fails at inclusion")
    func inclusion() throws {
        let proof = try log.tlogProof(4)
        #expect(try verify(5, proof).failures == ["inclusion: root-mismatch"])
        var path = proof.path
        path[2] = .zero
        let changed = TlogProof(index: 4, path: path, checkpoint: proof.checkpoint)
        #expect(try verify(4, changed).failures == ["inclusion: root-mismatch"])
        let moved = TlogProof(index: 5, path: proof.path, checkpoint: proof.checkpoint)
        #expect(try verify(4, moved).failures == ["inclusion: root-mismatch"])
        let short = TlogProof(index: 4, path: Array(proof.path.dropLast()), checkpoint: proof.checkpoint)
        #expect(try verify(4, short).failures == ["inclusion: wrong-path-length"])
        let beyond = TlogProof(index: 13, path: proof.path, checkpoint: proof.checkpoint)
        #expect(try verify(4, beyond).failures == ["inclusion: index-out-of-range"])
    }

    @Test("the checkpoint in the proof is held to log and quorum")
    func checkpoint() throws {
        #expect(try verify(4, try log.tlogProof(4, witnesses: 1)).failures == ["witness-quorum: quorum-not-reached"])
        let other = try TestLog(seed: 50)
        let forged = TlogProof(
            index: 4, path: log.inclusion(4).path,
            checkpoint: try other.cosigned(Checkpoint(origin: log.origin, head: log.head())))
        let report = try verify(4, forged)
        #expect(report.failures == ["log-signature: no-signature"])
        #expect(report.leftOut == [.witnessQuorum])
        #expect(report.verdict == .notVerified)
    }

    @Test("bytes that are no statement, and no proof, fail at their form")
    func form() throws {
        let proof = try log.tlogProof(4).bytes
        #expect(verifier.statement([], proof: proof).failures == ["statement-form: end-of-input"])
        let statement = try log.statement(4).entryBytes
        #expect(verifier.statement(statement, proof: []).failures == ["proof-form: proof-no-blank-line"])
        #expect(verifier.statement(statement, proof: proof.dropLast() + [0x20]).verdict == .notVerified)
    }

    @Test("without the genesis entry the signature is left out, and the statement not verified")
    func noGenesis() throws {
        let lines = try trustText(log).filter { !$0.hasPrefix("genesis") }
        let report = Verifier(trust: try parse(lines))
            .statement(try log.statement(4).entryBytes, proof: try log.tlogProof(4).bytes)
        #expect(report.failures.isEmpty)
        #expect(report.leftOut == [.statementSignature])
        #expect(report.verdict == .notVerified)
    }

    @Test("with quorum none the report says that no witness vouches, and verifies")
    func quorumNone() throws {
        let verifier = Verifier(trust: try trust(log, quorum: "none"))
        let report = verifier.statement(
            try log.statement(4).entryBytes, proof: try log.tlogProof(4, witnesses: 0).bytes)
        #expect(report.verdict == .verified)
        #expect(report.noted == [.witnessQuorum, .admission])
        #expect(report.verdictText().contains("not checked: witness-quorum, admission"))
    }

    @Test("a state quorum vouches for the admission; without it the statement is verified all the same")
    func stateQuorum() throws {
        let verifier = Verifier(trust: try TrustFile(parsing: Array(log.stateTrustText().utf8)))
        func report(stateWitnesses: Int) throws -> VerificationReport {
            let proof = TlogProof(
                index: 4, path: log.inclusion(4).path,
                checkpoint: try log.replayedCheckpoint(stateWitnesses: stateWitnesses))
            return verifier.statement(try log.statement(4).entryBytes, proof: proof.bytes)
        }
        let vouched = try report(stateWitnesses: 2)
        #expect(vouched.verdict == .verified)
        #expect(vouched.noted == [])
        #expect(vouched.value(.admission, "vouched-for-by") == "w0 w1 s0 s1")
        let open = try report(stateWitnesses: 1)
        #expect(open.verdict == .verified)
        #expect(open.noted == [.stateQuorum, .admission])
    }

    @Test("without a trust file it is inclusion only: not verified, unless that is what was asked")
    func inclusionOnly() throws {
        let (statement, proof) = (try log.statement(4).entryBytes, try log.tlogProof(4).bytes)
        let report = Verifier.inclusion(of: statement, proof: proof, asked: false)
        #expect(report.verdict == .notVerified)
        #expect(report.failures.isEmpty)
        #expect(report.leftOut == [.statementSignature, .logSignature, .witnessQuorum])
        #expect(report.verdictText().contains("inclusion only"))
        let asked = Verifier.inclusion(of: statement, proof: proof, asked: true)
        #expect(asked.verdict == .inclusionOnly)
        #expect(asked.noted == [.statementSignature, .logSignature, .witnessQuorum])
        let wrong = Verifier.inclusion(of: try log.statement(5).entryBytes, proof: proof, asked: true)
        #expect(wrong.verdict == .notVerified)
        #expect(wrong.failures == ["inclusion: root-mismatch"])
    }

    @Test("no bit of a statement or of its proof can be changed")
    func bitFlips() throws {
        let (statement, proof) = (try log.statement(4).entryBytes, try log.tlogProof(4).bytes)
        for bit in 0..<statement.count * 8 {
            #expect(verifier.statement(statement.flipped(bit), proof: proof).verdict == .notVerified, "bit \(bit)")
        }
        for bit in 0..<proof.count * 8 {
            #expect(verifier.statement(statement, proof: proof.flipped(bit)).verdict == .notVerified, "bit \(bit)")
        }
    }
}
