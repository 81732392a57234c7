internal import Tlog

/// Decides on requests: the ten steps, the checks of the profiles, permit or contain.
///
/// Pure over state, evidence and the time that it is given. What the rules of admission ask of a permit is asked here by
/// the same code, at the gate's time instead of a batch's.
public struct Evaluator<State: StateReading> {
    let request: AccessRequest
    let evidence: Evidence
    /// ms since 1970.
    let now: UInt64
    let rules: Rules
    let state: TrackedState<State>
    /// What the peer has shown; nil without a route.
    let foreign: Result<PeerView, Finding>?
    /// What is recovering, and whose containment is therefore not asked about.
    let revalidating: Scope?

    /// - Parameters:
    ///   - state: at the head that the evidence speaks of.
    ///   - rules: those in force in the state.
    ///   - now: the evaluator's clock, ms since 1970.
    ///   - revalidating: something contained that is recovering: all is asked but whether this is contained, for a
    ///     decision to revalidate it.
    public static func evaluate(
        _ request: AccessRequest, state: State, rules: Rules, evidence: Evidence, now: UInt64,
        revalidating: Scope? = nil
    ) -> Decision {
        let tracked = TrackedState(state)
        let evaluator = Evaluator(
            request, state: tracked, rules: rules, evidence: evidence, now: now, revalidating: revalidating)
        return evaluator.decision()
    }

    private init(
        _ request: AccessRequest, state: TrackedState<State>, rules: Rules, evidence: Evidence, now: UInt64,
        revalidating: Scope?
    ) {
        (self.request, self.evidence, self.now, self.rules, self.state) = (request, evidence, now, rules, state)
        self.revalidating = revalidating
        foreign = request.route.map { route in
            Result { () throws(Finding) in
                try PeerView(evidence.peer, Self.peer(of: route, state, rules))
            }
        }
        // What the view of the peer rests on is counted with the checks that use it.
        _ = state.takeRead()
    }

    var bounds: PolicyBounds { rules.policy.boundsOfEvaluation }
    var origin: String { rules.policy.origin.text }

    private func decision() -> Decision {
        var results = [
            result(.initialization) { () throws(Finding) in try initialize() },
            result(.governanceAuthorization) { () throws(Finding) in try authorize() },
        ]
        for check in request.checks {
            results.append(result(check.step, check) { () throws(Finding) in try run(check) })
        }
        // Stable: within a step in the order of the checks.
        let sorted = DecisionStep.allCases.flatMap { step in results.filter { $0.step == step } }
        var isUnwitnessed = false
        if case .byNobody? = evidence.head?.witnesses { isUnwitnessed = true }
        return Decision(
            request: request, head: evidence.head?.head, time: now, results: sorted, isUnwitnessed: isUnwitnessed,
            peerProof: try? peerProof())
    }

    private func result(
        _ step: DecisionStep, _ check: CheckID? = nil, _ body: () throws(Finding) -> String
    ) -> CheckResult {
        var outcome = CheckOutcome.passed
        var detail = ""
        var mend = ""
        do throws(Finding) {
            detail = try body()
        } catch {
            if !Mutant.isOff(error, check: check?.rawValue ?? step.name) {
                (outcome, detail, mend) = (error.outcome, error.detail, error.mend)
            }
        }
        let read = state.takeRead()
        return CheckResult(
            check: check, step: step, outcome: outcome, detail: detail, mend: mend, entries: read.entries,
            keys: read.keys)
    }

    private func run(_ check: CheckID) throws(Finding) -> String {
        switch check {
        case .p1: try runtimeContinuity()
        case .p2: try policyCoordination()
        case .p3: try routing()
        // X4: "P4 holds for the runtime in the domain that enrolled it".
        case .p4, .m3, .x4: try runtimeIntegrity()
        case .p5: try telemetryContinuity()
        case .p6: try cryptographicSynchronization()
        case .p7, .m6: try auditSynchronization()
        case .p8, .m7: try stateConsistency()
        case .x1: try peerContinuity()
        case .x2: try routeInBothDomains()
        case .x3: try foreignSignatures()
        case .x5: try foreignStatementIsCovered()
        case .x6: try coordinationIntegrity()
        case .x7: try lineageAcrossDomains()
        case .x8: try foreignState()
        case .m1: try modelContinuity()
        case .m2: try modelPolicy()
        case .m4: try modelScope()
        case .m5: try modelSignatures()
        case .m8: try lineage()
        }
    }

    // MARK: Steps 1 and 2

    /// Step 1: there is a head to judge on, and the subject is somebody.
    private func initialize() throws(Finding) -> String {
        for doubt in evidence.doubts {
            switch doubt {
            case .clock(let why): throw .notEvaluable("the clock can't be trusted: \(why)", mend: "set the clock right")
            case .storage(let why): throw .notEvaluable(why, mend: "restart the gate on a sound disk")
            case .fork, .violation, .stateRoot: continue
            }
        }
        guard let head = evidence.head else {
            throw .notEvaluable("there is no verified head", mend: "let the gate follow the log")
        }
        let subject = request.access.subject
        guard !keysInForce(of: subject).isEmpty || foreign != nil else {
            // P6: "the keys of the grant's issuer and of the subject are enrolled and not revoked at the head".
            let wasEnrolled = !rules.keys.entries(of: subject).isEmpty
            throw .failed(
                wasEnrolled ? .cryptographicFailure : .governanceMismatch,
                "\(subject) is not enrolled, or all its keys have ended",
                mend: "enrol the subject: identity.enroll")
        }
        return "\(subject) at size \(head.head.size)"
    }

    /// Step 2: a grant covers it, and nothing that it touches is contained.
    private func authorize() throws(Finding) -> String {
        try checkNothingContained(in: fold, domain: "this domain")
        guard let grant = request.grant else {
            throw .failed(.governanceMismatch, "the request names no grant", mend: "ask with a grant: grant.issue")
        }
        // A grant of this log is read here; one of a peer's is proved by its state (X8), and its uses are counted here.
        let view = try foreign?.get()
        let chain: GrantChain
        do throws(AdmissionError) {
            if let view {
                chain = try GovernanceState<PeerView>(base: view, rules: view.rules).chain(grant)
            } else {
                chain = try fold.chain(grant)
            }
        } catch {
            throw Finding(error, .governanceMismatch)
        }
        if try isRunning(under: grant) {
            // Its own start took a use, which it still has.
            try checkInForce(chain, in: GovernanceState(base: OwnUseState(base: state), rules: rules))
        } else {
            try checkInForce(chain, in: fold)
        }
        return view.map { "\(grant) of \($0.record.peer.origin)" } ?? "\(grant)"
    }

    /// Whether the execution that is asked for was started under the grant and has not ended.
    private func isRunning(under grant: Hash) throws(Finding) -> Bool {
        guard let execution = request.execution,
            let record = try state.record(.execution(execution), ExecutionRecord.self), record.outcome == nil
        else { return false }
        switch record.start.permission {
        case .permit(let nonce): return try state.record(.decision(nonce), PermitRecord.self)?.grant == grant
        case .lease(let lease): return try state.record(.lease(lease), LeaseState.self)?.lease.grant == grant
        }
    }

    /// The rules of the fold over the state, as admission has them.
    var fold: GovernanceState<TrackedState<State>> { GovernanceState(base: state, rules: rules) }

    func checkInForce(_ chain: GrantChain, in fold: GovernanceState<some StateReading>) throws(Finding) {
        do throws(AdmissionError) {
            try fold.checkInForce(
                chain, for: request.access, model: request.model?.model, route: request.route, at: now)
        } catch {
            throw Finding(error, .governanceMismatch)
        }
    }

    func checkNothingContained(
        in fold: GovernanceState<some StateReading>, domain: String
    ) throws(Finding) {
        let scopes: [Scope]
        var found: (Scope, ContainmentRecord)?
        do throws(AdmissionError) {
            scopes = try fold.scopes(
                subject: request.access.subject, model: request.model?.model, route: request.route,
                execution: request.execution)
            for scope in scopes where found == nil {
                guard let record = try fold.record(.containment(scope), ContainmentRecord.self),
                    record.phase != .baseline
                else { continue }
                if scope == revalidating, record.phase == .recovering { continue }
                found = (scope, record)
            }
        } catch {
            throw Finding(error, .governanceMismatch)
        }
        guard let (scope, record) = found else { return }
        throw .failed(
            record.reason, "\(scope) is \(record.phase.rawValue) in \(domain), by entry \(record.index)",
            mend: record.phase == .revoked
                ? "nothing: trust that is revoked stays revoked"
                : "containment.recover, a decision to revalidate, containment.lift")
    }

    // MARK: Common questions

    func keysInForce(of issuer: String) -> [KeyDirectory.Entry] {
        rules.keys.entries(of: issuer).filter { $0.ending == nil }
    }

    /// How long ago, by the evaluator's clock. A time ahead of it by more than the policy's skew is not believed.
    func age(of time: UInt64, _ what: String) throws(Finding) -> UInt64 {
        guard time > now else { return now - time }
        guard time - now <= rules.policy.limits.maxSkew else {
            throw .notEvaluable(
                "\(what) is of \(time), \(time - now) ms ahead of the clock", mend: "set the clocks right")
        }
        return 0
    }

    /// The route's record and the peer at its other end.
    static func peer(
        of route: String, _ state: TrackedState<State>, _ rules: Rules
    ) throws(Finding) -> PeerRecord {
        guard let record = try state.record(.route(route), RouteRecord.self) else {
            throw .failed(.routingMismatch, "there is no route \(route)", mend: "open it: route.open")
        }
        let other = record.route.end(otherThan: rules.policy.origin.text)
        guard let peer = try state.record(.peer(other), PeerRecord.self), !peer.isExpelled else {
            throw .failed(.routingMismatch, "\(other) is no admitted peer", mend: "admit it: peer.admit")
        }
        return peer
    }
}

extension Finding {
    /// What a rule of admission says; a state that cannot be read is nobody's fault and decides nothing.
    init(_ error: AdmissionError, _ reason: ContainmentReason, mend: String = "") {
        switch error {
        case .storage(let detail): self = .notEvaluable(detail, mend: "read the state again")
        case .rule(let violation):
            self = .failed(reason, "\(violation)", mend: mend.isEmpty ? violation.rule.mend : mend)
        default: self = .failed(reason, "\(error)", mend: mend)
        }
    }
}

extension Rule {
    /// What would let a request pass that the rule stopped.
    fileprivate var mend: String {
        switch self {
        case .unknownGrant, .grantRevoked, .grantCover: "issue a grant that covers it: grant.issue"
        case .grantWindow: "ask within the grant's window, or issue another grant"
        case .grantUses: "issue another grant: its uses are gone"
        case .unknownModel: "register the model: model.register"
        case .modelEnded: "use a version that is neither retired nor revoked"
        case .modelApproval: "approve the model under the policy in force: model.approve"
        case .modelScope: "ask for an action and a purpose in the model's scope"
        case .unknownRoute: "open a route for the action: route.open"
        case .unknownPeer: "admit the peer: peer.admit"
        default: ""
        }
    }
}

/// The state as it is for an execution that runs: what it has taken of a counted grant is not gone for itself.
struct OwnUseState<Base: StateReading>: StateReading {
    let base: Base

    func value(_ key: StateKey) throws -> [UInt8]? {
        guard key.kind == "uses", let bytes = try base.value(key) else { return try base.value(key) }
        var uses = try UsesRecord(decoding: bytes)
        uses.used -= min(uses.used, 1)
        return uses.encoded()
    }
}
