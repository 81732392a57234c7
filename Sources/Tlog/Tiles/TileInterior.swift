/// The hashes inside a full tile, over 4, 8, up to 128 of its hashes: what a store can keep beside a tile, so that a proof is
/// read and not hashed. With them a hash inside the tile is one of them, one of the tile's own, or one step from two of those.
public enum TileInterior {
    /// 126 hashes of 32 bytes.
    public static let byteCount = 126 * Hash.byteCount

    /// Those of a full tile: the 64 over four hashes from the left, then the 32 over eight, up to the two halves.
    ///
    /// - Parameter tile: 256 hashes of 32 bytes.
    public static func bytes(of tile: [UInt8]) -> [UInt8] {
        precondition(tile.count == Tile.fullWidth * Hash.byteCount, "only a full tile has all of them")
        var row = (0..<Tile.fullWidth).map { Hash(in: tile, at: $0 * Hash.byteCount) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount)
        for height in 1...7 {
            let count = Tile.fullWidth >> height
            Hash.setNodes(in: &row, at: 0, count: count, of: 0)
            guard height > 1 else { continue }
            for hash in row[..<count] { hash.append(to: &bytes) }
        }
        return bytes
    }

    /// Where the hash over `2^height` hashes lies, height 2 to 7, number `position` from the left.
    static func offset(height: Int, position: Int) -> Int {
        (128 - 256 >> (height - 1) + position) * Hash.byteCount
    }
}
