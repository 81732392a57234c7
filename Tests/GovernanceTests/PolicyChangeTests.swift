import COSE
import Governance
import Testing
import Tlog

@Suite("Changing the policy")
struct PolicyChangeTests {
    private func successor(_ world: World, maxPermit: UInt64 = 5, extra: [EnrolledIssuer] = []) throws -> Policy {
        try worldPolicy(
            governance: PolicyGovernance(maxPermit: maxPermit), previous: world.fold.rules.policy.digest, extra: extra)
    }

    @Test("a policy is in force when k authorities have approved the same, at once and for all after")
    func threshold() throws {
        var world = try World()
        let next = try successor(world)
        try world.add(next, by: .first)
        #expect(world.fold.rules.policy.previous == nil)
        let approvals = try #require(try world.record(.approvals, ApprovalsRecord.self))
        #expect(approvals.approvals == [Actor.first.keyID: .init(policy: next.digest, entry: 2)])
        world.seal()
        try world.add(next, by: .third)
        #expect(world.fold.rules.policy == next)
        #expect(world.fold.rules.policyIndex == 4)
        #expect(try world.fold.value(.approvals) == nil)
        #expect(try PolicyRecord(decoding: world.fold.value(.policy) ?? []) == PolicyRecord(policy: next, index: 4))
        #expect(try world.replayed().rules?.policy == next)
    }

    @Test("the same approval twice is one")
    func twice() throws {
        var world = try World()
        let next = try successor(world)
        try world.add(next, by: .first)
        #expect(try broken { try world.add(next, by: .first) } == Broken(.alreadyApproved, 2))
    }

    @Test("an authority's newest approval counts, not those before it")
    func newest() throws {
        var world = try World()
        let one = try successor(world, maxPermit: 1)
        let other = try successor(world, maxPermit: 2)
        try world.add(one, by: .first)
        try world.add(other, by: .first)
        try world.add(one, by: .second)
        #expect(world.fold.rules.policyIndex == 0)
        try world.add(other, by: .third)
        #expect(world.fold.rules.policy == other)
    }

    @Test("partial approvals lapse when the policy changes")
    func lapse() throws {
        var world = try World()
        let one = try successor(world, maxPermit: 1)
        let other = try successor(world, maxPermit: 2)
        try world.add(one, by: .first)
        try world.add(other, by: .second)
        try world.add(other, by: .third)
        #expect(world.fold.rules.policy == other)
        #expect(try broken { try world.add(one, by: .second) } == Broken(.policyPredecessor, 4))
        #expect(try world.fold.value(.approvals) == nil)
    }

    @Test("only authorities approve; a policy names the one in force; origin and log keys stay")
    func refused() throws {
        var world = try World()
        let next = try successor(world)
        #expect(try broken { try world.add(next, by: .olga) } == Broken(.notPermitted, 0))
        #expect(try broken { try world.add(worldPolicy(), by: .first) } == Broken(.policyPredecessor, 0))
        #expect(
            try broken { try world.add(worldPolicy(previous: .zero), by: .first) } == Broken(.policyPredecessor, 0))
        let elsewhere = try Policy(
            origin: Origin("elsewhere.example"), logKeys: next.logKeys, authorities: next.authorities, threshold: 1,
            issuers: [], previous: next.previous)
        #expect(try broken { try world.add(elsewhere, by: .first) } == Broken(.policyFixed, 0))
        let keys = LogPublicKeys(
            checkpoint: TestKeys.key(77).publicKey, receipt: next.logKeys.receipt, statement: next.logKeys.statement)
        let rekeyed = try Policy(
            origin: next.origin, logKeys: keys, authorities: next.authorities, threshold: 1, issuers: [],
            previous: next.previous)
        #expect(try broken { try world.add(rekeyed, by: .first) } == Broken(.policyFixed, 0))
        #expect(throws: AdmissionError.malformedData(.policy(.field(.wrongKind(""))))) {
            try world.add("policy.set", 1, by: .first)
        }
    }

    @Test("a genesis names no policy before it")
    func genesis() throws {
        #expect(throws: GenesisError.previous(.zero)) { try World(worldPolicy(previous: .zero)) }
    }

    @Test("an identity that a policy leaves out ends with it, in the same batch, and may come back")
    func identities() throws {
        var world = try World()
        let next = try worldPolicy(previous: world.fold.rules.policy.digest, without: [.nobody])
        try world.add("test.beat", 1, by: .nobody)
        try world.add(next, by: .first)
        try world.add("test.beat", 2, by: .nobody)
        try world.add(next, by: .second)
        #expect(
            throws: AdmissionError.keyEnded(
                issuer: Actor.nobody.issuer, keyID: Actor.nobody.keyID, .policy, setBy: 5)
        ) { try world.add("test.beat", 3, by: .nobody) }
        let back = try worldPolicy(previous: next.digest)
        try world.add(back, by: .first)
        try world.add(back, by: .second)
        try world.add("test.beat", 3, by: .nobody)
        _ = try world.replayed()
    }

    @Test("a policy doesn't bring back a revoked key, nor give one to somebody else")
    func keys() throws {
        var world = try World()
        try world.add(IdentityRevoke(keyID: Actor.nobody.keyID, reason: "lost"), by: .first)
        #expect(try broken { try world.add(successor(world), by: .first) } == Broken(.identityEnded, 2))
        try world.add(
            IdentityEnroll(issuer: "urn:new", key: TestKeys.key(60).publicKey, roles: []), by: .olga)
        let stolen = EnrolledIssuer(issuer: "urn:other", key: TestKeys.key(60).publicKey, roles: [])
        let next = try worldPolicy(
            previous: world.fold.rules.policy.digest, extra: [stolen], without: [.nobody])
        #expect(try broken { try world.add(next, by: .first) } == Broken(.keyKnown, 3))
        // An identity's key is no authority's either.
        let base = try worldPolicy(previous: world.fold.rules.policy.digest, without: [.nobody])
        let raised = try Policy(
            origin: base.origin, logKeys: base.logKeys, authorities: base.authorities + [TestKeys.key(60).publicKey],
            threshold: 2, issuers: base.issuers, previous: base.previous)
        #expect(try broken { try world.add(raised, by: .first) } == Broken(.keyKnown, 3))
    }

    @Test("rules rebuilt from a state are those that the fold came to")
    func rebuilt() throws {
        var world = try World()
        try world.add(IdentityEnroll(issuer: "urn:new", key: TestKeys.key(60).publicKey, roles: [.gate]), by: .olga)
        try world.add(IdentityRevoke(keyID: Actor.otto.keyID, reason: "left"), by: .olga)
        let next = try worldPolicy(previous: world.fold.rules.policy.digest, without: [.nobody, .otto])
        try world.add(next, by: .first)
        try world.add(next, by: .second)
        let rebuilt = try #require(try Rules(world.fold))
        #expect(rebuilt.keys.all == world.fold.rules.keys.all)
        #expect(rebuilt.policy == world.fold.rules.policy)
        world.seal()
        #expect(try Rules(world.base)?.keys.all == rebuilt.keys.all)
    }
}
