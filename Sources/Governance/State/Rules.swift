public import COSE

/// What the policy and the identities in force mean for a statement, worked out once: any thread may hold it.
public struct Rules: Sendable {
    public private(set) var policy: Policy
    /// The index of the entry that set the policy.
    public private(set) var policyIndex: UInt64
    /// Whose statements are admitted, and whose were.
    public private(set) var keys: KeyDirectory
    /// The key that seals are signed with.
    public private(set) var statementKey: COSEKey

    /// The rules of a policy with the identities that it enrols itself: those after a genesis.
    public init(_ record: PolicyRecord) {
        self.init(record, keys: KeyDirectory(policy: record.policy, index: record.index))
    }

    private init(_ record: PolicyRecord, keys: KeyDirectory) {
        policy = record.policy
        policyIndex = record.index
        self.keys = keys
        statementKey = COSEKey(record.policy.logKeys.statement)
    }

    /// The rules in force in a state; nil if it has no policy, which is the state below entry 0. Reads policy
    /// and identities only.
    ///
    /// - Throws: ``StateRecordError`` for a record that is none; what the state throws.
    public init?(_ state: some StateScanning) throws {
        guard let bytes = try state.value(.policy) else { return nil }
        let record = try PolicyRecord(decoding: bytes)
        var keys = KeyDirectory()
        try state.forEachValue(prefix: StateKey.identityPrefix) { key, value in
            guard let issuer = key.identityIssuer else { return }
            keys.set(KeyDirectory.Entry(issuer: issuer, record: try IdentityRecord(decoding: value)))
        }
        for authority in record.policy.authorities {
            keys.set(KeyDirectory.Entry(authority: COSEKey(authority), index: record.index))
        }
        self.init(record, keys: keys)
    }

    mutating func set(_ entries: [KeyDirectory.Entry]) {
        for entry in entries { keys.set(entry) }
    }

    mutating func set(_ record: PolicyRecord) {
        keys.setAuthorities(of: record.policy, index: record.index, before: policy)
        policy = record.policy
        policyIndex = record.index
        statementKey = COSEKey(record.policy.logKeys.statement)
    }
}
