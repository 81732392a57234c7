import Foundation
import Gate
import Governance
import LogStore
import Testing
import Tlog

/// "Anything may be contained automatically by the gate that detects it (role `gate`)"; "lifted only by a statement of an
/// identity that the policy allows to lift it, after the checks that failed pass again".
@Suite("Automatic containment")
struct ContainmentTests {
    private func id(_ scene: Scene, _ id: String) -> ExecutionID { ExecutionID(home: scene.domain.origin.text, id: id) }

    /// A gate that has permitted an execution, which runs.
    private func running(_ scene: Scene) async throws -> Gate {
        let gate = try await scene.gate()
        try scene.start(try await gate.permit(scene.request(), files: nil), "e1")
        await gate.look()
        return gate
    }

    @Test("what runs and still passes is left alone, at every head")
    func alone() async throws {
        let scene = try Scene(uses: 1)
        let gate = try await running(scene)
        try scene.domain.note()
        await gate.look()
        #expect(gate.numbers.current.rechecks >= 2)
        #expect(try scene.domain.data(ContainmentEnter.self).isEmpty)
    }

    @Test("a grant revoked while it runs: drift on record, and the execution contained, once")
    func revoked() async throws {
        let scene = try Scene()
        let gate = try await running(scene)
        try scene.domain.post(GrantRevoke(grant: scene.grant, reason: "over"), by: .olga)
        for _ in 0..<3 { await gate.look() }
        let entered = try scene.domain.data(ContainmentEnter.self)
        #expect(entered.map(\.scope) == [.execution(id(scene, "e1"))])
        #expect(entered.map(\.reason) == [.governanceMismatch])
        #expect(scene.domain.record(.execution(id(scene, "e1")), ExecutionRecord.self)?.phase == .contained)
        #expect(try scene.domain.data(DecisionRecord.self).filter { $0.outcome == .contain }.count == 1)
        #expect(entered[0].evidence == (try scene.domain.data(DecisionRecord.self).last?.evaluation))
    }

    @Test(
        "what runs and fails is contained for the reason that was found, whichever it is",
        arguments: ContainmentReason.allCases)
    func everyReason(_ reason: ContainmentReason) async throws {
        let scene = try Scene()
        let gate = try await running(scene)
        let request = scene.request(execution: "e1")
        let outcome: Governance.CheckOutcome = reason == .unverifiableTransition ? .notEvaluable : .failed(reason)
        let decision = Fixture.decision(outcome, about: request)
        _ = try await gate.contain(decision)
        _ = try await gate.contain(decision)
        let entered = try scene.domain.data(ContainmentEnter.self)
        #expect(entered.map(\.scope) == [.execution(id(scene, "e1"))])
        #expect(entered.map(\.reason) == [reason])
        #expect(entered.map(\.evidence) == [decision.digest])
        // Whoever asks for the same and does not run contains nobody.
        _ = try await gate.contain(Fixture.decision(outcome, about: scene.request(execution: "e2")))
        #expect(try scene.domain.data(ContainmentEnter.self).count == 1)
    }

    @Test("a runtime that falls silent while it runs is contained for that, without a new head")
    func silent() async throws {
        let scene = try Scene(bounds: PolicyBounds(maxSilence: 30_000, maxHeadAge: 600_000, recheck: 5000))
        let gate = try await running(scene)
        scene.time.pass(30_001)
        await gate.look()
        #expect(try scene.domain.data(ContainmentEnter.self).map(\.reason) == [.synchronizationInterrupted])
    }

    @Test("another measurement than the enrolled contains the runtime, whether it runs something or not")
    func measurement() async throws {
        let scene = try Scene()
        let gate = try await scene.gate()
        try scene.domain.post(RuntimeAttest(measurement: [6, 6, 6], previous: Domain.measurement), by: .ron)
        await gate.look()
        let error = await failure { () async throws(GateError) in try await gate.permit(scene.request(), files: nil) }
        #expect(error?.decision?.reason == .unauthorizedModification)
        _ = await failure { () async throws(GateError) in try await gate.permit(scene.request(), files: nil) }
        let entered = try scene.domain.data(ContainmentEnter.self)
        #expect(entered.map(\.scope) == [.runtime(Actor.ron.name)])
        #expect(entered.map(\.reason) == [.unauthorizedModification])
    }

    @Test("a containment that could not be registered is, as soon as the log is back")
    func owed() async throws {
        let scene = try Scene(bounds: PolicyBounds(maxHeadAge: 60_000))
        let gate = try await running(scene)
        scene.domain.change { $0.isDown = true }
        scene.time.pass(60_001)
        await gate.look()
        #expect(try scene.domain.data(ContainmentEnter.self).isEmpty)
        scene.domain.change { $0.isDown = false }
        scene.domain.publish()
        await gate.look()
        #expect(try scene.domain.data(ContainmentEnter.self).map(\.reason) == [.synchronizationInterrupted])
    }

    @Test("nothing in the scope is permitted until somebody lifts it, after the checks pass again")
    func recovery() async throws {
        let scene = try Scene()
        let gate = try await scene.gate()
        let runtime = Scope.runtime(Actor.ron.name)
        try scene.domain.post(ContainmentEnter(scope: runtime, reason: .telemetryInconsistent), by: .gary)
        await gate.look()
        let contained = await failure { () async throws(GateError) in
            try await gate.permit(scene.request(), files: nil)
        }
        #expect(contained?.decision?.reason == .telemetryInconsistent)
        // Not before somebody has begun to put it right.
        let early = await failure { () async throws(GateError) in
            try await gate.revalidate(runtime, for: scene.request(), files: nil)
        }
        #expect(early?.decision != nil)
        try scene.domain.post(ContainmentRecover(scope: runtime), by: .olga)
        await gate.look()
        // Not while something else fails.
        var wrong = scene.request()
        wrong.policy = .zero
        let failing = await failure { () async throws(GateError) in
            try await gate.revalidate(runtime, for: wrong, files: nil)
        }
        #expect(failing?.decision?.outcome(.p2) == .failed(.governanceMismatch))
        #expect(throws: AdmissionError.self) {
            try scene.domain.post(ContainmentLift(scope: runtime), by: .olga)
        }
        let (decision, _) = try await gate.revalidate(runtime, for: scene.request(), files: nil)
        #expect(decision.permits)
        #expect(await !gate.evaluate(scene.request(), files: nil).permits, "it is not lifted yet")
        try scene.domain.post(ContainmentLift(scope: runtime), by: .olga)
        await gate.look()
        _ = try await gate.permit(scene.request(), files: nil)
    }

    @Test("what is recovering is not contained again by a request that fails: it is not free before it is lifted")
    func recovering() async throws {
        let scene = try Scene()
        let gate = try await running(scene)
        let scope = Scope.execution(id(scene, "e1"))
        try scene.domain.post(ContainmentEnter(scope: scope, reason: .routingMismatch), by: .olga)
        try scene.domain.post(ContainmentRecover(scope: scope), by: .olga)
        var wrong = scene.request(execution: "e1")
        wrong.policy = .zero
        await gate.look()
        _ = await failure { () async throws(GateError) in try await gate.permit(wrong, files: nil) }
        _ = await failure { () async throws(GateError) in try await gate.revalidate(scope, for: wrong, files: nil) }
        await gate.look()
        #expect(scene.domain.record(.containment(scope), ContainmentRecord.self)?.phase == .recovering)
        #expect(try scene.domain.data(ContainmentEnter.self).count == 1)
    }

    @Test("trust that is revoked stays revoked")
    func revokedTrust() async throws {
        let scene = try Scene()
        let gate = try await scene.gate()
        let runtime = Scope.runtime(Actor.ron.name)
        try scene.domain.post(TrustRevoke(scope: runtime, reason: .cryptographicFailure), by: .olga)
        await gate.look()
        let error = await failure { () async throws(GateError) in
            try await gate.revalidate(runtime, for: scene.request(), files: nil)
        }
        #expect(error?.decision?.failures.first?.mend.contains("stays revoked") == true)
    }
}
