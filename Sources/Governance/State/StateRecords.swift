internal import COSE
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
        CBOR.array([.unsigned(seq), .bytes(leafHash.bytes), .unsigned(index)]).encoded()
    }

    public init(decoding bytes: [UInt8]) throws(StateRecordError) {
        guard let item = try? CBOR(decoding: bytes), case .array(let parts) = item, parts.count == 3,
            let seq = parts[0].unsignedValue, let leafHash = parts[1].bytesValue.flatMap({ Hash($0) }),
            let index = parts[2].unsignedValue
        else { throw StateRecordError(kind: "stream link") }
        self.init(seq: seq, leafHash: leafHash, index: index)
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

/// One key of an enrolled issuer and the entry that enrolled it.
///
/// ```cddl
/// identity-record = { "index": uint, "key": bstr .size 32, "roles": [* tstr] }
/// ```
public struct IdentityRecord: Sendable, Hashable {
    public let key: Ed25519.PublicKey
    public let roles: [Role]
    /// The index of the entry that enrolled it.
    public let index: UInt64

    public init(key: Ed25519.PublicKey, roles: [Role], index: UInt64) {
        self.key = key
        self.roles = roles
        self.index = index
    }

    /// Deterministic CBOR: the value in the state.
    public func encoded() -> [UInt8] {
        let item: CBOR = [
            "index": .unsigned(index), "key": .bytes(key.bytes), "roles": .array(roles.map { .text($0.rawValue) }),
        ]
        return item.encoded()
    }

    public init(decoding bytes: [UInt8]) throws(StateRecordError) {
        guard let item = try? CBOR(decoding: bytes),
            let fields = try? FieldReader(item, path: "", fields: ["index", "key", "roles"]),
            let index = try? fields.unsigned("index"), let keyBytes = try? fields.bytes("key"),
            let key = try? Ed25519.PublicKey(keyBytes), let names = try? fields.texts("roles"),
            let roles = try? Role.roles(names)
        else { throw StateRecordError(kind: "identity record") }
        self.init(key: key, roles: roles, index: index)
    }
}
