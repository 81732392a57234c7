import COSE
import Governance
import Testing
import Tlog

/// Rules that several types ask, at each of the places where they are asked.
@Suite("Every rule wherever it is asked")
struct EveryRuleTests {
    private let model = ModelVersion(name: "sorter", version: "1")

    /// A world in which everything is there for an execution with a model by a route.
    private struct Ready {
        var world: World
        let grant: Hash

        init(modelActions: [String] = ["sort"], routeActions: [String] = ["sort"]) throws {
            world = try World(worldPolicy(governance: PolicyGovernance(maxLease: 1000)))
            let model = ModelVersion(name: "sorter", version: "1")
            let register = ModelRegister(
                model: model, manifest: [ManifestEntry(path: "a", digest: .zero)], actions: modelActions,
                purposes: ["mail"])
            try world.add(register, by: .rita)
            try world.add(ModelApprove(model: model, policy: world.fold.rules.policy.digest), by: .olga)
            try world.add(PeerAdmit(origin: PeerWorld.origin, policy: PeerWorld.policy, genesis: .zero), by: .olga)
            let route = RouteOpen(
                route: "r", from: World.origin, to: PeerWorld.origin, actions: routeActions, maxPeerAge: 1)
            try world.add(route, by: .olga)
            grant = try world.add(World.grant(), by: .olga)
            world.seal()
        }

        func permit(_ number: UInt8, model usesModel: Bool = true, route usesRoute: Bool = true) -> DecisionRecord {
            var permit = world.permit(number, grant)
            if usesModel {
                permit.model = ModelVersion(name: "sorter", version: "1")
                permit.purpose = "mail"
            }
            if usesRoute { permit.route = "r" }
            return permit
        }

        func start(_ number: UInt8, _ id: String) -> ExecutionStart {
            ExecutionStart(
                execution: World.run(id), permission: .permit(World.nonce(number)),
                model: ModelVersion(name: "sorter", version: "1"), input: .zero)
        }

        mutating func contain(_ scope: Scope) throws -> UInt64 {
            try world.add(ContainmentEnter(scope: scope, reason: .telemetryInconsistent), by: .olga)
            return world.last
        }
    }

    private func step(_ id: String) -> ExecutionStep {
        ExecutionStep(execution: World.run(id), step: 0, input: .zero, output: .zero)
    }

    private func finish(_ id: String, _ outcome: ExecutionOutcome = .executed) -> ExecutionFinish {
        ExecutionFinish(execution: World.run(id), outcome: outcome, output: outcome == .executed ? .zero : nil)
    }

    @Test(
        "a permit that was given starts nothing in a scope contained since; what runs there does not go on",
        arguments: [Scope.model(ModelVersion(name: "sorter", version: "1")), .route("r")])
    func containedAtTheStart(_ scope: Scope) throws {
        var ready = try Ready()
        for number: UInt8 in [1, 2] { try ready.world.add(ready.permit(number), by: .gus) }
        try ready.world.add(ready.start(1, "a"), by: .ron)
        let index = try ready.contain(scope)
        #expect(try broken { try ready.world.add(ready.start(2, "b"), by: .ron) } == Broken(.contained, index))
        #expect(try broken { try ready.world.add(step("a"), by: .ron) } == Broken(.contained, index))
        #expect(try broken { try ready.world.add(finish("a"), by: .ron) } == Broken(.contained, index))
        try ready.world.add(finish("a", .failed), by: .ron)
    }

    @Test("an execution that is contained before it starts does not start")
    func containedExecution() throws {
        var ready = try Ready()
        try ready.world.add(ready.permit(1), by: .gus)
        let index = try ready.contain(.execution(World.run("a")))
        #expect(try broken { try ready.world.add(ready.start(1, "a"), by: .ron) } == Broken(.contained, index))
        try ready.world.add(ready.start(1, "b"), by: .ron)
    }

    @Test("where trust is revoked, nothing is permitted, leased, started or well ended, and it is not revoked again")
    func revokedTrust() throws {
        var ready = try Ready()
        for number: UInt8 in [1, 2] { try ready.world.add(ready.permit(number), by: .gus) }
        try ready.world.add(ready.start(1, "a"), by: .ron)
        let revoke = TrustRevoke(scope: .runtime(Actor.ron.issuer), reason: .cryptographicFailure)
        try ready.world.add(revoke, by: .olga)
        let gone = Broken(.trustRevoked, ready.world.last)
        let lease = LeaseRecord(access: World.access, grant: ready.grant, expires: ready.world.now)
        #expect(try broken { try ready.world.add(ready.permit(3), by: .gus) } == gone)
        #expect(try broken { try ready.world.add(lease, by: .gus) } == gone)
        #expect(try broken { try ready.world.add(ready.start(2, "b"), by: .ron) } == gone)
        #expect(try broken { try ready.world.add(step("a"), by: .ron) } == gone)
        #expect(try broken { try ready.world.add(finish("a"), by: .ron) } == gone)
        #expect(try broken { try ready.world.add(revoke, by: .olga) } == gone)
        try ready.world.add(finish("a", .blocked), by: .ron)
    }

    @Test("an end is said by who started, of what was started")
    func ends() throws {
        var ready = try Ready()
        try ready.world.add(ready.permit(1), by: .gus)
        #expect(try broken { try ready.world.add(finish("a"), by: .ron) } == Broken(.unknownExecution, nil))
        try ready.world.add(ready.start(1, "a"), by: .ron)
        let index = ready.world.last
        #expect(try broken { try ready.world.add(finish("a"), by: .rob) } == Broken(.executionSubject, index))
    }

    @Test("a peer that is expelled opens no route, also not for a permit that was given")
    func expelled() throws {
        var ready = try Ready()
        let expel = PeerExpel(origin: PeerWorld.origin, reason: "forked")
        let other = PeerExpel(origin: "log.example.org/third", reason: "forked")
        #expect(try broken { try ready.world.add(other, by: .olga) } == Broken(.unknownPeer, nil))
        try ready.world.add(ready.permit(1), by: .gus)
        try ready.world.add(expel, by: .olga)
        #expect(try broken { try ready.world.add(ready.permit(2), by: .gus) }?.rule == .unknownPeer)
        #expect(try broken { try ready.world.add(ready.start(1, "a"), by: .ron) }?.rule == .unknownPeer)
        #expect(try broken { try ready.world.add(expel, by: .olga) }?.rule == .unknownPeer)
    }

    @Test("a model is permitted within its scope and while it has not ended; only what is registered is approved")
    func models() throws {
        var ready = try Ready(modelActions: ["embed"])
        #expect(try broken { try ready.world.add(ready.permit(1), by: .gus) } == Broken(.modelScope, 3))
        ready = try Ready()
        try ready.world.add(ModelRetire(model: model), by: .rita)
        #expect(
            try broken { try ready.world.add(ready.permit(1), by: .gus) } == Broken(.modelEnded, ready.world.last))
        let unknown = ModelVersion(name: "x", version: "1")
        let approve = ModelApprove(model: unknown, policy: ready.world.fold.rules.policy.digest)
        #expect(try broken { try ready.world.add(approve, by: .olga) } == Broken(.unknownModel, nil))
        let revoke = ModelRevoke(model: unknown, reason: "x")
        #expect(try broken { try ready.world.add(revoke, by: .olga) } == Broken(.unknownModel, nil))
    }

    @Test("a route permits the actions that it carries")
    func routeActions() throws {
        var ready = try Ready(routeActions: ["embed"])
        #expect(try broken { try ready.world.add(ready.permit(1), by: .gus) }?.rule == .unknownRoute)
        try ready.world.add(ready.permit(1, route: false), by: .gus)
    }

    @Test("a lease is on a grant in force that covers it, in a domain that is not contained")
    func leases() throws {
        var ready = try Ready()
        func lease(_ grant: Hash, _ access: Access = World.access) -> LeaseRecord {
            LeaseRecord(access: access, grant: grant, expires: ready.world.now)
        }
        #expect(try broken { try ready.world.add(lease(.zero), by: .gus) } == Broken(.unknownGrant, nil))
        let other = Access(subject: Actor.ron.issuer, action: "embed", resource: "inbox/1")
        #expect(try broken { try ready.world.add(lease(ready.grant, other), by: .gus) }?.rule == .grantCover)
        let later = try ready.world.add(World.grant(GrantConditions(notBefore: testTime + 1)), by: .olga)
        #expect(
            try broken { try ready.world.add(lease(later), by: .gus) } == Broken(.grantWindow, ready.world.last))
        let id = try ready.world.add(lease(ready.grant), by: .gus)
        // Nothing is known of a model that it would be used for.
        let start = ExecutionStart(
            execution: World.run("a"), permission: .lease(id), model: model, input: .zero)
        #expect(
            try broken { try ready.world.add(start, by: .ron) } == Broken(.permitMismatch, ready.world.last))
        var contained = ready
        let index = try contained.contain(.runtime(Actor.ron.issuer))
        #expect(
            try broken { try contained.world.add(lease(ready.grant), by: .gus) } == Broken(.contained, index))
        try ready.world.add(GrantRevoke(grant: ready.grant, reason: "x"), by: .olga)
        #expect(
            try broken { try ready.world.add(lease(ready.grant), by: .gus) }
                == Broken(.grantRevoked, ready.world.last))
    }

    @Test("an authority approves the end of the log once")
    func freezeTwice() throws {
        var world = try World()
        let freeze = LogFreeze(successor: "log.example.org/next", genesis: .zero)
        try world.add(freeze, by: .first)
        #expect(try broken { try world.add(freeze, by: .first) } == Broken(.alreadyApproved, 2))
        try world.add(LogFreeze(successor: "log.example.org/next", genesis: .sha256([1])), by: .second)
        #expect(try world.record(.frozen, FrozenRecord.self) == nil)
    }

    @Test("opaque evidence that is entered a second time is found")
    func evidenceTwice() throws {
        var log = try TestLog(policy: testPolicy())
        let evidence = try SignedStatement.sign(
            payload: [0x7b, 0x7d], contentType: "application/json", issuer: aliceURI, subject: "urn:test",
            key: TestKeys.alice)
        log.add(evidence)
        try log.seal()
        log.add(evidence)
        try log.seal()
        var replay = LogReplay()
        var found: ReplayError?
        do throws(ReplayError) {
            for entry in log.bytes() { try replay.append(entry) }
        } catch {
            found = error
        }
        #expect(found == .duplicate(index: 3, first: 1))
    }
}
