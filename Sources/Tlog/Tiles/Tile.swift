/// A tile as a tree of some size has it: which one, and how wide. The content, `width` hashes of 32 bytes one after
/// the other, is kept apart.
///
/// A wider tile begins with all narrower tiles of the same coordinate, so whoever has one has them all.
public struct Tile: Sendable, Hashable, CustomStringConvertible {
    /// Hashes in a full tile.
    public static let fullWidth = 256

    public let coordinate: TileCoordinate
    /// Number of hashes, 1 ... 256.
    public let width: Int

    /// Nil unless the width is 1 ... 256.
    public init?(coordinate: TileCoordinate, width: Int) {
        guard (1...Self.fullWidth).contains(width) else { return nil }
        self.coordinate = coordinate
        self.width = width
    }

    init(level: Int, index: UInt64, width: Int) {
        precondition((1...Self.fullWidth).contains(width))
        coordinate = TileCoordinate(inTreeLevel: level, index: index)
        self.width = width
    }

    public var level: Int { coordinate.level }
    public var index: UInt64 { coordinate.index }
    public var isFull: Bool { width == Self.fullWidth }
    /// Bytes of its content.
    public var byteCount: Int { width * Hash.byteCount }
    public var description: String { "\(coordinate) of width \(width)" }

    /// How many hashes the tree of `size` leaves has at a tile level: "`floor(s / 256**l)`".
    static func hashCount(level: Int, size: UInt64) -> UInt64 {
        level >= 8 ? 0 : size >> UInt64(8 * level)
    }

    /// The tile at a coordinate as the tree of `size` leaves has it, or nil if it has none there.
    public init?(at coordinate: TileCoordinate, treeSize size: UInt64) {
        let hashes = Self.hashCount(level: coordinate.level, size: size)
        guard coordinate.index <= hashes / 256 else { return nil }
        let width = coordinate.index < hashes / 256 ? 256 : Int(hashes % 256)
        // "Empty tiles MUST NOT be served."
        guard width > 0 else { return nil }
        self.coordinate = coordinate
        self.width = width
    }

    /// The partial tiles of a tree, one a level at most, from level 0 up: "The partial tile at level l for a tree of
    /// size s has floor(s / 256**l) mod 256 entries."
    public static func partialTiles(treeSize size: UInt64) -> [Tile] {
        (0..<8).compactMap { level in
            let hashes = hashCount(level: level, size: size)
            return hashes % 256 == 0 ? nil : Tile(level: level, index: hashes / 256, width: Int(hashes % 256))
        }
    }

    /// Every tile of the tree of `size` leaves, level by level from the left. About size / 256 of them.
    public static func tiles(forTreeSize size: UInt64) -> [Tile] {
        tiles(from: 0, to: size)
    }

    /// The tiles that the tree of `newSize` leaves has and the tree of `oldSize` has not, or has narrower.
    public static func tiles(from oldSize: UInt64, to newSize: UInt64) -> [Tile] {
        precondition(oldSize <= newSize, "tiles from \(oldSize) to \(newSize)")
        var tiles: [Tile] = []
        for level in 0..<8 {
            let (old, new) = (hashCount(level: level, size: oldSize), hashCount(level: level, size: newSize))
            if new == old { break }
            var index = old / 256
            while index < new / 256 {
                tiles.append(Tile(level: level, index: index, width: 256))
                index += 1
            }
            if new % 256 > 0 { tiles.append(Tile(level: level, index: index, width: Int(new % 256))) }
        }
        return tiles
    }
}
