import COSE
import Testing
import Tlog

@testable import Governance

@Suite("Profile cross-cloud")
struct CrossCloudCheckTests {
    @Test("a grant of a peer's is honoured: sixteen checks pass on what the peer has proved")
    func permit() throws {
        let decision = try Scene(peer: true).evaluate()
        #expect(decision.failures.isEmpty)
        #expect(decision.results.compactMap(\.check).count == 16)
    }

    @Test("X1: the newest recorded head of the peer is younger than the route allows")
    func x1() throws {
        var scene = try Scene(peer: true)
        let key = StateKey.peer(PeerWorld.origin)
        try scene.change(key, PeerRecord.self) { $0.headTime = Scene.now - 60_000 }
        #expect(try scene.outcome(.x1) == .passed)
        try scene.change(key, PeerRecord.self) { $0.headTime = Scene.now - 60_001 }
        #expect(try scene.outcome(.x1) == .failed(.synchronizationInterrupted))
        try scene.change(key, PeerRecord.self) { $0.head = .empty }
        #expect(try scene.outcome(.x1) == .notEvaluable)
        scene.remove(key)
        #expect(try scene.outcome(.x1) == .failed(.routingMismatch))
        scene = try Scene(peer: true)
        scene.remove(.route(Scene.route))
        #expect(try scene.outcome(.x1) == .failed(.routingMismatch))
    }

    @Test("X2: both domains have the route open for the action, with the same ends")
    func x2() throws {
        var scene = try Scene(peer: true)
        var theirs = Scene.routeRecord
        theirs.phase = .proofPersisted
        scene.peer?.values[.route(Scene.route)] = theirs.encoded()
        try scene.carryPeer()
        #expect(try scene.outcome(.x2) == .failed(.routingMismatch))

        let otherwise = RouteRecord(
            index: 0,
            route: RouteOpen(
                route: Scene.route, from: World.origin, to: PeerWorld.origin, actions: ["train"], maxPeerAge: 1),
            phase: .activated)
        scene.peer?.values[.route(Scene.route)] = otherwise.encoded()
        try scene.carryPeer()
        #expect(try scene.outcome(.x2) == .failed(.routingMismatch))

        let elsewhere = RouteRecord(
            index: 0,
            route: RouteOpen(
                route: Scene.route, from: PeerWorld.origin, to: "third.example", actions: ["embed"], maxPeerAge: 1),
            phase: .activated)
        scene.peer?.values[.route(Scene.route)] = elsewhere.encoded()
        try scene.carryPeer()
        #expect(try scene.outcome(.x2) == .failed(.routingMismatch))

        scene.peer?.values[.route(Scene.route)] = nil
        try scene.carryPeer()
        #expect(try scene.outcome(.x2) == .notEvaluable)
        scene.peer?.absent.append(.route(Scene.route))
        try scene.carryPeer()
        #expect(try scene.outcome(.x2) == .failed(.routingMismatch))

        scene = try Scene(peer: true)
        try scene.change(.route(Scene.route), RouteRecord.self) { $0.phase = .proofPersisted }
        #expect(try scene.outcome(.x2) == .failed(.routingMismatch))
    }

    @Test("X3: the foreign statement is signed by a key of the peer's that is not revoked, and vouched for")
    func x3() throws {
        var scene = try Scene(peer: true)
        let key = StateKey.identity(issuer: Actor.olga.issuer, keyID: Actor.olga.keyID)
        func identity(_ key: Ed25519.SigningKey, _ ending: KeyEnding? = nil) -> [UInt8] {
            IdentityRecord(key: key.publicKey, roles: [.operator], ending: ending, index: 0).encoded()
        }
        scene.peer?.values[key] = identity(TestKeys.stranger)
        try scene.carryPeer()
        #expect(try scene.outcome(.x3) == .failed(.cryptographicFailure))
        scene.peer?.values[key] = identity(Actor.olga.key, .revoked)
        try scene.carryPeer()
        #expect(try scene.outcome(.x3) == .failed(.cryptographicFailure))
        scene.peer?.values[key] = nil
        try scene.carryPeer()
        #expect(try scene.outcome(.x3) == .notEvaluable)
        scene.peer?.absent.append(key)
        try scene.carryPeer()
        #expect(try scene.outcome(.x3) == .failed(.cryptographicFailure))

        scene = try Scene(peer: true)
        scene.peer?.isStateWitnessed = false
        try scene.carryPeer()
        #expect(try scene.outcome(.x3) == .failed(.stateDivergence))
        scene.peer?.isWitnessed = false
        try scene.carryPeer()
        #expect(try scene.outcome(.x3) == .failed(.cryptographicFailure))
        scene.evidence.peer?.statement = nil
        #expect(try scene.outcome(.x3) == .failed(.cryptographicFailure))
        scene = try Scene(peer: true)
        scene.evidence.peer?.statement = nil
        #expect(try scene.outcome(.x3) == .notEvaluable)
    }

    @Test("X3: a seal that the peer's log did not sign shows nothing")
    func foreignSeal() throws {
        var scene = try Scene(peer: true)
        scene.peer?.sealKey = TestKeys.stranger
        try scene.carryPeer()
        #expect(try scene.outcome(.x3) == .failed(.cryptographicFailure))
    }

    @Test("X3: what was carried is of one head of the peer's, which its seal ends, and shows the peer's policy")
    func oneHead() throws {
        var scene = try Scene(peer: true)
        let proofs = try #require(scene.evidence.peer?.proofs)
        func changed(index: UInt64? = nil, checkpoint: [UInt8]? = nil) -> [StateProof] {
            proofs.map { proof in
                StateProof(
                    key: proof.key, value: proof.value, proof: proof.proof, seal: proof.seal,
                    index: index ?? proof.index, path: proof.path, checkpoint: checkpoint ?? proof.checkpoint)
            }
        }
        func detail(_ proofs: [StateProof]) throws -> String {
            scene.evidence.peer?.proofs = proofs
            let result = try #require(try scene.evaluate().results.first { $0.check == .x3 })
            #expect(result.outcome != .passed)
            return result.detail
        }
        let head = try #require(scene.peer).head
        let foreign = Checkpoint(origin: try Origin("log.example.org/third"), head: head)
            .signed(by: PeerWorld.logKey).bytes
        var other = try #require(scene.peer)
        other.isStateWitnessed = false
        let mixed = Array(proofs.dropLast()) + (try other.evidence().proofs.filter { $0.key == proofs.last?.key })
        #expect(try detail(mixed).contains("not all of one head"))
        #expect(try detail(changed(index: 0)).contains("does not end the head"))
        #expect(try detail(changed(checkpoint: foreign)).contains("the checkpoint is of log.example.org/third"))
        #expect(try detail(proofs.filter { $0.key != .policy }).contains("does not show the policy"))
        #expect(try detail([]).contains("there is no evidence"))
    }

    @Test("X4: the runtime's measurement is held to the enrolment in the domain that enrolled it")
    func x4() throws {
        var scene = try Scene(peer: true)
        scene.remove(.identity(issuer: Scene.subject, keyID: Actor.ron.keyID))
        scene.policy = try worldPolicy(without: [.ron])
        scene.set(.policy, PolicyRecord(policy: scene.policy, index: 0).encoded())
        #expect(try scene.outcome(.x4) == .notEvaluable)
        scene.peer?.values[.identity(issuer: Scene.subject, keyID: Actor.ron.keyID)] =
            IdentityRecord(
                key: Actor.ron.key.publicKey, roles: [.runtime], measurements: [Scene.measurement], index: 0
            ).encoded()
        func attest(_ measurement: [UInt8], age: UInt64 = 1) {
            scene.peer?.values[.attestation(Scene.subject)] =
                AttestationRecord(index: 0, measurement: measurement, time: Scene.now - age).encoded()
        }
        attest(Scene.measurement)
        try scene.carryPeer()
        #expect(try scene.outcome(.x4) == .passed)
        attest([0xbb])
        try scene.carryPeer()
        #expect(try scene.outcome(.x4) == .failed(.unauthorizedModification))
        attest(Scene.measurement, age: PolicyBounds().maxAttestationAge + 1)
        try scene.carryPeer()
        #expect(try scene.outcome(.x4) == .failed(.synchronizationInterrupted))
    }

    @Test("X5: what was carried is under the head of the peer that this log has recorded")
    func x5() throws {
        var scene = try Scene(peer: true)
        try scene.change(.peer(PeerWorld.origin), PeerRecord.self) {
            $0.head = TreeHead(size: 2, root: .sha256([0]))
        }
        #expect(try scene.outcome(.x5) == .failed(.auditDiscontinuity))
        scene = try Scene(peer: true)
        let statement = try #require(scene.evidence.peer?.statement)
        scene.evidence.peer?.statement = PeerEvidence.Statement(
            entry: statement.entry, index: 1, path: statement.path)
        #expect(try scene.outcome(.x5) == .failed(.auditDiscontinuity))
        scene = try Scene(peer: true)
        scene.request.grant = .sha256([0])
        #expect(try scene.outcome(.x5) == .failed(.auditDiscontinuity))
        scene.evidence.peer = nil
        #expect(try scene.outcome(.x5) == .notEvaluable)
    }

    @Test("X6: the execution is at home here, and no domain contains what it touches")
    func x6() throws {
        var scene = try Scene(peer: true)
        scene.request.execution = ExecutionID(home: PeerWorld.origin, id: "e1")
        #expect(try scene.outcome(.x6) == .failed(.coordinationInconsistent))

        scene = try Scene(peer: true)
        let contained = ContainmentRecord(index: 20, phase: .contained, reason: .routingMismatch)
        scene.set(.containment(.domain(PeerWorld.origin)), contained)
        #expect(try scene.outcome(.x6) == .failed(.routingMismatch))

        scene = try Scene(peer: true)
        let key = StateKey.containment(.runtime(Scene.subject))
        scene.peer?.values[key] = contained.encoded()
        scene.peer?.absent.removeAll { $0 == key }
        try scene.carryPeer()
        #expect(try scene.outcome(.x6) == .failed(.routingMismatch))
        scene.peer?.values[key] = nil
        try scene.carryPeer()
        // Neither presence nor absence was shown.
        #expect(try scene.outcome(.x6) == .notEvaluable)
    }

    @Test("X6: counted uses are allotted to this domain, and counted here", arguments: [nil, World.origin])
    func allotment(domain: String?) throws {
        var scene = try Scene(peer: true)
        let grant = GrantIssue(
            subject: Scene.subject, actions: [try #require(GrantPattern("embed"))],
            resources: [try #require(GrantPattern("doc:*"))],
            conditions: GrantConditions(uses: 2, domain: domain))
        let peer = try PeerScene(grant: grant)
        scene.peer = peer
        scene.request.grant = peer.statement.leafHash
        try scene.carryPeer()
        #expect(try scene.outcome(.x6) == (domain == nil ? .failed(.coordinationInconsistent) : .passed))
        scene.set(.uses(peer.statement.leafHash), UsesRecord(index: 30, used: 2))
        let authorization = try #require(try scene.evaluate().results.first { $0.step == .governanceAuthorization })
        #expect(authorization.outcome == .failed(.governanceMismatch))
    }

    @Test("X7: a parent is an execution of one of the two logs")
    func x7() throws {
        var scene = try Scene(peer: true)
        let parent = ExecutionID(home: PeerWorld.origin, id: "e0")
        scene.request.parents = [parent]
        #expect(try scene.outcome(.x7) == .notEvaluable)
        scene.peer?.absent.append(.execution(parent))
        try scene.carryPeer()
        #expect(try scene.outcome(.x7) == .failed(.auditDiscontinuity))
        scene.peer?.absent.removeLast()
        let start = ExecutionStart(
            execution: parent, permission: .permit([UInt8](repeating: 1, count: 16)), input: .zero)
        scene.peer?.values[.execution(parent)] =
            ExecutionRecord(
                index: 0, entry: .zero, subject: Scene.subject, start: start, route: nil, phase: .executing
            ).encoded()
        try scene.carryPeer()
        #expect(try scene.outcome(.x7) == .passed)
        scene.request.parents = [ExecutionID(home: World.origin, id: "e0")]
        #expect(try scene.outcome(.x7) == .failed(.auditDiscontinuity))
        scene.request.parents = [ExecutionID(home: "third.example/log", id: "e0")]
        #expect(try scene.outcome(.x7) == .failed(.auditDiscontinuity))
    }

    @Test("X8: the foreign grant is in force in a state that the peer's state witnesses vouch for")
    func x8() throws {
        var scene = try Scene(peer: true)
        let key = StateKey.grant(try #require(scene.request.grant))
        var record = try GrantRecord(decoding: try #require(scene.peer?.values[key]))
        record.isRevoked = true
        scene.peer?.values[key] = record.encoded()
        try scene.carryPeer()
        #expect(try scene.outcome(.x8) == .failed(.stateDivergence))

        scene = try Scene(peer: true)
        scene.peer?.isStateWitnessed = false
        try scene.carryPeer()
        #expect(try scene.outcome(.x8) == .failed(.stateDivergence))

        scene = try Scene(peer: true)
        let proofs = try #require(scene.evidence.peer?.proofs)
        scene.evidence.peer?.proofs = proofs.map { proof in
            guard proof.key == key else { return proof }
            return StateProof(
                key: proof.key, value: record.encoded(), proof: proof.proof, seal: proof.seal, index: proof.index,
                path: proof.path, checkpoint: proof.checkpoint)
        }
        #expect(try scene.outcome(.x8) == .failed(.stateDivergence))
        scene.evidence.peer?.proofs = proofs.filter { $0.key != key }
        #expect(try scene.outcome(.x8) == .notEvaluable)
    }
}
