internal import COSE
internal import Tlog

/// A grant with those that it comes from: itself first, the one that was not handed on last.
struct GrantChain {
    struct Link {
        let id: Hash
        let record: GrantRecord

        var conditions: GrantConditions { record.grant.conditions }
    }

    let links: [Link]

    var isCounted: Bool { links.contains { $0.conditions.uses != nil } }
}

extension GovernanceState {
    mutating func apply(_ data: GrantIssue, _ place: StatementPlace) throws(AdmissionError) {
        if let parent = data.parent {
            let chain = try chain(parent)
            try checkUnrevoked(chain)
            try checkNarrows(data, chain, place)
            try allot(data, chain, place)
        } else if !place.signer.isOperator {
            throw .rule(.notPermitted, "grant.issue by \(place.issuer)", setBy: place.signer.index)
        }
        set(.grant(place.leafHash), GrantRecord(index: place.index, issuer: place.issuer, grant: data))
    }

    mutating func apply(_ data: GrantRevoke, _ place: StatementPlace) throws(AdmissionError) {
        guard var record = try record(.grant(data.grant), GrantRecord.self) else {
            throw .rule(.unknownGrant, "\(data.grant)", setBy: nil)
        }
        guard place.signer.isOperator || record.issuer.hasSameUTF8(as: place.issuer) else {
            throw .rule(.grantIssuer, record.issuer, setBy: record.index)
        }
        guard !record.isRevoked else { throw .rule(.grantRevoked, "\(data.grant)", setBy: record.index) }
        record.isRevoked = true
        record.index = place.index
        set(.grant(data.grant), record)
    }

    /// "delegation that can only narrow"
    private func checkNarrows(
        _ data: GrantIssue, _ chain: GrantChain, _ place: StatementPlace
    ) throws(AdmissionError) {
        let parent = chain.links[0].record
        guard parent.grant.subject.hasSameUTF8(as: place.issuer), parent.grant.delegations > 0 else {
            throw .rule(.delegationNotAllowed, place.issuer, setBy: parent.index)
        }
        if let dimension = data.dimension(widerThan: parent.grant) {
            throw .rule(.delegationWidens, dimension, setBy: parent.index)
        }
    }

    /// Uses that go to another domain are gone from the grants that they come from.
    private mutating func allot(
        _ data: GrantIssue, _ chain: GrantChain, _ place: StatementPlace
    ) throws(AdmissionError) {
        let origin = rules.policy.origin.text
        let isHere = { (domain: String?) in domain.map(origin.hasSameUTF8) ?? true }
        guard !isHere(data.conditions.domain), isHere(chain.links[0].conditions.domain),
            let uses = data.conditions.uses
        else { return }
        if Mutant.isOff("effect/allotment") { return }
        try take(uses, of: chain, place)
    }

    /// - Throws: ``Rule/unknownGrant``.
    func chain(_ grant: Hash) throws(AdmissionError) -> GrantChain {
        var links: [GrantChain.Link] = []
        var next: Hash? = grant
        while let id = next {
            guard let record = try record(.grant(id), GrantRecord.self) else {
                throw .rule(.unknownGrant, "\(id)", setBy: nil)
            }
            links.append(GrantChain.Link(id: id, record: record))
            next = record.grant.parent
        }
        return GrantChain(links: links)
    }

    func checkUnrevoked(_ chain: GrantChain) throws(AdmissionError) {
        for link in chain.links where link.record.isRevoked {
            if Mutant.isOff("chain/revoked"), link.id != chain.links[0].id { continue }
            throw .rule(.grantRevoked, "\(link.id)", setBy: link.record.index)
        }
    }

    /// Whether the grant lets its subject do this here and now: revocation, time, uses, cover.
    func checkInForce(
        _ chain: GrantChain, for access: Access, model: ModelVersion?, route: String?, at time: UInt64
    ) throws(AdmissionError) {
        try checkUnrevoked(chain)
        for link in chain.links {
            let conditions = link.conditions
            guard (conditions.notBefore ?? 0)...(conditions.notAfter ?? .max) ~= time else {
                throw .rule(.grantWindow, "\(link.id) at \(time)", setBy: link.record.index)
            }
        }
        try checkUses(1, of: chain)
        let link = chain.links[0]
        if let what = link.record.grant.missing(access, model, route, in: rules.policy.origin.text) {
            throw .rule(.grantCover, what, setBy: link.record.index)
        }
    }

    private func checkUses(_ count: UInt64, of chain: GrantChain) throws(AdmissionError) {
        for link in chain.links {
            guard let uses = link.conditions.uses else { continue }
            let used = try record(.uses(link.id), UsesRecord.self)?.used ?? 0
            guard used <= uses, count <= uses - used else {
                throw .rule(.grantUses, "\(used) of \(uses) of \(link.id)", setBy: link.record.index)
            }
        }
    }

    /// Counts uses on the grant and on all that it comes from.
    mutating func take(_ count: UInt64, of chain: GrantChain, _ place: StatementPlace) throws(AdmissionError) {
        try checkUses(count, of: chain)
        for link in chain.links where link.conditions.uses != nil {
            if Mutant.isOff("effect/take-uses") { continue }
            if Mutant.isOff("chain/uses"), link.id != chain.links[0].id { continue }
            let used = try record(.uses(link.id), UsesRecord.self)?.used ?? 0
            set(.uses(link.id), UsesRecord(index: place.index, used: used + count))
        }
    }
}

extension GrantIssue {
    /// In what this grant reaches further than another; nil if in nothing.
    func dimension(widerThan parent: GrantIssue) -> String? {
        let mine = conditions
        let theirs = parent.conditions
        if !actions.allSatisfy({ action in parent.actions.contains { $0.covers(action) } }) { return "actions" }
        if !resources.allSatisfy({ resource in parent.resources.contains { $0.covers(resource) } }) {
            return "resources"
        }
        if let bound = theirs.notBefore, (mine.notBefore ?? 0) < bound { return "notBefore" }
        if let bound = theirs.notAfter, (mine.notAfter ?? .max) > bound { return "notAfter" }
        if let bound = theirs.uses, (mine.uses ?? .max) > bound { return "uses" }
        if let model = theirs.model, mine.model != model { return "model" }
        if let route = theirs.route, mine.route.map(route.hasSameUTF8) != true { return "route" }
        if let domain = theirs.domain, mine.domain.map(domain.hasSameUTF8) != true { return "domain" }
        return delegations < parent.delegations ? nil : "delegations"
    }

    /// What of an access the grant does not cover; nil if it covers it.
    func missing(_ access: Access, _ model: ModelVersion?, _ route: String?, in origin: String) -> String? {
        if !subject.hasSameUTF8(as: access.subject) { return "subject \(access.subject)" }
        if !actions.contains(where: { $0.matches(access.action) }) { return "action \(access.action)" }
        if !resources.contains(where: { $0.matches(access.resource) }) { return "resource \(access.resource)" }
        if let bound = conditions.model, model != bound { return "model other than \(bound.name) \(bound.version)" }
        if let bound = conditions.route, route.map(bound.hasSameUTF8) != true { return "route other than \(bound)" }
        if let domain = conditions.domain, !domain.hasSameUTF8(as: origin) { return "domain other than \(domain)" }
        return nil
    }
}
