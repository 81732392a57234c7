import COSE
import Testing
import Tlog

@testable import Governance

@Suite("Decisions of the evaluator")
struct DecisionEvaluationTests {
    private func authorization(_ scene: Scene) throws -> CheckResult {
        try #require(try scene.evaluate().results.first { $0.step == .governanceAuthorization })
    }

    @Test("a grant covers subject, action, resource, time and uses, by the rules of admission")
    func grant() throws {
        var scene = try Scene()
        #expect(try authorization(scene).outcome == .passed)
        let key = StateKey.grant(Scene.grantID)
        let record = try GrantRecord(decoding: try #require(scene.values[key] ?? nil))
        func with(_ conditions: GrantConditions) -> GrantRecord {
            GrantRecord(
                index: 3, issuer: record.issuer,
                grant: GrantIssue(
                    subject: record.grant.subject, actions: record.grant.actions, resources: record.grant.resources,
                    conditions: conditions))
        }
        for conditions in [
            GrantConditions(notBefore: Scene.now + 1), GrantConditions(notAfter: Scene.now - 1),
            GrantConditions(route: "r2"), GrantConditions(domain: "other.example"),
            GrantConditions(model: ModelVersion(name: "other", version: "1")),
        ] {
            scene.set(key, with(conditions))
            #expect(try authorization(scene).outcome == .failed(.governanceMismatch), "\(conditions)")
        }
        scene.set(key, with(GrantConditions(notBefore: Scene.now, notAfter: Scene.now, uses: 1)))
        #expect(try authorization(scene).outcome == .passed)
        scene.set(.uses(Scene.grantID), UsesRecord(index: 9, used: 1))
        #expect(try authorization(scene).outcome == .failed(.governanceMismatch))
        scene.request.grant = nil
        #expect(try authorization(scene).outcome == .failed(.governanceMismatch))
        #expect(try !scene.evaluate().permits)
    }

    @Test("a grant that is not there, is revoked or cannot be read covers nothing")
    func grantChain() throws {
        var scene = try Scene()
        let key = StateKey.grant(Scene.grantID)
        scene.remove(key)
        #expect(try authorization(scene).outcome == .failed(.governanceMismatch))
        scene = try Scene()
        try scene.change(key, GrantRecord.self) { $0.isRevoked = true }
        #expect(try authorization(scene).outcome == .failed(.governanceMismatch))
        let unreadable = try Scene().evaluate(failing: key).results.first { $0.step == .governanceAuthorization }
        #expect(unreadable?.outcome == .notEvaluable)
    }

    @Test("the subject is somebody: a key of its is in force")
    func subject() throws {
        var scene = try Scene()
        scene.enrol(.ron, roles: [.runtime], measurements: [Scene.measurement], ending: .revoked, index: 9)
        let outcome = try scene.evaluate().results.first { $0.step == .initialization }?.outcome
        #expect(outcome == .failed(.cryptographicFailure))
        scene.request = AccessRequest(
            access: Access(subject: "spiffe://nobody.test", action: "embed", resource: "doc:1"),
            grant: scene.request.grant, policy: scene.request.policy)
        let unknown = try scene.evaluate().results.first { $0.step == .initialization }?.outcome
        #expect(unknown == .failed(.governanceMismatch))
    }

    @Test("whatever the request touches must not be contained; the decision has the containment's own reason")
    func containment() throws {
        let scopes: [Scope] = [
            .domain(World.origin), .runtime(Scene.subject), .model(Scene.model),
            .execution(ExecutionID(home: World.origin, id: "e1")),
        ]
        for scope in scopes {
            for phase in [Phase.contained, .recovering, .revalidated, .revoked] {
                var scene = try Scene(model: true)
                scene.request.execution = ExecutionID(home: World.origin, id: "e1")
                scene.set(
                    .containment(scope), ContainmentRecord(index: 21, phase: phase, reason: .telemetryInconsistent))
                let decision = try scene.evaluate()
                #expect(decision.reason == .telemetryInconsistent, "\(scope) \(phase)")
                #expect(decision.failures.first?.entries.contains(21) == true)
            }
            var scene = try Scene(model: true)
            scene.set(
                .containment(scope), ContainmentRecord(index: 21, phase: .baseline, reason: .telemetryInconsistent))
            #expect(try scene.evaluate().permits)
        }
    }

    @Test("one check that does not pass contains, whichever it is; what cannot be evaluated is unverifiable")
    func failClosed() throws {
        var scene = try Scene()
        scene.request.policy = nil
        var decision = try scene.evaluate()
        #expect(!decision.permits && decision.reason == .unverifiableTransition)
        #expect(decision.steps.last?.outcome == .failed(.unverifiableTransition))
        // A fact weighs more than what is not known.
        scene.evidence.head?.extendsAccepted = false
        decision = try scene.evaluate()
        #expect(decision.reason == .auditDiscontinuity)
    }

    @Test("without a head there is nothing to judge on, and nothing to record")
    func noHead() throws {
        var scene = try Scene()
        scene.evidence.head = nil
        let decision = try scene.evaluate()
        #expect(!decision.permits)
        #expect(decision.results.first { $0.step == .initialization }?.outcome == .notEvaluable)
        #expect(decision.record(nonce: [UInt8](repeating: 1, count: 16), expires: Scene.now) == nil)
    }

    @Test("a permit's record names what it rests on, and only what undoes it")
    func record() throws {
        let scene = try Scene(model: true)
        let decision = try scene.evaluate()
        let record = try #require(decision.record(nonce: [UInt8](repeating: 1, count: 16), expires: Scene.now + 5))
        #expect(try DecisionRecord(record.cbor) == record)
        #expect(record.outcome == .permit && record.reason == nil && record.evaluation == decision.digest)
        #expect(record.request == scene.request.digest && record.purpose == "search")
        let relied = Set(record.reliesOn)
        for key: StateKey in [
            .policy, .grant(Scene.grantID), .model(Scene.model), .attestation(Scene.subject),
            .identity(issuer: Scene.subject, keyID: Actor.ron.keyID), .containment(.runtime(Scene.subject)),
        ] {
            #expect(relied.contains(key), "\(key)")
        }
        #expect(!relied.contains(.heartbeat(Scene.subject)) && !relied.contains(.telemetry(Scene.subject)))
    }

    @Test("a refusal's record has the reason and relies on nothing")
    func refusal() throws {
        var scene = try Scene()
        scene.request.policy = .zero
        let record = try #require(
            try scene.evaluate().record(nonce: [UInt8](repeating: 1, count: 16), expires: Scene.now))
        #expect(record.outcome == .contain && record.reason == .governanceMismatch && record.reliesOn.isEmpty)
        #expect(try DecisionRecord(record.cbor) == record)
    }

    @Test("each result names the entries it rests on")
    func entries() throws {
        let decision = try Scene(model: true).evaluate()
        func entries(_ check: CheckID) throws -> [UInt64] {
            try #require(decision.results.first { $0.check == check }).entries
        }
        #expect(try entries(.p1) == [4, 5, 6])
        #expect(try entries(.p4) == [2, 4])
        #expect(try entries(.m2) == [7])
    }

    @Test("the log admits the start under a permit that the evaluator gave")
    func admitted() throws {
        var world = try World()
        let key = Actor("runtime/new", 50)
        try world.add(
            IdentityEnroll(issuer: key.issuer, key: key.key.publicKey, roles: [.runtime], measurements: [[1]]),
            by: .olga)
        let grant = try world.add(
            GrantIssue(
                subject: key.issuer, actions: [try #require(GrantPattern("embed"))],
                resources: [try #require(GrantPattern("*"))]), by: .olga)
        try world.add(RuntimeAttest(measurement: [1], previous: nil), by: key)
        try world.add(TelemetryDigest(digest: .zero, previous: nil, from: world.now, until: world.now), by: key)
        world.seal()
        let head = world.head(world.size)
        let root = try #require(world.roots.last)
        let access = Access(subject: key.issuer, action: "embed", resource: "doc:1")
        let request = AccessRequest(access: access, grant: grant, policy: world.fold.rules.policy.digest)
        let decision = Evaluator.evaluate(
            request, state: world.base, rules: world.fold.rules,
            evidence: Evidence(
                head: HeadEvidence(
                    head: head, witnesses: .byQuorum(at: world.now), extendsAccepted: true, sealRoot: root,
                    computedRoot: world.base.map().root, stateWitnesses: .byQuorum(at: world.now))), now: world.now)
        #expect(decision.failures.isEmpty)
        let nonce = [UInt8](repeating: 5, count: 16)
        try world.add(try #require(decision.record(nonce: nonce, expires: world.now + 1000)), by: .gus)
        try world.add(
            ExecutionStart(
                execution: ExecutionID(home: World.origin, id: "e1"), permission: .permit(nonce), input: .zero), by: key
        )
        _ = try world.replayed()
    }
}
