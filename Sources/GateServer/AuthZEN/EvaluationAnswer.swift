internal import Gate
internal import Governance
internal import Tlog

/// An access evaluation response: the decision, and in its context what it rests on (AuthZEN, section 6.2).
struct EvaluationAnswer: Sendable {
    let decision: Bool
    let json: JSON

    /// A permit, after all ten steps.
    init(_ permit: RecordedPermit) {
        var context = Self.context(permit.decision)
        context.append(JSONMember("steps", Self.steps(permit.decision, persisted: .passed, audited: .passed)))
        context.append(JSONMember("recorded", Self.recorded(permit.entry, permit.index, permit.head)))
        switch permit.permission {
        case .permit(let nonce):
            context.append(
                JSONMember("permit", ["nonce": .string(Hex.encode(nonce)), "expires": JSON(permit.expires)]))
        case .lease(let lease):
            context.append(JSONMember("lease", ["entry": .string(lease.hex), "expires": JSON(permit.expires)]))
        }
        self.init(true, context)
    }

    /// A decision that was recorded and permits nothing by itself: a revalidation.
    init(revalidated decision: Decision, recorded: RegisteredStatement) {
        var context = Self.context(decision)
        context.append(JSONMember("steps", Self.steps(decision, persisted: .passed, audited: .passed)))
        context.append(JSONMember("recorded", Self.recorded(recorded.entry, recorded.index, recorded.head)))
        self.init(true, context)
    }

    /// Why there is no permit: "Decisions default to *closed* (i.e. `false`)".
    init(_ error: GateError) {
        var context: [JSONMember] = []
        var reason = error.reason
        var words = "\(error)"
        switch error {
        case .refused(let decision, let recorded):
            context = Self.context(decision)
            let outcome: CheckOutcome = recorded == nil ? .notEvaluable : .passed
            context.append(JSONMember("steps", Self.steps(decision, persisted: outcome, audited: outcome)))
            context.append(
                JSONMember(
                    "recorded", recorded.map { Self.recorded($0.entry, $0.index, $0.head) } ?? .null))
            reason = decision.reason?.rawValue ?? reason
            words = decision.failures.first?.detail ?? words
        case .notAdmitted(let decision, _, _):
            context = Self.context(decision)
            let steps = Self.steps(decision, persisted: .failed(.governanceMismatch), audited: .notEvaluable)
            context.append(JSONMember("steps", steps))
            context.append(JSONMember("recorded", .null))
        case .unreachable, .ended:
            context.append(JSONMember("error", ["status": 503, "message": .string(words)]))
        case .notVerified, .stream, .logRefused:
            context.append(JSONMember("error", ["status": 500, "message": .string(words)]))
        }
        context.insert(JSONMember("reason", .string(reason)), at: 0)
        // "reason_admin: the reason, which MUST NOT be shared with the user"; "reason_user: […] which MAY be shared".
        context.append(JSONMember("reason_admin", ["en": .string(words)]))
        context.append(JSONMember("reason_user", ["en": .string("not permitted: \(reason)")]))
        self.init(false, context)
    }

    /// A request that could not be read, among others that could (AuthZEN 7.2.1).
    init(_ fault: RequestFault) {
        self.init(false, [JSONMember("error", ["status": 400, "message": .string(fault.description)])])
    }

    private init(_ decision: Bool, _ context: [JSONMember]) {
        self.decision = decision
        json = ["decision": .bool(decision), "context": .object(context)]
    }

    // MARK: Parts

    private static func context(_ decision: Decision) -> [JSONMember] {
        var members = [
            JSONMember("id", .string(decision.digest.hex)), JSONMember("time", JSON(decision.time)),
            JSONMember("request", .string(decision.request.digest.hex)),
        ]
        if let head = decision.head {
            members.append(
                JSONMember(
                    "head",
                    [
                        "size": JSON(head.size), "root": .string(head.root.hex),
                        "unwitnessed": .bool(decision.isUnwitnessed),
                    ]))
        }
        if !decision.failures.isEmpty {
            members.append(JSONMember("failed", .array(decision.failures.map(Self.failure))))
        }
        return members
    }

    private static func failure(_ result: CheckResult) -> JSON {
        var members: [JSONMember] = []
        if let check = result.check {
            members.append(JSONMember("check", .string(check.rawValue)))
            members.append(JSONMember("clause", .string(check.clause)))
        }
        members += [
            JSONMember("step", JSON(UInt64(result.step.rawValue))),
            JSONMember("outcome", .string(result.outcome.text)),
            JSONMember("reason", .string(result.outcome.reason?.rawValue ?? "")),
            JSONMember("detail", .string(result.detail)), JSONMember("mend", .string(result.mend)),
            JSONMember("entries", .array(result.entries.map { JSON($0) })),
        ]
        return .object(members)
    }

    /// All ten, in order.
    private static func steps(_ decision: Decision, persisted: CheckOutcome, audited: CheckOutcome) -> JSON {
        let all = decision.steps + [(.immutablePersistence, persisted), (.auditContinuity, audited)]
        return .array(
            all.map { step, outcome in
                [
                    "step": JSON(UInt64(step.rawValue)), "name": .string(step.name), "outcome": .string(outcome.text),
                ]
            })
    }

    private static func recorded(_ entry: Hash, _ index: UInt64, _ head: TreeHead) -> JSON {
        [
            "index": JSON(index), "entry": .string(entry.hex),
            "head": ["size": JSON(head.size), "root": .string(head.root.hex)],
        ]
    }
}
