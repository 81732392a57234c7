internal import COSE
internal import Tlog

extension GovernanceState {
    mutating func apply(_ data: IdentityEnroll, _ place: StatementPlace) throws(AdmissionError) {
        try checkDecides(place, on: data.roles, what: data.issuer, setBy: place.signer.index)
        try checkUnused(data.key)
        let record = IdentityRecord(
            key: data.key, roles: data.roles, measurements: data.measurements, index: place.index)
        set(KeyDirectory.Entry(issuer: data.issuer, record: record))
    }

    mutating func apply(_ data: IdentityRotate, _ place: StatementPlace) throws(AdmissionError) {
        let entry = try active(data.keyID)
        if place.signer.key.thumbprint != data.keyID {
            guard place.signer.isOperator else {
                throw .rule(.notPermitted, "identity.rotate by \(place.issuer)", setBy: place.signer.index)
            }
            try checkDecides(place, on: entry.roles, what: entry.issuer, setBy: entry.index)
        }
        try checkUnused(data.newKey)
        if !Mutant.isOff("effect/rotation-ends") { set(entry.changed(ending: .rotated, index: place.index)) }
        let record = IdentityRecord(
            key: data.newKey, roles: entry.roles, measurements: entry.measurements, index: place.index)
        set(KeyDirectory.Entry(issuer: entry.issuer, record: record))
    }

    mutating func apply(_ data: IdentityRevoke, _ place: StatementPlace) throws(AdmissionError) {
        let entry = try active(data.keyID)
        if place.signer.key.thumbprint != data.keyID {
            try checkDecides(place, on: entry.roles, what: entry.issuer, setBy: entry.index)
        }
        set(entry.changed(ending: .revoked, index: place.index))
    }

    /// Operators don't make operators, nor end them.
    private func checkDecides(
        _ place: StatementPlace, on roles: [Role], what: String, setBy: UInt64
    ) throws(AdmissionError) {
        guard !roles.contains(.operator) || place.signer.isAuthority else {
            throw .rule(.roleReserved, what, setBy: setBy)
        }
    }

    /// Each key has one use, and had no other.
    func checkUnused(_ key: Ed25519.PublicKey) throws(AdmissionError) {
        let keyID = COSEKey(key).thumbprint
        if let entry = rules.keys[keyID] {
            throw .rule(.keyKnown, "issuer \(entry.issuer) has \(keyID)", setBy: entry.index)
        }
        if rules.policy.logKeys.all.contains(key) {
            throw .rule(.keyKnown, "log has \(keyID)", setBy: rules.policyIndex)
        }
        if let ended = try record(.logKey(keyID), EndedLogKeyRecord.self) {
            throw .rule(.keyKnown, "once the log's: \(keyID)", setBy: ended.index)
        }
    }

    private func active(_ keyID: Hash) throws(AdmissionError) -> KeyDirectory.Entry {
        guard let entry = rules.keys[keyID], !entry.isAuthority else {
            throw .rule(.unknownIdentity, "\(keyID)", setBy: nil)
        }
        if let ending = entry.ending {
            throw .rule(.identityEnded, "\(keyID): \(ending.rawValue)", setBy: entry.index)
        }
        return entry
    }
}
