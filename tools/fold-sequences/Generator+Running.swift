import COSE
import Governance
import Tlog

/// Decisions, leases and executions.
extension Generator {
    mutating func nonce() -> [UInt8] {
        nonces += 1
        let bytes = Hash.sha256([UInt8(truncatingIfNeeded: nonces), UInt8(truncatingIfNeeded: nonces >> 8)]).bytes
        return Array(bytes.prefix(16 + number(17)))
    }

    func unknownPermit() -> DecisionRecord {
        DecisionRecord(
            request: .zero, nonce: [UInt8](repeating: 9, count: 16), head: TreeHead(size: 1, root: .zero), expires: 0,
            outcome: .permit, access: Access(subject: actors[0].issuer, action: "sort", resource: "inbox/1"))
    }

    private mutating func access(_ subject: String) -> Access {
        Access(subject: subject, action: once(in: 10) ? "send" : "sort", resource: once(in: 12) ? "outbox" : "inbox/1")
    }

    /// A head of the log that decisions may be judged on, mostly.
    private mutating func head() -> TreeHead {
        if once(in: 40) { return TreeHead(size: log.size + 1, root: hash()) }
        if once(in: 40) { return TreeHead(size: log.sealedSize, root: hash()) }
        if once(in: 40) { return TreeHead(size: log.sealedSize - 1, root: hash()) }
        let heads = log.heads
        return once(in: 6) ? pick(Array(heads.suffix(6))) : heads.last ?? TreeHead(size: 0, root: hash())
    }

    mutating func permit() throws {
        guard !grants.isEmpty else { return }
        let (id, grant) = pick(grants)
        try permit(under: id, grant)
    }

    mutating func permit(under id: Hash, _ grant: GrantIssue) throws {
        var decision = DecisionRecord(
            request: hash(), nonce: once(in: 40) && !permits.isEmpty ? pick(permits).nonce : nonce(), head: head(),
            expires: log.now + UInt64(number(900)), outcome: .permit,
            access: access(once(in: 15) ? runtime().issuer : grant.subject), reliesOn: [.grant(id)], grant: id)
        if once(in: 30) { decision.expires = log.now - 1 }
        // A policy may set no bound to speak of.
        let longest = min(log.policy.rulesOfGovernance.maxPermit, UInt64.max / 2)
        if once(in: 30) { decision.expires = log.now + longest + UInt64(number(2)) }
        if once(in: 40) { decision.reliesOn = [.policy] }
        if once(in: 4) { decision.reliesOn += [pick([.policy, .uses(id), .containment(scope()), .approvals])] }
        if once(in: 30) {
            decision.reliesOn += [pick([.streamCount(issuer: actors[0].issuer), StateKey(bytes: [1, 2, 3])])]
        }
        if let model = grant.conditions.model ?? (once(in: 6) ? models.last : nil), !once(in: 20) {
            decision.model = model
            decision.purpose = once(in: 8) ? "spam" : "mail"
        }
        if let route = grant.conditions.route ?? (once(in: 6) ? "r0" : nil), !once(in: 20) { decision.route = route }
        if once(in: 8) { decision.execution = run(number(30)) }
        if once(in: 8) { decision.evaluation = hash() }
        guard try attempt(decision, by: someone("gate", "gate2")) != nil else { return }
        permits.append(decision)
        later { try $0.start(decision) }
        if once(in: 8) { later { try $0.start(decision) } }
    }

    func run(_ number: Int) -> ExecutionID { ExecutionID(home: Cast.origin, id: "run\(number)") }

    mutating func start(_ permit: DecisionRecord) throws {
        let execution = permit.execution ?? run(executions.count + number(3))
        try start(permit.access.subject, execution, .permit(permit.nonce), model: permit.model)
    }

    private mutating func start(
        _ subject: String, _ named: ExecutionID, _ permission: Permission, model: ModelVersion?
    ) throws {
        var execution = named
        if once(in: 15) { execution = run(number(30)) }
        if once(in: 30) { execution = ExecutionID(home: Cast.peers[0], id: "x") }
        var parents: [ExecutionID] = []
        if once(in: 3), !executions.isEmpty { parents.append(pick(executions).id) }
        if once(in: 8) { parents.append(pick([run(99), ExecutionID(home: Cast.peers[number(2)], id: "far")])) }
        let data = ExecutionStart(
            execution: execution, permission: permission, parents: parents,
            model: once(in: 25) ? models.last : model, input: hash())
        let actor = once(in: 15) ? runtime() : actors.last { $0.issuer == subject } ?? runtime()
        guard try attempt(data, by: actor) != nil else { return }
        executions.append((execution, actor.issuer))
        for _ in 0..<3 { later { try $0.goOn(execution, actor.issuer) } }
    }

    mutating func goOn() throws {
        guard !executions.isEmpty else { return }
        let (execution, subject) = pick(executions)
        try goOn(execution, subject)
    }

    private mutating func goOn(_ execution: ExecutionID, _ subject: String) throws {
        let actor = once(in: 15) ? runtime() : actors.last { $0.issuer == subject } ?? runtime()
        let named = once(in: 30) ? run(98) : execution
        guard !once(in: 4) else {
            let outcome = pick(ExecutionOutcome.allCases)
            let output = outcome == .executed || once(in: 2) ? hash() : nil
            try attempt(ExecutionFinish(execution: named, outcome: outcome, output: output), by: actor)
            return
        }
        let steps = try log.record(.execution(execution), ExecutionRecord.self)?.steps ?? 0
        let step = ExecutionStep(
            execution: named, step: once(in: 10) ? steps + 1 : steps, input: hash(), output: hash())
        if try attempt(step, by: actor) != nil { later { try $0.goOn(execution, subject) } }
    }

    // MARK: Leases

    mutating func lease() throws {
        guard !grants.isEmpty else { return }
        let (id, grant) = pick(grants.filter { $0.grant.conditions.uses == nil } + [pick(grants)])
        try lease(under: id, grant)
    }

    mutating func lease(under id: Hash, _ grant: GrantIssue) throws {
        let longest = min(max(1, log.policy.rulesOfGovernance.maxLease), UInt64.max / 4)
        let expires = log.now + (once(in: 8) ? longest + UInt64(number(2)) : UInt64(number(Int(longest))))
        let data = LeaseRecord(
            access: access(grant.subject), grant: once(in: 20) ? hash() : id,
            expires: once(in: 20) ? log.now - 1 : expires)
        guard let hash = try attempt(data, by: someone("gate", "gate2")) else { return }
        leases.append((hash, data))
        for _ in 0..<2 { later { try $0.startUnderLease() } }
    }

    private mutating func startUnderLease() throws {
        let (id, lease) = pick(leases)
        try start(
            lease.access.subject, run(executions.count + number(3)), .lease(once(in: 20) ? hash() : id), model: nil)
    }

    // MARK: Containment

    mutating func scope() -> Scope {
        switch number(12) {
        case 0 where once(in: 5): .domain(Cast.origin)
        case 0, 1: .domain(Cast.peers[0])
        case 2: .route("r\(number(2))")
        case 3: .model(models.isEmpty ? ModelVersion(name: "m0", version: "1") : pick(models))
        case 4..<7: .runtime(runtime().issuer)
        default: .execution(executions.isEmpty || once(in: 10) ? run(number(30)) : pick(executions.suffix(4)).id)
        }
    }

    mutating func contain(decided: Bool) throws {
        let scope = scope()
        let reason = pick(ContainmentReason.allCases)
        if decided {
            var decision = DecisionRecord(
                request: hash(), nonce: nonce(), head: head(), expires: 0, outcome: .contain,
                access: access(runtime().issuer), reliesOn: [])
            decision.reason = reason
            if case .execution(let execution) = scope { decision.execution = execution }
            try attempt(decision, by: someone("gate", "gate2"))
            return
        }
        if once(in: 60) {
            try attempt(TrustRevoke(scope: scope, reason: reason), by: someone("operator", "authority"))
            later { try $0.wayOut(scope) }
            return
        }
        let data = ContainmentEnter(scope: scope, reason: reason, evidence: once(in: 3) ? hash() : nil)
        try attempt(data, by: someone("operator", "gate", "gate2", "authority"))
        // What is contained goes through the way out, mostly in order.
        for _ in 0..<5 { later { try $0.wayOut(scope) } }
    }

    private mutating func wayOut(_ scope: Scope) throws {
        let phase = try log.record(.containment(scope), ContainmentRecord.self)?.phase ?? .baseline
        let steps: [Phase] = [.contained, .recovering, .revalidated]
        let next = once(in: 8) ? pick(steps) : phase
        switch next {
        case .contained: try attempt(ContainmentRecover(scope: scope), by: someone("operator", "gate", "authority"))
        case .recovering:
            var decision = DecisionRecord(
                request: hash(), nonce: nonce(), head: head(), expires: 0, outcome: .revalidate,
                access: access(runtime().issuer), reliesOn: [])
            decision.scope = scope
            try attempt(decision, by: someone("gate", "gate2"))
        default:
            try attempt(ContainmentLift(scope: scope), by: someone("operator", "gate2", "authority", "authority"))
        }
    }
}
