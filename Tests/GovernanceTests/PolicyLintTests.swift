import COSE
import Testing
import Tlog

@testable import Governance

@Suite("Lint: policies and the state under them")
struct PolicyLintTests {
    /// A policy with k of n authorities and these issuers.
    private func policy(
        _ threshold: Int = 2, of authorities: Int = 3, issuers: [(Actor, [Role])]? = nil,
        governance: PolicyGovernance? = PolicyGovernance(maxPermit: 300_000), allowUnwitnessed: Bool = false,
        limits: PolicyLimits = PolicyLimits(maxSkew: 60_000), rates: PolicyRates = PolicyRates()
    ) throws -> Policy {
        let standard: [(Actor, [Role])] = [
            (.olga, [.operator]), (.rita, [.registrar]), (.gus, [.gate]), (.ron, [.runtime]),
        ]
        return try Policy(
            origin: Origin(World.origin),
            logKeys: LogPublicKeys(
                checkpoint: TestKeys.checkpoint.publicKey, receipt: TestKeys.receipt.publicKey,
                statement: TestKeys.statement.publicKey),
            authorities: (0..<authorities).map { TestKeys.key(UInt8(60 + $0)).publicKey }, threshold: threshold,
            issuers: (issuers ?? standard).map {
                EnrolledIssuer(issuer: $0.0.issuer, key: $0.0.key.publicKey, roles: $0.1)
            }, limits: limits, rates: rates, allowUnwitnessed: allowUnwitnessed, governance: governance)
    }

    private func codes(_ policy: Policy) -> [LintCode] { PolicyLint(policy: policy).findings().map(\.code) }

    @Test("a sound policy has no findings")
    func sound() throws {
        #expect(codes(try policy()) == [])
    }

    @Test(
        "thresholds",
        arguments: [
            (1, 1, [LintCode.thresholdOne]), (1, 3, [.thresholdOne]), (2, 4, [.thresholdMinority]),
            (2, 5, [.thresholdMinority]), (3, 3, [.thresholdAll]), (3, 4, []), (2, 3, []),
        ])
    func thresholds(threshold: Int, count: Int, expected: [LintCode]) throws {
        #expect(codes(try policy(threshold, of: count)) == expected)
    }

    @Test("permits on heads that nobody cosigned")
    func unwitnessed() throws {
        let finding = try #require(PolicyLint(policy: try policy(allowUnwitnessed: true)).findings().first)
        #expect(finding.code == .unwitnessedPermits && finding.severity == .error)
        #expect(finding.explanation.contains("300000 ms"))
    }

    @Test("roles that nobody holds, and duties in one hand")
    func roles() throws {
        #expect(codes(try policy(issuers: [(.olga, [.operator]), (.ron, [.runtime])])) == [.noGate])
        #expect(codes(try policy(issuers: [(.olga, [.operator]), (.gus, [.gate])])) == [.noRuntime])
        let lifters = PolicyGovernance(lifters: [.observer])
        #expect(codes(try policy(governance: lifters)).contains(.liftersNobody))
        // Authorities alone may lift: that can be meant.
        #expect(!codes(try policy(governance: PolicyGovernance(lifters: []))).contains(.liftersNobody))
        let both = try policy(issuers: [(.olga, [.operator]), (.gus, [.gate, .runtime])])
        #expect(codes(both) == [.dutiesTogether])
        let none = try policy(issuers: [(.olga, [.operator]), (.gus, [.gate]), (.ron, [.runtime]), (.nobody, [])])
        #expect(codes(none) == [.issuerWithoutRole])
    }

    @Test("lengths of time that cannot work together, or last too long")
    func times() throws {
        let skew = PolicyLimits(maxSkew: 600_000)
        #expect(codes(try policy(limits: skew)) == [.permitBelowSkew])
        let lease = PolicyGovernance(maxPermit: 600_000, maxLease: 1000)
        #expect(codes(try policy(governance: lease, limits: skew)) == [.leaseBelowSkew])
        let day: UInt64 = 86_400_000
        #expect(codes(try policy(governance: PolicyGovernance(maxPermit: day))) == [])
        #expect(codes(try policy(governance: PolicyGovernance(maxPermit: day + 1))) == [.permitLong])
        #expect(codes(try policy(governance: PolicyGovernance(maxLease: day + 1))) == [.leaseLong])
        let long = PolicyLimits(maxSkew: 3_600_001)
        #expect(codes(try policy(governance: PolicyGovernance(maxPermit: day), limits: long)) == [.skewLong])
    }

    @Test("a policy too large to be replaced by its like, and rates that cross")
    func sizes() throws {
        #expect(codes(try policy(limits: PolicyLimits(maxEntryBytes: 1024, maxSkew: 60_000))) == [.policyTooLarge])
        let rates = PolicyRates(
            perIssuer: Rate(perSecond: 10, burst: 10), perAddress: Rate(perSecond: 9, burst: 10))
        #expect(codes(try policy(rates: rates)) == [.ratesCross])
    }

    // MARK: State

    /// What lint finds about the things in a world's state; what it says of the policy itself is left out.
    private func findings(_ world: World, at time: UInt64? = nil) throws -> [LintFinding] {
        let policy = world.fold.rules.policy
        let state = try LintState(world.fold, time: time ?? world.now)
        return StateLint(policy: policy, state: state).findings()
    }

    @Test("a grant that can be used has no findings, and a revoked one is nobody's mistake")
    func usableGrant() throws {
        var world = try World()
        let grant = try world.add(World.grant(), by: .olga)
        #expect(try findings(world) == [])
        try world.add(GrantRevoke(grant: grant, reason: "done"), by: .olga)
        try world.add(IdentityRevoke(keyID: Actor.ron.keyID, reason: "lost"), by: .olga)
        #expect(try findings(world) == [])
    }

    @Test("grants whose subject is unknown, has ended, is no runtime, or is contained")
    func subjects() throws {
        var world = try World()
        let stranger = Actor("stranger", 99)
        let unknown = try world.add(World.grant(subject: stranger), by: .olga)
        #expect(try findings(world).map(\.code) == [.grantSubjectUnknown])
        #expect(try findings(world).first?.subject == "grant \(unknown)")
        world = try World()
        try world.add(World.grant(), by: .olga)
        try world.add(ContainmentEnter(scope: .runtime(Actor.ron.issuer), reason: .stateDivergence), by: .gus)
        #expect(try findings(world).map(\.code) == [.grantSubjectContained])
        try world.add(IdentityRevoke(keyID: Actor.ron.keyID, reason: "lost"), by: .olga)
        #expect(try findings(world).map(\.code) == [.grantSubjectEnded, .grantSubjectContained])
        world = try World()
        try world.add(World.grant(subject: .otto), by: .olga)
        #expect(try findings(world).map(\.code) == [.grantSubjectRole])
        // Who may hand it on need not run anything.
        world = try World()
        try world.add(World.grant(subject: .otto, delegations: 1), by: .olga)
        #expect(try findings(world) == [])
    }

    @Test("windows: the last ms is in it")
    func windows() throws {
        var world = try World()
        try world.add(World.grant(GrantConditions(notAfter: world.now)), by: .olga)
        #expect(try findings(world) == [])
        #expect(try findings(world, at: world.now + 1).map(\.code) == [.grantExpired])
    }

    @Test("what a grant comes from: revoked, expired, used up")
    func parents() throws {
        var world = try World()
        let parent = try world.add(World.grant(delegations: 1), by: .olga)
        try world.add(World.grant(subject: .rob, parent: parent), by: .ron)
        #expect(try findings(world) == [])
        try world.add(GrantRevoke(grant: parent, reason: "done"), by: .olga)
        #expect(try findings(world).map(\.code) == [.grantParentRevoked])
        world = try World()
        let counted = try world.add(World.grant(GrantConditions(uses: 1)), by: .olga)
        world.seal()
        try world.add(world.permit(1, counted), by: .gus)
        #expect(try findings(world) == [])
        try world.add(world.start(1), by: .ron)
        #expect(try findings(world).map(\.code) == [.grantUsedUp])
    }

    @Test("models: not registered, not approved, approved under another policy, ended, out of scope")
    func models() throws {
        let model = ModelVersion(name: "sorter", version: "1")
        var world = try World()
        try world.add(World.grant(GrantConditions(model: model)), by: .olga)
        #expect(try findings(world).map(\.code) == [.grantModelUnknown])
        let files = [ManifestEntry(path: "a", digest: .zero)]
        try world.add(ModelRegister(model: model, manifest: files, actions: ["sort"], purposes: ["mail"]), by: .rita)
        #expect(try findings(world).map(\.code) == [.grantModelUnapproved])
        try world.add(ModelApprove(model: model, policy: world.fold.rules.policy.digest), by: .olga)
        #expect(try findings(world) == [])
        try world.add(World.grant(GrantConditions(model: model), actions: ["weigh"]), by: .olga)
        #expect(try findings(world).map(\.code) == [.grantModelScope])
        var changed = world
        let next = try worldPolicy(previous: world.fold.rules.policy.digest, maxSkew: 60_000_001)
        try changed.add(next, by: .first)
        #expect(try findings(changed).map(\.code).contains(.approvalsWaiting))
        try changed.add(next, by: .second)
        #expect(try findings(changed).map(\.code) == [.grantModelUnapproved, .grantModelUnapproved])
        try world.add(ModelRetire(model: model), by: .rita)
        #expect(try findings(world).map(\.code) == [.grantModelEnded, .grantModelEnded])
    }

    @Test("routes: closed, for other actions, to an expelled or silent peer")
    func routes() throws {
        var world = try World()
        let peer = "log.example.org/other"
        let log = VerifierKey.ed25519(name: try KeyName(peer), publicKey: TestKeys.key(90).publicKey)
        try world.add(PeerAdmit(origin: peer, policy: "log \(log)\nquorum none\n", genesis: .zero), by: .olga)
        try world.add(World.grant(GrantConditions(route: "east")), by: .olga)
        #expect(try findings(world).map(\.code) == [.grantRouteClosed])
        try world.add(
            RouteOpen(route: "east", from: World.origin, to: peer, actions: ["weigh"], maxPeerAge: 1000), by: .olga)
        #expect(try findings(world).map(\.code) == [.grantRouteActions, .routePeerUnvouched, .routePeerSilent])
        try world.add(PeerExpel(origin: peer, reason: "two histories"), by: .olga)
        #expect(try findings(world).map(\.code) == [.grantRouteActions, .routePeerExpelled])
    }

    @Test("containments that nobody can lift, and a domain that is contained")
    func containments() throws {
        var world = try World(worldPolicy(governance: PolicyGovernance(lifters: [.operator])))
        try world.add(ContainmentEnter(scope: .domain(World.origin), reason: .stateDivergence), by: .gus)
        #expect(try findings(world).map(\.code) == [.domainContained])
        try world.add(IdentityRevoke(keyID: Actor.olga.keyID, reason: "left"), by: .first)
        #expect(try findings(world).map(\.code) == [.containmentStuck, .domainContained])
    }

    @Test("an observer without peers; codes and remedies")
    func rest() throws {
        let world = try World()
        let state = try LintState(world.fold, time: world.now)
        let lint = PolicyLint(policy: world.fold.rules.policy, state: state)
        #expect(lint.findings().contains { $0.code == .roleUnused && $0.subject == Actor.otto.issuer })
        // Worst first.
        let severities = lint.findings().map(\.severity)
        #expect(severities == severities.sorted())
        #expect(Set(LintCode.allCases.map(\.rawValue)).count == LintCode.allCases.count)
        #expect(LintCode.allCases.allSatisfy { $0.remedy.hasSuffix(".") || $0.remedy.contains("holdfast ") })
    }

    @Test("the difference of two policies names what was added, taken away and changed")
    func differences() throws {
        let old = try JSON(parsing: Array(#"{"a":1,"k":[{"$bytes":"AA"}],"n":{"x":true}}"#.utf8))
        let new = try JSON(parsing: Array(#"{"a":2,"k":[{"$bytes":"AA"},{"$bytes":"AQ"}],"n":{},"z":[]}"#.utf8))
        let found = JSONDifference.between(old, new)
        #expect(found.map(\.path) == ["a", "k[]", "n.x", "z"])
        #expect(found[0].old == 1 && found[0].new == 2)
        #expect(found[1].old == nil && found[2].new == nil)
        #expect(JSONDifference.between(old, old) == [])
        // The same elements in another order are a change too.
        #expect(JSONDifference.between([1, 2], [2, 1]).map(\.path) == [""])
    }
}
