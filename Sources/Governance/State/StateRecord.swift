public import COSE
public import Tlog

/// A value of the state that is a map: every such map has the index of the entry that changed it last.
public protocol StateRecord: Sendable, Hashable {
    /// What it is, for errors.
    static var kind: String { get }
    var cbor: CBOR { get }
    init(record item: CBOR) throws(FieldError)
}

extension StateRecord {
    /// Deterministic CBOR: the value in the state.
    public func encoded() -> [UInt8] { cbor.encoded() }

    public init(decoding bytes: [UInt8]) throws(StateRecordError) {
        do { try self.init(record: CBOR(decoding: bytes)) } catch { throw StateRecordError(kind: Self.kind) }
    }
}

/// The policies that authorities have approved and that not enough of them have yet. An authority's newest approval
/// counts.
public struct ApprovalsRecord: StateRecord {
    public static let kind = "record of approvals"

    public struct Approval: Sendable, Hashable {
        /// The digest of the policy.
        public let policy: Hash
        /// The entry that approved it.
        public let entry: UInt64

        public init(policy: Hash, entry: UInt64) {
            self.policy = policy
            self.entry = entry
        }
    }

    public var index: UInt64
    /// By the authority's key identifier.
    public var approvals: [Hash: Approval]

    public init(index: UInt64, approvals: [Hash: Approval]) {
        self.index = index
        self.approvals = approvals
    }

    public var cbor: CBOR {
        let pairs = approvals.map {
            (CBOR.hash($0.key), CBOR.array([.hash($0.value.policy), .unsigned($0.value.entry)]))
        }
        return ["index": .unsigned(index), "approvals": .map(CBORMap(pairs))]
    }

    public init(record item: CBOR) throws(FieldError) {
        let fields = try FieldReader(item, path: "", fields: ["index", "approvals"])
        guard case .map(let map) = try fields.item("approvals") else { throw .wrongKind("approvals") }
        var approvals: [Hash: Approval] = [:]
        for entry in map.entries {
            guard let key = entry.key.bytesValue.flatMap({ Hash($0) }), let parts = entry.value.arrayValue,
                parts.count == 2, let policy = parts[0].bytesValue.flatMap({ Hash($0) }),
                let index = parts[1].unsignedValue
            else { throw .wrongKind("approvals") }
            approvals[key] = Approval(policy: policy, entry: index)
        }
        try self.init(index: fields.unsigned("index"), approvals: approvals)
    }
}

/// A grant, as it was issued.
public struct GrantRecord: StateRecord {
    public static let kind = "grant"

    public var index: UInt64
    /// Who issued it.
    public let issuer: String
    public let grant: GrantIssue
    public var isRevoked: Bool

    public init(index: UInt64, issuer: String, grant: GrantIssue, isRevoked: Bool = false) {
        self.index = index
        self.issuer = issuer
        self.grant = grant
        self.isRevoked = isRevoked
    }

    public var cbor: CBOR {
        [
            "index": .unsigned(index), "issuer": .text(issuer), "grant": grant.cbor, "revoked": .bool(isRevoked),
        ]
    }

    public init(record item: CBOR) throws(FieldError) {
        let fields = try FieldReader(item, path: "", fields: ["index", "issuer", "grant", "revoked"])
        try self.init(
            index: fields.unsigned("index"), issuer: fields.text("issuer"), grant: GrantIssue(fields.item("grant")),
            isRevoked: fields.bool("revoked"))
    }
}

/// How many uses of a grant are gone. Beside the grant, so that a use does not change the grant.
public struct UsesRecord: StateRecord {
    public static let kind = "number of uses"

    public var index: UInt64
    public var used: UInt64

    public init(index: UInt64, used: UInt64) {
        self.index = index
        self.used = used
    }

    public var cbor: CBOR { ["index": .unsigned(index), "used": .unsigned(used)] }

    public init(record item: CBOR) throws(FieldError) {
        let fields = try FieldReader(item, path: "", fields: ["index", "used"])
        try self.init(index: fields.unsigned("index"), used: fields.unsigned("used"))
    }
}

/// A version of a model.
public struct ModelRecord: StateRecord {
    public static let kind = "model"

    public enum Status: String, Sendable, Hashable, CaseIterable {
        case registered, approved, retired, revoked
    }

    public var index: UInt64
    /// The leaf hash of the statement that registered it, and the digest of its manifest.
    public let entry: Hash
    public let digest: Hash
    public let actions: [String]
    public let purposes: [String]
    public var status: Status
    /// The policy that it was approved under.
    public var policy: Hash?

    public init(index: UInt64, entry: Hash, digest: Hash, actions: [String], purposes: [String]) {
        self.index = index
        self.entry = entry
        self.digest = digest
        self.actions = actions
        self.purposes = purposes
        status = .registered
    }

    public var cbor: CBOR {
        [
            "index": .unsigned(index), "entry": .hash(entry), "digest": .hash(digest),
            "scope": ["actions": .texts(actions), "purposes": .texts(purposes)], "status": .text(status.rawValue),
            "policy": .hash(policy),
        ]
    }

    public init(record item: CBOR) throws(FieldError) {
        let fields = try FieldReader(
            item, path: "", fields: ["index", "entry", "digest", "scope", "status", "policy"])
        let scope = try FieldReader(fields.item("scope"), path: "scope", fields: ["actions", "purposes"])
        try self.init(
            index: fields.unsigned("index"), entry: fields.hash("entry"), digest: fields.hash("digest"),
            actions: scope.texts("actions"), purposes: scope.texts("purposes"))
        status = try fields.choice("status")
        policy = try fields.hashOrNull("policy")
    }
}

/// What a runtime attested last.
public struct AttestationRecord: StateRecord {
    public static let kind = "attestation"

    public let index: UInt64
    public let measurement: [UInt8]
    /// When, by the runtime; ms.
    public let time: UInt64

    public init(index: UInt64, measurement: [UInt8], time: UInt64) {
        self.index = index
        self.measurement = measurement
        self.time = time
    }

    public var cbor: CBOR {
        ["index": .unsigned(index), "measurement": .bytes(measurement), "time": .unsigned(time)]
    }

    public init(record item: CBOR) throws(FieldError) {
        let fields = try FieldReader(item, path: "", fields: ["index", "measurement", "time"])
        try self.init(
            index: fields.unsigned("index"), measurement: fields.bytes("measurement"), time: fields.unsigned("time"))
    }
}

/// When a runtime was heard of last, by its heartbeats.
public struct HeartbeatRecord: StateRecord {
    public static let kind = "heartbeat"

    public let index: UInt64
    public let time: UInt64

    public init(index: UInt64, time: UInt64) {
        self.index = index
        self.time = time
    }

    public var cbor: CBOR { ["index": .unsigned(index), "time": .unsigned(time)] }

    public init(record item: CBOR) throws(FieldError) {
        let fields = try FieldReader(item, path: "", fields: ["index", "time"])
        try self.init(index: fields.unsigned("index"), time: fields.unsigned("time"))
    }
}

/// A runtime's newest telemetry digest.
public struct TelemetryRecord: StateRecord {
    public static let kind = "telemetry digest"

    public let index: UInt64
    public let digest: Hash
    /// The telemetry's last ms.
    public let until: UInt64

    public init(index: UInt64, digest: Hash, until: UInt64) {
        self.index = index
        self.digest = digest
        self.until = until
    }

    public var cbor: CBOR { ["index": .unsigned(index), "digest": .hash(digest), "until": .unsigned(until)] }

    public init(record item: CBOR) throws(FieldError) {
        let fields = try FieldReader(item, path: "", fields: ["index", "digest", "until"])
        try self.init(
            index: fields.unsigned("index"), digest: fields.hash("digest"), until: fields.unsigned("until"))
    }
}
