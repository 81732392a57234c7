/// The right edge of a tree as tiles: what a writer appends leaves to.
///
/// Only the partial tiles are kept, one a level, and the roots of the perfect subtrees, so that an append costs one
/// node hash on average and the root at most 63.
public struct TileEdge: Sendable {
    /// Number of leaves.
    public private(set) var size: UInt64 = 0
    /// By level: the content of the partial tile, empty where there is none.
    private var partials: [[UInt8]]
    /// By level: how wide the partial tile was when the changes were last taken.
    private var takenWidths = [Int](repeating: 0, count: levels)
    /// Tiles that have become full since then.
    private var completed: [(tile: Tile, hashes: [UInt8])] = []
    /// Roots of perfect subtrees, from the left: one for each bit that is set in the size.
    private var subtrees: [Hash] = []

    /// Tiles of level 7 hold subtrees of 2^56 leaves: enough for every size that a UInt64 holds.
    private static let levels = 8

    /// The edge of the empty tree.
    public init() {
        partials = [[UInt8]](repeating: [], count: Self.levels)
    }

    /// The edge of the tree of `size` leaves, from its partial tiles; `read` may answer wider ones. Throws what `read`
    /// throws, and `ProofError.tileLength` for a tile that is too short.
    public init(size: UInt64, reading read: (Tile) throws -> [UInt8]) throws {
        self.init()
        self.size = size
        for tile in Tile.partialTiles(treeSize: size) {
            let content = try read(tile)
            guard content.count >= tile.byteCount, content.count % Hash.byteCount == 0 else {
                throw ProofError.tileLength(tile, bytes: content.count)
            }
            partials[tile.level] = Array(content.prefix(tile.byteCount))
            takenWidths[tile.level] = tile.width
        }
        subtrees = PerfectSubtree.cover(0, size).map { $0.hash(in: partials[$0.tileLevel]) }
    }

    /// Appends a leaf.
    public mutating func append(_ leafHash: Hash) {
        var position = size
        size += 1
        store(leafHash, level: 0)
        var hash = leafHash
        var height = 0
        // Each trailing one of the old size is a perfect subtree that the new one completes to the next height.
        while position & 1 == 1 {
            hash = .node(subtrees.removeLast(), hash)
            height += 1
            position >>= 1
            if height % 8 == 0 { store(hash, level: height / 8) }
        }
        subtrees.append(hash)
    }

    /// The root of the tree as it is now.
    public func root() -> Hash {
        guard var hash = subtrees.last else { return .emptyTree }
        for left in subtrees.dropLast().reversed() { hash = .node(left, hash) }
        return hash
    }

    /// Every tile that has changed since the last call, with its newest content: those that became full, in the order
    /// in which they did, then the partial ones that grew, from level 0 up.
    public mutating func takeChangedTiles() -> [(tile: Tile, hashes: [UInt8])] {
        var changed = completed
        completed.removeAll()
        for tile in Tile.partialTiles(treeSize: size) where tile.width != takenWidths[tile.level] {
            changed.append((tile, partials[tile.level]))
            takenWidths[tile.level] = tile.width
        }
        return changed
    }

    private mutating func store(_ hash: Hash, level: Int) {
        if partials[level].isEmpty { partials[level].reserveCapacity(Tile.fullWidth * Hash.byteCount) }
        hash.append(to: &partials[level])
        guard partials[level].count == Tile.fullWidth * Hash.byteCount else { return }
        let index = (size >> UInt64(8 * level) - 1) / UInt64(Tile.fullWidth)
        completed.append((Tile(level: level, index: index, width: Tile.fullWidth), partials[level]))
        partials[level] = []
        takenWidths[level] = 0
    }
}
