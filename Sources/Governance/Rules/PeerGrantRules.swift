internal import COSE
internal import Tlog

/// What is asked of a grant that is another domain's: by the evaluation, and by admission with the same code.
struct PeerGrantUse {
    let grant: Hash
    let access: Access
    let model: ModelVersion?
    let route: RouteRecord
    let execution: ExecutionID?
}

extension GovernanceState {
    /// A permit on a grant of a peer's: the proof that it carries is verified as an evaluation verifies it, and what it
    /// shows of the grant is kept for the start.
    mutating func permit(
        _ data: DecisionRecord, on grant: Hash, by route: String, _ proof: [UInt8], _ place: StatementPlace
    ) throws(AdmissionError) -> String {
        let (route, peer) = try routeAndPeer(route)
        let view: PeerView
        do throws(Finding) {
            view = try PeerView(decoding: proof, peer)
            try view.checkStateWitnesses()
        } catch {
            throw .rule(.peerProof, error.detail, setBy: peer.index)
        }
        try checkAge(of: peer, route, place)
        let use = PeerGrantUse(
            grant: grant, access: data.access, model: data.model, route: route, execution: data.execution)
        let chain: GrantChain
        do throws(AdmissionError) {
            chain = try GovernanceState<PeerView>(base: view, rules: view.rules)
                .shownGrant(use, to: rules.policy.origin.text)
        } catch {
            throw error.there(peer)
        }
        let record = PeerGrantRecord(index: place.index, origin: peer.peer.origin, head: peer.head, chain)
        try checkInForce(
            record.chain, for: data.access, model: data.model, route: data.route, at: place.batchTime)
        set(.peerGrant(grant), record)
        return peer.peer.origin
    }

    /// The grant and what it comes from, as this state, a peer's, has them, if the domain may use it: the route is open
    /// there too, with the same ends; nothing is contained there; counted uses are allotted to the domain.
    func shownGrant(_ use: PeerGrantUse, to domain: String) throws(AdmissionError) -> GrantChain {
        let route = use.route.route
        guard let theirs = try record(.route(route.route), RouteRecord.self), theirs.phase == .activated,
            theirs.route.from.hasSameUTF8(as: route.from), theirs.route.to.hasSameUTF8(as: route.to),
            theirs.route.actions.contains(where: use.access.action.hasSameUTF8)
        else { throw .rule(.unknownRoute, route.route, setBy: nil) }
        try checkFree(
            subject: use.access.subject, model: use.model, route: route.route, execution: use.execution)
        let chain = try chain(use.grant)
        try checkUnrevoked(chain)
        guard !chain.isCounted || chain.isAllotted(to: domain) else {
            throw .rule(.grantUses, "\(use.grant): its uses are not allotted to \(domain)", setBy: nil)
        }
        return chain
    }

    /// The grant that a permit was given on, at a start: nothing newer of the peer's is known here than what showed it.
    func shownGrant(_ grant: Hash, by route: String, _ place: StatementPlace) throws(AdmissionError) -> GrantChain {
        let (route, peer) = try routeAndPeer(route)
        guard let record = try record(.peerGrant(grant), PeerGrantRecord.self),
            record.origin.hasSameUTF8(as: peer.peer.origin)
        else { throw .rule(.unknownGrant, "\(grant) of \(peer.peer.origin)", setBy: nil) }
        guard record.head == peer.head else {
            throw .rule(.peerMoved, "from size \(record.head.size) to \(peer.head.size)", setBy: peer.index)
        }
        try checkAge(of: peer, route, place)
        return record.chain
    }

    private func checkAge(
        of peer: PeerRecord, _ route: RouteRecord, _ place: StatementPlace
    ) throws(AdmissionError) {
        let age = place.batchTime - min(peer.headTime, place.batchTime)
        guard age <= route.route.maxPeerAge else {
            throw .rule(.peerAge, "\(age) ms, not \(route.route.maxPeerAge)", setBy: peer.index)
        }
    }

    /// A route that is open, and the peer at its other end.
    private func routeAndPeer(_ name: String) throws(AdmissionError) -> (RouteRecord, PeerRecord) {
        guard let route = try record(.route(name), RouteRecord.self) else {
            throw .rule(.unknownRoute, name, setBy: nil)
        }
        return (route, try peer(route.route.end(otherThan: rules.policy.origin.text)))
    }
}

extension GrantChain {
    /// Whether uses of it are counted in the log of a domain.
    func isAllotted(to domain: String) -> Bool {
        links.first?.conditions.domain.map(domain.hasSameUTF8) ?? false
    }
}

extension RouteOpen {
    /// The domain at the other end.
    func end(otherThan origin: String) -> String { from.hasSameUTF8(as: origin) ? to : from }
}

extension AdmissionError {
    /// The same, found in what was shown of a peer's state. What was not shown, or is no record, is a fault of the proof.
    fileprivate func there(_ peer: PeerRecord) -> AdmissionError {
        switch self {
        case .rule(let violation): .rule(violation.rule, "there: \(violation.subject)", setBy: peer.index)
        default: .rule(.peerProof, "there: \(self)", setBy: peer.index)
        }
    }
}
