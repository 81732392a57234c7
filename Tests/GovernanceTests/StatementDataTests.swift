import COSE
import Governance
import Testing
import Tlog

@Suite("Data of statements")
struct StatementDataTests {
    private func read(_ type: StatementType, _ data: CBOR) throws { _ = try GovernanceStatement(type, data) }

    private func reason(_ type: StatementType, _ data: CBOR) -> String? {
        do {
            try read(type, data)
            return nil
        } catch {
            return (error as? any NamedFailure)?.reason
        }
    }

    private func changed(_ type: StatementType, _ field: CBOR, _ value: CBOR?) -> CBOR {
        guard case .map(var map)? = Examples.all.first(where: { $0.type == type })?.data else { return .null }
        map[field] = value
        return .map(map)
    }

    @Test("every type has an example that it reads", arguments: StatementType.allCases)
    func examples(_ type: StatementType) throws {
        let data = try #require(Examples.all.first { $0.type == type }).data
        try read(type, data)
        #expect(reason(type, changed(type, "extra", 1)) == "unknown-field")
        #expect(reason(type, 5) == "wrong-kind")
        guard case .map(let map) = data else { return }
        // Each field is either needed or, left out, another statement; of another kind it is refused.
        for entry in map.entries {
            #expect(reason(type, changed(type, entry.key, .tagged(9, 1))) != nil, "\(type.rawValue) \(entry.key)")
        }
        #expect(map.entries.contains { reason(type, changed(type, $0.key, nil)) == "missing-field" })
    }

    @Test("data comes back from what was read")
    func roundTrip() throws {
        func same<Data: StatementData>(_ type: Data.Type) throws {
            let data = try #require(Examples.all.first { $0.type == type.type }).data
            #expect(try Data(data).cbor == data)
            #expect(try Data(data) == Data(Data(data).cbor))
        }
        try same(IdentityEnroll.self)
        try same(IdentityRotate.self)
        try same(IdentityRevoke.self)
        try same(GrantIssue.self)
        try same(GrantRevoke.self)
        try same(ModelRegister.self)
        try same(ModelApprove.self)
        try same(ModelRetire.self)
        try same(ModelRevoke.self)
        try same(RuntimeAttest.self)
        try same(RuntimeHeartbeat.self)
        try same(TelemetryDigest.self)
        try same(ExecutionStart.self)
        try same(ExecutionStep.self)
        try same(ExecutionFinish.self)
        try same(PeerAdmit.self)
        try same(PeerHead.self)
        try same(PeerExpel.self)
        try same(RouteOpen.self)
        try same(RouteClose.self)
        try same(ContainmentEnter.self)
        try same(ContainmentRecover.self)
        try same(ContainmentLift.self)
        try same(TrustRevoke.self)
        try same(DecisionRecord.self)
        try same(LeaseRecord.self)
    }

    @Test("values that cannot be are refused")
    func values() {
        let cases: [(StatementType, CBOR, CBOR?)] = [
            (.identityEnroll, "issuer", "alice"), (.identityEnroll, "roles", ["authority"]),
            (.identityEnroll, "roles", ["gate"]), (.identityEnroll, "roles", ["runtime", "runtime"]),
            (.identityEnroll, "measurements", []), (.identityEnroll, "measurements", [.bytes([])]),
            (.identityEnroll, "key", .bytes([UInt8](repeating: 0, count: 32))), (.grantIssue, "actions", []),
            (.grantIssue, "actions", ["*a"]), (.grantIssue, "resources", ["a**"]), (.grantIssue, "delegations", 9),
            (.grantIssue, "conditions", ["notBefore": 2, "notAfter": 1]), (.grantIssue, "conditions", ["uses": 0]),
            (.modelRegister, "manifest", CBOR.map([:])), (.modelRegister, "manifest", ["/a": Examples.hash]),
            (.modelRegister, "manifest", ["a/../b": Examples.hash]),
            (.modelRegister, "scope", ["actions": [], "purposes": ["p"]]),
            (.telemetryDigest, "until", 0), (.executionStart, "permit", .bytes([1])),
            (.executionStart, "lease", Examples.hash),
            (.executionStart, "parents", [Examples.execution, Examples.execution]),
            (.executionFinish, "outcome", "won"), (.peerAdmit, "policy", "quorum"), (.routeOpen, "maxPeerAge", 0),
            (.containmentEnter, "reason", "bad-mood"), (.containmentEnter, "scope", ["planet", "earth"]),
            (.containmentEnter, "scope", ["runtime"]), (.decisionRecord, "nonce", .bytes([1])),
            (.decisionRecord, "outcome", "contain"), (.decisionRecord, "outcome", "revalidate"),
            (.decisionRecord, "purpose", nil), (.decisionRecord, "reason", "state-divergence"),
        ]
        for (type, field, value) in cases {
            #expect(
                reason(type, changed(type, field, value)) == "invalid-value",
                "\(type.rawValue) \(field) \(value ?? .null)")
        }
        #expect(reason(.decisionRecord, changed(.decisionRecord, "grant", nil)) == "missing-field")
        #expect(reason(.executionFinish, changed(.executionFinish, "output", nil)) == "missing-field")
    }

    @Test("a pattern covers what it matches")
    func patterns() throws {
        func pattern(_ text: String) throws -> GrantPattern { try #require(GrantPattern(text)) }
        #expect(try pattern("a*").covers(pattern("ab")))
        #expect(try pattern("a*").covers(pattern("a*")))
        #expect(try pattern("a*").covers(pattern("ab*")))
        #expect(try !pattern("ab*").covers(pattern("a*")))
        #expect(try !pattern("a").covers(pattern("a*")))
        #expect(try !pattern("a").covers(pattern("ab")))
        #expect(try pattern("*").covers(pattern("*")))
        #expect(try pattern("*").matches("anything"))
        #expect(try pattern("a*").matches("a"))
        #expect(try !pattern("a").matches("a*b"))
        // Two spellings of one character are two names.
        #expect(try !pattern("é").matches("e\u{301}"))
        #expect(GrantPattern("") == nil)
    }
}
