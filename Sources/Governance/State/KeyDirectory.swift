public import COSE
public import Tlog

/// The keys whose statements count, or did, by key identifier. A snapshot: copies share their content, and any thread
/// may look in one.
public struct KeyDirectory: Sendable {
    /// Whose key it is. Looked up for every statement, so one reference.
    public final class Entry: Sendable {
        public let issuer: String
        public let key: COSEKey
        public let roles: [Role]
        /// Whether the policy in force names the key as an authority's.
        public let isAuthority: Bool
        /// What a runtime with this key may attest itself to be.
        public let measurements: [[UInt8]]
        /// Why the key's statements don't count any more; nil while they do.
        public let ending: KeyEnding?
        /// The index of the entry that enrolled the key, or ended it.
        public let index: UInt64

        init(authority key: COSEKey, index: UInt64) {
            self.key = key
            issuer = KeyDirectory.authorityIssuer(key)
            roles = []
            isAuthority = true
            measurements = []
            ending = nil
            self.index = index
        }

        init(issuer: String, record: IdentityRecord) {
            self.issuer = issuer
            key = COSEKey(record.key)
            roles = record.roles
            isAuthority = false
            measurements = record.measurements
            ending = record.ending
            index = record.index
        }

        /// The value under the key's place in the state. Authorities have none.
        var record: IdentityRecord {
            IdentityRecord(
                key: key.publicKey, roles: roles, measurements: measurements, ending: ending, index: index)
        }
    }

    /// What the names of authorities begin with.
    ///
    /// The COSE key thumbprint URI of RFC 9679: this prefix and the thumbprint in base64url without padding.
    static let authorityPrefix = "urn:ietf:params:oauth:ckt:sha-256:"

    /// The issuer of an authority's statements after the genesis: the thumbprint URI of its key. So an authority needs
    /// no enrolment, and its streams are nobody else's.
    public static func authorityIssuer(_ key: COSEKey) -> String {
        authorityPrefix + Base64.encodeURL(key.thumbprint.bytes)
    }

    /// Whether an issuer's name is of the kind that authorities have.
    static func isAuthorityIssuer(_ issuer: String) -> Bool {
        issuer.utf8.starts(with: authorityPrefix.utf8)
    }

    private var entries: [Hash: Entry] = [:]

    init() {}

    /// The keys that a policy names: its authorities' and its issuers'.
    ///
    /// - Parameter index: that of the entry that set the policy.
    public init(policy: Policy, index: UInt64) {
        for enrolled in policy.issuers {
            let record = IdentityRecord(key: enrolled.key, roles: enrolled.roles, index: index)
            set(Entry(issuer: enrolled.issuer, record: record))
        }
        for authority in policy.authorities { set(Entry(authority: COSEKey(authority), index: index)) }
    }

    public var count: Int { entries.count }

    /// The key of this identifier.
    public subscript(keyID: Hash) -> Entry? { entries[keyID] }

    /// The key that a statement names, whoever's it is.
    public func entry(for statement: SignedStatement) -> Entry? {
        entries[statement.header.thumbprint]
    }

    /// All keys of an issuer, in the order of their identifiers. Looks at every key there is.
    public func entries(of issuer: String) -> [Entry] {
        entries.values.filter { $0.issuer.hasSameUTF8(as: issuer) }.sorted { $0.key.thumbprint < $1.key.thumbprint }
    }

    /// All keys, in the order of their identifiers.
    public var all: [Entry] { entries.sorted { $0.key < $1.key }.map(\.value) }

    mutating func set(_ entry: Entry) {
        entries[entry.key.thumbprint] = entry
    }

    /// Takes the authorities of another policy in the place of those that were.
    mutating func setAuthorities(of policy: Policy, index: UInt64, before: Policy) {
        for authority in before.authorities {
            let keyID = COSEKey(authority).thumbprint
            if entries[keyID]?.isAuthority == true { entries[keyID] = nil }
        }
        for authority in policy.authorities { set(Entry(authority: COSEKey(authority), index: index)) }
    }
}

extension KeyDirectory.Entry: Hashable {
    public static func == (left: KeyDirectory.Entry, right: KeyDirectory.Entry) -> Bool {
        left === right
            || left.issuer.hasSameUTF8(as: right.issuer) && left.key == right.key
                && left.isAuthority == right.isAuthority && left.record == right.record
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(key) }
}
