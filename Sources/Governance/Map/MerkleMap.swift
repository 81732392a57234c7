public import Tlog

/// A map from 32-byte keys to 32-byte values whose whole content is fixed by one hash: the prefix tree of IETF Key
/// Transparency (draft-ietf-keytrans-protocol, "Prefix Tree"), with SHA-256 of our key in the place of the VRF output
/// and SHA-256 of our value in the place of the commitment.
///
/// The shape depends on the content alone: each key's leaf sits at the shortest prefix that tells its key from all
/// others, and taking a key out puts the tree back to what it was. An empty map's root is 32 zero bytes, the value
/// that stands for anything absent; a map of one key is that key's leaf.
///
/// Nodes are shared between copies and never change, so a copy costs nothing, and a changed copy that isn't kept
/// costs only the nodes on the paths of its changes.
public struct MerkleMap: Sendable {
    private var top: MapNode?

    /// An empty map.
    public init() {}

    /// 32 bytes that fix the whole content; ``Hash/zero`` if there is none.
    public var root: Hash { top?.hash ?? .zero }

    /// How many keys there are.
    public private(set) var count = 0

    /// The value of a key.
    public subscript(key: Hash) -> Hash? {
        var node = top
        var depth = 0
        while let here = node {
            switch here.kind {
            case .leaf(let leafKey, let value): return leafKey == key ? value : nil
            case .parent(let left, let right):
                node = key.bit(depth) ? right : left
                depth += 1
            }
        }
        return nil
    }

    /// Sets a key's value, or with `nil` takes the key out. Hashes the nodes on the key's path.
    public mutating func set(_ key: Hash, _ value: Hash?) {
        set([(key, value)])
    }

    /// Makes many changes at once and hashes each node on their paths once. Of two changes of one key, the later
    /// in the list counts.
    public mutating func set(_ changes: [(key: Hash, value: Hash?)]) {
        let sorted = MapChange.sorted(changes)
        var grown = 0
        top = MapNode.updated(top, sorted[...], depth: 0, grown: &grown)
        count += grown
    }

    /// The proof that a key has its value, or that it is absent, under ``root``.
    public func proof(_ key: Hash) -> MapProof {
        var before: [Hash] = []
        var after: [Hash] = []
        var node = top
        var depth = 0
        while let here = node, case .parent(let left, let right) = here.kind {
            // "If one of the children does not exist, an all-zero byte string of length Hash.Nh is used instead."
            if key.bit(depth) {
                before.append(left?.hash ?? .zero)
                node = right
            } else {
                after.append(right?.hash ?? .zero)
                node = left
            }
            depth += 1
        }
        // "The contents of the elements array is kept in left-to-right order".
        let elements = before + after.reversed()
        guard let leaf = node, case .leaf(let leafKey, let value) = leaf.kind else {
            return MapProof(end: .absentChild, elements: elements)
        }
        return MapProof(end: leafKey == key ? .present : .otherLeaf(key: leafKey, value: value), elements: elements)
    }
}

extension MapChange {
    /// The last change of each key, in the order of the keys.
    static func sorted(_ changes: [(key: Hash, value: Hash?)]) -> [MapChange] {
        var newest: [Hash: Hash?] = [:]
        newest.reserveCapacity(changes.count)
        for change in changes { newest.updateValue(change.value, forKey: change.key) }
        return newest.map { MapChange(key: $0.key, value: $0.value) }.sorted { $0.key < $1.key }
    }
}

extension Hash {
    /// Bit `position`, counted from the most significant bit of the first byte.
    func bit(_ position: Int) -> Bool {
        self[position >> 3] >> (7 - UInt8(position & 7)) & 1 == 1
    }
}
