import COSE
import Testing
import Tlog

@testable import Governance

@Suite("Profile synchronization")
struct SynchronizationCheckTests {
    @Test("a request that everything is in order with is permitted, and every check of the profile passes")
    func permit() throws {
        let decision = try Scene().evaluate()
        #expect(decision.failures.isEmpty)
        #expect(decision.permits && decision.reason == nil && !decision.isUnwitnessed)
        #expect(decision.results.compactMap(\.check) == [.p1, .p2, .p3, .p8, .p4, .p6, .p7, .p5])
        #expect(decision.steps.map(\.step) == Array(DecisionStep.allCases.prefix(8)))
        #expect(decision.steps.allSatisfy { $0.outcome == .passed })
    }

    @Test("P1: heard of within maxSilence, to the ms")
    func p1() throws {
        var scene = try Scene()
        let silence = PolicyBounds().maxSilence
        for key: StateKey in [.attestation(Scene.subject), .telemetry(Scene.subject)] { scene.remove(key) }
        scene.set(.heartbeat(Scene.subject), HeartbeatRecord(index: 5, time: Scene.now - silence))
        #expect(try scene.outcome(.p1) == .passed)
        scene.set(.heartbeat(Scene.subject), HeartbeatRecord(index: 5, time: Scene.now - silence - 1))
        #expect(try scene.outcome(.p1) == .failed(.synchronizationInterrupted))
        scene.remove(.heartbeat(Scene.subject))
        #expect(try scene.outcome(.p1) == .notEvaluable)
    }

    @Test("P1: any statement of the runtime is a sign of life; a time far ahead of the clock is none")
    func p1Sources() throws {
        for kept in 0..<3 {
            var scene = try Scene()
            let keys: [StateKey] = [
                .heartbeat(Scene.subject), .attestation(Scene.subject), .telemetry(Scene.subject),
            ]
            for (position, key) in keys.enumerated() where position != kept { scene.remove(key) }
            #expect(try scene.outcome(.p1) == .passed)
        }
        var scene = try Scene()
        let skew = scene.policy.limits.maxSkew
        scene.set(.heartbeat(Scene.subject), HeartbeatRecord(index: 5, time: Scene.now + skew))
        #expect(try scene.outcome(.p1) == .passed)
        scene.set(.heartbeat(Scene.subject), HeartbeatRecord(index: 5, time: Scene.now + skew + 1))
        #expect(try scene.outcome(.p1) == .notEvaluable)
    }

    @Test("P2: the policy that the request names is the one in force")
    func p2() throws {
        var scene = try Scene()
        scene.request.policy = .sha256([0])
        #expect(try scene.outcome(.p2) == .failed(.governanceMismatch))
        scene.request.policy = nil
        #expect(try scene.outcome(.p2) == .notEvaluable)
    }

    @Test("P3: the route is open for the action, to an admitted peer")
    func p3() throws {
        var scene = try Scene(peer: true)
        #expect(try scene.outcome(.p3) == .passed)
        try scene.change(.route(Scene.route), RouteRecord.self) { $0.phase = .proofPersisted }
        #expect(try scene.outcome(.p3) == .failed(.routingMismatch))
        scene.remove(.route(Scene.route))
        #expect(try scene.outcome(.p3) == .failed(.routingMismatch))

        scene = try Scene(peer: true)
        try scene.change(.peer(PeerWorld.origin), PeerRecord.self) { $0.isExpelled = true }
        #expect(try scene.outcome(.p3) == .failed(.routingMismatch))
        scene = try Scene(peer: true)
        let access = Access(subject: Scene.subject, action: "train", resource: "doc:1")
        scene.request = AccessRequest(access: access, grant: scene.request.grant, route: Scene.route)
        #expect(try scene.outcome(.p3) == .failed(.routingMismatch))
        #expect(try Scene(peer: true).outcome(.p3, failing: .route(Scene.route)) == .notEvaluable)
    }

    @Test("P4: the newest measurement is one that the runtime may have, and young enough")
    func p4() throws {
        var scene = try Scene()
        let age = PolicyBounds().maxAttestationAge
        let key = StateKey.attestation(Scene.subject)
        scene.set(key, AttestationRecord(index: 4, measurement: Scene.measurement, time: Scene.now - age))
        #expect(try scene.outcome(.p4) == .passed)
        scene.set(key, AttestationRecord(index: 4, measurement: Scene.measurement, time: Scene.now - age - 1))
        #expect(try scene.outcome(.p4) == .failed(.synchronizationInterrupted))
        scene.set(key, AttestationRecord(index: 4, measurement: [0xbb], time: Scene.now))
        #expect(try scene.outcome(.p4) == .failed(.unauthorizedModification))
        scene.remove(key)
        #expect(try scene.outcome(.p4) == .notEvaluable)
        // A measurement that only an ended key may have.
        scene = try Scene()
        scene.enrol(.ron, roles: [.runtime], measurements: [Scene.measurement], ending: .rotated, index: 9)
        #expect(try scene.outcome(.p4) == .failed(.unauthorizedModification))
        #expect(try Scene().outcome(.p4, failing: key) == .notEvaluable)
    }

    @Test("P5: the telemetry that the runtime says it sent is the log's newest, and young enough")
    func p5() throws {
        var scene = try Scene()
        let key = StateKey.telemetry(Scene.subject)
        let age = PolicyBounds().maxTelemetryAge
        scene.set(key, TelemetryRecord(index: 6, digest: Scene.telemetry, until: Scene.now - age))
        #expect(try scene.outcome(.p5) == .passed)
        scene.set(key, TelemetryRecord(index: 6, digest: Scene.telemetry, until: Scene.now - age - 1))
        #expect(try scene.outcome(.p5) == .failed(.synchronizationInterrupted))
        scene.set(key, TelemetryRecord(index: 6, digest: .sha256([3]), until: Scene.now))
        #expect(try scene.outcome(.p5) == .failed(.telemetryInconsistent))
        scene.request.telemetry = nil
        #expect(try scene.outcome(.p5) == .passed)
        scene.remove(key)
        #expect(try scene.outcome(.p5) == .notEvaluable)
    }

    @Test("P6: the head verifies, and the keys of the subject and of the grant's issuer are in force")
    func p6() throws {
        var scene = try Scene()
        scene.evidence.head?.witnesses = nil
        #expect(try scene.outcome(.p6) == .failed(.cryptographicFailure))
        scene.evidence.head?.witnesses = .byNobody(sealed: Scene.now)
        #expect(try scene.outcome(.p6) == .failed(.cryptographicFailure))
        scene.evidence.head = nil
        #expect(try scene.outcome(.p6) == .notEvaluable)
        for (actor, roles) in [(Actor.ron, [Role.runtime]), (.olga, [.operator])] {
            for ending in KeyEnding.allCases {
                scene = try Scene()
                scene.enrol(actor, roles: roles, ending: ending, index: 9)
                #expect(try scene.outcome(.p6) == .failed(.cryptographicFailure), "\(actor.issuer) \(ending)")
            }
        }
        // The same issuer with another key that is in force.
        scene.enrol(Actor.olga.with(key: 90), roles: [.operator], index: 10)
        #expect(try scene.outcome(.p6) == .passed)
    }

    @Test("P7: the head extends the one accepted before, and is young enough by what a quorum vouches for")
    func p7() throws {
        var scene = try Scene()
        let age = PolicyBounds().maxHeadAge
        scene.evidence.head?.witnesses = .byQuorum(at: Scene.now - age)
        #expect(try scene.outcome(.p7) == .passed)
        scene.evidence.head?.witnesses = .byQuorum(at: Scene.now - age - 1)
        #expect(try scene.outcome(.p7) == .failed(.synchronizationInterrupted))
        scene.evidence.head?.witnesses = nil
        #expect(try scene.outcome(.p7) == .notEvaluable)
        scene.evidence.head?.extendsAccepted = false
        #expect(try scene.outcome(.p7) == .failed(.auditDiscontinuity))
        scene.evidence.head?.extendsAccepted = nil
        #expect(try scene.outcome(.p7) == .notEvaluable)
        scene.evidence.head = nil
        #expect(try scene.outcome(.p7) == .notEvaluable)
    }

    @Test("P8: the computed root is the seal's, and state witnesses have cosigned a head that is not too old")
    func p8() throws {
        var scene = try Scene()
        let lag = PolicyBounds().maxStateLag
        scene.evidence.head?.stateWitnesses = .byQuorum(at: Scene.now - lag)
        #expect(try scene.outcome(.p8) == .passed)
        scene.evidence.head?.stateWitnesses = .byQuorum(at: Scene.now - lag - 1)
        #expect(try scene.outcome(.p8) == .failed(.synchronizationInterrupted))
        scene.evidence.head?.stateWitnesses = .byNobody(sealed: Scene.now)
        #expect(try scene.outcome(.p8) == .failed(.stateDivergence))
        scene.evidence.head?.stateWitnesses = nil
        #expect(try scene.outcome(.p8) == .notEvaluable)
        scene.evidence.head?.computedRoot = .sha256([0])
        #expect(try scene.outcome(.p8) == .failed(.stateDivergence))
        scene.evidence.head?.computedRoot = nil
        #expect(try scene.outcome(.p8) == .notEvaluable)
        scene.evidence.head = nil
        #expect(try scene.outcome(.p8) == .notEvaluable)
    }

    @Test("where the policy allows heads that nobody vouches for, the decision says that it stands on one")
    func unwitnessed() throws {
        var scene = try Scene()
        let base = scene.policy
        scene.policy = try Policy(
            origin: base.origin, logKeys: base.logKeys, authorities: base.authorities, threshold: 2,
            issuers: base.issuers, allowUnwitnessed: true)
        scene.set(.policy, PolicyRecord(policy: scene.policy, index: 0).encoded())
        scene.request.policy = scene.policy.digest
        scene.evidence.head?.witnesses = .byNobody(sealed: Scene.now)
        scene.evidence.head?.stateWitnesses = .byNobody(sealed: Scene.now)
        let decision = try scene.evaluate()
        #expect(decision.permits && decision.isUnwitnessed)
    }
}
