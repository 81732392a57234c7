internal import COSE
internal import Tlog

extension GovernanceState {
    mutating func apply(_ data: ExecutionStart, _ place: StatementPlace) throws(AdmissionError) {
        let origin = rules.policy.origin.text
        guard data.execution.home.hasSameUTF8(as: origin) else {
            throw .rule(.notHome, "\(data.execution.home), not \(origin)", setBy: rules.policyIndex)
        }
        let key = StateKey.execution(data.execution)
        if let known = try record(key, ExecutionRecord.self) {
            throw .rule(.executionKnown, data.execution.id, setBy: known.index)
        }
        try checkParents(data)
        let permission = try permission(of: data, place)
        guard permission.access.subject.hasSameUTF8(as: place.issuer) else {
            throw .rule(.permitMismatch, "subject \(permission.access.subject)", setBy: permission.index)
        }
        try checkFree(
            subject: place.issuer, model: data.model, route: permission.route, execution: data.execution)
        let chain = try chain(of: permission, place)
        try checkInForce(chain, for: permission.access, model: data.model, route: permission.route, at: place.batchTime)
        if let model = data.model {
            try checkUsable(model, action: permission.access.action, purpose: permission.purpose ?? "")
        }
        if let route = permission.route { try checkOpen(route, for: permission.access.action) }
        try take(1, of: chain, place)
        try usePermit(data, place)
        var record = ExecutionRecord(
            index: place.index, entry: place.leafHash, subject: place.issuer, start: data, route: permission.route,
            phase: .baseline)
        try move(&record, .permit, place)
        try move(&record, .start, place)
        set(key, record)
    }

    mutating func apply(_ data: ExecutionStep, _ place: StatementPlace) throws(AdmissionError) {
        var record = try running(data.execution, place)
        try checkFree(
            subject: place.issuer, model: record.start.model, route: record.route, execution: nil)
        let newest = record.index
        try move(&record, .step, place)
        guard data.step == record.steps else {
            throw .rule(.stepOrder, "\(data.step), not \(record.steps)", setBy: newest)
        }
        record.steps += 1
        set(.execution(data.execution), record)
    }

    mutating func apply(_ data: ExecutionFinish, _ place: StatementPlace) throws(AdmissionError) {
        var record = try running(data.execution, place)
        if data.outcome == .executed {
            try checkFree(
                subject: place.issuer, model: record.start.model, route: record.route, execution: nil)
        }
        try move(&record, data.outcome == .executed ? .finish : .stop, place)
        record.outcome = data.outcome
        set(.execution(data.execution), record)
    }

    private func running(
        _ execution: ExecutionID, _ place: StatementPlace
    ) throws(AdmissionError) -> ExecutionRecord {
        guard let record = try record(.execution(execution), ExecutionRecord.self) else {
            throw .rule(.unknownExecution, execution.id, setBy: nil)
        }
        guard record.subject.hasSameUTF8(as: place.issuer) else {
            throw .rule(.executionSubject, record.subject, setBy: record.index)
        }
        return record
    }

    /// A parent of this domain was started before; one of another domain is at home with an admitted peer.
    private func checkParents(_ data: ExecutionStart) throws(AdmissionError) {
        for parent in data.parents {
            if parent.home.hasSameUTF8(as: rules.policy.origin.text) {
                guard try bytes(.execution(parent)) != nil else {
                    throw .rule(.unknownParent, "here: \(parent.id)", setBy: nil)
                }
            } else {
                guard let peer = try record(.peer(parent.home), PeerRecord.self), !peer.isExpelled else {
                    throw .rule(.unknownParent, "elsewhere: \(parent.home) \(parent.id)", setBy: nil)
                }
            }
        }
    }

    /// What a start may do, from its permit or its lease.
    private struct Permitted {
        let access: Access
        let grant: Hash
        let purpose: String?
        let route: String?
        var isPeers = false
        let index: UInt64
    }

    private func chain(of permission: Permitted, _ place: StatementPlace) throws(AdmissionError) -> GrantChain {
        guard permission.isPeers, let route = permission.route else { return try chain(permission.grant) }
        return try shownGrant(permission.grant, by: route, place)
    }

    private func permission(of data: ExecutionStart, _ place: StatementPlace) throws(AdmissionError) -> Permitted {
        switch data.permission {
        case .permit(let nonce):
            guard let permit = try record(.decision(nonce), PermitRecord.self), permit.outcome == .permit,
                let grant = permit.grant
            else { throw .rule(.unknownPermit, "permit \(Hex.encode(nonce))", setBy: nil) }
            // "execution.start names one permit, once"
            if let usedBy = permit.usedBy { throw .rule(.permitUsed, Hex.encode(nonce), setBy: usedBy) }
            try checkCurrent("permit", permit.expires, setBy: permit.index, place)
            guard permit.model == data.model else { throw .rule(.permitMismatch, "model", setBy: permit.index) }
            if let execution = permit.execution, execution != data.execution {
                throw .rule(.permitMismatch, "execution \(execution.id)", setBy: permit.index)
            }
            return Permitted(
                access: permit.access, grant: grant, purpose: permit.purpose, route: permit.route,
                isPeers: permit.peer != nil, index: permit.index)
        case .lease(let id):
            guard let state = try record(.lease(id), LeaseState.self) else {
                throw .rule(.unknownPermit, "lease \(id)", setBy: nil)
            }
            try checkCurrent("lease", state.lease.expires, setBy: state.index, place)
            // A lease names no model, so nothing is known of what it would be used for.
            if data.model != nil { throw .rule(.permitMismatch, "leases name no model", setBy: state.index) }
            return Permitted(
                access: state.lease.access, grant: state.lease.grant, purpose: nil, route: nil, index: state.index)
        }
    }

    private func checkCurrent(
        _ what: String, _ expires: UInt64, setBy: UInt64, _ place: StatementPlace
    ) throws(AdmissionError) {
        guard place.batchTime <= expires else {
            throw .rule(.expired, "\(what) at \(expires), it is \(place.batchTime)", setBy: setBy)
        }
    }

    private mutating func usePermit(_ data: ExecutionStart, _ place: StatementPlace) throws(AdmissionError) {
        guard case .permit(let nonce) = data.permission,
            var permit = try record(.decision(nonce), PermitRecord.self)
        else { return }
        if Mutant.isOff("effect/use-permit") { return }
        permit.usedBy = place.index
        permit.index = place.index
        set(.decision(nonce), permit)
    }
}
