import COSE
import Governance
import Testing
import Tlog

@Suite("Decisions and executions")
struct DecisionTests {
    private func granted(_ conditions: GrantConditions = GrantConditions()) throws -> (World, Hash) {
        var world = try World()
        let grant = try world.add(World.grant(conditions), by: .olga)
        world.seal()
        return (world, grant)
    }

    @Test("a permit is kept under its nonce, which no other decision gets")
    func nonce() throws {
        var (world, grant) = try granted()
        let permit = world.permit(1, grant)
        let entry = try world.add(permit, by: .gus)
        #expect(
            try world.record(.decision(permit.nonce), PermitRecord.self)
                == PermitRecord(index: 4, entry: entry, decision: permit))
        var other = world.permit(1, grant)
        other.expires += 1
        #expect(try broken { try world.add(other, by: .gus) } == Broken(.nonceSeen, 4))
        #expect(try broken { try world.add(world.permit(2, grant), by: .ron) } == Broken(.notPermitted, 0))
    }

    @Test("what the decision rests on must not have changed since its head")
    func moved() throws {
        var (world, grant) = try granted()
        let head = world.sealedSize
        let scope = StateKey.containment(.runtime(Actor.rob.issuer))
        func permit(_ number: UInt8, head: UInt64) -> DecisionRecord {
            var permit = world.permit(number, grant, head: head)
            permit.reliesOn += [scope, .policy]
            return permit
        }
        // Absent then and now.
        try world.add(permit(1, head: head), by: .gus)
        // In the same batch.
        try world.add(ContainmentEnter(scope: .runtime(Actor.rob.issuer), reason: .routingMismatch), by: .olga)
        let change = world.last
        #expect(try broken { try world.add(permit(2, head: head), by: .gus) } == Broken(.stateMoved, change))
        // A head that the log hasn't had yet does not help.
        #expect(
            try broken { try world.add(permit(2, head: world.size), by: .gus) } == Broken(.headUnknown, nil))
        world.seal()
        #expect(try broken { try world.add(permit(2, head: head), by: .gus) } == Broken(.stateMoved, change))
        try world.add(permit(2, head: world.sealedSize), by: .gus)
        #expect(try broken { try world.add(permit(3, head: 2), by: .gus) } == Broken(.stateMoved, 2))
        #expect(try broken { try world.add(permit(3, head: 0), by: .gus) } == Broken(.headUnknown, nil))
        // The number of an issuer's streams doesn't say when it changed.
        var counting = world.permit(3, grant)
        counting.reliesOn.append(.streamCount(issuer: Actor.gus.issuer))
        #expect(try broken { try world.add(counting, by: .gus) } == Broken(.stateMoved, nil))
        _ = try world.replayed()
    }

    @Test("a decision is judged on a head that the log had: its size, a seal at its end, and its root")
    func heads() throws {
        var (world, grant) = try granted()
        let size = world.sealedSize
        #expect(size == 4)
        try world.add(world.permit(1, grant), by: .gus)
        var forked = world.permit(2, grant)
        forked.head = TreeHead(size: size, root: world.head(2).root)
        #expect(try broken { try world.add(forked, by: .gus) } == Broken(.headUnknown, nil))
        // Entry 2 is the grant: no head ends with it, whatever its root would be.
        var early = forked
        early.head = TreeHead(size: size - 1, root: forked.head.root)
        #expect(try broken { try world.add(early, by: .gus) } == Broken(.headUnknown, nil))
        // A replay holds them to the log's own tree, too.
        let replay = try world.replayed()
        #expect(replay.state.heads == world.base.heads)
        #expect(replay.state.heads[size] == world.head(size).root)
    }

    @Test("a permit rests on its grant at least")
    func relies() throws {
        var (world, grant) = try granted()
        var permit = world.permit(1, grant)
        permit.reliesOn = [.policy]
        #expect(try broken { try world.add(permit, by: .gus) } == Broken(.reliesOnNothing, nil))
        let unknown = world.permit(1, .zero)
        #expect(try broken { try world.add(unknown, by: .gus) } == Broken(.unknownGrant, nil))
    }

    @Test("a permit expires in its time, also within the batch that it is in")
    func expiry() throws {
        var (world, grant) = try granted()
        var permit = world.permit(1, grant)
        permit.expires = world.now - 1
        #expect(try broken { try world.add(permit, by: .gus) } == Broken(.expired, nil))
        permit.expires = world.now + 300_001
        #expect(try broken { try world.add(permit, by: .gus) } == Broken(.expiryTooLate, 0))
        permit.expires = world.now + 300_000
        try world.add(permit, by: .gus)
        var brief = world.permit(2, grant)
        brief.expires = world.now
        try world.add(brief, by: .gus)
        var other = world
        try world.add(world.start(2), by: .ron)
        other.seal(next: other.now + 1)
        #expect(try broken { try other.add(other.start(2), by: .ron, time: testTime) } == Broken(.expired, 5))
        other.seal(next: testTime + 300_000)
        try other.add(other.start(1, id: "b"), by: .ron)
    }

    @Test("an execution starts once, under one permit, by the permit's subject, at home")
    func start() throws {
        var (world, grant) = try granted()
        #expect(try broken { try world.add(world.start(1), by: .ron) } == Broken(.unknownPermit, nil))
        try world.add(world.permit(1, grant), by: .gus)
        var bound = world.permit(2, grant)
        bound.execution = World.run("other")
        try world.add(bound, by: .gus)
        #expect(try broken { try world.add(world.start(1), by: .rob) } == Broken(.permitMismatch, 4))
        #expect(try broken { try world.add(world.start(2), by: .ron) } == Broken(.permitMismatch, 5))
        let away = ExecutionStart(
            execution: ExecutionID(home: "log.example.org/other", id: "run"), permission: .permit(World.nonce(1)),
            input: .zero)
        #expect(try broken { try world.add(away, by: .ron) } == Broken(.notHome, 0))
        try world.add(world.start(1), by: .ron)
        #expect(try broken { try world.add(world.start(1, id: "b"), by: .ron) } == Broken(.permitUsed, 6))
        #expect(try broken { try world.add(world.start(2), by: .ron) } == Broken(.executionKnown, 6))
        try world.add(world.start(2, id: "other"), by: .ron)
        #expect(try world.phase() == .activated)
        _ = try world.replayed()
    }

    @Test("a revocation between permit and start wins; after the start, it comes too late")
    func revocationOrder() throws {
        var (world, grant) = try granted()
        try world.add(world.permit(1, grant), by: .gus)
        var late = world
        try world.add(GrantRevoke(grant: grant, reason: "x"), by: .olga)
        #expect(try broken { try world.add(world.start(1), by: .ron) } == Broken(.grantRevoked, 5))
        try late.add(late.start(1), by: .ron)
        try late.add(GrantRevoke(grant: grant, reason: "x"), by: .olga)
        #expect(try late.phase() == .activated)
    }

    @Test("parents were started before, here or with an admitted peer")
    func parents() throws {
        var (world, grant) = try granted()
        try world.add(world.permit(1, grant), by: .gus)
        try world.add(world.permit(2, grant), by: .gus)
        let orphan = world.start(2, id: "child", parents: [World.run()])
        #expect(try broken { try world.add(orphan, by: .ron) } == Broken(.unknownParent, nil))
        try world.add(world.start(1), by: .ron)
        let foreign = world.start(2, id: "child", parents: [ExecutionID(home: PeerWorld.origin, id: "x")])
        #expect(try broken { try world.add(foreign, by: .ron) } == Broken(.unknownParent, nil))
        try world.add(PeerAdmit(origin: PeerWorld.origin, policy: PeerWorld.policy, genesis: .zero), by: .olga)
        var local = world
        try world.add(foreign, by: .ron)
        try local.add(orphan, by: .ron)
    }

    @Test("steps are counted, by who started; after the finish there is nothing")
    func steps() throws {
        var world = try World()
        try world.run(1)
        func step(_ number: UInt64) -> ExecutionStep {
            ExecutionStep(execution: World.run(), step: number, input: .zero, output: .zero)
        }
        #expect(try broken { try world.add(step(1), by: .ron) } == Broken(.stepOrder, 5))
        #expect(try broken { try world.add(step(0), by: .rob) } == Broken(.executionSubject, 5))
        try world.add(step(0), by: .ron)
        try world.add(step(1), by: .ron)
        #expect(try world.phase() == .executing)
        try world.add(ExecutionFinish(execution: World.run(), outcome: .executed, output: .zero), by: .ron)
        let record = try #require(try world.record(.execution(World.run()), ExecutionRecord.self))
        #expect(record.phase == .proofPersisted && record.outcome == .executed && record.steps == 2)
        #expect(try broken { try world.add(step(2), by: .ron) } == Broken(.transition, 8))
        let again = ExecutionFinish(execution: World.run(), outcome: .failed)
        #expect(try broken { try world.add(again, by: .ron) } == Broken(.transition, 8))
        let unknown = ExecutionStep(execution: World.run("x"), step: 0, input: .zero, output: .zero)
        #expect(try broken { try world.add(unknown, by: .ron) } == Broken(.unknownExecution, nil))
        _ = try world.replayed()
    }

    @Test("a decision to contain what runs says that it drifted, and then only a containment follows")
    func drift() throws {
        var world = try World()
        try world.run(1)
        var decision = world.permit(2, .zero)
        decision.outcome = .contain
        decision.grant = nil
        decision.reliesOn = []
        decision.reason = .stateDivergence
        decision.execution = World.run()
        try world.add(decision, by: .gus)
        #expect(try world.phase() == .driftDetected)
        let step = ExecutionStep(execution: World.run(), step: 0, input: .zero, output: .zero)
        #expect(try broken { try world.add(step, by: .ron) } == Broken(.transition, 6))
        try world.add(ContainmentEnter(scope: .execution(World.run()), reason: .stateDivergence), by: .gus)
        #expect(try world.phase() == .contained)
    }

    @Test("leases where the policy has them, never on counted grants, until they expire")
    func leases() throws {
        func lease(_ grant: Hash, _ expires: UInt64) -> LeaseRecord {
            LeaseRecord(access: World.access, grant: grant, expires: expires)
        }
        var (without, unleased) = try granted()
        #expect(
            try broken { try without.add(lease(unleased, without.now), by: .gus) } == Broken(.leaseNotAllowed, 0))
        var world = try World(worldPolicy(governance: PolicyGovernance(maxLease: 100)))
        let grant = try world.add(World.grant(), by: .olga)
        let counted = try world.add(World.grant(GrantConditions(uses: 9)), by: .olga)
        #expect(try broken { try world.add(lease(counted, world.now), by: .gus) } == Broken(.leaseCounted, 3))
        #expect(try broken { try world.add(lease(grant, world.now + 101), by: .gus) } == Broken(.expiryTooLate, 0))
        #expect(try broken { try world.add(lease(grant, world.now - 1), by: .gus) } == Broken(.expired, nil))
        let id = try world.add(lease(grant, world.now + 100), by: .gus)
        func start(_ id: Hash, _ name: String) -> ExecutionStart {
            ExecutionStart(execution: World.run(name), permission: .lease(id), input: .zero)
        }
        #expect(try broken { try world.add(start(id, "a"), by: .rob) } == Broken(.permitMismatch, 4))
        #expect(try broken { try world.add(start(.zero, "a"), by: .ron) } == Broken(.unknownPermit, nil))
        try world.add(start(id, "a"), by: .ron)
        world.seal(next: world.now + 100)
        try world.add(start(id, "b"), by: .ron)
        world.seal(next: world.now + 1)
        #expect(try broken { try world.add(start(id, "c"), by: .ron) } == Broken(.expired, 4))
        _ = try world.replayed()
    }
}
