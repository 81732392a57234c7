/// Which tile: a level and an index within it. How wide it is depends on the tree's size: see `Tile`.
///
/// tlog-tiles: level 0 has the leaf hashes, 256 a tile; each hash of level n + 1 is the Merkle Tree Hash of a full
/// tile of level n.
public struct TileCoordinate: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// 0 ... 63. Trees of fewer than 2^64 leaves have tiles up to level 7.
    public let level: Int
    /// From the left, within the level.
    public let index: UInt64

    /// Nil for a level outside 0 ... 63 ("MUST be a decimal ASCII integer between 0 and 63"), or an index that lies
    /// outside every tree of fewer than 2^64 leaves.
    public init?(level: Int, index: UInt64) {
        guard (0...63).contains(level), index <= Self.lastIndex(level: level) else { return nil }
        self.level = level
        self.index = index
    }

    private static func lastIndex(level: Int) -> UInt64 {
        level >= 7 ? 0 : UInt64.max >> UInt64(8 * (level + 1))
    }

    /// For coordinates computed from a tree's size, which lie inside that tree.
    init(inTreeLevel level: Int, index: UInt64) {
        precondition((0...7).contains(level) && index <= Self.lastIndex(level: level))
        self.level = level
        self.index = index
    }

    /// By level, then by index.
    public static func < (left: TileCoordinate, right: TileCoordinate) -> Bool {
        (left.level, left.index) < (right.level, right.index)
    }

    public var description: String { "tile \(level)/\(index)" }
}
