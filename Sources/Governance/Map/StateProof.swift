public import COSE
public import Tlog

/// What a log answers about one key of its governance state: the value, or that there is none, with all that leads
/// from it to a signed tree head.
///
/// The value is a leaf of the Merkle map; the map's root stands in a seal; the seal is an entry of the tree whose head
/// the checkpoint signs. `spec/state-proof.cddl`:
///
/// ```cddl
/// state-proof = {
///   "key": bstr .cbor state-key,
///   "value": bstr / null,            ; the record's deterministic CBOR; null for absence
///   "proof": map-proof,
///   "seal": bstr,                    ; the entry that is the seal
///   "index": uint,                   ; its index: the state is that at size index + 1
///   "path": [0*63 hash],             ; of the seal, in the tree of the checkpoint
///   "checkpoint": bstr,              ; a signed note
/// }
/// ```
///
/// Having one means that its form is right; nothing is verified here.
public struct StateProof: Sendable, Hashable {
    /// The media type.
    public static let mediaType = "application/vnd.holdfast.state-proof+cbor"
    /// What names of files that hold one end with.
    public static let pathExtension = "state-proof"
    /// The most bytes that one may have: a value and a seal as long as entries can be, a note, and hashes.
    public static let maxByteCount = 327_680
    /// The most bytes of a key: two texts of 512 bytes each, and some.
    public static let maxKeyByteCount = 4096

    public let key: StateKey
    /// The record's bytes; nil for absence.
    public let value: [UInt8]?
    public let proof: MapProof
    /// The bytes of the seal's entry.
    public let seal: [UInt8]
    /// The seal's index in the log.
    public let index: UInt64
    /// The hashes of its inclusion proof in the checkpoint's tree.
    public let path: [Hash]
    /// The signed checkpoint with all cosignatures there are.
    public let checkpoint: [UInt8]

    /// The size of the log that the state is of: the seal is the last entry below it.
    public var sealedSize: UInt64 { index + 1 }

    public init(
        key: StateKey, value: [UInt8]?, proof: MapProof, seal: [UInt8], index: UInt64, path: [Hash],
        checkpoint: [UInt8]
    ) {
        precondition(index < Checkpoint.maxSize, "no log has an entry \(index)")
        self.key = key
        self.value = value
        self.proof = proof
        self.seal = seal
        self.index = index
        self.path = path
        self.checkpoint = checkpoint
    }

    /// Deterministic CBOR: the content of a `.state-proof` file, and the HTTP answer.
    public func encoded() -> [UInt8] {
        let item: CBOR = [
            "key": .bytes(key.bytes), "value": value.map { .bytes($0) } ?? .null, "proof": proof.cbor,
            "seal": .bytes(seal), "index": .unsigned(index), "path": .array(path.map { .bytes($0.bytes) }),
            "checkpoint": .bytes(checkpoint),
        ]
        return item.encoded()
    }

    /// Reads one from deterministic CBOR, bounded, without unknown fields.
    public init(decoding bytes: [UInt8]) throws(StateProofError) {
        guard bytes.count <= Self.maxByteCount else {
            throw .tooLarge(bytes: bytes.count, limit: Self.maxByteCount)
        }
        let item: CBOR
        // A proof has at most 256 hashes, a path 63.
        do { item = try CBOR(decoding: bytes, limits: CBORLimits(depth: 4, items: 400)) } catch { throw .cbor(error) }
        let fields: FieldReader
        let map: CBOR
        do {
            fields = try FieldReader(
                item, path: "", fields: ["key", "value", "proof", "seal", "index", "path", "checkpoint"])
            seal = try fields.bytes("seal", count: 1...SignedStatement.entryByteLimit)
            index = try fields.unsigned("index", in: 0...Checkpoint.maxSize - 1)
            path = try Self.path(fields)
            checkpoint = try fields.bytes("checkpoint", count: 1...SignedNote.maxByteCount)
            value = try fields.item("value").isNull ? nil : fields.bytes("value")
            map = try fields.item("proof")
        } catch {
            throw .field(error)
        }
        do { proof = try MapProof(map) } catch { throw .proof(error) }
        key = try Self.key(fields)
        if let value, (try? CBOR(decoding: value)) == nil { throw .value }
    }

    private static func key(_ fields: FieldReader) throws(StateProofError) -> StateKey {
        let bytes: [UInt8]
        do { bytes = try fields.bytes("key", count: 1...maxKeyByteCount) } catch { throw .field(error) }
        guard let key = StateKey(decoding: bytes) else { throw .key }
        return key
    }

    private static func path(_ fields: FieldReader) throws(FieldError) -> [Hash] {
        let items = try fields.array("path")
        guard items.count <= TlogProof.maxPathCount else {
            throw .invalid("path", "at most \(TlogProof.maxPathCount) hashes")
        }
        var path: [Hash] = []
        for (position, item) in items.enumerated() {
            guard let hash = item.bytesValue.flatMap({ Hash($0) }) else { throw .wrongKind("path[\(position)]") }
            path.append(hash)
        }
        return path
    }
}

/// Why bytes are no ``StateProof``.
public enum StateProofError: NamedFailure, Hashable {
    case tooLarge(bytes: Int, limit: Int)
    case cbor(CBORError)
    case field(FieldError)
    case proof(MapProofError)
    /// The key is no key of the state.
    case key
    /// The value is no deterministic CBOR.
    case value

    public var reason: String {
        switch self {
        case .tooLarge: "too-large"
        case .cbor(let error): error.reason
        case .field(let error): error.reason
        case .proof(let error): error.reason
        case .key: "state-key"
        case .value: "state-value"
        }
    }
}

extension StateProofError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .tooLarge(let bytes, let limit): "\(bytes) bytes; a state proof has at most \(limit)"
        case .cbor(let error): "the state proof is no deterministic CBOR: \(error)"
        case .field(let error): "the state proof: \(error)"
        case .proof(let error): "\(error)"
        case .key: "the key is no key of a governance state"
        case .value: "the value is no deterministic CBOR"
        }
    }
}
