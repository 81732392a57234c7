internal import COSE
internal import Tlog

extension GovernanceState {
    mutating func apply(_ data: DecisionRecord, _ place: StatementPlace) throws(AdmissionError) {
        try checkHead(data.head, place)
        try checkUnmoved(data.reliesOn, since: data.head.size)
        let key = StateKey.decision(data.nonce)
        if let seen = try record(key, PermitRecord.self) {
            throw .rule(.nonceSeen, Hex.encode(data.nonce), setBy: seen.index)
        }
        var peer: String?
        switch data.outcome {
        case .permit: peer = try permit(data, place)
        case .contain: try drift(data, place)
        case .revalidate: if let scope = data.scope { try move(scope, .revalidate, place) }
        }
        set(key, PermitRecord(index: place.index, entry: place.leafHash, decision: data, peer: peer))
    }

    /// A decision is judged on a head that the log had before its batch.
    private func checkHead(_ head: TreeHead, _ place: StatementPlace) throws(AdmissionError) {
        guard head.size > 0, head.size <= batchStart ?? place.index else {
            throw .rule(.headUnknown, "size \(head.size)", setBy: nil)
        }
        let known: SealedRoot
        do { known = try sealedRoot(at: head.size) } catch { throw .storage("\(error)") }
        switch known {
        case .unknown, .root(head.root): return
        case .notSealed: throw .rule(.headUnknown, "size \(head.size) ends with no seal", setBy: nil)
        case .root(let root):
            throw .rule(.headUnknown, "root \(head.root) at size \(head.size), not \(root)", setBy: nil)
        }
    }

    private func checkUnmoved(_ keys: [StateKey], since size: UInt64) throws(AdmissionError) {
        for key in keys {
            guard let bytes = try bytes(key) else { continue }
            guard let changed = StateKey.lastChange(of: bytes) else {
                throw .rule(.stateMoved, "\(key) does not say when it changed", setBy: nil)
            }
            guard changed < size else { throw .rule(.stateMoved, "\(key) since size \(size)", setBy: changed) }
        }
    }

    /// - Returns: the origin of the peer whose grant it is; nil for a grant of this log.
    private mutating func permit(_ data: DecisionRecord, _ place: StatementPlace) throws(AdmissionError) -> String? {
        try checkExpiry(data.expires, within: rules.policy.rulesOfGovernance.maxPermit, place)
        // A grant of a peer's is no value of this state: what can change here is the route.
        let rest = data.peerProof == nil ? data.grant.map(StateKey.grant) : data.route.map(StateKey.route)
        guard let grant = data.grant, let rest, data.reliesOn.contains(rest) else {
            throw .rule(.reliesOnNothing, data.grant?.hex ?? "no grant", setBy: nil)
        }
        try checkFree(
            subject: data.access.subject, model: data.model, route: data.route, execution: data.execution)
        if data.peerProof == nil {
            try checkInForce(chain(grant), for: data.access, model: data.model, route: data.route, at: place.batchTime)
        }
        if let model = data.model {
            try checkUsable(model, action: data.access.action, purpose: data.purpose ?? "")
        }
        guard let route = data.route else { return nil }
        try checkOpen(route, for: data.access.action)
        guard let proof = data.peerProof else { return nil }
        return try permit(data, on: grant, by: route, proof, place)
    }

    private func checkExpiry(
        _ expires: UInt64, within longest: UInt64, _ place: StatementPlace
    ) throws(AdmissionError) {
        guard place.batchTime <= expires else {
            throw .rule(.expired, "at \(expires), it is \(place.batchTime)", setBy: nil)
        }
        guard expires - place.batchTime <= longest else {
            throw .rule(.expiryTooLate, "\(expires - place.batchTime) ms, not \(longest)", setBy: rules.policyIndex)
        }
    }

    /// A decision to contain something that runs says that it drifted.
    private mutating func drift(_ data: DecisionRecord, _ place: StatementPlace) throws(AdmissionError) {
        guard let execution = data.execution, var record = try record(.execution(execution), ExecutionRecord.self),
            PhaseTable.execution.phase(after: .drift, in: record.phase) != nil, !Mutant.isOff("effect/drift")
        else { return }
        try move(&record, .drift, place)
        set(.execution(execution), record)
    }

    /// "Where an action can't wait for a head, the policy may allow a lease".
    mutating func apply(_ data: LeaseRecord, _ place: StatementPlace) throws(AdmissionError) {
        let longest = rules.policy.rulesOfGovernance.maxLease
        guard longest > 0 else { throw .rule(.leaseNotAllowed, place.issuer, setBy: rules.policyIndex) }
        try checkExpiry(data.expires, within: longest, place)
        try checkFree(subject: data.access.subject, model: nil, route: nil, execution: nil)
        let chain = try chain(data.grant)
        // "never for counted grants"
        if chain.isCounted { throw .rule(.leaseCounted, "\(data.grant)", setBy: chain.links[0].record.index) }
        try checkInForce(chain, for: data.access, model: nil, route: nil, at: place.batchTime)
        set(.lease(place.leafHash), LeaseState(index: place.index, lease: data))
    }
}

extension StateKey {
    /// The index of the entry that changed a value last, which every value says but the number of an issuer's streams.
    static func lastChange(of value: [UInt8]) -> UInt64? {
        switch try? CBOR(decoding: value) {
        case .map(let map)?: map["index"]?.unsignedValue
        case .array(let parts)? where parts.count == 3: parts[2].unsignedValue
        default: nil
        }
    }
}
