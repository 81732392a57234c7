/// Tiles from a stranger, each proved to belong to a tree head before anything is computed from it.
///
/// It reads nothing itself: `missing(for:)` says which tiles to get, `add` checks them and keeps the good ones.
/// The right edge is checked by recomputing the root, every other tile by its hash in the tile above it.
public struct AuthenticatedTiles: Sendable {
    /// What the tiles are checked against; who made it trustworthy is the caller's affair.
    public let head: TreeHead
    /// The tiles that have been proved, cut to the width that the head's tree gives them.
    public private(set) var tiles: [TileCoordinate: [UInt8]] = [:]
    private let edge: ProofPlan

    public init(head: TreeHead) {
        self.head = head
        edge = .root(size: head.size)
    }

    /// The tiles to get before `hashes(for:)` can answer: those of the plan, and those above them up to what has been
    /// proved. Sorted. The plan must be for a tree that is no larger than the head's.
    public func missing(for plan: ProofPlan) -> [Tile] {
        precondition(plan.size <= head.size, "a plan for \(plan.size) leaves in a tree of \(head.size)")
        return missing(plan.tiles.map(\.coordinate))
    }

    /// The same for single tiles; those outside the head's tree are left out.
    public func missing(_ wanted: [TileCoordinate]) -> [Tile] {
        var needed = Set(edge.tiles.map(\.coordinate).filter { tiles[$0] == nil })
        for coordinate in wanted {
            var next: TileCoordinate? = coordinate
            while let coordinate = next, let tile = Tile(at: coordinate, treeSize: head.size),
                tiles[coordinate] == nil, needed.insert(coordinate).inserted
            {
                next = tile.isFull ? Self.parent(of: coordinate) : nil
            }
        }
        return needed.sorted().compactMap { Tile(at: $0, treeSize: head.size) }
    }

    /// Checks tiles and keeps them: all those that `missing` named, in one call. Tiles that the head's tree does not
    /// have are ignored; wider ones are cut. At the first that is wrong it throws, and keeps none of this call.
    public mutating func add(_ read: [TileCoordinate: [UInt8]]) throws(ProofError) {
        var proved = tiles
        if let unproved = edge.tiles.first(where: { proved[$0.coordinate] == nil }) {
            let root = try edge.hashes(in: read)[0]
            guard root == head.root else {
                throw edge.tiles.count == 1
                    ? .tileMismatch(unproved, expected: head.root, computed: root)
                    : .rootMismatch(expected: head.root, computed: root)
            }
            for tile in edge.tiles { proved[tile.coordinate] = Self.cut(read[tile.coordinate], to: tile) }
        }
        // From the top down, so that the tile above has been proved when its children come.
        for coordinate in read.keys.sorted(by: >) where proved[coordinate] == nil {
            guard let tile = Tile(at: coordinate, treeSize: head.size) else { continue }
            guard let content = Self.cut(read[coordinate], to: tile) else {
                throw .tileLength(tile, bytes: read[coordinate]?.count ?? 0)
            }
            // A partial tile is on the edge, so this one is full and has a hash in the tile above.
            let parent = Self.parent(of: coordinate)
            guard let above = proved[parent] else {
                guard let missing = Tile(at: parent, treeSize: head.size) else {
                    preconditionFailure("\(tile) has no tile above it in a tree of \(head.size) leaves")
                }
                throw .tileMissing(missing)
            }
            let expected = Hash(in: above, at: Int(coordinate.index % 256) * Hash.byteCount)
            let computed = PerfectSubtree.root(of: content, first: 0, count: Tile.fullWidth)
            guard computed == expected else {
                throw .tileMismatch(tile, expected: expected, computed: computed)
            }
            proved[coordinate] = content
        }
        tiles = proved
    }

    /// The hashes of a proof, from proved tiles alone. Throws `tileMissing` if there are not enough of them.
    public func hashes(for plan: ProofPlan) throws(ProofError) -> [Hash] {
        try plan.hashes(in: tiles)
    }

    /// The hash of a leaf. Throws `indexOutOfRange`, or `tileMissing` if its tile has not been proved.
    public func leafHash(at index: UInt64) throws(ProofError) -> Hash {
        let coordinate = TileCoordinate(inTreeLevel: 0, index: index / 256)
        guard index < head.size, let tile = Tile(at: coordinate, treeSize: head.size) else {
            throw .indexOutOfRange(index: index, size: head.size)
        }
        guard let content = tiles[coordinate] else { throw .tileMissing(tile) }
        return Hash(in: content, at: Int(index % 256) * Hash.byteCount)
    }

    /// Throws unless the entries are those from number `first` on: each hashes to its leaf.
    public func verify(entries: [[UInt8]], first: UInt64) throws(ProofError) {
        for (offset, entry) in entries.enumerated() {
            let expected = try leafHash(at: first + UInt64(offset))
            let computed = Hash.leaf(entry)
            guard computed == expected else { throw .rootMismatch(expected: expected, computed: computed) }
        }
    }

    /// A partial tile of the tree is always on the edge; a full one has its hash here. "Each hash in a tile is the
    /// Merkle Tree Hash of a full tile at the level below."
    private static func parent(of coordinate: TileCoordinate) -> TileCoordinate {
        TileCoordinate(inTreeLevel: coordinate.level + 1, index: coordinate.index / 256)
    }

    private static func cut(_ content: [UInt8]?, to tile: Tile) -> [UInt8]? {
        guard let content, content.count >= tile.byteCount, content.count % Hash.byteCount == 0 else { return nil }
        return content.count == tile.byteCount ? content : Array(content.prefix(tile.byteCount))
    }
}
