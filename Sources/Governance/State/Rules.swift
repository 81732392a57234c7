public import COSE

/// What the policy and the identities in force mean for a statement, worked out once: any thread may hold it.
public struct Rules: Sendable {
    public private(set) var policy: Policy
    /// The index of the entry that set the policy.
    public private(set) var policyIndex: UInt64
    /// Whose statements are admitted, and whose were.
    public private(set) var keys: KeyDirectory
    /// The key that the next batch's seal is signed with.
    public private(set) var statementKey: COSEKey
    /// The keys that were the log's, in the order in which they ended.
    public private(set) var formerLogKeys: [EndedLogKeyRecord] = []

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

    /// The rules in force in a state; nil if it has no policy, which is the state below entry 0. Reads policy,
    /// identities and the log's former keys only.
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
        try state.forEachValue(prefix: StateKey.logKeyPrefix) { _, value in
            formerLogKeys.append(try EndedLogKeyRecord(decoding: value))
        }
        formerLogKeys.sort { ($0.index, $0.use.rawValue) < ($1.index, $1.use.rawValue) }
    }

    /// The key that the log's own statements of a batch are signed with. "The seal of the batch that has the rotation is
    /// still signed with the statement key before; from the next entry on it is the new one's" (spec/governance.md).
    ///
    /// - Parameter start: the index of the batch's first entry. No rotation after that batch may be in force.
    public func statementKey(ofBatchFrom start: UInt64) -> COSEKey {
        let former = formerLogKeys.first { $0.index >= start && $0.use == .statement }
        return former.map { COSEKey($0.key) } ?? statementKey
    }

    mutating func set(_ entries: [KeyDirectory.Entry]) {
        for entry in entries { keys.set(entry) }
    }

    mutating func set(_ record: PolicyRecord) {
        keys.setAuthorities(of: record.policy, index: record.index, before: policy)
        formerLogKeys += policy.logKeys.ended(by: record.policy.logKeys, at: record.index)
        policy = record.policy
        policyIndex = record.index
        statementKey = COSEKey(record.policy.logKeys.statement)
    }
}
