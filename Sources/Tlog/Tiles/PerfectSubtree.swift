/// The hash over `2^height` consecutive leaves from number `index * 2^height` on: what tiles hold, or are one step from.
package struct PerfectSubtree: Sendable, Hashable {
    let height: Int
    let index: UInt64

    /// The perfect subtrees, from the left, that the hash over the leaves `first ..< end` is made of.
    ///
    /// `first` must be a multiple of a power of two that is at least `end - first`, as it is for every subtree that
    /// RFC 6962's recursion meets.
    static func cover(_ first: UInt64, _ end: UInt64) -> [PerfectSubtree] {
        var subtrees: [PerfectSubtree] = []
        var position = first
        while position < end {
            let height = 63 - (end - position).leadingZeroBitCount
            subtrees.append(PerfectSubtree(height: height, index: position >> UInt64(height)))
            position += 1 << UInt64(height)
        }
        return subtrees
    }

    /// The same subtrees one by one from the right, which is the order in which they are hashed together.
    package static func forEachFromRight<E: Error>(
        _ first: UInt64, _ end: UInt64, _ body: (PerfectSubtree) throws(E) -> Void
    ) throws(E) {
        var position = end
        while position > first {
            let height = (position - first).trailingZeroBitCount
            position -= 1 << UInt64(height)
            try body(PerfectSubtree(height: height, index: position >> UInt64(height)))
        }
    }

    /// Where the hashes are that this one is made of. A subtree of height 8n is itself in a tile of level n.
    var tileLevel: Int { height / 8 }
    var heightInTile: Int { height % 8 }
    private var firstHash: UInt64 { index << UInt64(heightInTile) }
    /// The places of its hashes in the tile: from `firstInTile` up to, not including, `endInTile`.
    var firstInTile: Int { Int(firstHash % 256) }
    package var endInTile: Int { firstInTile + 1 << heightInTile }

    package var coordinate: TileCoordinate { TileCoordinate(inTreeLevel: tileLevel, index: firstHash / 256) }

    /// The hash, from its tile's content, which must be long enough.
    func hash(in tile: [UInt8]) -> Hash {
        Self.root(of: tile, first: firstInTile, count: 1 << heightInTile)
    }

    /// The Merkle Tree Hash over `count` (a power of two) hashes of a tile from number `first` on.
    static func root(of tile: [UInt8], first: Int, count: Int) -> Hash {
        if count == 1 { return Hash(in: tile, at: first * Hash.byteCount) }
        let half = count / 2
        return .node(root(of: tile, first: first, count: half), root(of: tile, first: first + half, count: half))
    }
}
