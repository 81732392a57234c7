import COSE
import Testing
import Tlog

@testable import Governance

/// A request that every check passes, with the state and the evidence it rests on: each test changes one thing.
struct Scene {
    static let now = testTime + 1000
    static let subject = Actor.ron.issuer
    static let model = ModelVersion(name: "minilm", version: "1")
    static let manifest = Hash.sha256([1, 2, 3])
    static let measurement: [UInt8] = [0xaa, 1]
    static let telemetry = Hash.sha256([9])
    static let route = "r1"
    static let grantID = Hash.sha256([42])

    var policy: Policy
    var values: [StateKey: [UInt8]?] = [:]
    var request: AccessRequest
    var evidence: Evidence
    var peer: PeerScene?

    init(model usesModel: Bool = false, peer isForeign: Bool = false) throws {
        policy = try worldPolicy()
        let grant = GrantIssue(
            subject: Scene.subject, actions: [try #require(GrantPattern("embed"))],
            resources: [try #require(GrantPattern("doc:*"))])
        request = AccessRequest(
            access: Access(subject: Scene.subject, action: "embed", resource: "doc:1"), grant: Scene.grantID,
            policy: policy.digest, telemetry: Scene.telemetry)
        let head = TreeHead(size: 40, root: .sha256([7]))
        evidence = Evidence(
            head: HeadEvidence(
                head: head, witnesses: .byQuorum(at: Scene.now - 500), extendsAccepted: true, sealRoot: .sha256([8]),
                computedRoot: .sha256([8]), stateWitnesses: .byQuorum(at: Scene.now - 600)))
        set(.policy, PolicyRecord(policy: policy, index: 0).encoded())
        enrol(.olga, roles: [.operator], index: 1)
        enrol(.ron, roles: [.runtime], measurements: [Scene.measurement], index: 2)
        set(.grant(Scene.grantID), GrantRecord(index: 3, issuer: Actor.olga.issuer, grant: grant))
        set(
            .attestation(Scene.subject),
            AttestationRecord(index: 4, measurement: Scene.measurement, time: Scene.now - 3000))
        set(.heartbeat(Scene.subject), HeartbeatRecord(index: 5, time: Scene.now - 100))
        set(.telemetry(Scene.subject), TelemetryRecord(index: 6, digest: Scene.telemetry, until: Scene.now - 200))
        if usesModel {
            var record = ModelRecord(
                index: 7, entry: .sha256([77]), digest: Scene.manifest, actions: ["embed"], purposes: ["search"])
            record.status = .approved
            record.policy = policy.digest
            set(.model(Scene.model), record)
            request.model = AccessRequest.ModelUse(model: Scene.model, purpose: "search", loaded: Scene.manifest)
            evidence.differingFiles = []
        }
        if isForeign { try addPeer(grant) }
    }

    private mutating func addPeer(_ grant: GrantIssue) throws {
        let peer = try PeerScene(grant: grant)
        self.peer = peer
        request.route = Scene.route
        request.grant = peer.statement.leafHash
        set(.grant(Scene.grantID), nil)
        set(.route(Scene.route), Scene.routeRecord)
        var record = PeerRecord(
            index: 9,
            peer: PeerAdmit(
                origin: PeerWorld.origin, policy: PeerScene.policyText, genesis: .zero, stateQuorum: "s"))
        record.head = try peer.head
        record.headTime = Scene.now - 700
        set(.peer(PeerWorld.origin), record)
        evidence.peer = try peer.evidence()
    }

    static let routeRecord = RouteRecord(
        index: 8,
        route: RouteOpen(
            route: Scene.route, from: World.origin, to: PeerWorld.origin, actions: ["embed"], maxPeerAge: 60_000),
        phase: .activated)

    mutating func set(_ key: StateKey, _ record: (some StateRecord)?) {
        values.updateValue(record?.encoded(), forKey: key)
    }
    mutating func set(_ key: StateKey, _ bytes: [UInt8]) { values.updateValue(bytes, forKey: key) }
    mutating func remove(_ key: StateKey) { values.updateValue(nil, forKey: key) }
    mutating func set(_ key: StateKey, _: Never?) { values.updateValue(nil, forKey: key) }

    mutating func enrol(
        _ actor: Actor, roles: [Role], measurements: [[UInt8]] = [], ending: KeyEnding? = nil, index: UInt64
    ) {
        set(
            .identity(issuer: actor.issuer, keyID: actor.keyID),
            IdentityRecord(
                key: actor.key.publicKey, roles: roles, measurements: measurements, ending: ending, index: index))
    }

    mutating func change<Record: StateRecord>(_ key: StateKey, _ kind: Record.Type, _ body: (inout Record) -> Void)
        throws
    {
        var record = try Record(decoding: try #require(values[key] ?? nil))
        body(&record)
        set(key, record)
    }

    /// The peer's evidence again, after `peer` was changed; its head is recorded.
    mutating func carryPeer() throws {
        let peer = try #require(peer)
        evidence.peer = try peer.evidence()
        let head = try peer.head
        try change(.peer(PeerWorld.origin), PeerRecord.self) { $0.head = head }
    }

    func evaluate(failing unreadable: StateKey? = nil) throws -> Decision {
        var state = MemoryState()
        state.apply(values.map { StateChange(key: $0.key, value: $0.value) })
        let rules = try #require(try Rules(state))
        return Evaluator.evaluate(
            request, state: FailingState(base: state, unreadable: unreadable), rules: rules, evidence: evidence,
            now: Scene.now)
    }

    func outcome(_ check: CheckID, failing unreadable: StateKey? = nil) throws -> CheckOutcome {
        try #require(try evaluate(failing: unreadable).results.first { $0.check == check }).outcome
    }
}

/// A state that cannot read one of its keys.
struct FailingState: StateReading {
    struct Unreadable: Error {}
    let base: MemoryState
    let unreadable: StateKey?

    func value(_ key: StateKey) throws -> [UInt8]? {
        if key == unreadable { throw Unreadable() }
        return base.value(key)
    }
}

/// A peer's log of two entries: the statement of a grant, and the seal over a state.
struct PeerScene {
    static let stateWitness = TestKeys.key(72)

    static var policyText: String {
        guard let name = try? KeyName("state.example") else { return "" }
        let key = VerifierKey.cosigner(name: name, publicKey: stateWitness.publicKey)
        return PeerWorld.policy.replacing("quorum w", with: "witness s \(key.text)\nquorum w")
    }

    let statement: SignedStatement
    var values: [StateKey: [UInt8]] = [:]
    /// Keys that are shown to be absent.
    var absent: [StateKey] = []
    var isWitnessed = true
    var isStateWitnessed = true
    var sealKey = TestKeys.statement

    init(grant: GrantIssue) throws {
        let base = try worldPolicy()
        let policy = try Policy(
            origin: Origin(PeerWorld.origin), logKeys: base.logKeys, authorities: base.authorities, threshold: 2,
            issuers: base.issuers)
        let event = try Event(
            type: GrantIssue.type.rawValue, stream: "main", seq: 0, prev: nil, time: testTime, data: grant.cbor)
        statement = try signed(event, by: Actor.olga.key, issuer: Actor.olga.issuer)
        values[.policy] = PolicyRecord(policy: policy, index: 0).encoded()
        values[.grant(statement.leafHash)] =
            GrantRecord(index: 0, issuer: Actor.olga.issuer, grant: grant).encoded()
        values[.identity(issuer: Actor.olga.issuer, keyID: Actor.olga.keyID)] =
            IdentityRecord(key: Actor.olga.key.publicKey, roles: [.operator], index: 0).encoded()
        values[.route(Scene.route)] = Scene.routeRecord.encoded()
        for scope: Scope in [
            .domain(PeerWorld.origin), .domain(World.origin), .runtime(Scene.subject), .route(Scene.route),
        ] {
            absent.append(.containment(scope))
        }
    }

    private var map: MerkleMap {
        var map = MerkleMap()
        map.apply(values.map { StateChange(key: $0.key, value: $0.value) })
        return map
    }

    private var seal: SignedStatement {
        get throws {
            Seal(time: testTime, statements: 1, stateRoot: map.root, seq: 0, prev: nil)
                .statement(origin: try Origin(PeerWorld.origin), key: sealKey)
        }
    }

    var head: TreeHead {
        get throws { TreeHead(size: 2, root: .node(statement.leafHash, try seal.leafHash)) }
    }

    func evidence() throws -> PeerEvidence {
        let checkpoint = Checkpoint(origin: try Origin(PeerWorld.origin), head: try head)
        var lines: [NoteSignature] = []
        let seconds = testTime / 1000
        if isWitnessed {
            lines.append(
                Cosignature.sign(
                    checkpoint, name: try KeyName("witness.example"), key: PeerWorld.witnessKey, time: seconds))
        }
        if isStateWitnessed {
            lines.append(
                Cosignature.sign(
                    checkpoint, name: try KeyName("state.example"), key: PeerScene.stateWitness, time: seconds))
        }
        let signed = checkpoint.signed(by: PeerWorld.logKey).adding(lines)
        let seal = try seal
        let proofs = (Array(values.keys) + absent).map { key in
            StateProof(
                key: key, value: values[key], proof: map.proof(key.mapKey), seal: seal.entryBytes, index: 1,
                path: [statement.leafHash], checkpoint: signed.bytes)
        }
        return PeerEvidence(
            statement: PeerEvidence.Statement(entry: statement.entryBytes, index: 0, path: [seal.leafHash]),
            proofs: proofs)
    }
}
