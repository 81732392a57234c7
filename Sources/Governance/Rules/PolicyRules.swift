internal import COSE
internal import Tlog

extension GovernanceState {
    /// An authority's approval of a policy; with the last one that it takes, the policy is in force.
    mutating func apply(_ policy: Policy, _ place: StatementPlace) throws(AdmissionError) {
        let inForce = rules.policy
        let named = policy.previous
        guard named == inForce.digest else {
            throw .rule(
                .policyPredecessor, "\(named?.hex ?? "none"), not \(inForce.digest)", setBy: rules.policyIndex)
        }
        guard policy.origin == inForce.origin else {
            throw .rule(.policyFixed, "origin", setBy: rules.policyIndex)
        }
        guard policy.logKeys == inForce.logKeys else {
            throw .rule(.policyFixed, "keys of the log", setBy: rules.policyIndex)
        }
        try checkKeys(of: policy)
        if try approve(policy.digest, place) { enact(policy, place) }
    }

    /// An authority's approval of what has this digest; true if it is the last one that it takes. All approvals lapse
    /// then.
    mutating func approve(_ digest: Hash, _ place: StatementPlace) throws(AdmissionError) -> Bool {
        let approver = place.signer.key.thumbprint
        var record =
            try record(.approvals, ApprovalsRecord.self) ?? ApprovalsRecord(index: place.index, approvals: [:])
        if let earlier = record.approvals[approver], earlier.policy == digest {
            throw .rule(.alreadyApproved, "\(digest)", setBy: earlier.entry)
        }
        record.index = place.index
        record.approvals[approver] = ApprovalsRecord.Approval(policy: digest, entry: place.index)
        let approvals = record.approvals.values.count { $0.policy == digest }
        guard approvals >= rules.policy.threshold else {
            set(.approvals, record)
            return false
        }
        if try bytes(.approvals) != nil, !Mutant.isOff("effect/approvals-lapse") {
            set(.approvals, nil as [UInt8]?)
        }
        return true
    }

    /// What the policy in force says of issuers is fixed by identifiers: none may have had another use.
    private func checkKeys(of policy: Policy) throws(AdmissionError) {
        for key in policy.authorities + policy.issuers.map(\.key) {
            if let ended = try record(.logKey(COSEKey(key).thumbprint), EndedLogKeyRecord.self) {
                throw .rule(.keyKnown, "once the log's: \(COSEKey(key).thumbprint)", setBy: ended.index)
            }
        }
        for authority in policy.authorities.lazy.map(COSEKey.init) {
            if let entry = rules.keys[authority.thumbprint], !entry.isAuthority {
                throw .rule(
                    .keyKnown, "authority \(authority.thumbprint): a key of \(entry.issuer)", setBy: entry.index)
            }
        }
        for enrolled in policy.issuers {
            let keyID = COSEKey(enrolled.key).thumbprint
            guard let entry = rules.keys[keyID], !entry.isAuthority else { continue }
            guard entry.issuer.hasSameUTF8(as: enrolled.issuer) else {
                throw .rule(
                    .keyKnown, "issuer \(enrolled.issuer): \(keyID) is a key of \(entry.issuer)", setBy: entry.index)
            }
            if let ending = entry.ending, ending != .policy {
                throw .rule(.identityEnded, "\(keyID): \(ending.rawValue)", setBy: entry.index)
            }
        }
    }

    private mutating func enact(_ policy: Policy, _ place: StatementPlace) {
        let before = rules.policy
        let named = Set(policy.issuers.map(\.key))
        for enrolled in before.issuers where !named.contains(enrolled.key) {
            if Mutant.isOff("effect/old-issuers-end") { continue }
            guard let entry = rules.keys[COSEKey(enrolled.key).thumbprint], entry.ending == nil else { continue }
            set(entry.changed(ending: .policy, index: place.index))
        }
        for enrolled in policy.issuers {
            let entry = rules.keys[COSEKey(enrolled.key).thumbprint].flatMap { $0.isAuthority ? nil : $0 }
            if let entry, entry.ending == nil, entry.roles == enrolled.roles { continue }
            let record = IdentityRecord(
                key: enrolled.key, roles: enrolled.roles,
                measurements: enrolled.roles.contains(.runtime) ? entry?.measurements ?? [] : [], index: place.index)
            set(KeyDirectory.Entry(issuer: enrolled.issuer, record: record))
        }
        set(PolicyRecord(policy: policy, index: place.index))
    }
}

extension KeyDirectory.Entry {
    func changed(ending: KeyEnding, index: UInt64) -> KeyDirectory.Entry {
        let record = IdentityRecord(
            key: key.publicKey, roles: roles, measurements: measurements, ending: ending, index: index)
        return KeyDirectory.Entry(issuer: issuer, record: record)
    }
}
