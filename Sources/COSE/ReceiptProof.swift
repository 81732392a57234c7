public import Tlog

extension Receipt {
    /// What a receipt proves about the tree whose root it signs.
    public enum Proof: Sendable, Hashable {
        /// That an entry is in the tree.
        case inclusion(InclusionProof)
        /// That the tree begins with the older one.
        case consistency(ConsistencyProof)

        /// The size of the tree whose root is signed, as the proof says. The signature is over the root alone.
        public var size: UInt64 {
            switch self {
            case .inclusion(let proof): proof.size
            case .consistency(let proof): proof.newSize
            }
        }
    }
}

extension Receipt.Proof {
    /// A path has no more hashes than a 64-bit size has bits (and a consistency proof one more).
    private static let pathLimit = 65

    private static let inclusionNumber: Int64 = -1
    private static let consistencyNumber: Int64 = -2
    private static let inclusionLabel = CBOR(inclusionNumber)
    private static let consistencyLabel = CBOR(consistencyNumber)

    /// Reads the value of header 396.
    ///
    /// RFC 9942: "inclusion-proofs = [ + inclusion-proof ]". Holdfast writes one, and accepts one: each receipt then
    /// has one answer.
    init(_ value: CBOR) throws(ReceiptError) {
        guard case .map(let map) = value, map.count == 1, let entry = map.entries.first,
            entry.key == Self.inclusionLabel || entry.key == Self.consistencyLabel,
            case .array(let proofs) = entry.value
        else { throw .proofsInvalid }
        guard proofs.count == 1 else { throw .proofCount(proofs.count) }
        guard case .bytes(let bytes) = proofs[0] else { throw .proofForm }
        let item: CBOR
        do {
            item = try CBOR(decoding: bytes, limits: CBORLimits(depth: 4, items: 128))
        } catch {
            throw .proofEncoding(error)
        }
        guard case .array(let parts) = item, parts.count == 3, case .unsigned(let first) = parts[0],
            case .unsigned(let second) = parts[1], case .array(let hashes) = parts[2], hashes.count <= Self.pathLimit
        else { throw .proofForm }
        let path = hashes.compactMap { hash in hash.bytesValue.flatMap { Hash($0) } }
        guard path.count == hashes.count else { throw .proofForm }
        if entry.key == Self.inclusionLabel {
            // "inclusion-proof = bstr .cbor [ tree-size: uint, leaf-index: uint, inclusion-path: [ + bstr ] ]". The
            // path of the only leaf of a tree of size 1 is empty (RFC 9162 section 2.1.3.1), so empty is allowed.
            self = .inclusion(InclusionProof(index: second, size: first, path: path))
        } else {
            // "consistency-proof = bstr .cbor [ tree-size-1: uint, tree-size-2: uint, consistency-path ]"
            self = .consistency(ConsistencyProof(oldSize: first, newSize: second, path: path))
        }
    }

    /// Writes the value of header 396.
    func write(to writer: inout CBORWriter) {
        switch self {
        case .inclusion(let proof):
            Self.write(Self.inclusionNumber, proof.size, proof.index, proof.path, to: &writer)
        case .consistency(let proof):
            Self.write(Self.consistencyNumber, proof.oldSize, proof.newSize, proof.path, to: &writer)
        }
    }

    /// Straight into the receipt's bytes, without items in between: a log makes one for each statement.
    private static func write(
        _ label: Int64, _ first: UInt64, _ second: UInt64, _ path: [Hash], to writer: inout CBORWriter
    ) {
        let hashSize = CBORWriter.headSize(Hash.byteCount) + Hash.byteCount
        let size =
            1 + CBORWriter.headSize(Int(clamping: first)) + CBORWriter.headSize(Int(clamping: second))
            + CBORWriter.headSize(path.count) + hashSize * path.count
        writer.map(count: 1)
        writer.integer(label)
        writer.array(count: 1)
        writer.head(2, UInt64(size))
        writer.array(count: 3)
        writer.unsigned(first)
        writer.unsigned(second)
        writer.array(count: path.count)
        for hash in path { writer.hash(hash) }
    }

    /// About how many bytes it takes, from above.
    var mostBytesWritten: Int {
        switch self {
        case .inclusion(let proof): 48 + 34 * proof.path.count
        case .consistency(let proof): 48 + 34 * proof.path.count
        }
    }
}

extension ConsistencyProof {
    /// The root of the newer tree that the path leads to from the older root.
    func newRoot(from oldRoot: Hash) throws(ReceiptError) -> Hash {
        guard oldSize > 0 else { throw .emptyOldTree }
        if oldSize == newSize {
            guard path.isEmpty else { throw .proof(.wrongPathLength(expected: 0, actual: path.count)) }
            return oldRoot
        }
        do {
            // The verification computes the newer root and compares it last. The root asked for is not known yet, so
            // the comparison with a value that no tree has as its root hands it over.
            try verify(oldRoot: oldRoot, newRoot: .zero)
            return .zero
        } catch ProofError.rootMismatch(_, let computed) {
            return computed
        } catch {
            throw .proof(error)
        }
    }
}
