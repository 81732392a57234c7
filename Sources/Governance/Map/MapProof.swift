public import COSE
public import Tlog

/// The proof that a key of a ``MerkleMap`` has a value, or that it is absent, under a root.
///
/// It is the PrefixProof of draft-ietf-keytrans-protocol for one key, written in CBOR:
///
/// ```cddl
/// map-proof = [1, [* hash]]                  ; present
///           / [2, [* hash], hash, hash]      ; absent: the search ends at another key's leaf (its key, its value)
///           / [3, [* hash]]                  ; absent: the search ends where a parent has no child
/// hash = bstr .size 32
/// ```
///
/// The hashes are those of the nodes beside the path, from left to right in the tree, 32 zero bytes for one that
/// does not exist. Their number is the depth at which the search ends.
public struct MapProof: Sendable, Hashable {
    /// Where the search for the key ends.
    public enum End: Sendable, Hashable {
        /// At the key's own leaf.
        case present
        /// At the leaf of another key, which shares the path's prefix.
        case otherLeaf(key: Hash, value: Hash)
        /// At a child that does not exist.
        case absentChild
    }

    public let end: End
    /// The hashes beside the path, from left to right; at most 256.
    public let elements: [Hash]

    init(end: End, elements: [Hash]) {
        self.end = end
        self.elements = elements
    }

    /// The root under which the key has this value, or with `nil` is absent.
    ///
    /// - Throws: ``MapProofError`` if the proof can't show that under any root.
    public func root(key: Hash, value: Hash?) throws(MapProofError) -> Hash {
        let depth = elements.count
        guard depth <= 256 else { throw .tooDeep(depth) }
        var hash: Hash
        switch (end, value) {
        case (.present, let value?): hash = MapNode.leafHash(key: key, value: value)
        case (.absentChild, nil): hash = .zero
        case (.otherLeaf(let leafKey, let leafValue), nil):
            guard leafKey != key else { throw .sameKey }
            for position in 0..<depth where leafKey.bit(position) != key.bit(position) { throw .offPath }
            hash = MapNode.leafHash(key: leafKey, value: leafValue)
        case (.present, nil): throw .provesPresence
        case (_, _?): throw .provesAbsence
        }
        // Of what is left of the path, the deepest is the last; of what is right of it, the first.
        var left = (0..<depth).count(where: { key.bit($0) })
        var right = left
        for position in (0..<depth).reversed() {
            if key.bit(position) {
                left -= 1
                hash = MapNode.parentHash(elements[left], hash)
            } else {
                hash = MapNode.parentHash(hash, elements[right])
                right += 1
            }
        }
        return hash
    }

    /// Checks that under `root` the key has this value, or with `nil` is absent.
    public func verify(key: Hash, value: Hash?, root: Hash) throws(MapProofError) {
        let computed = try self.root(key: key, value: value)
        guard computed == root else { throw .rootMismatch(expected: root, computed: computed) }
    }
}

extension MapProof {
    /// The proof as a CBOR item.
    public var cbor: CBOR {
        let hashes = CBOR.array(elements.map { .bytes($0.bytes) })
        return switch end {
        case .present: [1, hashes]
        case .otherLeaf(let key, let value): [2, hashes, .bytes(key.bytes), .bytes(value.bytes)]
        case .absentChild: [3, hashes]
        }
    }

    /// Deterministic CBOR.
    public func encoded() -> [UInt8] { cbor.encoded() }

    /// Reads a proof from a CBOR item.
    public init(_ item: CBOR) throws(MapProofError) {
        guard case .array(let parts) = item, parts.count >= 2, case .unsigned(let kind) = parts[0],
            case .array(let items) = parts[1]
        else { throw .malformed }
        guard items.count <= 256 else { throw .tooDeep(items.count) }
        var elements: [Hash] = []
        for item in items { elements.append(try MapProof.hash(item)) }
        switch (kind, parts.count) {
        case (1, 2): self.init(end: .present, elements: elements)
        case (2, 4):
            let key = try MapProof.hash(parts[2])
            self.init(end: .otherLeaf(key: key, value: try MapProof.hash(parts[3])), elements: elements)
        case (3, 2): self.init(end: .absentChild, elements: elements)
        default: throw .malformed
        }
    }

    /// Reads a proof from deterministic CBOR.
    public init(decoding bytes: [UInt8]) throws(MapProofError) {
        let item: CBOR
        do { item = try CBOR(decoding: bytes) } catch { throw .cbor(error) }
        try self.init(item)
    }

    private static func hash(_ item: CBOR) throws(MapProofError) -> Hash {
        guard case .bytes(let bytes) = item, let hash = Hash(bytes) else { throw .malformed }
        return hash
    }
}

/// Why a map proof does not show what it should.
public enum MapProofError: NamedFailure, Hashable {
    case cbor(CBORError)
    /// CBOR, but none of the three forms.
    case malformed
    /// More hashes than a key has bits.
    case tooDeep(Int)
    /// The proof is of a key's presence; its absence was to be shown.
    case provesPresence
    /// The proof is of a key's absence; its presence was to be shown.
    case provesAbsence
    /// The leaf where the search ends is that of the key itself.
    case sameKey
    /// The leaf where the search ends is not on the key's path.
    case offPath
    case rootMismatch(expected: Hash, computed: Hash)

    public var reason: String {
        switch self {
        case .cbor: "cbor"
        case .malformed: "malformed"
        case .tooDeep: "too-deep"
        case .provesPresence: "proves-presence"
        case .provesAbsence: "proves-absence"
        case .sameKey: "same-key"
        case .offPath: "off-path"
        case .rootMismatch: "root-mismatch"
        }
    }
}

extension MapProofError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .cbor(let error): "the map proof is not CBOR: \(error)"
        case .malformed: "the map proof has none of the three forms"
        case .tooDeep(let depth): "the map proof has \(depth) hashes; a key has 256 bits"
        case .provesPresence: "the map proof is of the key's presence, not of its absence"
        case .provesAbsence: "the map proof is of the key's absence, not of its presence"
        case .sameKey: "the leaf that should stand for the key's absence is the key's own"
        case .offPath: "the leaf that should stand for the key's absence is not on the key's path"
        case .rootMismatch(let expected, let computed): "the map's root is \(computed), not \(expected)"
        }
    }
}
