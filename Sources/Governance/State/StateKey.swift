package import COSE
public import Tlog

/// What a value of the governance state is found under: a deterministic CBOR array of the kind and what tells the
/// things of that kind apart.
///
/// `spec/event.cddl` lists them all (`state-key`).
public struct StateKey: Sendable, Hashable, Comparable {
    private let hashed: HashedBytes

    /// The deterministic encoding.
    public var bytes: [UInt8] { hashed.bytes }

    /// A key of these bytes. They are not checked: keys come from here or from our own store.
    public init(bytes: [UInt8]) {
        hashed = HashedBytes(bytes)
    }

    init(_ parts: CBOR...) {
        self.init(bytes: CBOR.array(parts).encoded())
    }

    /// The policy in force: a ``PolicyRecord``.
    public static let policy = StateKey("policy")

    /// One key of an enrolled issuer: an ``IdentityRecord``.
    public static func identity(issuer: String, keyID: Hash) -> StateKey {
        StateKey("identity", .text(issuer), .bytes(keyID.bytes))
    }

    /// The newest link of a stream: a ``StreamLink``. Made for every event, so written straight.
    public static func stream(issuer: String, stream: String) -> StateKey {
        var writer = CBORWriter(capacity: 16 + issuer.utf8.count + stream.utf8.count)
        writeStream(issuer: issuer, stream: stream, to: &writer)
        return StateKey(bytes: writer.bytes)
    }

    /// Appends the bytes of the same.
    package static func writeStream(issuer: String, stream: String, to writer: inout CBORWriter) {
        writer.array(count: 3)
        writer.text("stream")
        writer.text(issuer)
        writer.text(stream)
    }

    /// What the bytes of all of these begin with.
    static let streamPrefix: [UInt8] = [0x83, 0x66] + Array("stream".utf8)

    /// How many streams an issuer has: a CBOR number.
    public static func streamCount(issuer: String) -> StateKey {
        StateKey("streams", .text(issuer))
    }

    /// The issuer in the key of an identity; nil for other keys.
    var identityIssuer: String? {
        guard bytes.starts(with: StateKey.identityPrefix), let item = try? CBOR(decoding: bytes),
            case .array(let parts) = item, parts.count == 3
        else { return nil }
        return parts[1].textValue
    }

    /// An array of three that begins with "identity".
    static let identityPrefix: [UInt8] = [0x83, 0x68] + Array("identity".utf8)

    /// The key's place in the Merkle map: SHA-256 of its bytes.
    public var mapKey: Hash { Hash.sha256(bytes) }

    /// Bytewise lexicographic order.
    public static func < (left: StateKey, right: StateKey) -> Bool {
        left.bytes.span.precedes(right.bytes.span)
    }
}
