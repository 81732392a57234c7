internal import COSE
public import Tlog

/// Values of a peer's state with all that leads from them to one signed head of the peer's, in few bytes: what a permit
/// on a peer's grant carries into the log, so that everyone who folds the log can check it (`spec/event.cddl`,
/// `peer-proof`).
///
/// Having one means that its form is right; ``PeerView`` verifies it.
public struct PeerProof: Sendable, Hashable {
    /// One key of the peer's state.
    public struct Value: Sendable, Hashable {
        public let key: StateKey
        /// The record's bytes; nil for absence.
        public let value: [UInt8]?
        /// In the Merkle map whose root is in the seal.
        public let proof: MapProof
    }

    /// The most bytes that one may have.
    public static let maxByteCount = 16_384
    /// The most values.
    public static let maxValueCount = 64

    /// The signed checkpoint with its cosignatures.
    public let checkpoint: [UInt8]
    /// The bytes of the entry that ends the checkpoint's tree: a seal.
    public let seal: [UInt8]
    /// The hashes of the seal's inclusion proof in that tree.
    public let path: [Hash]
    /// In the order of their keys, none twice.
    public let values: [Value]

    private init(checkpoint: [UInt8], seal: [UInt8], path: [Hash], values: [Value]) {
        self.checkpoint = checkpoint
        self.seal = seal
        self.path = path
        self.values = values
    }

    /// What state proofs of one head show together; nil if there are none, if they are not all of one head and one seal,
    /// or if two of them differ about a key.
    public init?(_ proofs: [StateProof]) {
        guard let first = proofs.first else { return nil }
        var values: [StateKey: Value] = [:]
        for proof in proofs {
            guard proof.checkpoint == first.checkpoint, proof.seal == first.seal, proof.index == first.index,
                proof.path == first.path
            else { return nil }
            let value = Value(key: proof.key, value: proof.value, proof: proof.proof)
            guard values.updateValue(value, forKey: proof.key) ?? value == value else { return nil }
        }
        self.init(
            checkpoint: first.checkpoint, seal: first.seal, path: first.path,
            values: values.values.sorted { $0.key < $1.key })
    }

    /// The same without what is not of these keys.
    public func showing(_ keys: some Sequence<StateKey>) -> PeerProof {
        let keys = Set(keys)
        return PeerProof(
            checkpoint: checkpoint, seal: seal, path: path, values: values.filter { keys.contains($0.key) })
    }

    /// Deterministic CBOR.
    public func encoded() -> [UInt8] {
        let values = values.map { value -> CBOR in
            [.bytes(value.key.bytes), value.value.map { .bytes($0) } ?? .null, value.proof.cbor]
        }
        let item: CBOR = [
            "checkpoint": .bytes(checkpoint), "seal": .bytes(seal), "path": .array(path.map { .hash($0) }),
            "values": .array(values),
        ]
        return item.encoded()
    }

    /// Reads one from deterministic CBOR.
    init(decoding bytes: [UInt8]) throws(StateProofError) {
        guard bytes.count <= Self.maxByteCount else {
            throw .tooLarge(bytes: bytes.count, limit: Self.maxByteCount)
        }
        let item: CBOR
        do { item = try CBOR(decoding: bytes) } catch { throw .cbor(error) }
        let items: [CBOR]
        do {
            let fields = try FieldReader(item, path: "", fields: ["checkpoint", "seal", "path", "values"])
            checkpoint = try fields.bytes("checkpoint")
            seal = try fields.bytes("seal")
            path = try fields.elements("path", count: 0...TlogProof.maxPathCount) { item, path throws(FieldError) in
                guard let hash = item.bytesValue.flatMap({ Hash($0) }) else { throw .wrongKind(path) }
                return hash
            }
            items = try fields.elements("values", count: 1...Self.maxValueCount) { item, _ in item }
        } catch {
            throw .field(error)
        }
        var values: [Value] = []
        for item in items { values.append(try Value(item)) }
        for (before, next) in zip(values, values.dropFirst()) where !(before.key < next.key) { throw .key }
        self.values = values
    }
}

extension PeerProof.Value {
    fileprivate init(_ item: CBOR) throws(StateProofError) {
        guard case .array(let parts) = item, parts.count == 3 else { throw .field(.wrongKind("values")) }
        guard let bytes = parts[0].bytesValue, let key = StateKey(decoding: bytes) else { throw .key }
        guard parts[1].isNull || parts[1].bytesValue != nil else { throw .value }
        do throws(MapProofError) {
            self.init(key: key, value: parts[1].bytesValue, proof: try MapProof(parts[2]))
        } catch {
            throw .proof(error)
        }
    }
}
