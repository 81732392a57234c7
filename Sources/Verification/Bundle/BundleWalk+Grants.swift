import COSE
import Governance
import Tlog

/// Grants with those that they were handed on from, and policies.
extension BundleWalk {
    /// - Parameter use: the start of an execution under the grant.
    mutating func follow(grant: Hash, usedAt use: UInt64?) {
        var next: Hash? = grant
        // "delegations: 0..8": no chain is longer, but a bundle could say so.
        var depth: UInt64 = 0
        while let id = next, depth <= GrantIssue.maxDelegations + 1 {
            depth += 1
            next = follow(link: id, usedAt: use)
        }
        if next != nil { disagree("other-statement", "the chain of grant \(grant) is longer than any can be") }
    }

    /// A grant of a peer's: the permit's statement carries what shows it, which this log checked when it admitted it.
    mutating func follow(grant: Hash, of peer: String, shownBy permit: BundleContent.Entry) {
        let key = StateKey.peerGrant(grant)
        switch record(key, "the grant of \(peer) that entry \(permit.index) shows", PeerGrantRecord.self) {
        case .missing: return
        case .absent: disagree("absent", "there is no \(key.text) in the state at size \(content.size)")
        case .record(let record):
            guard record.origin.isSame(as: peer), record.grants.first?.id == grant, record.index >= permit.index else {
                return disagree("other-statement", "the state has another \(key.text) than entry \(permit.index) shows")
            }
            for link in record.grants {
                tell(.authorized, key, permit, "grant \(link.id) of \(peer), by \(link.issuer): \(link.grant.text)")
                if let uses = link.grant.conditions.uses, link.grant.conditions.domain?.isSame(as: origin) == true {
                    tellUses(of: link.id, key, allowed: uses)
                }
            }
        }
    }

    /// - Returns: the grant that this one hands on.
    private mutating func follow(link id: Hash, usedAt use: UInt64?) -> Hash? {
        let key = StateKey.grant(id)
        let record: GrantRecord
        switch self.record(key, "the grant, or one that it comes from", GrantRecord.self) {
        case .missing: return nil
        case .absent:
            disagree("absent", "there is no \(key.text) in the state at size \(content.size)")
            return nil
        case .record(let found): record = found
        }
        guard let entry = statement(id, "the statement of \(key.text)"),
            let data = data(of: entry, "the statement of \(key.text)", GrantIssue.self)
        else { return record.grant.parent }
        guard
            data.cbor == record.grant.cbor && entry.statement.header.issuer.isSame(as: record.issuer)
                && (record.isRevoked || record.index == entry.index) || Mutant.bundleGrant.isOff
        else {
            disagree("other-statement", "entry \(entry.index) is not the grant that the state has")
            return nil
        }
        if let use, entry.index >= use {
            disagree("order", "\(key.text) is of entry \(entry.index), and used at entry \(use)")
        }
        tell(.authorized, key, entry, data.text)
        if record.isRevoked { tellRevocation(of: id, key, at: record.index) }
        if let uses = data.conditions.uses { tellUses(of: id, key, allowed: uses) }
        if seen.insert(key).inserted {
            follow(.runtime(data.subject), since: entry.index)
            tellPolicy(before: entry.index, key, "when entry \(entry.index) was issued")
            if !record.isRevoked { tell(.authorized, key, at: content.size, "\(key.text) is in force: not revoked") }
            if data.delegations > 0 { leaveOpen("to whom else \(key.text) was handed on") }
        }
        return data.parent
    }

    private mutating func tellRevocation(of id: Hash, _ key: StateKey, at index: UInt64) {
        guard let entry = entry(index, "the revocation of \(key.text)"),
            let data = data(of: entry, "the revocation of \(key.text)", GrantRevoke.self)
        else { return }
        guard data.grant == id else {
            return disagree("other-statement", "entry \(index) revokes another grant than \(key.text)")
        }
        tell(.stopped, key, entry, "\(key.text) revoked: \(data.reason)")
    }

    private mutating func tellUses(of id: Hash, _ key: StateKey, allowed: UInt64) {
        switch record(.uses(id), "\(key.text) counts its uses", UsesRecord.self) {
        case .missing: return
        case .absent: tell(.authorized, key, at: content.size, "\(key.text): 0 of \(allowed) uses are gone")
        case .record(let uses):
            tell(.authorized, key, at: content.size, "\(key.text): \(uses.used) of \(allowed) uses are gone")
        }
    }

    // MARK: Policies

    /// The policy in force when an entry came, and the statement that set it.
    mutating func tellPolicy(before index: UInt64, _ about: StateKey, _ when: String) {
        guard let record = policy(before: index, "the policy \(when)") else { return }
        tell(record, about, "in force \(when)")
    }

    /// The policy in force at the head.
    mutating func tellPolicyNow() {
        guard let record = policy(before: content.size, "the policy in force") else { return }
        tell(record, .policy, "in force at size \(content.size)")
    }

    mutating func policy(before index: UInt64, _ why: String) -> PolicyRecord? {
        guard case .record(let bytes) = value(of: .policy, before: index, why) else { return nil }
        return try? PolicyRecord(decoding: bytes)
    }

    private mutating func tell(_ record: PolicyRecord, _ about: StateKey, _ when: String) {
        guard let entry = entry(record.index, "it set the policy") else { return }
        guard entry.event.map({ Self.event($0, sets: record.policy) }) == true else {
            return disagree("other-statement", "entry \(record.index) does not set the policy that the state has")
        }
        tell(.rules, about, entry, "policy \(record.policy.digest), \(when)")
        if record.index > 0, record.policy.previous != nil, content.genesis.threshold > 1 {
            leaveOpen("which other authorities approved the policy of entry \(record.index)")
        }
    }
}

extension BundleWalk {
    /// Whether the event sets this policy: as it is, or as the one before it with other keys of the log.
    private static func event(_ event: Event, sets policy: Policy) -> Bool {
        switch StatementType(rawValue: event.type) {
        case .policySet: (try? Policy(decoding: event.data))?.digest == policy.digest
        case .logRotate:
            (try? LogRotate(event.data)).map { $0.logKeys == policy.logKeys && $0.previous == policy.previous } ?? false
        default: false
        }
    }
}

extension GrantIssue {
    /// The grant in words.
    fileprivate var text: String {
        var text =
            "\(subject) may \(actions.map(\.text).joined(separator: ", ")) "
            + resources.map(\.text).joined(separator: ", ")
        if let parent { text += ", handed on from \(parent)" }
        if let uses = conditions.uses { text += ", \(uses) times" }
        if let model = conditions.model { text += ", with model \(model.name) \(model.version)" }
        if let route = conditions.route { text += ", by route \(route)" }
        if let domain = conditions.domain { text += ", in \(domain)" }
        if let end = conditions.notAfter { text += ", until \(Instant(end))" }
        return text
    }
}
