internal import Tlog

/// A key with its value in a page.
struct MapLeaf: Sendable, Hashable {
    let key: Hash
    let value: Hash
    let hash: Hash

    init(key: Hash, value: Hash) {
        self.key = key
        self.value = value
        hash = MapNode.leafHash(key: key, value: value)
    }
}

/// Leaves in the order of their keys, which have the first `depth` bits in common: a subtree, written as what is in it.
extension ArraySlice<MapLeaf> {
    /// The first leaf that goes right at a depth.
    func split(at depth: Int) -> Int {
        firstIndex { $0.key.bit(depth) } ?? endIndex
    }

    /// The hash of the subtree.
    func subtreeHash(depth: Int) -> Hash {
        guard count > 1 else { return first?.hash ?? .zero }
        let split = split(at: depth)
        return MapNode.parentHash(
            self[..<split].subtreeHash(depth: depth + 1), self[split...].subtreeHash(depth: depth + 1))
    }

    /// Walks from the subtree's root to where the search for a key ends.
    func search(_ key: Hash, depth: Int, _ siblings: inout MapSiblings) -> MapProof.End {
        var depth = depth
        var rest = self
        while rest.count > 1 {
            let split = rest.split(at: depth)
            depth += 1
            if key.bit(depth - 1) {
                siblings.addLeft(rest[..<split].subtreeHash(depth: depth))
                rest = rest[split...]
            } else {
                siblings.addRight(rest[split...].subtreeHash(depth: depth))
                rest = rest[..<split]
            }
        }
        return rest.first.map { MapProof.End($0, searching: key) } ?? .absentChild
    }
}

extension MapProof.End {
    /// A leaf where the search for a key ends.
    init(_ leaf: MapLeaf, searching key: Hash) {
        self = leaf.key == key ? .present : .otherLeaf(key: leaf.key, value: leaf.value)
    }
}

/// The hashes beside a path, from the root down.
struct MapSiblings {
    private var left: [Hash] = []
    private var right: [Hash] = []

    mutating func addLeft(_ hash: Hash) { left.append(hash) }
    mutating func addRight(_ hash: Hash) { right.append(hash) }

    /// "The contents of the elements array is kept in left-to-right order".
    var elements: [Hash] { left + right.reversed() }
}

extension [MapLeaf] {
    /// The leaves after changes, both in the order of their keys; nil where nothing changes.
    func updated(_ changes: ArraySlice<MapChange>) -> [MapLeaf]? {
        var result: [MapLeaf] = []
        result.reserveCapacity(count + changes.count)
        var old = self[...]
        var isChanged = false
        for change in changes {
            while let leaf = old.first, leaf.key < change.key {
                result.append(leaf)
                old.removeFirst()
            }
            let before = old.first?.key == change.key ? old.popFirst() : nil
            if let before, before.value == change.value {
                result.append(before)
                continue
            }
            if before != nil || change.value != nil { isChanged = true }
            if let value = change.value { result.append(MapLeaf(key: change.key, value: value)) }
        }
        return isChanged ? result + old : nil
    }
}
