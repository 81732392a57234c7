internal import Tlog

extension LogSnapshot {
    /// Reads the whole log and checks that it agrees with itself: every entry hashes to the leaf hash in its tile and
    /// is found under it, every hash in a higher tile, and inside a tile, is that of what is below it, and all of them make the root of
    /// the head. It takes time in proportion to the log.
    ///
    /// - Throws: `corrupt`, naming the first thing that is wrong.
    public func verifyContents() throws {
        let check = ContentCheck(head: try head)
        for tile in 0..<check.tileCount { try check.checkEntries(of: tile, in: self) }
        try check.checkTree(in: self)
    }
}

extension LogStore {
    /// The same, in several pieces at a time. The log may grow meanwhile: what is checked is as long as it is now.
    ///
    /// - Parameter pieces: how many tasks read and hash at the same time, such as one for each core.
    public func verifyContents(pieces: Int) async throws {
        let check = ContentCheck(head: try read { try $0.head })
        let length = max(1, (check.tileCount + UInt64(max(pieces, 1)) - 1) / UInt64(max(pieces, 1)))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for first in stride(from: 0, to: check.tileCount, by: UInt64.Stride(length)) {
                group.addTask {
                    let end = min(first + length, check.tileCount)
                    // A snapshot for some tiles at a time: one that is held keeps the store's pages from being used again.
                    for start in stride(from: first, to: end, by: 64) {
                        try read { snapshot in
                            for tile in start..<min(start + 64, end) { try check.checkEntries(of: tile, in: snapshot) }
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        try read { try check.checkTree(in: $0) }
    }
}

/// The checks of a log that is stored, up to a head. What is below it never changes, so each can be made on a snapshot of
/// its own.
private struct ContentCheck: Sendable {
    let head: StoredHead

    private static let width = UInt64(Tile.fullWidth)

    /// Tiles of leaf hashes, the partial one included.
    var tileCount: UInt64 { head.size / Self.width + (head.size % Self.width > 0 ? 1 : 0) }

    /// The entries of one tile against their leaf hashes, and the tile against the one above.
    func checkEntries(of tile: UInt64, in snapshot: some LogSnapshot) throws {
        let first = tile * Self.width
        let hashes = try hashes(level: 0, tile, in: snapshot)
        try snapshot.forEachEntry(first..<min(first + Self.width, head.size)) { index, entry in
            let leafHash = Hash.leaf(entry)
            guard leafHash == hashes[Int(index - first)] else {
                throw StoreError(.corrupt, "tile 0/\(tile) does not have \(leafHash) at \(index - first)")
            }
        }
        try snapshot.checkIndex(of: hashes, from: first)
        try checkRoot(of: hashes, level: 0, tile, in: snapshot)
    }

    /// The tiles above those of the leaf hashes against each other, and all against the head.
    func checkTree(in snapshot: some LogSnapshot) throws {
        var level = 1
        while level < 8, head.size >> UInt64(8 * level) > 0 {
            let count = head.size >> UInt64(8 * level)
            for tile in 0..<count / Self.width {
                try checkRoot(of: hashes(level: level, tile, in: snapshot), level: level, tile, in: snapshot)
            }
            level += 1
        }
        let computed = try TileEdge(size: head.size) { try snapshot.content(of: $0) }.root()
        guard computed == head.treeHead.root else {
            throw StoreError(.corrupt, "the entries make the root \(computed), the head says \(head.treeHead.root)")
        }
    }

    /// "The hash over a full tile" is one of the tile above it.
    private func checkRoot(of hashes: [Hash], level: Int, _ tile: UInt64, in snapshot: some LogSnapshot) throws {
        guard hashes.count == Tile.fullWidth else { return }
        let stored = try TileCoordinate(level: level, index: tile).flatMap { try snapshot.tileWithInterior($0) }
        var row = hashes
        var count = row.count
        var offset = count * Hash.byteCount
        while count > 1 {
            count /= 2
            Hash.setNodes(in: &row, at: 0, count: count, of: 0)
            guard let stored, (2...64).contains(count) else { continue }
            for hash in row[..<count] {
                guard Hash(stored[offset..<offset + Hash.byteCount]) == hash else {
                    throw StoreError(.corrupt, "what is kept inside tile \(level)/\(tile) does not have \(hash)")
                }
                offset += Hash.byteCount
            }
        }
        let above = try self.hashes(level: level + 1, tile / Self.width, in: snapshot)
        guard row[0] == above[Int(tile % Self.width)] else {
            throw StoreError(
                .corrupt, "tile \(level + 1)/\(tile / Self.width) does not have \(row[0]) at \(tile % Self.width)")
        }
    }

    /// What the tree of the head has of a tile.
    private func hashes(level: Int, _ tile: UInt64, in snapshot: some LogSnapshot) throws -> [Hash] {
        let width = min(head.size >> UInt64(8 * level) - tile * Self.width, Self.width)
        guard let coordinate = TileCoordinate(level: level, index: tile), let bytes = try snapshot.tile(coordinate),
            bytes.count >= Int(width) * Hash.byteCount
        else { throw StoreError(.corrupt, "tile \(level)/\(tile) is missing, or too short") }
        return (0..<Int(width)).compactMap { Hash(bytes[$0 * Hash.byteCount..<($0 + 1) * Hash.byteCount]) }
    }
}
