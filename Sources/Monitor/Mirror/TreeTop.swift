package import Tlog

/// A tree above its leaves, proved under a head: all tiles of level 1 and up, and the right edge. With it every entry
/// bundle is verified by itself, in any order and side by side, and no bundle need be believed until another has come.
package struct TreeTop: Sendable {
    package let head: TreeHead
    private var tiles: AuthenticatedTiles

    package init(head: TreeHead) {
        self.head = head
        tiles = AuthenticatedTiles(head: head)
    }

    /// The tiles to read for the part of the tree that the tree of `old` leaves has not.
    package func missing(since old: UInt64) -> [Tile] {
        tiles.missing(Tile.tiles(from: min(old, head.size), to: head.size).filter { $0.level > 0 }.map(\.coordinate))
    }

    /// Takes all tiles that `missing` named.
    ///
    /// - Throws: the first that is not the head's; none is kept then.
    package mutating func add(_ read: [TileCoordinate: [UInt8]]) throws(ProofError) {
        try tiles.add(read)
    }

    /// The proved content of a tile, at the width that it has in this tree; nil for one that was not asked for.
    package func content(of coordinate: TileCoordinate) -> [UInt8]? { tiles.tiles[coordinate] }

    /// How many bundles the tree has, and how many entries one of them.
    package var bundleCount: UInt64 { Self.bundleCount(size: head.size) }

    package static func bundleCount(size: UInt64) -> UInt64 {
        size / UInt64(EntryBundle.fullWidth) + (size % UInt64(EntryBundle.fullWidth) > 0 ? 1 : 0)
    }

    package static func width(ofBundle index: UInt64, size: UInt64) -> Int {
        Int(min(size - index * UInt64(EntryBundle.fullWidth), UInt64(EntryBundle.fullWidth)))
    }

    /// The content of the tile of leaf hashes that the entries of a bundle make, if it is the one that the head demands.
    ///
    /// - Returns: nil if it is not.
    package func leafTile(of entries: [[UInt8]], bundle index: UInt64) -> [UInt8]? {
        let width = Self.width(ofBundle: index, size: head.size)
        guard entries.count == width else { return nil }
        var content: [UInt8] = []
        content.reserveCapacity(width * Hash.byteCount)
        for entry in entries { content.append(contentsOf: Hash.leaf(entry).bytes) }
        return isLeafTile(content, index: index) ? content : nil
    }

    /// Whether this is the content of the tile of level 0 at an index, at the width that it has in this tree.
    package func isLeafTile(_ content: [UInt8], index: UInt64) -> Bool {
        guard content.count == Self.width(ofBundle: index, size: head.size) * Hash.byteCount,
            let coordinate = TileCoordinate(level: 0, index: index)
        else { return false }
        if let proved = tiles.tiles[coordinate] { return proved == content }
        guard let expected = root(ofLeafTile: index) else { return false }
        return content.rootOfTile == expected
    }

    /// The hash over a full tile of level 0, as the tile above has it.
    package func root(ofLeafTile index: UInt64) -> Hash? {
        TileCoordinate(level: 1, index: index / 256).flatMap { tiles.tiles[$0] }?.hash(at: Int(index % 256))
    }
}

extension [UInt8] {
    /// Hash number `position` of a tile's content; nil if it is not so long.
    package func hash(at position: Int) -> Hash? {
        let start = position * Hash.byteCount
        guard start >= 0, count >= start + Hash.byteCount else { return nil }
        return Hash(self[start..<start + Hash.byteCount])
    }

    /// The Merkle Tree Hash over the hashes of a tile's content, as the tile above has it of a full one.
    package var rootOfTile: Hash {
        var frontier = Frontier()
        for position in 0..<count / Hash.byteCount { hash(at: position).map { frontier.append($0) } }
        return frontier.root()
    }
}
