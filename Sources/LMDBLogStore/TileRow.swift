internal import LMDB
internal import LogStore
internal import Tlog

/// How a tile lies in its row: its hashes, and behind those of a full tile its ``TileInterior``. That takes no page more: LMDB
/// gives 8,192 bytes three of its own, and both have room in these.
enum TileRow {
    private static let fullByteCount = Tile.fullWidth * Hash.byteCount

    static func bytes(_ tile: Tile, _ hashes: [UInt8]) -> [UInt8] {
        tile.isFull ? hashes + TileInterior.bytes(of: hashes) : hashes
    }

    /// The tile's own hashes.
    static func hashes(in row: Span<UInt8>) throws -> [UInt8] {
        guard try isFull(row) else { return row.copied() }
        return row.extracting(0..<fullByteCount).copied()
    }

    /// All of a full tile's row; nil for one that is not full.
    static func whole(_ row: Span<UInt8>) throws -> [UInt8]? { try isFull(row) ? row.copied() : nil }

    /// One of the tile's own hashes; nil where it has not so many.
    static func hash(in row: Span<UInt8>, at position: Int) throws -> Hash? {
        let (start, end) = (position * Hash.byteCount, try isFull(row) ? fullByteCount : row.count)
        guard start + Hash.byteCount <= end else { return nil }
        return Hash(in: row, at: start)
    }

    private static func isFull(_ row: Span<UInt8>) throws -> Bool {
        if row.count == fullByteCount + TileInterior.byteCount { return true }
        guard row.count < fullByteCount, row.count > 0, row.count % Hash.byteCount == 0 else {
            throw StoreError.damaged("a tile has a row of \(row.count) bytes")
        }
        return false
    }
}
