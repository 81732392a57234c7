/// Every hash that lies inside one tile, none worked out twice: what a server makes its proofs from.
///
/// The hash over a complete subtree is the same in every later tree, so this holds for a tile whatever head a proof is
/// under, and a tile that has grown only needs the hashes of what was added.
package struct TileSubtrees: Sendable {
    private enum Content: Sendable {
        /// 256 places for the tile's own hashes, then 128 for those over two of them, and so on up to the two halves.
        case growing([Hash])
        /// A full tile, and what is inside it behind that.
        case stored([UInt8])
    }

    private var content: Content

    /// How many of the tile's own hashes have been taken up.
    package private(set) var width: Int

    package init() {
        content = .growing([Hash](repeating: .zero, count: 510))
        width = 0
    }

    /// A full tile as a store keeps it: its 256 hashes, and the ``TileInterior`` behind them.
    package init(stored: [UInt8]) {
        precondition(stored.count == Tile.fullWidth * Hash.byteCount + TileInterior.byteCount)
        content = .stored(stored)
        width = Tile.fullWidth
    }

    /// Takes up the tile's hashes up to `width`, and hashes the subtrees that they complete.
    ///
    /// - Parameter tile: the content, at least `width` hashes of 32 bytes.
    package mutating func grow(to width: Int, from tile: [UInt8]) {
        precondition((0...256).contains(width) && tile.count >= width * Hash.byteCount)
        guard width > self.width, case .growing(var hashes) = content else { return }
        content = .growing([])
        for position in self.width..<width { hashes[position] = Hash(in: tile, at: position * Hash.byteCount) }
        for height in 1...7 {
            let (first, end) = (self.width >> height, width >> height)
            Hash.setNodes(
                in: &hashes, at: Self.start(height) + first, count: end - first,
                of: Self.start(height - 1) + 2 * first)
        }
        content = .growing(hashes)
        self.width = width
    }

    /// The hash of a subtree of this tile. The tile must have been taken up to the subtree's end.
    package func hash(of subtree: PerfectSubtree) -> Hash {
        precondition(subtree.endInTile <= width, "a subtree that the tile does not reach yet")
        let (height, position) = (subtree.heightInTile, subtree.firstInTile >> subtree.heightInTile)
        switch content {
        case .growing(let hashes): return hashes[Self.start(height) + position]
        case .stored(let bytes):
            guard height > 1 else { return subtree.hash(in: bytes) }
            return Hash(
                in: bytes,
                at: Tile.fullWidth * Hash.byteCount + TileInterior.offset(height: height, position: position))
        }
    }

    private static func start(_ height: Int) -> Int { 512 - 512 >> height }
}
