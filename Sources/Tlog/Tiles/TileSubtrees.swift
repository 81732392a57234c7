/// Every hash that lies inside one tile, each worked out once: what a server keeps that makes many proofs.
///
/// The hash over a complete subtree is the same in every later tree, so this holds for a tile whatever head a proof is
/// under, and a tile that has grown only needs the hashes of what was added.
package struct TileSubtrees: Sendable {
    /// 256 places for the tile's own hashes, then 128 for those over two of them, and so on up to the two halves.
    private var hashes = [Hash](repeating: .zero, count: 510)

    /// How many of the tile's own hashes have been taken up.
    package private(set) var width = 0

    package init() {}

    /// Takes up the tile's hashes up to `width`, and hashes the subtrees that they complete.
    ///
    /// - Parameter tile: the content, at least `width` hashes of 32 bytes.
    package mutating func grow(to width: Int, from tile: [UInt8]) {
        precondition((0...256).contains(width) && tile.count >= width * Hash.byteCount)
        guard width > self.width else { return }
        for position in self.width..<width { hashes[position] = Hash(in: tile, at: position * Hash.byteCount) }
        for height in 1...7 {
            let (first, end) = (self.width >> height, width >> height)
            Hash.setNodes(
                in: &hashes, at: Self.start(height) + first, count: end - first,
                of: Self.start(height - 1) + 2 * first)
        }
        self.width = width
    }

    /// The hash of a subtree of this tile. The tile must have been taken up to the subtree's end.
    package func hash(of subtree: PerfectSubtree) -> Hash {
        precondition(subtree.endInTile <= width, "a subtree that the tile does not reach yet")
        return hashes[Self.start(subtree.heightInTile) + subtree.firstInTile >> subtree.heightInTile]
    }

    private static func start(_ height: Int) -> Int { 512 - 512 >> height }
}
