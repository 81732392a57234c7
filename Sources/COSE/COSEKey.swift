public import Tlog

/// Why bytes are not an Ed25519 public key in a COSE_Key.
public enum COSEKeyError: NamedFailure, Hashable {
    /// The bytes are not sound CBOR.
    case encoding(CBORError)
    /// The item is not a map.
    case notMap
    /// The key type (label 1) is not OKP (1).
    case keyType(CBOR?)
    /// The curve (label -1) is not Ed25519 (6).
    case curve(CBOR?)
    /// The algorithm (label 3) is there and neither -8 nor -19.
    case algorithm(CBOR)
    /// The key operations (label 4) are there and don't allow verification (2).
    case keyOperations(CBOR)
    /// The public key (label -2) is not there, or no byte string.
    case publicKeyMissing
    /// The public key is no sound Ed25519 key.
    case publicKey(Ed25519Error)
    /// The key holds a private key (label -4).
    case privateKey
    /// The key identifier (label 2) is there and not the key's thumbprint.
    case keyIDMismatch
    /// A key set is not an array of at least one element, or holds more keys than the limit.
    case keyCount(Int, limit: Int)
    /// A key set is not an array.
    case notArray

    public var reason: String {
        switch self {
        case .encoding(let error): error.reason
        case .notMap: "not-map"
        case .keyType: "key-type"
        case .curve: "curve"
        case .algorithm: "algorithm"
        case .keyOperations: "key-operations"
        case .publicKeyMissing: "public-key-missing"
        case .publicKey(let error): error.reason
        case .privateKey: "private-key"
        case .keyIDMismatch: "key-id-mismatch"
        case .keyCount: "key-count"
        case .notArray: "not-array"
        }
    }
}

/// An Ed25519 public key as a COSE_Key (RFC 9052 section 7, RFC 9053 section 7.2), with its thumbprint.
public struct COSEKey: Sendable, Hashable {
    public let publicKey: Ed25519.PublicKey
    /// The RFC 9679 thumbprint with SHA-256: what key identifiers are everywhere in Holdfast.
    public let thumbprint: Hash

    public init(_ publicKey: Ed25519.PublicKey) {
        self.publicKey = publicKey
        thumbprint = Self.thumbprint(of: publicKey)
    }

    /// RFC 9679 section 3: the hash of the deterministic encoding of the required members alone, which for the key
    /// type OKP are kty, crv and x.
    private static func thumbprint(of key: Ed25519.PublicKey) -> Hash {
        var writer = CBORWriter(capacity: 40)
        writer.map(count: 3)
        writer.integer(1)
        writer.integer(1)
        writer.integer(-1)
        writer.integer(6)
        writer.integer(-2)
        writer.bytes(key.bytes)
        return Hash.sha256(writer.bytes)
    }

    /// Decodes a COSE_Key whose map may be in any order.
    ///
    /// - Throws: ``COSEKeyError``; among others for any key that is not Ed25519, for a private key, and for a key
    ///   identifier that is not the thumbprint.
    public init(decoding bytes: [UInt8]) throws(COSEKeyError) {
        let item: CBOR
        do {
            item = try CBOR(decoding: bytes, limits: COSEHeader.limits, keyOrder: .any)
        } catch {
            throw .encoding(error)
        }
        try self.init(item)
    }

    init(_ item: CBOR) throws(COSEKeyError) {
        guard case .map(let map) = item else { throw .notMap }
        guard map[1] == 1 else { throw .keyType(map[1]) }
        guard map[-1] == 6 else { throw .curve(map[-1]) }
        guard map[-4] == nil else { throw .privateKey }
        if let algorithm = map[3], ![COSEAlgorithm.edDSA, COSEAlgorithm.ed25519].contains(algorithm.integerValue) {
            throw .algorithm(algorithm)
        }
        if let operations = map[4], operations.arrayValue?.contains(2) != true { throw .keyOperations(operations) }
        guard case .bytes(let x)? = map[-2] else { throw .publicKeyMissing }
        do {
            self.init(try Ed25519.PublicKey(x))
        } catch {
            throw .publicKey(error)
        }
        if let keyID = map[2], keyID != .bytes(thumbprint.bytes) { throw .keyIDMismatch }
    }

    /// The key as it is published: kty, kid (the thumbprint), alg (-8), crv and x, in deterministic order.
    public var cbor: CBOR {
        [
            1: 1, 2: .bytes(thumbprint.bytes), 3: CBOR(COSEAlgorithm.edDSA), -1: 6, -2: .bytes(publicKey.bytes),
        ]
    }

    /// The deterministic encoding of ``cbor``.
    public func encoded() -> [UInt8] { cbor.encoded() }
}

/// A COSE_KeySet (RFC 9052 section 7): what a log publishes its keys as.
public struct COSEKeySet: Sendable, Hashable {
    /// How many elements a set may have.
    public static let countLimit = 256

    public let keys: [COSEKey]
    /// How many elements were left out because they are no Ed25519 keys.
    public let ignoredCount: Int

    public init(_ keys: [COSEKey]) {
        self.keys = keys
        ignoredCount = 0
    }

    /// RFC 9052 section 7: "Each element in a COSE Key Set MUST be processed independently"; a key that is malformed
    /// or not understood is ignored, the others are used.
    public init(decoding bytes: [UInt8]) throws(COSEKeyError) {
        let item: CBOR
        do {
            item = try CBOR(decoding: bytes, keyOrder: .any)
        } catch {
            throw .encoding(error)
        }
        guard case .array(let elements) = item else { throw .notArray }
        guard (1...Self.countLimit).contains(elements.count) else {
            throw .keyCount(elements.count, limit: Self.countLimit)
        }
        keys = elements.compactMap { element in try? COSEKey(element) }
        ignoredCount = elements.count - keys.count
    }

    /// The key with this thumbprint.
    public func key(withThumbprint thumbprint: Hash) -> COSEKey? {
        keys.first { $0.thumbprint == thumbprint }
    }

    /// The array of the keys as they are published.
    public func encoded() -> [UInt8] {
        CBOR.array(keys.map(\.cbor)).encoded()
    }
}
