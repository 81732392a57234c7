import COSE
import Testing
import Tlog

@testable import Governance

/// What an evaluator finds out about itself or the log lets nothing be permitted, and says which check it fails.
@Suite("Evaluation: doubts, what runs, and what recovers")
struct DoubtTests {
    @Test("each doubt fails the step or check that it is about, for its reason")
    func doubts() throws {
        for (doubt, check, outcome) in [
            (.clock("back by 700000 ms"), nil, .notEvaluable), (.storage("disk"), nil, .notEvaluable),
            (.fork("two roots"), .p7, .failed(.auditDiscontinuity)),
            (.violation("entry 9"), .p7, .failed(.auditDiscontinuity)),
            (.stateRoot("entry 9"), .p8, .failed(.stateDivergence)),
        ] as [(Doubt, CheckID?, Governance.CheckOutcome)] {
            var scene = try Scene()
            #expect(try scene.evaluate().permits)
            scene.evidence.doubts = [doubt]
            let decision = try scene.evaluate()
            #expect(decision.failures.map(\.check) == [check])
            #expect(decision.failures.map(\.outcome) == [outcome])
        }
    }

    @Test("without state nothing can be evaluated")
    func withoutState() throws {
        let decision = Decision(withoutState: try Scene().request, time: Scene.now, "nothing yet")
        #expect(!decision.permits)
        #expect(decision.reason == .unverifiableTransition)
        #expect(decision.record(nonce: [], expires: 0) == nil)
    }

    /// The scene with a grant of one use, which an execution has taken that runs.
    private func running() throws -> Scene {
        var scene = try Scene()
        let grant = GrantIssue(
            subject: Scene.subject, actions: [try #require(GrantPattern("embed"))],
            resources: [try #require(GrantPattern("doc:*"))], conditions: GrantConditions(uses: 1))
        scene.set(.grant(Scene.grantID), GrantRecord(index: 3, issuer: Actor.olga.issuer, grant: grant))
        scene.set(.uses(Scene.grantID), UsesRecord(index: 11, used: 1))
        let id = ExecutionID(home: World.origin, id: "e1")
        let nonce = [UInt8](repeating: 5, count: 16)
        var record = DecisionRecord(
            request: .zero, nonce: nonce, head: .empty, expires: Scene.now, outcome: .permit,
            access: scene.request.access, grant: Scene.grantID)
        record.execution = id
        scene.set(.decision(nonce), PermitRecord(index: 10, entry: .zero, decision: record))
        scene.set(
            .execution(id),
            ExecutionRecord(
                index: 11, entry: .zero, subject: Scene.subject,
                start: ExecutionStart(execution: id, permission: .permit(nonce), input: .zero), route: nil,
                phase: .activated))
        scene.request.execution = id
        return scene
    }

    @Test("what runs still has the use that its start took; nobody else has, nor has it when it has ended")
    func ownUse() throws {
        var scene = try running()
        #expect(try scene.evaluate().permits)
        let id = try #require(scene.request.execution)
        scene.request.execution = ExecutionID(home: World.origin, id: "e2")
        #expect(try scene.evaluate().reason == .governanceMismatch)
        scene.request.execution = id
        try scene.change(.execution(id), ExecutionRecord.self) { $0.outcome = .failed }
        #expect(try scene.evaluate().reason == .governanceMismatch)
    }

    @Test("under another grant than its own a running execution has taken nothing")
    func othersGrant() throws {
        var scene = try running()
        let other = Hash.sha256([43])
        let record = try GrantRecord(decoding: try #require(scene.values[.grant(Scene.grantID)] ?? nil))
        scene.set(.grant(other), record)
        scene.set(.uses(other), UsesRecord(index: 11, used: 1))
        scene.request.grant = other
        #expect(try scene.evaluate().reason == .governanceMismatch)
    }

    private func evaluate(_ scene: Scene, revalidating: Scope) throws -> Decision {
        var state = MemoryState()
        state.apply(scene.values.map { StateChange(key: $0.key, value: $0.value) })
        let rules = try #require(try Rules(state))
        return Evaluator.evaluate(
            scene.request, state: state, rules: rules, evidence: scene.evidence, now: Scene.now,
            revalidating: revalidating)
    }

    @Test("what is recovering may be revalidated, and nothing else: not what is only contained, or revoked, or another")
    func revalidating() throws {
        let scope = Scope.runtime(Scene.subject)
        for (phase, permits) in [(.recovering, true), (.contained, false), (.revalidated, false), (.revoked, false)]
            as [(Phase, Bool)]
        {
            var scene = try Scene()
            scene.set(.containment(scope), ContainmentRecord(index: 12, phase: phase, reason: .routingMismatch))
            #expect(try evaluate(scene, revalidating: scope).permits == permits, "\(phase)")
            #expect(try !scene.evaluate().permits)
            #expect(try !evaluate(scene, revalidating: .domain(World.origin)).permits)
        }
        var scene = try Scene()
        scene.set(.containment(scope), ContainmentRecord(index: 12, phase: .recovering, reason: .routingMismatch))
        let decision = try evaluate(scene, revalidating: scope)
        let record = try #require(
            decision.revalidation(of: scope, nonce: [UInt8](repeating: 1, count: 16), expires: Scene.now))
        #expect(record.outcome == .revalidate)
        #expect(record.scope == scope)
        #expect(record.reason == nil)
        #expect(try DecisionRecord(record.cbor) == record)
    }
}
