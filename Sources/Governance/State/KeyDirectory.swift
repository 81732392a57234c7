public import COSE
public import Tlog

/// The keys whose statements count, by key identifier. A snapshot: copies share their content, and any thread may
/// look in one.
public struct KeyDirectory: Sendable {
    /// Whose key it is.
    public struct Entry: Sendable, Hashable {
        public let issuer: String
        public let key: COSEKey
        public let roles: [Role]
        /// The index of the entry that enrolled it.
        public let index: UInt64
    }

    private var entries: [Hash: Entry] = [:]

    /// The keys that a policy enrols.
    ///
    /// - Parameter index: that of the entry that set the policy.
    public init(policy: Policy, index: UInt64) {
        for enrolled in policy.issuers {
            let key = COSEKey(enrolled.key)
            entries[key.thumbprint] = Entry(issuer: enrolled.issuer, key: key, roles: enrolled.roles, index: index)
        }
    }

    public var count: Int { entries.count }

    /// The key of this identifier.
    public subscript(keyID: Hash) -> Entry? { entries[keyID] }

    /// The key that a statement names, whoever's it is.
    public func entry(for statement: SignedStatement) -> Entry? {
        Hash(statement.header.keyID).flatMap { entries[$0] }
    }

    /// All keys, in the order of their identifiers.
    public var all: [Entry] { entries.sorted { $0.key < $1.key }.map(\.value) }
}

/// What the policy in force means for a statement, worked out once: any thread may hold it.
public struct Rules: Sendable {
    public let policy: Policy
    /// The index of the entry that set the policy.
    public let policyIndex: UInt64
    /// Whose statements are admitted.
    public let keys: KeyDirectory
    /// The key that seals are signed with.
    public let statementKey: COSEKey

    public init(_ record: PolicyRecord) {
        policy = record.policy
        policyIndex = record.index
        keys = KeyDirectory(policy: record.policy, index: record.index)
        statementKey = COSEKey(record.policy.logKeys.statement)
    }

    /// The rules in force in a state; nil if it has no policy, which is the state below entry 0.
    ///
    /// - Throws: ``StateRecordError`` for a record that is none; what the state throws.
    public init?(_ state: some StateReading) throws {
        guard let bytes = try state.value(.policy) else { return nil }
        self.init(try PolicyRecord(decoding: bytes))
    }
}
