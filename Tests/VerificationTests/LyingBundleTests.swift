import COSE
import Governance
import Testing
import Tlog

@testable import Verification

/// Every part is under a head that all witnesses cosigned, and still the parts don't go together.
@Suite("Evidence bundles of a log that lies")
struct LyingBundleTests {
    private let governed: GovernedLog
    private let verifier: Verifier

    private static let run = StateKey.execution(GovernedLog.execution("run-1"))

    init() throws {
        governed = try GovernedLog()
        verifier = Verifier(trust: try TrustFile(parsing: Array(governed.log.stateTrustText().utf8)))
    }

    /// What is found in the bundle of an execution with one more entry, which the log took without looking at it.
    private func failures(with entry: [UInt8]) throws -> [String] {
        var governed = self.governed
        governed.log.appendAnyway(entry)
        let index = governed.log.size - 1
        governed.log.seal()
        let bundle = try governed.bundle(Self.run)
        let more = EvidenceBundle.Entry(index: index, bytes: entry, path: governed.log.inclusion(index).path)
        return verifier.bundle(bundle.changed(entries: bundle.entries + [more]).encoded()).failures
    }

    private func event(by key: Ed25519.SigningKey, issuer: String) throws -> [UInt8] {
        let event = try Event(
            type: "work.done", stream: "x", seq: 0, prev: nil, time: governed.log.time, data: .null)
        return try governed.log.sign(event, by: key, issuer: issuer).entryBytes
    }

    @Test("an entry that its signer did not sign")
    func signature() throws {
        let good = try event(by: governed.log.issuerKey, issuer: TestLog.issuer)
        #expect(try failures(with: good).isEmpty)
        #expect(
            try failures(with: good.flipped(good.count * 8 - 1)) == ["statement-signatures: bad-signature"])
    }

    @Test("an entry of a key that had ended")
    func endedKey() throws {
        let rotated = try event(by: TestLog.key(240), issuer: GovernedLog.gate)
        #expect(try failures(with: rotated) == ["statement-signatures: key-ended"])
    }

    @Test("a decision on a tree that is not the log's")
    func head() throws {
        let bundle = try governed.bundle(Self.run)
        for position in bundle.heads.indices {
            var heads = bundle.heads
            let path = heads[position].path
            heads[position] = EvidenceBundle.Head(size: heads[position].size, path: path.dropLast() + [.zero])
            let report = verifier.bundle(bundle.changed(heads: heads).encoded())
            #expect(report.failures == ["bundle-agreement: other-head"])
        }
    }

    /// What is found in a bundle once the log says of a key what is not so.
    private func failures(_ subject: StateKey, lying key: StateKey, _ value: [UInt8]) throws -> [String] {
        var governed = self.governed
        governed.log.seal { $0.apply([StateChange(key: key, value: value)]) }
        return verifier.bundle(try governed.bundle(subject).encoded()).failures
    }

    private func record<Record: StateRecord>(_ key: StateKey, _ kind: Record.Type = Record.self) throws -> Record {
        try Record(decoding: try #require(governed.log.states[governed.log.size]?.value(key)))
    }

    @Test("an execution that the state has otherwise than its start says")
    func start() throws {
        let record = try record(Self.run, ExecutionRecord.self)
        let start = ExecutionStart(
            execution: record.start.execution, permission: record.start.permission, parents: record.start.parents,
            model: record.start.model, input: .sha256([0]))
        var lie = ExecutionRecord(
            index: record.index, entry: record.entry, subject: record.subject, start: start, route: record.route,
            phase: record.phase)
        (lie.steps, lie.outcome) = (record.steps, record.outcome)
        #expect(try failures(Self.run, lying: Self.run, record.encoded()).isEmpty)
        #expect(
            try failures(Self.run, lying: Self.run, lie.encoded()) == ["bundle-agreement: other-statement"])
    }

    @Test("an execution that the state lets end otherwise than its end says")
    func end() throws {
        var lie = try record(Self.run, ExecutionRecord.self)
        lie.outcome = .executed
        #expect(
            try failures(Self.run, lying: Self.run, lie.encoded()) == ["bundle-agreement: other-statement"])
    }

    @Test("a grant that the state has otherwise than its statement says")
    func grant() throws {
        let key = StateKey.grant(governed.parentGrant)
        let record = try record(key, GrantRecord.self)
        let wider = GrantIssue(
            subject: record.grant.subject, actions: [try #require(GrantPattern("*"))],
            resources: record.grant.resources, delegations: record.grant.delegations)
        let lie = GrantRecord(index: record.index, issuer: record.issuer, grant: wider)
        #expect(try failures(key, lying: key, record.encoded()).isEmpty)
        #expect(try failures(key, lying: key, lie.encoded()) == ["bundle-agreement: other-statement"])
    }

    @Test("a policy that is not the one which its entry sets")
    func policy() throws {
        let value = try #require(governed.log.states[governed.log.size]?.value(.policy))
        let record = try PolicyRecord(decoding: value)
        let other = try Policy(
            origin: record.policy.origin, logKeys: record.policy.logKeys, authorities: record.policy.authorities,
            threshold: 1, issuers: record.policy.issuers, contentTypes: [], previous: record.policy.previous)
        let lie = PolicyRecord(policy: other, index: record.index)
        let key = StateKey.grant(governed.parentGrant)
        #expect(try failures(key, lying: .policy, lie.encoded()) == ["bundle-agreement: other-statement"])
    }
}
