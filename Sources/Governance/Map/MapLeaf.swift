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
    /// The leaves after visits, both in the order of their keys; nil where nothing changes.
    ///
    /// - Throws: ``MapDamage`` where a visit expects another value than there is.
    func visited(_ visits: ArraySlice<MapVisit>, at path: MapPath) throws(MapDamage) -> [MapLeaf]? {
        var result: [MapLeaf] = []
        result.reserveCapacity(count + visits.count)
        var old = self[...]
        var isChanged = false
        for visit in visits {
            while let leaf = old.first, leaf.key < visit.key {
                result.append(leaf)
                old.removeFirst()
            }
            let before = old.first?.key == visit.key ? old.popFirst() : nil
            if let expected = visit.expected, expected != before?.value {
                throw MapDamage(path, .otherValue(key: visit.key, expected: before?.value, found: expected))
            }
            switch (visit.change, before) {
            case (.some(.some(let value)), _) where before?.value != value:
                isChanged = true
                result.append(MapLeaf(key: visit.key, value: value))
            case (.some(.none), .some): isChanged = true
            case (_, let before?): result.append(before)
            case (_, nil): break
            }
        }
        return isChanged ? result + old : nil
    }
}

/// What is to be done at one key: a value is expected there, or another one put in its place, or both.
struct MapVisit {
    let key: Hash
    /// Nil where nothing is expected, a nil inside where the key should be absent.
    var expected: Hash??
    /// Nil where nothing changes, a nil inside to take the key out.
    var change: Hash??

    /// One visit for each key, in the order of the keys. Of two changes of one key, the later counts.
    static func sorted(
        expecting expected: [(key: Hash, value: Hash?)], changing changes: [(key: Hash, value: Hash?)]
    ) -> [MapVisit] {
        var visits: [Hash: MapVisit] = [:]
        visits.reserveCapacity(changes.count + expected.count)
        for (key, value) in expected { visits[key] = MapVisit(key: key, expected: .some(value)) }
        for (key, value) in changes { visits[key, default: MapVisit(key: key)].change = .some(value) }
        return visits.values.sorted { $0.key < $1.key }
    }
}
