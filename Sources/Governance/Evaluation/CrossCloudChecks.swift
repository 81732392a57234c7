internal import COSE
internal import Tlog

/// Profile `cross-cloud`, EG-INTEROP-002: a request that uses something of a peer's.
extension Evaluator {
    /// X1: "every recorded head of the peer extends the one before it, and the newest is younger than the route's
    /// `maxPeerAge`". A head that does not extend the one before it is never admitted.
    func peerContinuity() throws(Finding) -> String {
        let (route, peer) = try routeAndPeer()
        guard peer.head.size > 0 else {
            throw .notEvaluable("no head of \(peer.peer.origin) is recorded", mend: "record one: peer.head")
        }
        let age = try age(of: peer.headTime, "the peer's newest recorded head")
        guard age <= route.route.maxPeerAge else {
            throw .failed(
                .synchronizationInterrupted,
                "the newest recorded head of \(peer.peer.origin) is \(age) ms old; the route allows "
                    + "\(route.route.maxPeerAge)",
                mend: "record a newer head: peer.head")
        }
        return "\(peer.peer.origin) at size \(peer.head.size), \(age) ms ago"
    }

    /// X2: "both domains' policies in force open the route for the action".
    func routeInBothDomains() throws(Finding) -> String {
        let (route, peer) = try routeAndPeer()
        try checkOpen(route, in: origin)
        let view = try view()
        guard let theirs = try tracked(view).record(.route(route.route.route), RouteRecord.self) else {
            throw .failed(
                .routingMismatch, "\(peer.peer.origin) has no route \(route.route.route)",
                mend: "let the peer open it: route.open")
        }
        try checkOpen(theirs, in: peer.peer.origin)
        guard theirs.route.from.hasSameUTF8(as: route.route.from), theirs.route.to.hasSameUTF8(as: route.route.to)
        else {
            throw .failed(
                .routingMismatch, "\(route.route.route) leads elsewhere in the policy of \(peer.peer.origin)",
                mend: "open a route with the same ends in both domains")
        }
        return route.route.route
    }

    private func checkOpen(_ record: RouteRecord, in domain: String) throws(Finding) {
        guard record.phase == .activated else {
            throw .failed(
                .routingMismatch, "\(record.route.route) is not open in \(domain)", mend: "open it: route.open")
        }
        guard record.route.actions.contains(where: request.access.action.hasSameUTF8) else {
            throw .failed(
                .routingMismatch, "\(record.route.route) does not carry \(request.access.action) in \(domain)",
                mend: "open a route for the action: route.open")
        }
    }

    /// X3: "the peer's head verifies under the keys and the witness quorum that the route names; the foreign statement's
    /// signature verifies and a state witness of the peer vouches for its admission".
    func foreignSignatures() throws(Finding) -> String {
        let view = try view()
        let (statement, _) = try foreignStatement(view)
        let issuer = statement.header.issuer
        guard let keyID = Hash(statement.header.keyID) else {
            throw .failed(.cryptographicFailure, "the statement names no key", mend: "carry the statement itself")
        }
        let key: COSEKey
        if let authority = view.rules.keys[keyID], authority.isAuthority {
            key = authority.key
        } else if let identity = try tracked(view).record(
            .identity(issuer: issuer, keyID: keyID), IdentityRecord.self)
        {
            guard identity.ending != .revoked else {
                throw .failed(.cryptographicFailure, "the key of \(issuer) is revoked", mend: "use another grant")
            }
            key = COSEKey(identity.key)
        } else {
            throw .failed(
                .cryptographicFailure, "\(issuer) is not enrolled at \(view.record.peer.origin)",
                mend: "use a grant of an enrolled issuer")
        }
        do { try statement.verify(key) } catch {
            throw .failed(.cryptographicFailure, "the foreign statement: \(error)", mend: "carry the statement itself")
        }
        try view.checkStateWitnesses()
        return "\(issuer), \(statement.leafHash)"
    }

    /// X5: "a head of the peer that covers the foreign statement is itself an entry in this domain's log". The evidence
    /// is held to the recorded head when it is read; here the statement is.
    func foreignStatementIsCovered() throws(Finding) -> String {
        let view = try view()
        let (_, index) = try foreignStatement(view)
        return "entry \(index) of \(view.record.head.size), head recorded by entry \(view.record.index)"
    }

    /// X6: "the execution's home is this domain, counted uses come from an allotment to this domain registered in the
    /// issuing log, and neither domain holds a containment over the execution, its runtime, its model or its route".
    func coordinationIntegrity() throws(Finding) -> String {
        if let execution = request.execution, !execution.home.hasSameUTF8(as: origin) {
            throw .failed(
                .coordinationInconsistent, "the execution is at home at \(execution.home), not here",
                mend: "ask the gate of its home")
        }
        let view = try view()
        if let grant = request.grant {
            let fold = GovernanceState(base: tracked(view), rules: view.rules)
            let chain: GrantChain
            do { chain = try fold.chain(grant) } catch { throw Finding(error, .coordinationInconsistent) }
            guard !chain.isCounted || chain.isAllotted(to: origin) else {
                throw .failed(
                    .coordinationInconsistent, "the uses of \(grant) are counted and not allotted to this domain",
                    mend: "let its issuer allot uses: grant.issue with domain \(origin)")
            }
        }
        try checkNothingContained(in: fold, domain: "this domain")
        try checkNothingContained(
            in: GovernanceState(base: tracked(view), rules: view.rules), domain: view.record.peer.origin)
        return "at home, allotted, and contained by neither"
    }

    /// X7: "every parent that the execution names is an entry of one of the two logs, at a lower index or under an older
    /// head".
    func lineageAcrossDomains() throws(Finding) -> String {
        let view = try view()
        for parent in request.parents {
            if parent.home.hasSameUTF8(as: origin) {
                try checkParent(parent, in: state)
            } else if parent.home.hasSameUTF8(as: view.record.peer.origin) {
                try checkParent(parent, in: tracked(view))
            } else {
                throw .failed(
                    .auditDiscontinuity, "the parent \(parent.id) is of \(parent.home), which is neither domain",
                    mend: "name parents of the two domains")
            }
        }
        return "\(request.parents.count) parents"
    }

    /// X8: "the state proof taken from the peer (the foreign grant is in force, not revoked) verifies against the seal of
    /// a peer's head that its state witnesses cosigned".
    func foreignState() throws(Finding) -> String {
        let view = try view()
        guard let grant = request.grant else {
            throw .notEvaluable("the request names no grant", mend: "ask with a grant of the peer's")
        }
        do throws(AdmissionError) {
            let fold = GovernanceState(base: tracked(view), rules: view.rules)
            try fold.checkUnrevoked(fold.chain(grant))
        } catch {
            throw Finding(error, .stateDivergence)
        }
        try view.checkStateWitnesses()
        if let proof = try peerProof()?.encoded(), proof.count > PeerProof.maxByteCount {
            throw .notEvaluable(
                "what shows the grant has \(proof.count) bytes; a permit carries at most \(PeerProof.maxByteCount)",
                mend: "use a grant with fewer patterns and fewer that it comes from")
        }
        return "\(grant) in force at size \(view.record.head.size)"
    }

    /// What a permit has to carry, so that the log can ask of the peer's state what was asked here; nil if the request
    /// uses no grant of a peer's, or one that the log would refuse.
    func peerProof() throws(Finding) -> PeerProof? {
        guard foreign != nil, let grant = request.grant else { return nil }
        let view = try view()
        let (route, _) = try routeAndPeer()
        let use = PeerGrantUse(
            grant: grant, access: request.access, model: request.model?.model, route: route,
            execution: request.execution)
        let shown = TrackedState(view)
        guard (try? GovernanceState(base: shown, rules: view.rules).shownGrant(use, to: origin)) != nil else {
            return nil
        }
        return view.proof.showing([.policy] + shown.takeRead().keys)
    }

    // MARK: Parts

    func view() throws(Finding) -> PeerView {
        guard let foreign else {
            throw .notEvaluable("the request names no route", mend: "ask with the route")
        }
        return try foreign.get()
    }

    private func tracked(_ view: PeerView) -> TrackedState<PeerView> { TrackedState(view) }

    private func routeAndPeer() throws(Finding) -> (RouteRecord, PeerRecord) {
        guard let route = request.route else {
            throw .notEvaluable("the request names no route", mend: "ask with the route")
        }
        let peer = try Self.peer(of: route, state, rules)
        guard let record = try state.record(.route(route), RouteRecord.self) else {
            throw .failed(.routingMismatch, "there is no route \(route)", mend: "open it: route.open")
        }
        return (record, peer)
    }

    /// The statement that issued the foreign grant, shown to be in the peer's tree.
    private func foreignStatement(_ view: PeerView) throws(Finding) -> (SignedStatement, UInt64) {
        guard let carried = view.statement else {
            throw .notEvaluable(
                "the statement of the grant was not carried", mend: "carry the grant's statement with its proof")
        }
        let statement: SignedStatement
        do {
            statement = try SignedStatement(decoding: carried.entry)
        } catch {
            throw .failed(.cryptographicFailure, "the foreign statement: \(error)", mend: "carry the statement itself")
        }
        guard statement.leafHash == request.grant else {
            throw .failed(
                .auditDiscontinuity, "the statement carried is \(statement.leafHash), not the grant",
                mend: "carry the grant's statement")
        }
        let head = view.record.head
        do throws(ProofError) {
            try InclusionProof(index: carried.index, size: head.size, path: carried.path)
                .verify(leafHash: statement.leafHash, root: head.root)
        } catch {
            throw .failed(
                .auditDiscontinuity, "the recorded head of size \(head.size) does not cover the statement: \(error)",
                mend: "record a newer head of the peer's: peer.head")
        }
        return (statement, carried.index)
    }
}
