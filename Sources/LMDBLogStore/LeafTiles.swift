internal import LMDB
internal import LogStore
internal import Tlog

/// The leaf hashes of the log in their order, as the tiles of level 0 have them in one state of the store.
struct LeafTiles {
    private static let width = UInt64(Tile.fullWidth)

    private let view: StoreView

    init(_ view: StoreView) { self.view = view }

    /// Whether the entry at `index`, which is below the head, has this leaf hash.
    func have(_ leafHash: Hash, at index: UInt64) throws -> Bool {
        try withTile(index / Self.width) { tile in
            let start = Int(index % Self.width) * Hash.byteCount
            guard start + Hash.byteCount <= tile.count else { throw Self.missing(index) }
            return Mutant.indexCandidate.isOff
                || leafHash.withBytes { bytes in
                    bytes.indices.allSatisfy { bytes[$0] == tile[start + $0] }
                }
        }
    }

    /// Calls `body` with the index and the leaf hash of each entry of the range, all of which are below the head.
    func forEach(_ range: Range<UInt64>, _ body: (UInt64, Hash) throws -> Void) throws {
        var index = range.lowerBound
        while index < range.upperBound {
            let tile = try withTile(index / Self.width) { $0.copied() }
            let end = min((index / Self.width + 1) * Self.width, range.upperBound)
            while index < end {
                let start = Int(index % Self.width) * Hash.byteCount
                guard start + Hash.byteCount <= tile.count, let hash = Hash(tile[start..<start + Hash.byteCount]) else {
                    throw Self.missing(index)
                }
                try body(index, hash)
                index += 1
            }
        }
    }

    /// The root of the tree of the first `size` entries, which is not above the head.
    func root(at size: UInt64) throws -> Hash {
        try TileEdge(size: size) { tile in
            try view.withTileRow(tile.coordinate) { try TileRow.hashes(in: $0) } ?? []
        }.root()
    }

    private func withTile<R>(_ index: UInt64, _ body: (Span<UInt8>) throws -> R) throws -> R {
        guard let coordinate = TileCoordinate(level: 0, index: index),
            let result = try view.withTileRow(coordinate, body)
        else { throw Self.missing(index * Self.width) }
        return result
    }

    private static func missing(_ index: UInt64) -> StoreError {
        .damaged("the tile that has the leaf hash of entry \(index) is missing, or too short")
    }
}
