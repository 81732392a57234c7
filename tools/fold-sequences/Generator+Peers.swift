import COSE
import Governance
import Tlog

/// Peers' heads, routes, and permits on what peers have granted.
extension Generator {
    mutating func peerOrRoute() throws {
        let number = number(peers.count)
        let record = try log.record(.peer(peers[number].origin), PeerRecord.self)
        switch self.number(14) {
        case 0 where once(in: 4):
            try attempt(PeerExpel(origin: peers[number].origin, reason: "forked"), by: someone("operator", "authority"))
        case 0...4 where record == nil || once(in: 10):
            let origin = once(in: 15) ? Cast.origin : peers[number].origin
            try admit(number, as: origin)
        case 0...5: try head(of: number)
        case 6: try attempt(RouteClose(route: "r\(self.number(2))"), by: someone("operator", "authority"))
        case 7...8: try route()
        default: try exchange(with: number)
        }
    }

    private mutating func admit(_ number: Int, as origin: String) throws {
        let peer = peers[number]
        try attempt(
            PeerAdmit(
                origin: origin, policy: try peer.policy(), genesis: .zero, stateQuorum: once(in: 8) ? nil : "w3"),
            by: someone("operator", "authority"))
    }

    private mutating func head(of number: Int, isSpoilt: Bool = true) throws {
        func once(in odds: Int) -> Bool { isSpoilt && self.once(in: odds) }
        let old = Int(try log.record(.peer(peers[number].origin), PeerRecord.self)?.head.size ?? 0)
        if peers[number].leaves.count < 60 || !isSpoilt {
            var peer = peers[number]
            try live(&peer)
            try peer.grow(isSpoilt ? self.number(3) : 1 + self.number(2))
            peers[number] = peer
        }
        let peer = peers[number]
        let size = once(in: 10) ? min(old, peer.leaves.count) : peer.leaves.count
        let cosigners = isSpoilt ? pick([[0, 1], [0, 1, 2], [1, 2], [0, 2], [2], []]) : [0, 1]
        let root = once(in: 12) ? hash() : nil
        var bytes = try peer.checkpoint(
            size, cosigners: cosigners, root: root, origin: once(in: 20) ? Cast.peers[1 - number] : nil)
        if once(in: 15) { bytes[bytes.count - 10] ^= 1 }
        var path = peer.proof(old, size)
        if once(in: 12) { path = self.once(in: 2) ? Array(path.dropLast()) : path + [hash()] }
        let data = PeerHead(origin: peer.origin, checkpoint: bytes, consistency: path)
        try attempt(data, by: someone("gate", "operator", "observer"))
    }

    private mutating func route() throws {
        var ends = [Cast.origin, pick(Cast.peers)]
        if once(in: 2) { ends.reverse() }
        if once(in: 10) { ends[0] = ends[1] }
        let data = RouteOpen(
            route: "r\(number(2))", from: ends[0], to: ends[1], actions: pick([["sort"], ["sort", "send"], ["burn"]]),
            maxPeerAge: UInt64(1 + number(5000)))
        try attempt(data, by: someone("operator", "authority"))
    }

    // MARK: What a peer's log has

    /// What happened in the peer's log since the head before.
    private mutating func live(_ peer: inout PeerLog) throws {
        let keys = LogPublicKeys(
            checkpoint: peer.logKey.publicKey, receipt: Cast.keys[2], statement: peer.statementKey.publicKey)
        let policy = try Policy(
            origin: Origin(peer.origin), logKeys: keys, authorities: [Cast.keys[4]], threshold: 1, issuers: [])
        peer.values[.policy] = PolicyRecord(policy: policy, index: 0).encoded()
        for name in ["r0", "r1"] {
            guard var record = try log.record(.route(name), RouteRecord.self) else { continue }
            if once(in: 12) { record.phase = .proofPersisted }
            if once(in: 12) {
                record = RouteRecord(
                    index: 1,
                    route: RouteOpen(
                        route: name, from: record.route.to, to: record.route.from, actions: ["sort"], maxPeerAge: 1),
                    phase: .activated)
            }
            peer.values[.route(name)] = record.encoded()
        }
        if once(in: 2) { grant(&peer, under: once(in: 2) ? peer.grants.last : nil) }
        if once(in: 8), let (id, grant) = peer.grants.last {
            var record = GrantRecord(index: 1, issuer: "urn:example:olga", grant: grant)
            record.isRevoked = true
            peer.values[.grant(id)] = record.encoded()
        }
        if once(in: 8) {
            peer.values[.containment(scope())] =
                ContainmentRecord(
                    index: 1, phase: pick([.baseline, .baseline, .contained, .revoked]), reason: .routingMismatch
                ).encoded()
        }
    }

    private mutating func grant(_ peer: inout PeerLog, under parent: (id: Hash, grant: GrantIssue)?) {
        var conditions = GrantConditions()
        if once(in: 3) { conditions.uses = UInt64(1 + number(2)) }
        if once(in: 2) || conditions.uses != nil && !once(in: 4) { conditions.domain = Cast.origin }
        if once(in: 8) { conditions.notAfter = log.now + UInt64(number(900)) }
        if once(in: 8) { conditions.route = "r\(number(2))" }
        let grant = GrantIssue(
            subject: runtime().issuer, actions: [GrantPattern("sort")].compactMap { $0 },
            resources: [GrantPattern("inbox/*")].compactMap { $0 }, conditions: conditions, delegations: 0,
            parent: parent?.id)
        let id = hash()
        peer.values[.grant(id)] = GrantRecord(index: 1, issuer: "urn:example:olga", grant: grant).encoded()
        peer.grants.append((id, grant))
    }

    // MARK: Permits

    /// A route, a head and a permit on a grant of the peer's, as far as they are missing.
    private mutating func exchange(with number: Int) throws {
        let origin = peers[number].origin
        if try log.record(.peer(origin), PeerRecord.self) == nil { try admit(number, as: origin) }
        var name: String?
        for route in ["r0", "r1"] {
            if let record = try log.record(.route(route), RouteRecord.self), record.phase == .activated,
                record.route.from == origin || record.route.to == origin
            {
                name = route
            }
        }
        if name == nil { try route() }
        if name == nil || peers[number].grants.isEmpty || once(in: 2) { try head(of: number, isSpoilt: false) }
        guard !peers[number].grants.isEmpty else { return }
        try permit(by: name ?? "r0", from: number)
        for _ in 0..<3 { later { try $0.permit(by: name ?? "r0", from: number) } }
    }

    private mutating func permit(by route: String, from number: Int) throws {
        let peer = peers[number]
        let (id, grant) = pick(peer.grants.suffix(3))
        let subject = once(in: 15) ? runtime().issuer : grant.subject
        var permit = DecisionRecord(
            request: hash(), nonce: nonce(), head: log.heads.last ?? TreeHead(size: 0, root: hash()),
            expires: log.now + UInt64(self.number(900)), outcome: .permit,
            access: Access(subject: subject, action: once(in: 12) ? "send" : "sort", resource: "inbox/1"),
            reliesOn: [once(in: 20) ? .grant(id) : .route(route)], grant: once(in: 20) ? hash() : id)
        permit.route = once(in: 40) ? nil : route
        if once(in: 6) { permit.execution = run(self.number(30)) }
        if !once(in: 20) { permit.peerProof = try proof(for: permit, of: peer, id) }
        guard try attempt(permit, by: someone("gate", "gate2")) != nil else { return }
        permits.append(permit)
        if once(in: 2) {
            // The peer's head moves between the permit and the start.
            try head(of: number, isSpoilt: false)
            return try start(permit)
        }
        later { try $0.start(permit) }
        if once(in: 3) { later { try $0.head(of: number, isSpoilt: false) } }
    }

    /// What shows the grant; now and then a little less, or damaged.
    private mutating func proof(for permit: DecisionRecord, of peer: PeerLog, _ grant: Hash) throws -> [UInt8]? {
        var keys: [StateKey] = [.policy]
        let scopes: [Scope] = [
            .domain(peer.origin), .domain(Cast.origin), .domain(Cast.peers[0]), .domain(Cast.peers[1]),
            .runtime(permit.access.subject),
        ]
        keys += scopes.map { .containment($0) }
        if let route = permit.route { keys += [.route(route), .containment(.route(route))] }
        if let execution = permit.execution { keys.append(.containment(.execution(execution))) }
        var next: Hash? = grant
        while let id = next {
            keys.append(.grant(id))
            next = peer.grants.first { $0.id == id }?.grant.parent
        }
        if let named = permit.grant, named != grant { keys.append(.grant(named)) }
        if once(in: 12) { keys.remove(at: number(keys.count)) }
        let cosigners = once(in: 15) ? pick([[0, 1], [3], [0, 3], []]) : [0, 2, 3]
        var bytes = PeerProof(try peer.proofs(keys, cosigners: cosigners))?.encoded()
        if once(in: 15), let count = bytes?.count { bytes?[number(count)] ^= UInt8(1 << number(8)) }
        if once(in: 40) { bytes?.append(0) }
        return bytes
    }
}
