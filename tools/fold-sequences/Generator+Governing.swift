import COSE
import Governance
import Tlog

/// Policies, identities and grants.
extension Generator {
    // MARK: Policies

    mutating func policy() throws {
        if drafts.isEmpty || once(in: 3) { drafts.append(try draft()) }
        let draft = pick(drafts.suffix(2))
        let before = log.policy.digest
        let approved = try attempt("policy.set", draft.cbor, by: authority())
        if log.policy.digest == before {
            if approved != nil { for _ in 0..<2 { later { try $0.policy() } } }
        } else {
            drafts = []
            for actor in actors where log.fold.rules.keys[actor.keyID]?.ending != nil { end(actor) }
            for model in models.suffix(2) { later { try $0.approve(model) } }
        }
    }

    /// A policy that follows the one in force.
    private mutating func draft() throws -> Policy {
        let now = log.policy
        let keys = log.fold.rules.keys
        var issuers = now.issuers.filter {
            let ending = keys[COSEKey($0.key).thumbprint]?.ending
            return ending == nil || ending == .policy || once(in: 40)
        }
        var authorities = now.authorities
        var governance = now.rulesOfGovernance
        switch number(8) {
        case 0 where issuers.count > 1: issuers.remove(at: number(issuers.count))
        case 1:
            let actor = once(in: 3) && !former.isEmpty ? pick(former) : Actor(issuer: "urn:listed", key: freshKey())
            issuers.append(EnrolledIssuer(issuer: actor.issuer, key: actor.key, roles: [.observer]))
        case 2 where !issuers.isEmpty:
            let place = number(issuers.count)
            issuers[place] = EnrolledIssuer(
                issuer: issuers[place].issuer, key: issuers[place].key, roles: issuers[place].roles.reversed())
        case 3: authorities = Array(Cast.keys[4..<5 + number(5)])
        case 4 where !former.isEmpty: authorities.append(pick(former).key)
        case 5:
            let actor = pick(actors)
            issuers.append(EnrolledIssuer(issuer: actor.issuer, key: actor.key, roles: [.runtime, .observer]))
        case 6: governance.maxLease = pick([0, 1500])
        default: governance.maxPermit = UInt64(500 + number(3000))
        }
        do {
            return try Policy(
                origin: once(in: 20) ? Origin("log.example.org/else") : now.origin, logKeys: now.logKeys,
                authorities: authorities, threshold: 1 + number(authorities.count), issuers: issuers,
                contentTypes: now.contentTypes, limits: now.limits, governance: governance,
                previous: once(in: 15) ? hash() : now.digest)
        } catch is PolicyError {
            return try Policy(
                origin: now.origin, logKeys: now.logKeys, authorities: now.authorities, threshold: now.threshold,
                issuers: now.issuers, contentTypes: ["text/\(number(1000))"], limits: now.limits,
                governance: governance, previous: now.digest)
        }
    }

    // MARK: Identities

    mutating func identity() throws {
        let actor = pick(actors)
        switch number(6) {
        case 0 where missing() != nil:
            // Somebody for each role, so that the log goes on.
            if let number = missing() {
                try enroll(issuer: Cast.identity(number).issuer, roles: Cast.roles[number].roles)
            }
        case 0, 1: try enroll(issuer: "spiffe://example.org/extra\(number(4))", roles: [pick(Role.allCases)])
        case 2: try rotate(actor, by: actor)
        case 3: try rotate(once(in: 4) ? anybody() : actor, by: someone("operator", "authority"))
        case 4 where once(in: 2): try revoke(actor)
        default: try attempt("test.beat", .unsigned(UInt64(number(9))), by: anybody())
        }
    }

    private func missing() -> Int? {
        Cast.roles.indices.first { number in !actors.contains { $0.issuer == Cast.identity(number).issuer } }
    }

    private mutating func enroll(issuer: String, roles: [Role]) throws {
        let key = freshKey()
        let isRuntime = roles.contains(.runtime) || once(in: 20)
        let data = IdentityEnroll(
            issuer: once(in: 30) ? log.policy.origin.text + ":x" : issuer, key: key, roles: roles,
            measurements: isRuntime && once(in: 2) ? [[1], [2, 3]] : [])
        if try attempt(data, by: someone("operator", "authority", "authority")) != nil {
            actors.append(Actor(issuer: data.issuer, key: key))
        }
    }

    private mutating func rotate(_ actor: Actor, by signer: Actor) throws {
        let key = freshKey()
        if try attempt(IdentityRotate(keyID: actor.keyID, newKey: key), by: signer) != nil {
            end(actor)
            actors.append(Actor(issuer: actor.issuer, key: key))
            // The old key's statements are refused, the new one's go on.
            later { try $0.attempt("test.beat", 1, by: actor) }
            later { try $0.attempt("test.beat", 1, by: Actor(issuer: actor.issuer, key: key)) }
        }
    }

    private mutating func revoke(_ actor: Actor) throws {
        let roles = log.fold.rules.keys[actor.keyID]?.roles ?? []
        try attempt("test.beat", 0, by: actor)
        guard
            try attempt(IdentityRevoke(keyID: actor.keyID, reason: "lost"), by: someone("operator", "authority")) != nil
        else { return }
        end(actor)
        try attempt("test.beat", 1, by: actor)
        later { try $0.enroll(issuer: actor.issuer, roles: roles) }
    }

    private mutating func end(_ actor: Actor) {
        actors.removeAll { $0.keyID == actor.keyID }
        former.append(actor)
    }

    // MARK: Grants

    private mutating func conditions() -> GrantConditions {
        var conditions = GrantConditions()
        let now = log.now
        if once(in: 3) { conditions.notBefore = now - 300 + UInt64(number(400)) }
        if once(in: 3) { conditions.notAfter = max(conditions.notBefore ?? 0, now + UInt64(number(900))) }
        if once(in: 2) { conditions.uses = UInt64(1 + number(3)) }
        if once(in: 8), !models.isEmpty { conditions.model = pick(models) }
        if once(in: 8) { conditions.route = "r\(number(2))" }
        if once(in: 10) { conditions.domain = pick([Cast.origin, Cast.peers[0]]) }
        return conditions
    }

    private mutating func patterns(_ texts: [[String]]) -> [GrantPattern] {
        pick(texts).compactMap { GrantPattern($0) }
    }

    mutating func issueGrant() throws {
        let grant = GrantIssue(
            subject: runtime().issuer, actions: patterns([["sort"], ["sort", "send"], ["*"], ["so*"]]),
            resources: patterns([["inbox/*"], ["inbox/1"], ["*"]]), conditions: conditions(),
            delegations: UInt64(number(4)))
        try issue(grant, by: someone("operator", "operator2", "authority"))
    }

    private mutating func issue(_ grant: GrantIssue, by actor: Actor) throws {
        guard let id = try attempt(grant, by: actor) else { return }
        grants.append((id, grant))
        later { try $0.permit(under: id, grant) }
        if once(in: 2) { later { try $0.permit(under: id, grant) } }
        if grant.delegations > 0 { later { try $0.handOn(id, grant) } }
        if once(in: 4) { later { try $0.lease(under: id, grant) } }
    }

    mutating func handOn() throws {
        guard !grants.isEmpty else { return }
        let (id, grant) = pick(grants)
        try handOn(id, grant)
    }

    /// As narrow as the grant, narrower, or a little wider.
    private mutating func handOn(_ id: Hash, _ parent: GrantIssue) throws {
        var conditions = parent.conditions
        switch number(9) {
        case 0: conditions.uses = conditions.uses.map { max(1, $0 - UInt64(number(2))) } ?? 1
        case 1: conditions.uses = conditions.uses.map { $0 + 1 }
        case 2: conditions.notAfter = conditions.notAfter.map { $0 + UInt64(number(2)) }
        case 3: conditions.notBefore = conditions.notBefore.map { $0 - UInt64(number(2)) }
        case 4: conditions.domain = pick([nil, Cast.origin, Cast.peers[0]])
        case 5: conditions.route = pick([nil, "r0"])
        case 6: conditions.model = once(in: 2) ? nil : models.last
        default: break
        }
        if let first = conditions.notBefore, let last = conditions.notAfter, first > last {
            conditions = parent.conditions
        }
        let grant = GrantIssue(
            subject: runtime().issuer,
            actions: once(in: 3) ? patterns([["sort"], ["*"], ["sor*"], ["sort", "burn"]]) : parent.actions,
            resources: once(in: 3) ? patterns([["inbox/1"], ["inbox/1*"], ["*"]]) : parent.resources,
            conditions: conditions,
            delegations: once(in: 8) ? parent.delegations : UInt64(number(max(1, Int(parent.delegations)))), parent: id)
        let owner = actors.last { $0.issuer == parent.subject } ?? anybody()
        try issue(grant, by: once(in: 12) ? anybody() : owner)
    }

    mutating func revokeGrant() throws {
        guard !grants.isEmpty else { return }
        let (id, grant) = pick(grants)
        let owner = actors.last { $0.issuer == grant.subject } ?? anybody()
        let revoke = GrantRevoke(grant: once(in: 12) ? hash() : id, reason: "over")
        try attempt(revoke, by: once(in: 3) ? owner : someone("operator", "authority"))
    }
}
