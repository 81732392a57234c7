import COSE
import Governance
import Testing
import Tlog

@testable import Verification

@Suite("Logs that lie")
struct LyingLogTests {
    @Test(
        "whoever replays a lying log finds the first lie, under a checkpoint that every witness cosigned",
        arguments: Lie.allCases)
    func replay(_ lie: Lie) async throws {
        let log = try LyingLog(lie).log
        let trust = try TrustFile(parsing: Array(log.stateTrustText().utf8))
        let report = try await Verifier(trust: trust).log(in: MemorySource(files: try log.files()), isGovernance: true)
        #expect(report.verdict == .notVerified)
        #expect(report.failures == [lie.expected])
        #expect(report.outcome(.root) == .passed && report.outcome(.witnessQuorum) == .passed)
        let difference = try #require(report.fold?.difference)
        #expect(lie.expected.hasSuffix(": " + difference.rule))
        #expect(report.json["governance"]?["first-difference"]?["rule"]?.stringValue == difference.rule)
        #expect(report.text().contains("first difference: \(difference.rule)"))
        // The lie is told behind the twelve entries of the honest part.
        #expect(report.fold.map { $0.size >= 12 } == true)
        if let entry = difference.entry { #expect(entry >= 12) }
    }

    @Test("the rule behind the first difference, and the entry that set it")
    func rule() async throws {
        let log = try LyingLog(.evidenceTwice).log
        let report = try await Verifier(trust: try trust(log)).log(
            in: MemorySource(files: try log.files()), isGovernance: true)
        let difference = try #require(report.fold?.difference)
        #expect(difference.setBy == 12 && difference.entry == 14)
        #expect(report.value(.admission, "set-by") == "12")
    }

    @Test(
        "a state proof from a lying log is refused where the state witnesses did not cosign",
        arguments: Lie.allCases.filter(\.canProve))
    func stateProofs(_ lie: Lie) throws {
        let lying = try LyingLog(lie)
        let verifier = Verifier(trust: try TrustFile(parsing: Array(lying.log.stateTrustText().utf8)))
        // All witnesses cosigned, and no state witness: none of them can have replayed this log.
        let proof = try lying.log.stateProof(lying.grant, witnesses: 3, stateWitnesses: 0).encoded()
        let question = StateQuestion(key: lying.grant, expectation: .present)
        let report = verifier.state(proof, question)
        #expect(report.failures == ["state-quorum: state-quorum-not-reached"])
        #expect(report.verdict == .notVerified)
        // Nothing else is wrong with it: the log's own word would be believed.
        let text = try lying.log.stateTrustText(stateQuorum: nil)
        let credulous = Verifier(trust: try TrustFile(parsing: Array(text.utf8)))
        #expect(credulous.state(proof, question).verdict == .notVerified)
        var without = question
        without.isWithoutStateQuorum = true
        #expect(credulous.state(proof, without).verdict == .verified)
    }

    @Test("a revocation that the log drops: its proof says in force, and the state quorum is what refuses it")
    func droppedRevocation() throws {
        let lying = try LyingLog(.droppedRevocation)
        let proof = try lying.log.stateProof(lying.grant, stateWitnesses: 1).encoded()
        let inForce = StateQuestion(
            key: lying.grant, expectation: .value(.object([JSONMember("revoked", .bool(false))])))
        let verifier = Verifier(trust: try TrustFile(parsing: Array(lying.log.stateTrustText().utf8)))
        let report = verifier.state(proof, inForce)
        #expect(report.outcome(.expectedValue) == .passed)
        #expect(report.failures == ["state-quorum: state-quorum-not-reached"])
    }

    @Test("an honest log is told from all of them")
    func honest() async throws {
        var log = try TestLog()
        _ = try log.grant()
        log.seal()
        try log.grow(to: 20)
        let report = try await Verifier(trust: try trust(log)).log(
            in: MemorySource(files: try log.files()), isGovernance: true)
        #expect(report.verdict == .verified, "\(report.text())")
        let fold = try #require(report.fold)
        #expect(fold.difference == nil && fold.size == 20)
        #expect(fold.kinds.first { $0.name == "grant" }?.count == 1)
        #expect(fold.stateRoot == log.states[20]?.map().root.hex)
        #expect(report.json["governance"]?["first-difference"] == .null)
    }
}
