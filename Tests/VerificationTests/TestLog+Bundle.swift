import COSE
import Governance
import Tlog
import Verification

/// A test log in which something was governed: who was enrolled, what was granted, permitted, run, stopped.
struct GovernedLog {
    var log: TestLog
    /// The grant that both executions ran under, and the one that it was handed on from.
    private(set) var grant: Hash = .zero
    private(set) var parentGrant: Hash = .zero

    static let gate = "spiffe://example.org/gate"
    static let registrar = "spiffe://example.org/registrar"
    static let team = "spiffe://example.org/team"
    static let model = ModelVersion(name: "embedder", version: "2")

    private let gateKey = try? TestLog.key(240)
    private let registrarKey = try? TestLog.key(241)
    private let teamKey = try? TestLog.key(242)

    /// What a fixed seed can't fail to give.
    struct NoKey: Error {}

    private static func need(_ key: Ed25519.SigningKey?) throws -> Ed25519.SigningKey {
        guard let key else { throw NoKey() }
        return key
    }

    /// The other domain, and the route to it, where there is one.
    static let peer = "log.example/peer"
    static let route = "out"
    private var routed: String?

    static func execution(_ id: String) -> ExecutionID { ExecutionID(home: "log.example/test", id: id) }

    /// A log whose executions are `run-0`, and `run-1` that goes on from it, uses a model, and was stopped.
    ///
    /// - Parameters:
    ///   - isLater: with what happened after them: a key rotated, a grant revoked, another policy, and more.
    ///   - isRouted: both go by a route to another domain, which is contained while `run-1` runs.
    init(seed: UInt8 = 1, isLater: Bool = true, isRouted: Bool = false) throws {
        log = try TestLog(seed: seed)
        try enrol()
        if isRouted { try openRoute() }
        try issueGrants()
        try registerModel()
        try run("run-0", parents: [], model: nil, nonce: 1)
        try finish("run-0", .executed)
        try run("run-1", parents: [Self.execution("run-0")], model: Self.model, nonce: 2)
        try contain()
        if isRouted {
            let peer = ContainmentEnter(scope: .domain(Self.peer), reason: .coordinationInconsistent)
            try log.append(log.governing(.containmentEnter, peer.cbor))
            log.seal()
        }
        try finish("run-1", .blocked)
        if isLater { try goOn() }
    }

    // MARK: What happens

    private mutating func enrol() throws {
        for (issuer, key, role) in [
            (Self.gate, gateKey, Role.gate), (Self.registrar, registrarKey, .registrar),
            (Self.team, teamKey, .observer),
        ] {
            let data = IdentityEnroll(issuer: issuer, key: try Self.need(key).publicKey, roles: [role])
            try log.append(log.governing(.identityEnroll, data.cbor))
        }
        log.seal()
    }

    private mutating func openRoute() throws {
        let key = VerifierKey.ed25519(name: try KeyName(Self.peer), publicKey: try TestLog.key(99).publicKey)
        let admission = PeerAdmit(origin: Self.peer, policy: "log \(key.text)\nquorum none\n", genesis: .sha256([9]))
        try log.append(log.governing(.peerAdmit, admission.cbor))
        let route = RouteOpen(
            route: Self.route, from: log.origin.text, to: Self.peer, actions: ["read"], maxPeerAge: 1000)
        try log.append(log.governing(.routeOpen, route.cbor))
        log.seal()
        routed = Self.route
    }

    private mutating func issueGrants() throws {
        let patterns = ["read"].compactMap { GrantPattern($0) }
        let all = ["inbox*"].compactMap { GrantPattern($0) }
        let first = GrantIssue(subject: Self.team, actions: patterns, resources: all, delegations: 1)
        let statement = try log.governing(.grantIssue, first.cbor)
        parentGrant = statement.leafHash
        try log.append(statement)
        log.seal()
        let second = GrantIssue(
            subject: TestLog.issuer, actions: patterns, resources: all, conditions: GrantConditions(uses: 3),
            parent: parentGrant)
        let handedOn = try log.statement(
            "grant.issue", second.cbor, stream: "team", by: Self.need(teamKey), issuer: Self.team)
        grant = handedOn.leafHash
        try log.append(handedOn)
        log.seal()
    }

    private mutating func registerModel() throws {
        let data = ModelRegister(
            model: Self.model, manifest: [ManifestEntry(path: "weights.bin", digest: .sha256([1]))],
            actions: ["read"], purposes: ["search"])
        try log.append(
            log.statement(
                "model.register", data.cbor, stream: "models", by: Self.need(registrarKey), issuer: Self.registrar))
        let approval = ModelApprove(model: Self.model, policy: log.policy.digest)
        try log.append(log.governing(.modelApprove, approval.cbor))
        log.seal()
    }

    private mutating func run(_ id: String, parents: [ExecutionID], model: ModelVersion?, nonce: UInt8) throws {
        let nonce = [UInt8](repeating: nonce, count: 16)
        try decide(nonce, model: model)
        log.seal()
        let start = ExecutionStart(
            execution: Self.execution(id), permission: .permit(nonce), parents: parents, model: model,
            input: .sha256([2]))
        try runtime("execution.start", start.cbor)
        log.seal()
        for step in 0..<UInt64(2) {
            let data = ExecutionStep(
                execution: Self.execution(id), step: step, input: .sha256([3]), output: .sha256([4]))
            try runtime("execution.step", data.cbor)
        }
        log.seal()
    }

    private mutating func decide(_ nonce: [UInt8], model: ModelVersion?, revalidating scope: Scope? = nil) throws {
        var data = DecisionRecord(
            request: .sha256([5]), nonce: nonce, head: log.head(), expires: log.time + 60_000,
            outcome: scope == nil ? .permit : .revalidate,
            access: Access(subject: TestLog.issuer, action: "read", resource: "inbox/7"),
            reliesOn: scope == nil ? [.grant(grant)] : [], grant: scope == nil ? grant : nil)
        data.model = model
        data.purpose = model.map { _ in "search" }
        data.scope = scope
        if scope == nil { data.route = routed }
        try log.append(
            log.statement("decision.record", data.cbor, stream: "gate", by: Self.need(gateKey), issuer: Self.gate))
    }

    private mutating func runtime(_ type: String, _ data: CBOR) throws {
        try log.append(
            log.statement(type, data, stream: "runtime", by: log.issuerKey, issuer: TestLog.issuer))
    }

    private mutating func finish(_ id: String, _ outcome: ExecutionOutcome) throws {
        let data = ExecutionFinish(
            execution: Self.execution(id), outcome: outcome, output: outcome == .executed ? .sha256([6]) : nil)
        try runtime("execution.finish", data.cbor)
        log.seal()
    }

    /// The runtime is contained while it runs, recovers, passes again, and is let go on.
    private mutating func contain() throws {
        let scope = Scope.runtime(TestLog.issuer)
        try log.append(
            log.governing(.containmentEnter, ContainmentEnter(scope: scope, reason: .telemetryInconsistent).cbor))
        log.seal()
        try log.append(log.governing(.containmentRecover, ContainmentRecover(scope: scope).cbor))
        log.seal()
        try decide([UInt8](repeating: 9, count: 16), model: nil, revalidating: scope)
        log.seal()
        let lift = ContainmentLift(scope: scope)
        try log.append(log.governing(.containmentLift, lift.cbor))
        log.seal()
    }

    /// What happened after the executions: what the bundle shows about them has to be looked for in older states.
    private mutating func goOn() throws {
        let old = try Self.need(gateKey).publicKey
        let rotation = IdentityRotate(keyID: COSEKey(old).thumbprint, newKey: try TestLog.key(243).publicKey)
        try log.append(log.governing(.identityRotate, rotation.cbor))
        log.seal()
        let policy = log.policy
        let next = try Policy(
            origin: policy.origin, logKeys: policy.logKeys, authorities: policy.authorities, threshold: 1,
            issuers: policy.issuers, contentTypes: ["text/plain", "text/csv"], previous: policy.digest)
        try log.append(log.governing(.policySet, next.cbor))
        log.seal()
        try log.append(log.governing(.grantRevoke, GrantRevoke(grant: grant, reason: "done").cbor))
        try log.append(log.governing(.modelRetire, ModelRetire(model: Self.model).cbor))
        log.seal()
        try log.append(log.event())
        log.seal()
    }

    // MARK: Bundles

    /// The bundle that shows a subject, gathered as a client does from the log itself.
    func bundle(
        _ subject: StateKey, at size: UInt64? = nil, stateWitnesses: Int = 2
    ) throws -> EvidenceBundle {
        let size = size ?? log.size
        let trust = try TrustFile(parsing: Array(log.stateTrustText().utf8))
        guard var parts = EvidenceAssembly(subject, under: log.head(size), trust: trust) else { throw NoKey() }
        var asked: Set<BundlePart> = []
        while true {
            let missing = parts.missing.filter { asked.insert($0).inserted }
            if missing.isEmpty { break }
            for part in missing { try add(part, to: &parts, size) }
        }
        var paths: [UInt64: [Hash]] = [:]
        for index in parts.indices { paths[index] = log.inclusion(index, size).path }
        let checkpoint = try log.replayedCheckpoint(size, stateWitnesses: stateWitnesses)
        return parts.bundle(checkpoint: checkpoint.bytes, paths: paths)
    }

    private func add(_ part: BundlePart, to parts: inout EvidenceAssembly, _ size: UInt64) throws {
        switch part {
        case .entry(let index): parts.add(try log.statement(index), at: index)
        case .statement(let hash):
            guard let index = log.leaves(size).firstIndex(of: hash) else { return }
            parts.add(try log.statement(UInt64(index)), at: UInt64(index))
        case .state(let key, let sealed):
            let proof = try log.stateProof(key, at: sealed, in: size)
            parts.add(try log.statement(sealed - 1), at: sealed - 1)
            parts.add(proof.value, of: key, at: sealed, proof.proof)
        case .seal(let index):
            let sealed = log.states.keys.filter { $0 - 1 > index }.min() ?? size
            parts.add(try log.statement(sealed - 1), at: sealed - 1)
        case .step(let number, let execution, let range):
            for index in range {
                let statement = try log.statement(index)
                guard let event = try? Event(decoding: statement.payload), event.type == "execution.step",
                    let step = try? ExecutionStep(event.data), step.step == number, step.execution == execution
                else { continue }
                parts.add(statement, at: index)
            }
        case .head(let old): parts.add(head: old, log.consistency(old, size).path)
        }
    }
}

extension EvidenceBundle {
    /// With another part in the place of one.
    func changed(
        subject: StateKey? = nil, checkpoint: [UInt8]? = nil, entries: [Entry]? = nil, states: [State]? = nil,
        heads: [Head]? = nil
    ) -> EvidenceBundle {
        EvidenceBundle(
            subject: subject ?? self.subject, checkpoint: checkpoint ?? self.checkpoint,
            entries: entries ?? self.entries, states: states ?? self.states, heads: heads ?? self.heads)
    }

    /// The entries that are no seals.
    var statements: [Entry] {
        entries.filter { entry in
            guard let statement = try? SignedStatement(decoding: entry.bytes),
                let event = try? Event(decoding: statement.payload)
            else { return true }
            return event.type != EventType.seal
        }
    }

    /// Without an entry.
    func without(entry index: UInt64) -> EvidenceBundle {
        changed(entries: entries.filter { $0.index != index })
    }

    /// Without what it says about a key, at one size or at all of them.
    func without(_ key: StateKey, at size: UInt64? = nil) -> EvidenceBundle {
        changed(
            states: states.map { state in
                guard size == nil || state.size == size else { return state }
                return State(size: state.size, values: state.values.filter { $0.key != key })
            })
    }

    /// With something else in the place of an entry.
    func replacing(_ index: UInt64, _ bytes: [UInt8]? = nil, path: [Hash]? = nil) -> EvidenceBundle {
        changed(
            entries: entries.map { entry in
                guard entry.index == index else { return entry }
                return Entry(index: index, bytes: bytes ?? entry.bytes, path: path ?? entry.path)
            })
    }
}
