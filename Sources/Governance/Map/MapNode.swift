internal import Tlog

/// One change of a map: a new value, or nil to take the key out.
struct MapChange {
    let key: Hash
    let value: Hash?
}

/// A node of the prefix tree. It never changes, so maps share it.
final class MapNode: Sendable {
    enum Kind {
        case leaf(key: Hash, value: Hash)
        /// A child that is nil holds no key. Never two nils, and never a leaf alone: such a leaf takes the parent's
        /// place.
        case parent(left: MapNode?, right: MapNode?)
    }

    let kind: Kind
    let hash: Hash

    /// draft-ietf-keytrans-protocol: "leaf.value = Hash(0x02 || vrf_output || commitment)".
    init(key: Hash, value: Hash) {
        kind = .leaf(key: key, value: value)
        hash = MapNode.leafHash(key: key, value: value)
    }

    init(left: MapNode?, right: MapNode?) {
        kind = .parent(left: left, right: right)
        hash = MapNode.parentHash(left?.hash ?? .zero, right?.hash ?? .zero)
    }

    static func leafHash(key: Hash, value: Hash) -> Hash {
        Hash.node(prefix: 0x02, key, value)
    }

    /// "parent.value = Hash(0x03 || parent.leftChild.value || parent.rightChild.value)".
    static func parentHash(_ left: Hash, _ right: Hash) -> Hash {
        Hash.node(prefix: 0x03, left, right)
    }

    var isLeaf: Bool {
        if case .leaf = kind { true } else { false }
    }

    /// The subtree after the changes, which all lie in it and are in the order of their keys.
    ///
    /// - Parameters:
    ///   - depth: how many bits the keys of this subtree share at least.
    ///   - grown: gets the number of keys added, less those taken out.
    static func updated(
        _ node: MapNode?, _ changes: ArraySlice<MapChange>, depth: Int, grown: inout Int
    ) -> MapNode? {
        if changes.isEmpty { return node }
        guard let node, case .parent(let left, let right) = node.kind else {
            return replacing(node, changes, depth: depth, grown: &grown)
        }
        let split = partition(changes, depth: depth)
        let newLeft = updated(left, changes[..<split], depth: depth + 1, grown: &grown)
        let newRight = updated(right, changes[split...], depth: depth + 1, grown: &grown)
        if newLeft === left && newRight === right { return node }
        return joined(newLeft, newRight)
    }

    /// The subtree of what the changes set and of the leaf that was there, if they leave it.
    private static func replacing(
        _ leaf: MapNode?, _ changes: ArraySlice<MapChange>, depth: Int, grown: inout Int
    ) -> MapNode? {
        var leaves: [(key: Hash, node: MapNode)] = []
        var kept = leaf
        for change in changes {
            if let leaf = kept, case .leaf(let key, let value) = leaf.kind, key <= change.key {
                kept = nil
                if key < change.key || change.value == value { leaves.append((key, leaf)) }
                if key == change.key && change.value == value { continue }
            }
            if let value = change.value { leaves.append((change.key, MapNode(key: change.key, value: value))) }
        }
        if let leaf = kept, case .leaf(let key, _) = leaf.kind { leaves.append((key, leaf)) }
        grown += leaves.count - (leaf == nil ? 0 : 1)
        return built(leaves[...], depth: depth)
    }

    /// The subtree of leaves in the order of their keys.
    private static func built(_ leaves: ArraySlice<(key: Hash, node: MapNode)>, depth: Int) -> MapNode? {
        guard leaves.count > 1 else { return leaves.first?.node }
        let split = leaves.firstIndex { $0.key.bit(depth) } ?? leaves.endIndex
        return MapNode(
            left: built(leaves[..<split], depth: depth + 1), right: built(leaves[split...], depth: depth + 1))
    }

    private static func joined(_ left: MapNode?, _ right: MapNode?) -> MapNode? {
        switch (left, right) {
        case (nil, nil): nil
        case (let leaf?, nil) where leaf.isLeaf: leaf
        case (nil, let leaf?) where leaf.isLeaf: leaf
        default: MapNode(left: left, right: right)
        }
    }

    /// The first change whose key goes right; the changes are in order, so a binary search finds it.
    private static func partition(_ changes: ArraySlice<MapChange>, depth: Int) -> Int {
        var low = changes.startIndex
        var high = changes.endIndex
        while low < high {
            let middle = (low + high) / 2
            if changes[middle].key.bit(depth) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
