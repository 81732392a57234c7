import COSE
import Governance
import Testing
import Tlog

@testable import Verification

/// What a log can lie about and have its lie cosigned: its tree only ever grows, every signature is good, and the state
/// that it seals is one that it made up. Witnesses don't see that; whoever replays it does.
enum Lie: CaseIterable {
    case wrongRoot, staleRoot, forbiddenAdmission, droppedRevocation, undoneRevocation, madeUpGrant, omittedSeal
    case skippedSeal, timeBackwards, countedWrong, evidenceTwice

    /// The rule that is broken first, and the check that says so.
    var expected: String {
        switch self {
        case .wrongRoot, .staleRoot, .droppedRevocation, .undoneRevocation, .madeUpGrant: "seals: state-root"
        case .forbiddenAdmission: "admission: not-permitted"
        case .omittedSeal: "seals: unsealed"
        case .skippedSeal: "seals: seal-chain"
        case .timeBackwards: "seals: time-backwards"
        case .countedWrong: "seals: seal-count"
        case .evidenceTwice: "admission: duplicate-entry"
        }
    }

    /// Whether the log's last entry is a seal of the state that it claims, so that it can hand out state proofs.
    var canProve: Bool { ![.wrongRoot, .staleRoot, .omittedSeal].contains(self) }
}

/// A log that lies in one way and then goes on as if nothing had been.
struct LyingLog {
    private(set) var log: TestLog
    /// What the lie is about: a grant, revoked in truth where revocations are dropped.
    let grant: StateKey

    init(_ lie: Lie) throws {
        log = try TestLog()
        let grantHash = try log.grant()
        grant = .grant(grantHash)
        log.seal()
        try log.grow(to: 12)
        try tell(lie, grantHash)
        if lie != .omittedSeal { try log.grow(to: log.size + 5) }
    }

    private mutating func tell(_ lie: Lie, _ grantHash: Hash) throws {
        let unrevoked = log.states[log.size]?.value(grant)
        let key = grant
        func restore(_ state: inout MemoryState) { state.apply([StateChange(key: key, value: unrevoked)]) }
        switch lie {
        case .wrongRoot: log.seal(root: .leaf([1]))
        case .staleRoot:
            let stale = log.states[log.size]?.map().root
            try log.append(log.event())
            log.seal(root: stale)
        case .forbiddenAdmission:
            // A runtime is no operator; the log lets it issue grants all the same, and the state has the grant.
            let other = GrantIssue(
                subject: TestLog.issuer, actions: ["*"].compactMap { GrantPattern($0) },
                resources: ["*"].compactMap { GrantPattern($0) })
            let event = try Event(
                type: "grant.issue", stream: "self", seq: 0, prev: nil, time: log.time, data: other.cbor)
            let statement = try log.sign(event)
            let record = GrantRecord(index: log.size, issuer: TestLog.issuer, grant: other)
            log.appendAnyway(statement.entryBytes)
            log.seal { $0.apply([StateChange(key: .grant(statement.leafHash), value: record.encoded())]) }
        case .droppedRevocation:
            // The revocation is in the log, and the state knows nothing of it.
            try log.append(log.governing(.grantRevoke, GrantRevoke(grant: grantHash, reason: "over").cbor))
            log.seal(lie: restore)
        case .undoneRevocation:
            try log.append(log.governing(.grantRevoke, GrantRevoke(grant: grantHash, reason: "over").cbor))
            log.seal()
            log.seal(lie: restore)
        case .madeUpGrant:
            log.seal { $0.apply([StateChange(key: .grant(.leaf([2])), value: unrevoked)]) }
        case .omittedSeal: try log.append(log.event())
        case .skippedSeal: log.seal(seq: 99)
        case .timeBackwards: log.seal(time: TestLog.start - 1)
        case .countedWrong: log.seal(count: 3)
        case .evidenceTwice:
            let evidence = try SignedStatement.sign(
                payload: [1], contentType: "text/plain", issuer: TestLog.issuer, subject: "x", key: log.issuerKey)
            try log.append(evidence)
            log.seal()
            try log.append(evidence)
            log.seal()
        }
    }
}

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
