import COSE
import Governance
import Testing
import Tlog

@Suite("Containment")
struct ContainmentTests {
    private static let scopes: [Scope] = [
        .runtime(Actor.ron.issuer), .domain(World.origin), .execution(World.run()),
    ]

    private func enter(_ scope: Scope) -> ContainmentEnter {
        ContainmentEnter(scope: scope, reason: .telemetryInconsistent)
    }

    @Test("nothing in a contained scope is permitted, started or goes on", arguments: scopes)
    func contained(_ scope: Scope) throws {
        var world = try World()
        try world.run(1)
        let grant = try world.add(World.grant(), by: .olga)
        world.seal()
        var second = world.permit(2, grant)
        if case .execution(let execution) = scope { second.execution = execution }
        try world.add(world.permit(3, grant), by: .gus)
        try world.add(enter(scope), by: .gus)
        let index = world.last
        #expect(try broken { try world.add(second, by: .gus) } == Broken(.contained, index))
        let step = ExecutionStep(execution: World.run(), step: 0, input: .zero, output: .zero)
        let refusal = try broken { try world.add(step, by: .ron) }
        if case .execution = scope {
            #expect(refusal == Broken(.transition, index))
        } else {
            #expect(refusal == Broken(.contained, index))
            #expect(try broken { try world.add(world.start(3, id: "b"), by: .ron) } == Broken(.contained, index))
        }
        let done = ExecutionFinish(execution: World.run(), outcome: .executed, output: .zero)
        #expect(try broken { try world.add(done, by: .ron) }?.rule == refusal?.rule)
        // That it was stopped can always be said.
        try world.add(ExecutionFinish(execution: World.run(), outcome: .blocked), by: .ron)
        _ = try world.replayed()
    }

    @Test("a model and a route are scopes too, and other scopes go on")
    func otherScopes() throws {
        var world = try World()
        try world.add(enter(.model(ModelVersion(name: "sorter", version: "1"))), by: .olga)
        try world.add(enter(.route("r")), by: .olga)
        try world.add(enter(.runtime(Actor.rob.issuer)), by: .gus)
        let grant = try world.add(World.grant(), by: .olga)
        world.seal()
        var permit = world.permit(1, grant)
        permit.model = ModelVersion(name: "sorter", version: "1")
        permit.purpose = "mail"
        #expect(try broken { try world.add(permit, by: .gus) } == Broken(.contained, 2))
        permit = world.permit(1, grant)
        permit.route = "r"
        #expect(try broken { try world.add(permit, by: .gus) } == Broken(.contained, 3))
        try world.add(world.permit(1, grant), by: .gus)
        try world.add(world.start(1), by: .ron)
    }

    @Test("lifted after recovery and after the checks have passed again, by one who may", arguments: scopes)
    func life(_ scope: Scope) throws {
        var world = try World()
        try world.run(1)
        try world.add(enter(scope), by: .gus)
        #expect(try broken { try world.add(ContainmentLift(scope: scope), by: .olga) }?.rule == .transition)
        #expect(try broken { try world.add(world.revalidation(2, scope), by: .gus) }?.rule == .transition)
        try world.add(ContainmentRecover(scope: scope), by: .gus)
        #expect(try broken { try world.add(ContainmentLift(scope: scope), by: .olga) }?.rule == .transition)
        try world.add(world.revalidation(2, scope), by: .gus)
        #expect(try broken { try world.add(ContainmentLift(scope: scope), by: .gus) }?.rule == .notPermitted)
        try world.add(ContainmentLift(scope: scope), by: .olga)
        #expect(
            try world.record(.containment(scope), ContainmentRecord.self)
                == ContainmentRecord(index: world.last, phase: .baseline, reason: .telemetryInconsistent))
        try world.add(ExecutionStep(execution: World.run(), step: 0, input: .zero, output: .zero), by: .ron)
        #expect(try world.phase() == .executing)
        _ = try world.replayed()
    }

    @Test("a new containment on the way out puts it back to the beginning")
    func again() throws {
        var world = try World()
        let scope = Scope.runtime(Actor.ron.issuer)
        try world.add(enter(scope), by: .gus)
        try world.add(ContainmentRecover(scope: scope), by: .gus)
        try world.add(ContainmentEnter(scope: scope, reason: .stateDivergence), by: .olga)
        let record = try world.record(.containment(scope), ContainmentRecord.self)
        #expect(record == ContainmentRecord(index: 4, phase: .contained, reason: .stateDivergence))
        #expect(try broken { try world.add(world.revalidation(1, scope), by: .gus) } == Broken(.transition, 4))
    }

    @Test("the policy says who lifts")
    func lifters() throws {
        var world = try World(worldPolicy(governance: PolicyGovernance(lifters: [.observer])))
        let scope = Scope.runtime(Actor.ron.issuer)
        for (number, actor) in [(1, Actor.otto), (2, .first)] as [(UInt8, Actor)] {
            try world.add(enter(scope), by: .gus)
            try world.add(ContainmentRecover(scope: scope), by: .gus)
            try world.add(world.revalidation(number, scope), by: .gus)
            #expect(try broken { try world.add(ContainmentLift(scope: scope), by: .olga) }?.rule == .notPermitted)
            try world.add(ContainmentLift(scope: scope), by: actor)
        }
    }

    @Test("trust that is revoked comes back by nothing", arguments: scopes)
    func revoked(_ scope: Scope) throws {
        var world = try World()
        try world.run(1)
        try world.add(TrustRevoke(scope: scope, reason: .cryptographicFailure), by: .olga)
        let index = world.last
        let gone = Broken(.trustRevoked, index)
        #expect(try broken { try world.add(enter(scope), by: .gus) } == gone)
        #expect(try broken { try world.add(ContainmentRecover(scope: scope), by: .gus) } == gone)
        #expect(try broken { try world.add(world.revalidation(2, scope), by: .gus) } == gone)
        #expect(try broken { try world.add(ContainmentLift(scope: scope), by: .first) } == gone)
        let step = ExecutionStep(execution: World.run(), step: 0, input: .zero, output: .zero)
        #expect(try broken { try world.add(step, by: .ron) } != nil)
        if case .execution = scope { #expect(try world.phase() == .revoked) }
    }

    @Test("nothing is contained again, recovered or lifted that isn't contained")
    func baseline() throws {
        var world = try World()
        let scope = Scope.runtime(Actor.ron.issuer)
        #expect(try broken { try world.add(ContainmentRecover(scope: scope), by: .gus) } == Broken(.transition, nil))
        #expect(try broken { try world.add(ContainmentLift(scope: scope), by: .olga) } == Broken(.transition, nil))
        try world.run(1)
        try world.add(ExecutionFinish(execution: World.run(), outcome: .failed), by: .ron)
        #expect(
            try broken { try world.add(enter(.execution(World.run())), by: .gus) } == Broken(.transition, world.last))
    }

    @Test("the tables: from each phase, each event leads where the table says and nowhere else")
    func tables() {
        for table in [PhaseTable.execution, .containment, .route] {
            let pairs = table.rows.map { "\($0.from) \($0.event)" }
            #expect(Set(pairs).count == pairs.count)
            for phase in Phase.allCases {
                for event in PhaseEvent.allCases {
                    let row = table.rows.first { $0.from == phase && $0.event == event }
                    #expect(table.phase(after: event, in: phase) == row?.to)
                }
            }
        }
        // Nothing leads out of the end, and out of a revocation only to the end.
        #expect(!PhaseTable.execution.rows.contains { $0.from == .proofPersisted })
        #expect(!PhaseTable.containment.rows.contains { $0.from == .revoked })
        #expect(PhaseTable.execution.rows.filter { $0.from == .revoked }.map(\.to) == [.proofPersisted])
    }
}
