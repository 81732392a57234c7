internal import LMDB
internal import LogStore
internal import Synchronization
internal import Tlog

/// The tiles that the commits of the journal change, in memory, as the newest of them has them. A partial tile is the beginning of
/// every wider one, so an older snapshot takes of a tile what its tree has.
final class JournaledTiles: Sendable {
    /// In the form of their rows: behind a full tile stands its interior.
    private let tiles = Mutex<[TileCoordinate: [UInt8]]>([:])

    func add(_ changed: [(tile: Tile, hashes: [UInt8])]) {
        let rows = changed.map { ($0.tile.coordinate, TileRow.bytes($0.tile, $0.hashes)) }
        tiles.withLock { tiles in
            for (coordinate, row) in rows { tiles[coordinate] = row }
        }
    }

    /// The row of a tile as the tree of `size` entries has it; nil if the tables have it, or nothing has.
    func row(_ coordinate: TileCoordinate, size: UInt64) -> ArraySlice<UInt8>? {
        guard let row = tiles.withLock({ $0[coordinate] }), let tile = Tile(at: coordinate, treeSize: size) else {
            return nil
        }
        return tile.isFull ? row[...] : row[..<tile.byteCount]
    }

    var count: Int { tiles.withLock { $0.count } }

    func fold(into layout: Layout, _ transaction: WriteTransaction) throws {
        for (coordinate, row) in inOrder {
            try transaction.put(row, for: coordinate.storageKey, in: layout.tiles)
        }
    }

    func check(foldedInto layout: Layout, _ transaction: Transaction) throws {
        for (coordinate, row) in inOrder {
            let isThere = try transaction.withValue(coordinate.storageKey, in: layout.tiles) {
                $0.hasSameBytes(as: row.span)
            }
            guard isThere == true else {
                throw StoreError.damaged("\(coordinate) was not stored as it was committed")
            }
        }
    }

    private var inOrder: [(key: TileCoordinate, value: [UInt8])] {
        tiles.withLock { Array($0) }.sorted { $0.key < $1.key }
    }
}
