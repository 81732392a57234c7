import Tlog

/// Computes every tile of a tree from its leaf hashes, and compares each with the one that the log has.
///
/// The tiles are computed here and not by the code that logs write them with, so that one mistake does not vouch for
/// itself. The first difference is kept for level 0 and for the levels above; the rest of the tree is still computed,
/// because its root tells whether the entries or the tiles are the wrong ones.
struct TileComparison<Source: TileSource> {
    private let source: Source
    /// By level: the hashes of the tile that is being filled.
    private var open: [[Hash]] = [[]]
    /// By level: how many tiles are full.
    private var fullTiles: [UInt64] = [0]
    /// How many tiles agree, and the first that does not; level 0, and all others.
    private(set) var leafTiles = Tally()
    private(set) var upperTiles = Tally()

    /// What came of comparing tiles.
    struct Tally {
        var count: UInt64 = 0
        /// What differs, and where.
        var difference: CheckFailure?
    }

    init(source: Source) {
        self.source = source
    }

    /// Goes on after a tree of `size` leaves, whose partial tiles these are: see ``TileEdges/fit(_:size:)``.
    init(source: Source, open: [[Hash]], size: UInt64) {
        self.source = source
        self.open = open
        fullTiles = open.indices.map { size >> (8 * UInt64($0 + 1)) }
    }

    /// By level: the hashes of the tile that is not full. Nil once something differed.
    var openTiles: [[Hash]]? {
        leafTiles.difference == nil && upperTiles.difference == nil ? open : nil
    }

    /// How many leaves there are.
    var size: UInt64 { fullTiles[0] << 8 + UInt64(open[0].count) }

    /// The root that the leaves have, whatever the log's tiles say.
    var root: Hash { TileEdges.root(open) }

    /// Adds a leaf; compares the tiles that it completes.
    mutating func append(_ leafHash: Hash) throws {
        try append(leafHash, level: 0)
    }

    /// Compares the partial tiles on the right edge: "The partial tile at level l for a tree of size s has
    /// floor(s / 256**l) mod 256 entries" (tlog-tiles).
    mutating func finish() throws {
        for level in open.indices where !open[level].isEmpty {
            try compare(level: level)
        }
    }

    private mutating func append(_ hash: Hash, level: Int) throws {
        if level == open.count {
            open.append([])
            fullTiles.append(0)
        }
        open[level].append(hash)
        guard open[level].count == Tile.fullWidth else { return }
        try compare(level: level)
        // "each hash in a tile is the Merkle Tree Hash of a full tile at the level below"
        var hashes = open[level]
        var width = hashes.count
        while width > 1 {
            width /= 2
            Hash.setNodes(in: &hashes, at: 0, count: width, of: 0)
        }
        open[level].removeAll(keepingCapacity: true)
        fullTiles[level] += 1
        try append(hashes[0], level: level + 1)
    }

    private mutating func compare(level: Int) throws {
        let isKnown = level == 0 ? leafTiles.difference != nil : upperTiles.difference != nil
        guard !isKnown else { return }
        let difference = try difference(level: level)
        if level == 0 {
            leafTiles.count += 1
            leafTiles.difference = difference
        } else {
            upperTiles.count += 1
            upperTiles.difference = difference
        }
    }

    private func difference(level: Int) throws -> CheckFailure? {
        let (index, hashes) = (fullTiles[level], open[level])
        guard let coordinate = TileCoordinate(level: level, index: index),
            let tile = Tile(coordinate: coordinate, width: hashes.count)
        else { return CheckFailure("tile-missing", "tile \(level)/\(index) can't be") }
        guard let (found, content) = try source.tile(tile) else {
            return CheckFailure("tile-missing", "\(TileResource.tile(tile).path) is missing")
        }
        let path = TileResource.tile(found).path
        guard content.count == found.byteCount else {
            return CheckFailure("tile-length", "\(path) has \(content.count) bytes, not \(found.byteCount)")
        }
        for (position, hash) in hashes.enumerated() {
            let other = Hash(in: content, at: position * Hash.byteCount)
            guard other != hash, !Mutant.tiles.isOff else { continue }
            if level == 0 {
                let entry = index * UInt64(Tile.fullWidth) + UInt64(position)
                return CheckFailure(
                    "tile-mismatch",
                    "entry \(entry) hashes to \(hash), \(path) has \(other) at position \(position)")
            }
            return CheckFailure(
                "tile-mismatch", "the tile below gives \(hash), \(path) has \(other) at position \(position)")
        }
        return nil
    }
}

extension TileSource {
    /// A tile of a tree, or the full tile in its place, with its content. tlog-tiles: logs "MAY delete any partial tile
    /// once the corresponding full tile is [...] available"; a full tile begins with the partial ones.
    func tile(_ tile: Tile) throws -> (found: Tile, content: [UInt8])? {
        if let content = try read(TileResource.tile(tile).path) { return (tile, content) }
        guard !tile.isFull, let full = Tile(coordinate: tile.coordinate, width: Tile.fullWidth),
            let content = try read(TileResource.tile(full).path)
        else { return nil }
        return (full, content)
    }

    /// `width` entries of a bundle, from the partial bundle or, in its place, the full one.
    func bundle(_ index: UInt64, width: Int) throws(BundleFault) -> [[UInt8]] {
        let path = TileResource.entries(index: index, width: width).path
        if let content = try content(path) { return try Self.parse(content, width: width, path) }
        let full = TileResource.entries(index: index, width: EntryBundle.fullWidth).path
        guard width < EntryBundle.fullWidth, let content = try content(full) else {
            throw .content(code: "bundle-missing", path: path, why: "is missing")
        }
        return Array(try Self.parse(content, width: EntryBundle.fullWidth, full).prefix(width))
    }

    private func content(_ path: String) throws(BundleFault) -> [UInt8]? {
        do { return try read(path) } catch { throw .source(error) }
    }

    private static func parse(_ content: [UInt8], width: Int, _ path: String) throws(BundleFault) -> [[UInt8]] {
        do {
            return try EntryBundle(parsing: content, width: width).entries
        } catch {
            throw .content(
                code: error.reason, path: path, why: "is not a bundle of \(width) entries: \(error.sentence())")
        }
    }
}

/// Why a bundle's entries are not to be had.
enum BundleFault: Error {
    /// The source could not be read.
    case source(any Error)
    /// The file is missing or is no bundle.
    case content(code: String, path: String, why: String)
}
