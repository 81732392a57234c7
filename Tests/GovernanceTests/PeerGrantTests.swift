import COSE
import Testing
import Tlog

@testable import Governance

/// Permits on grants of a peer's: what they carry is verified by everyone who folds the log.
@Suite("Grants of peers")
struct PeerGrantTests {
    /// A domain that has recorded a head of a peer's, which has issued a grant.
    private struct Foreign {
        var world: World
        var peer: PeerScene
        var nonces: UInt8 = 0

        static func grant(
            _ conditions: GrantConditions = GrantConditions(), delegations: UInt64 = 0, parent: Hash? = nil
        ) throws -> GrantIssue {
            GrantIssue(
                subject: Scene.subject, actions: [try #require(GrantPattern("embed"))],
                resources: [try #require(GrantPattern("doc:*"))], conditions: conditions, delegations: delegations,
                parent: parent)
        }

        init(_ grant: GrantIssue? = nil, change: (inout PeerScene) throws -> Void = { _ in }) throws {
            peer = try PeerScene(grant: grant ?? Self.grant())
            try change(&peer)
            world = try World()
            try world.add(
                PeerAdmit(origin: PeerWorld.origin, policy: PeerScene.policyText, genesis: .zero, stateQuorum: "s"),
                by: .olga)
            try world.add(Scene.routeRecord.route, by: .olga)
            try world.add(head(), by: .gus)
            world.seal()
        }

        var grant: Hash { peer.statement.leafHash }

        func head() throws -> PeerHead {
            let checkpoint = try #require(try peer.evidence().proofs.first).checkpoint
            return PeerHead(origin: PeerWorld.origin, checkpoint: checkpoint, consistency: [])
        }

        /// What leads from the head's tree to one with another leaf.
        func nextHead() throws -> PeerHead {
            let leaf = Hash.leaf([1])
            let head = TreeHead(size: 3, root: .node(try peer.head.root, leaf))
            let checkpoint = Checkpoint(origin: try Origin(PeerWorld.origin), head: head)
            let line = Cosignature.sign(
                checkpoint, name: try KeyName("witness.example"), key: PeerWorld.witnessKey, time: testTime / 1000)
            return PeerHead(
                origin: PeerWorld.origin, checkpoint: checkpoint.signed(by: PeerWorld.logKey).adding([line]).bytes,
                consistency: [leaf])
        }

        func proof() throws -> PeerProof { try #require(PeerProof(try peer.evidence().proofs)) }

        /// A permit on the newest sealed head, with a nonce of its own.
        mutating func permit(
            _ proof: [UInt8]? = nil,
            access: Access = Access(subject: Scene.subject, action: "embed", resource: "doc:1"),
            model: ModelVersion? = nil
        ) throws -> DecisionRecord {
            nonces += 1
            var permit = DecisionRecord(
                request: .zero, nonce: World.nonce(nonces), head: world.head(world.sealedSize),
                expires: world.now + 1000, outcome: .permit, access: access, reliesOn: [.route(Scene.route)],
                grant: grant)
            permit.route = Scene.route
            permit.peerProof = try proof ?? self.proof().encoded()
            return permit
        }

        /// The rule that a permit breaks; nil if it is admitted.
        mutating func refusal(_ permit: DecisionRecord) throws -> RuleViolation? {
            try violation { try world.add(permit, by: .gus) }
        }

        mutating func refusal(_ proof: [UInt8]? = nil) throws -> Rule? { try refusal(permit(proof))?.rule }
    }

    @Test("a permit carries what shows the grant: it starts an execution here, and everyone folds it the same")
    func permitted() throws {
        var foreign = try Foreign()
        try foreign.world.add(foreign.permit(), by: .gus)
        let permit = try #require(try foreign.world.record(.decision(World.nonce(1)), PermitRecord.self))
        #expect(permit.peer == PeerWorld.origin && permit.grant == foreign.grant)
        let shown = try #require(try foreign.world.record(.peerGrant(foreign.grant), PeerGrantRecord.self))
        #expect(shown.origin == PeerWorld.origin && shown.index == foreign.world.last)
        #expect(try shown.head == foreign.peer.head)
        #expect(shown.grants.map(\.id) == [foreign.grant] && shown.grants[0].issuer == Actor.olga.issuer)
        #expect(try PeerGrantRecord(decoding: shown.encoded()) == shown)
        try foreign.world.add(foreign.world.start(1), by: .ron)
        let running = try #require(try foreign.world.record(.execution(World.run()), ExecutionRecord.self))
        #expect(running.phase == .activated && running.route == Scene.route)
        _ = try foreign.world.replayed()
    }

    @Test("an evaluation that passes makes such a permit, with what admission reads of the peer and no more")
    func evaluated() throws {
        let decision = try Scene(peer: true).evaluate()
        #expect(decision.permits)
        let record = try #require(decision.record(nonce: World.nonce(1), expires: 1))
        let carried = try PeerProof(decoding: try #require(record.peerProof))
        let peer = try #require(try Scene(peer: true).peer)
        let read = Set(peer.values.keys).union(peer.absent)
            .filter { $0.kind != "identity" }
        #expect(Set(carried.values.map(\.key)) == read)
        var foreign = try Foreign()
        #expect(try foreign.refusal(record.peerProof) == nil)
        #expect(record.reliesOn.contains(.route(Scene.route)))
        #expect(try DecisionRecord(record.cbor) == record)
    }

    @Test("a proof is of the recorded head, under the peer's keys, its quorum and its state witnesses")
    func recordedHead() throws {
        var foreign = try Foreign()
        try foreign.world.add(foreign.nextHead(), by: .gus)
        #expect(try foreign.refusal(foreign.permit()).map { "\($0)" }?.contains("recorded is size 3") == true)

        foreign = try Foreign { $0.isStateWitnessed = false }
        #expect(try foreign.refusal(foreign.permit()).map { "\($0)" }?.contains("state witnesses") == true)
        #expect(try foreign.refusal() == .peerProof)

        foreign = try Foreign()
        foreign.peer.isWitnessed = false
        #expect(try foreign.refusal() == .peerProof)

        foreign = try Foreign { $0.sealKey = TestKeys.stranger }
        #expect(try foreign.refusal(foreign.permit()).map { "\($0)" }?.contains("not signed by the log") == true)
    }

    @Test("a proof with one value, hash or signature changed, or one value too few, shows nothing")
    func damaged() throws {
        var foreign = try Foreign()
        let proof = try foreign.proof()
        var route = Scene.routeRecord
        route.index += 1
        for value in proof.values {
            var proofs = try foreign.peer.evidence().proofs.filter { $0.key != value.key }
            #expect(
                try foreign.refusal(PeerProof(proofs)?.encoded()) == (value.key.kind == "identity" ? nil : .peerProof))
            guard let first = proofs.first else { continue }
            proofs.append(
                StateProof(
                    key: value.key, value: value.value == nil ? route.encoded() : nil, proof: value.proof,
                    seal: first.seal, index: first.index, path: first.path, checkpoint: first.checkpoint))
            #expect(try foreign.refusal(PeerProof(proofs)?.encoded()) == .peerProof)
        }
        // Every byte counts: whatever is changed, it is refused, and as a proof.
        let bytes = proof.encoded()
        for place in stride(from: 0, to: bytes.count, by: 37) {
            var damaged = bytes
            damaged[place] ^= 1
            #expect(try foreign.refusal(damaged) == .peerProof, "byte \(place)")
        }
    }

    @Test("the form of what is carried")
    func form() throws {
        var foreign = try Foreign()
        #expect(try foreign.refusal([0xa0]) == .peerProof)
        #expect(try foreign.refusal([0x80]) == .peerProof)
        #expect(try foreign.refusal(foreign.proof().encoded() + [0]) == .peerProof)
        #expect(try foreign.refusal(foreign.proof().showing([]).encoded()) == .peerProof)
        var permit = try foreign.permit()
        permit.peerProof = [UInt8](repeating: 0, count: PeerProof.maxByteCount + 1)
        #expect(throws: FieldError.invalid("peerProof", "1 to 16384 bytes")) { try DecisionRecord(permit.cbor) }
        permit = try foreign.permit()
        permit.route = nil
        #expect(throws: FieldError.self) { try DecisionRecord(permit.cbor) }
        permit = try foreign.permit()
        permit.outcome = .contain
        permit.reason = .stateDivergence
        #expect(throws: FieldError.self) { try DecisionRecord(permit.cbor) }
        permit = try foreign.permit()
        permit.peerProof = nil
        permit.reliesOn.append(.grant(foreign.grant))
        #expect(try foreign.refusal(permit)?.rule == .unknownGrant)
        permit = try foreign.permit()
        permit.reliesOn = [.grant(foreign.grant)]
        #expect(try foreign.refusal(permit)?.rule == .reliesOnNothing)
    }

    @Test("no head is recorded, the peer is expelled, or its head is too old")
    func peerAge() throws {
        var foreign = try Foreign()
        try foreign.world.add(foreign.permit(), by: .gus)
        foreign.world.seal(next: foreign.world.now + Scene.routeRecord.route.maxPeerAge)
        #expect(try foreign.refusal() == nil)
        foreign.world.seal(next: foreign.world.now + 1)
        #expect(try foreign.refusal() == .peerAge)
        try foreign.world.add(foreign.head(), by: .gus)
        #expect(try foreign.refusal() == nil)
        try foreign.world.add(PeerExpel(origin: PeerWorld.origin, reason: "forked"), by: .olga)
        #expect(try foreign.refusal() == .unknownPeer)

        var world = try World()
        try world.add(
            PeerAdmit(origin: PeerWorld.origin, policy: PeerScene.policyText, genesis: .zero, stateQuorum: "s"),
            by: .olga)
        try world.add(Scene.routeRecord.route, by: .olga)
        world.seal()
        foreign.world = world
        #expect(try foreign.refusal(foreign.permit()).map { "\($0)" }?.contains("no head of") == true)
    }

    @Test("in the peer's state: the route is open for the action with the same ends, and nothing is contained")
    func theirRoute() throws {
        func rule(_ change: (inout RouteRecord) -> Void) throws -> String? {
            var theirs = Scene.routeRecord
            change(&theirs)
            var foreign = try Foreign { $0.values[.route(Scene.route)] = theirs.encoded() }
            return try foreign.refusal(foreign.permit()).map { "\($0.reason) \($0.subject)" }
        }
        #expect(try rule { _ in } == nil)
        #expect(try rule { $0.phase = .proofPersisted } == "unknown-route there: r1")
        let open = Scene.routeRecord.route
        func other(_ from: String, _ to: String, _ actions: [String]) -> (inout RouteRecord) -> Void {
            {
                $0 = RouteRecord(
                    index: 0,
                    route: RouteOpen(route: open.route, from: from, to: to, actions: actions, maxPeerAge: 1),
                    phase: .activated)
            }
        }
        #expect(try rule(other(open.from, open.to, ["train"])) == "unknown-route there: r1")
        #expect(try rule(other("third.example", open.to, open.actions)) == "unknown-route there: r1")
        #expect(try rule(other(open.from, "third.example", open.actions)) == "unknown-route there: r1")

        for (phase, expected) in [(Phase.contained, Rule.contained), (.revoked, .trustRevoked)] {
            let key = StateKey.containment(.runtime(Scene.subject))
            var foreign = try Foreign {
                $0.absent.removeAll { $0 == key }
                $0.values[key] = ContainmentRecord(index: 1, phase: phase, reason: .routingMismatch).encoded()
            }
            #expect(try foreign.refusal() == expected)
        }
    }

    @Test("the grant and what it comes from: unrevoked, in its window, covering what is asked, in this domain")
    func inForce() throws {
        var foreign = try Foreign {
            let key = StateKey.grant($0.statement.leafHash)
            var record = try GrantRecord(decoding: try #require($0.values[key]))
            record.isRevoked = true
            $0.values[key] = record.encoded()
        }
        #expect(try foreign.refusal() == .grantRevoked)
        foreign = try Foreign {
            let key = StateKey.grant($0.statement.leafHash)
            $0.values[key] = nil
            $0.absent.append(key)
        }
        #expect(try foreign.refusal() == .unknownGrant)
        foreign = try Foreign(Foreign.grant(GrantConditions(notAfter: testTime - 1)))
        #expect(try foreign.refusal() == .grantWindow)
        foreign = try Foreign(Foreign.grant(GrantConditions(domain: "third.example")))
        #expect(try foreign.refusal() == .grantCover)
        foreign = try Foreign(Foreign.grant(GrantConditions(route: "r2")))
        #expect(try foreign.refusal() == .grantCover)
        foreign = try Foreign()
        let other = Access(subject: Scene.subject, action: "embed", resource: "mail:1")
        #expect(try foreign.refusal(foreign.permit(access: other))?.rule == .grantCover)

        // What it comes from is asked too.
        let parent = Hash.sha256([1])
        foreign = try Foreign(Foreign.grant(parent: parent)) { peer in
            var record = GrantRecord(index: 0, issuer: Actor.olga.issuer, grant: try Foreign.grant(delegations: 1))
            record.isRevoked = true
            peer.values[.grant(parent)] = record.encoded()
        }
        #expect(try foreign.refusal() == .grantRevoked)
        foreign = try Foreign(Foreign.grant(parent: parent)) { peer in
            peer.values[.grant(parent)] =
                GrantRecord(
                    index: 0, issuer: Actor.olga.issuer,
                    grant: try Foreign.grant(GrantConditions(notBefore: testTime + 1), delegations: 1)
                ).encoded()
        }
        #expect(try foreign.refusal() == .grantWindow)
    }

    @Test("counted uses are those allotted to this domain, and are counted here")
    func uses() throws {
        var foreign = try Foreign(Foreign.grant(GrantConditions(uses: 1)))
        #expect(try foreign.refusal() == .grantUses)
        // The parent's uses went to this domain as a whole: what is left of them is the peer's to count.
        let parent = Hash.sha256([1])
        foreign = try Foreign(Foreign.grant(GrantConditions(uses: 1, domain: World.origin), parent: parent)) { peer in
            peer.values[.grant(parent)] =
                GrantRecord(
                    index: 0, issuer: Actor.olga.issuer,
                    grant: try Foreign.grant(GrantConditions(uses: 1), delegations: 1)
                ).encoded()
        }
        for _ in 1...2 { try foreign.world.add(foreign.permit(), by: .gus) }
        try foreign.world.add(foreign.world.start(1, id: "a"), by: .ron)
        #expect(try violation { try foreign.world.add(foreign.world.start(2, id: "b"), by: .ron) }?.rule == .grantUses)
        #expect(try foreign.refusal() == .grantUses)
        #expect(try foreign.world.record(.uses(foreign.grant), UsesRecord.self)?.used == 1)
        _ = try foreign.world.replayed()
    }

    @Test("at the start it is asked again: the recorded head is that which showed the grant, and not too old")
    func start() throws {
        var foreign = try Foreign()
        for _ in 1...3 { try foreign.world.add(foreign.permit(), by: .gus) }
        try foreign.world.add(foreign.world.start(1, id: "a"), by: .ron)
        var late = foreign
        late.world.seal(next: late.world.now + 1000)
        var old = foreign
        let close = RouteClose(route: Scene.route)
        try foreign.world.add(foreign.nextHead(), by: .gus)
        let moved = try broken { try foreign.world.add(foreign.world.start(2, id: "b"), by: .ron) }
        #expect(moved == Broken(.peerMoved, foreign.world.last))

        try late.world.add(late.world.start(2, id: "b"), by: .ron)
        try old.world.add(close, by: .olga)
        #expect(try violation { try old.world.add(old.world.start(2, id: "b"), by: .ron) }?.rule == .unknownRoute)
        // Opened again with a bound that the head does not keep.
        let route = Scene.routeRecord.route
        try old.world.add(
            RouteOpen(route: route.route, from: route.from, to: route.to, actions: route.actions, maxPeerAge: 1),
            by: .olga)
        old.world.seal(next: old.world.now + 2)
        #expect(try violation { try old.world.add(old.world.start(2, id: "b"), by: .ron) }?.rule == .peerAge)
        // Opened again to another peer: the grant is not that one's.
        try old.world.add(close, by: .olga)
        let third = PeerAdmit(
            origin: "log.example.org/third", policy: PeerScene.policyText, genesis: .zero, stateQuorum: "s")
        try old.world.add(third, by: .olga)
        try old.world.add(
            RouteOpen(route: route.route, from: route.from, to: third.origin, actions: route.actions, maxPeerAge: 9999),
            by: .olga)
        #expect(try violation { try old.world.add(old.world.start(2, id: "b"), by: .ron) }?.rule == .unknownGrant)
    }
}
