internal import COSE
internal import Tlog

extension GovernanceState {
    mutating func apply(_ data: PeerAdmit, _ place: StatementPlace) throws(AdmissionError) {
        guard !data.origin.hasSameUTF8(as: rules.policy.origin.text) else {
            throw .rule(.peerKnown, "\(data.origin) is this domain", setBy: rules.policyIndex)
        }
        if let known = try record(.peer(data.origin), PeerRecord.self) {
            throw .rule(.peerKnown, data.origin, setBy: known.index)
        }
        set(.peer(data.origin), PeerRecord(index: place.index, peer: data))
    }

    mutating func apply(_ data: PeerHead, _ place: StatementPlace) throws(AdmissionError) {
        var record = try peer(data.origin)
        let checkpoint = try verified(data, record)
        let proof = ConsistencyProof(
            oldSize: record.head.size, newSize: checkpoint.size, path: data.consistency)
        do {
            try proof.verify(oldRoot: record.head.root, newRoot: checkpoint.root)
        } catch {
            throw .rule(.peerFork, "\(data.origin): \(error)", setBy: record.index)
        }
        record.head = checkpoint.treeHead
        record.headTime = place.batchTime
        record.index = place.index
        set(.peer(data.origin), record)
    }

    /// The checkpoint, if it is the peer's, under its key and its witnesses' quorum.
    private func verified(_ data: PeerHead, _ record: PeerRecord) throws(AdmissionError) -> Checkpoint {
        do {
            let signed = try SignedCheckpoint(parsing: data.checkpoint)
            guard signed.checkpoint.origin.text.hasSameUTF8(as: data.origin) else {
                throw AdmissionError.rule(.peerHead, "of \(signed.checkpoint.origin)", setBy: record.index)
            }
            let policy = try TlogPolicy(parsing: Array(record.peer.policy.utf8))
            return try policy.verify(signed).checkpoint
        } catch let error as AdmissionError {
            throw error
        } catch {
            throw .rule(.peerHead, "\(data.origin): \(error)", setBy: record.index)
        }
    }

    mutating func apply(_ data: PeerExpel, _ place: StatementPlace) throws(AdmissionError) {
        var record = try peer(data.origin)
        record.isExpelled = true
        record.index = place.index
        set(.peer(data.origin), record)
    }

    func peer(_ origin: String) throws(AdmissionError) -> PeerRecord {
        guard let record = try record(.peer(origin), PeerRecord.self), !record.isExpelled else {
            throw .rule(.unknownPeer, origin, setBy: nil)
        }
        return record
    }

    mutating func apply(_ data: RouteOpen, _ place: StatementPlace) throws(AdmissionError) {
        let origin = rules.policy.origin.text
        let isFromHere = data.from.hasSameUTF8(as: origin)
        guard isFromHere != data.to.hasSameUTF8(as: origin) else {
            throw .rule(.routeEnds, "\(data.from) and \(data.to)", setBy: rules.policyIndex)
        }
        _ = try peer(isFromHere ? data.to : data.from)
        let key = StateKey.route(data.route)
        let known = try record(key, RouteRecord.self)
        guard let phase = PhaseTable.route.phase(after: .open, in: known?.phase ?? .baseline) else {
            throw .rule(.routeKnown, data.route, setBy: known?.index)
        }
        set(key, RouteRecord(index: place.index, route: data, phase: phase))
    }

    mutating func apply(_ data: RouteClose, _ place: StatementPlace) throws(AdmissionError) {
        let key = StateKey.route(data.route)
        guard var known = try record(key, RouteRecord.self),
            let phase = PhaseTable.route.phase(after: .close, in: known.phase)
        else { throw .rule(.unknownRoute, data.route, setBy: nil) }
        known.phase = phase
        known.index = place.index
        set(key, known)
    }

    /// Whether a route is open for an action, between this domain and an admitted peer.
    func checkOpen(_ route: String, for action: String) throws(AdmissionError) {
        guard let record = try record(.route(route), RouteRecord.self), record.phase == .activated else {
            throw .rule(.unknownRoute, "closed: \(route)", setBy: nil)
        }
        guard record.route.actions.contains(where: action.hasSameUTF8) else {
            throw .rule(.unknownRoute, "action \(action) on \(route)", setBy: record.index)
        }
        _ = try peer(record.route.end(otherThan: rules.policy.origin.text))
    }
}
