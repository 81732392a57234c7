public import COSE
public import Tlog

/// A value of the state that is not of its kind: a store that was written by something else, or is damaged.
public struct StateRecordError: NamedFailure, Hashable, CustomStringConvertible {
    /// What should have been there.
    public let kind: String

    public var reason: String { "state-record" }
    public var description: String { "the state has something under the key of a \(kind) that is none" }
}

/// The newest statement of a stream.
///
/// ```cddl
/// stream-link = [seq: uint, leaf-hash: bstr .size 32, index: uint]
/// ```
public struct StreamLink: Sendable, Hashable {
    private static let kind = "stream link"

    public let seq: UInt64
    public let leafHash: Hash
    /// Its index in the log.
    public let index: UInt64

    public init(seq: UInt64, leafHash: Hash, index: UInt64) {
        self.seq = seq
        self.leafHash = leafHash
        self.index = index
    }

    /// Deterministic CBOR: the value in the state.
    public func encoded() -> [UInt8] {
        var writer = CBORWriter(capacity: 1 + 2 * 9 + 2 + Hash.byteCount)
        writer.array(count: 3)
        writer.unsigned(seq)
        writer.hash(leafHash)
        writer.unsigned(index)
        return writer.bytes
    }

    public init(decoding bytes: [UInt8]) throws(StateRecordError) {
        do {
            var reader = CBORReader(bytes)
            guard try reader.arrayHead() == 3 else { throw StateRecordError(kind: Self.kind) }
            let seq = try reader.unsigned()
            guard let leafHash = try reader.hash() else { throw StateRecordError(kind: Self.kind) }
            let index = try reader.unsigned()
            try reader.finish()
            self.init(seq: seq, leafHash: leafHash, index: index)
        } catch {
            throw StateRecordError(kind: Self.kind)
        }
    }
}

/// How many streams an issuer has.
///
/// ```cddl
/// stream-count = uint
/// ```
struct StreamCount {
    let streams: UInt64

    init(streams: UInt64) {
        self.streams = streams
    }

    /// Deterministic CBOR: the value in the state.
    func encoded() -> [UInt8] { CBOR.unsigned(streams).encoded() }

    init(decoding bytes: [UInt8]) throws(StateRecordError) {
        guard let streams = (try? CBOR(decoding: bytes))?.unsignedValue else {
            throw StateRecordError(kind: "number of streams")
        }
        self.streams = streams
    }
}

/// The policy in force and the entry that set it.
///
/// ```cddl
/// policy-record = { "index": uint, "digest": bstr .size 32, "policy": policy }
/// ```
public struct PolicyRecord: Sendable, Hashable {
    public let policy: Policy
    /// The index of the entry that set it.
    public let index: UInt64

    public init(policy: Policy, index: UInt64) {
        self.policy = policy
        self.index = index
    }

    /// Deterministic CBOR: the value in the state.
    public func encoded() -> [UInt8] {
        let item: CBOR = ["index": .unsigned(index), "digest": .bytes(policy.digest.bytes), "policy": policy.cbor]
        return item.encoded()
    }

    public init(decoding bytes: [UInt8]) throws(StateRecordError) {
        guard let item = try? CBOR(decoding: bytes),
            let fields = try? FieldReader(item, path: "", fields: ["index", "digest", "policy"]),
            let index = try? fields.unsigned("index"), let digest = try? fields.hash("digest"),
            let policyItem = try? fields.item("policy"), let policy = try? Policy(decoding: policyItem),
            policy.digest == digest
        else { throw StateRecordError(kind: "policy record") }
        self.init(policy: policy, index: index)
    }
}

/// Why a key's statements don't count any more.
public enum KeyEnding: String, Sendable, Hashable, CaseIterable {
    case revoked
    case rotated
    /// A later policy does not name it, as the one before it did.
    case policy
}

/// One key of an enrolled issuer and the entry that enrolled it, or ended it.
///
/// ```cddl
/// identity-record = { "index": uint, "key": bstr .size 32, "roles": [* tstr], ? "measurements": [+ bstr],
///   ? "ending": "revoked" / "rotated" / "policy" }
/// ```
public struct IdentityRecord: StateRecord {
    public static let kind = "identity record"

    public let key: Ed25519.PublicKey
    public let roles: [Role]
    /// What a runtime may attest itself to be.
    public let measurements: [[UInt8]]
    /// Nil while the key's statements count.
    public let ending: KeyEnding?
    /// The index of the entry that changed the record last.
    public let index: UInt64

    public init(
        key: Ed25519.PublicKey, roles: [Role], measurements: [[UInt8]] = [], ending: KeyEnding? = nil, index: UInt64
    ) {
        self.key = key
        self.roles = roles
        self.measurements = measurements
        self.ending = ending
        self.index = index
    }

    public var cbor: CBOR {
        var map: CBORMap = [
            "index": .unsigned(index), "key": .bytes(key.bytes), "roles": .texts(roles.map(\.rawValue)),
        ]
        if !measurements.isEmpty { map["measurements"] = .array(measurements.map { .bytes($0) }) }
        map["ending"] = ending.map { .text($0.rawValue) }
        return .map(map)
    }

    public init(record item: CBOR) throws(FieldError) {
        let fields = try FieldReader(item, path: "", fields: ["index", "key", "roles", "measurements", "ending"])
        try self.init(
            key: fields.publicKey("key"), roles: fields.choices("roles"),
            measurements: fields.optional("measurements") { name throws(FieldError) in
                try fields.byteStrings(name, count: 1...64)
            } ?? [],
            ending: fields.optional("ending") { name throws(FieldError) in try fields.choice(name) },
            index: fields.unsigned("index"))
    }
}
