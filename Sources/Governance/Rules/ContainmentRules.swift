internal import COSE
internal import Tlog

extension GovernanceState {
    mutating func apply(_ data: ContainmentEnter, _ place: StatementPlace) throws(AdmissionError) {
        try move(data.scope, .contain, reason: data.reason, place)
    }

    mutating func apply(_ data: ContainmentRecover, _ place: StatementPlace) throws(AdmissionError) {
        try move(data.scope, .recover, place)
    }

    mutating func apply(_ data: ContainmentLift, _ place: StatementPlace) throws(AdmissionError) {
        try move(data.scope, .lift, place)
    }

    mutating func apply(_ data: TrustRevoke, _ place: StatementPlace) throws(AdmissionError) {
        try move(data.scope, .revoke, reason: data.reason, place)
    }

    /// Moves a scope, and the execution that it names if there is one, through their tables.
    mutating func move(
        _ scope: Scope, _ event: PhaseEvent, reason: ContainmentReason? = nil, _ place: StatementPlace
    ) throws(AdmissionError) {
        let key = StateKey.containment(scope)
        let record = try record(key, ContainmentRecord.self)
        if record?.phase == .revoked { throw .rule(.trustRevoked, "\(scope)", setBy: record?.index) }
        let phase = record?.phase ?? .baseline
        guard let next = PhaseTable.containment.phase(after: event, in: phase),
            let reason = reason ?? record?.reason
        else { throw .rule(.transition, "\(scope): \(event.rawValue) in \(phase.rawValue)", setBy: record?.index) }
        if case .execution(let execution) = scope,
            var running = try self.record(.execution(execution), ExecutionRecord.self)
        {
            try move(&running, event, place)
            if !Mutant.isOff("effect/containment-moves-execution") { set(.execution(execution), running) }
        }
        set(key, ContainmentRecord(index: place.index, phase: next, reason: reason))
    }

    func move(
        _ execution: inout ExecutionRecord, _ event: PhaseEvent, _ place: StatementPlace
    ) throws(AdmissionError) {
        guard let next = PhaseTable.execution.phase(after: event, in: execution.phase) else {
            throw .rule(
                .transition,
                "execution \(execution.start.execution.id): \(event.rawValue) in \(execution.phase.rawValue)",
                setBy: execution.index)
        }
        execution.phase = next
        execution.index = place.index
    }

    /// Throws if any of these is contained, or its trust revoked.
    func checkFree(
        subject: String, model: ModelVersion?, route: String?, execution: ExecutionID?
    ) throws(AdmissionError) {
        for scope in try scopes(subject: subject, model: model, route: route, execution: execution) {
            guard let record = try record(.containment(scope), ContainmentRecord.self), record.phase != .baseline else {
                continue
            }
            throw .rule(record.phase == .revoked ? .trustRevoked : .contained, "\(scope)", setBy: record.index)
        }
    }

    /// What a containment of would stop a request: the domain itself, who asks, and what it names.
    func scopes(
        subject: String, model: ModelVersion?, route: String?, execution: ExecutionID?
    ) throws(AdmissionError) -> [Scope] {
        var scopes: [Scope] = [.domain(rules.policy.origin.text), .runtime(subject)]
        if let model { scopes.append(.model(model)) }
        if let route {
            scopes.append(.route(route))
            if let ends = try record(.route(route), RouteRecord.self)?.route {
                scopes += [.domain(ends.from), .domain(ends.to)]
            }
        }
        if let execution { scopes.append(.execution(execution)) }
        return scopes
    }
}
