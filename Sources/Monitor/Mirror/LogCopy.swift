public import LogClient
import Synchronization
public import Tlog

/// Fills a directory with everything that a tree head demands: every tile and every entry bundle.
///
/// From the top down: the tiles above the leaves are proved under the root, then each bundle by itself under them, in
/// parallel. The tiles of leaf hashes are computed. So nothing that is not proved is ever visible in the directory,
/// whatever the source says. What is in the directory already counts as done only if it is what the head demands.
public struct LogCopy: Sendable {
    /// How far a copy is.
    public struct Progress: Sendable, Hashable {
        /// Entries that are in the directory and verified, of how many.
        public var entries: UInt64 = 0
        public var total: UInt64
        /// Bytes that were read from the source.
        public var bytesRead: UInt64 = 0
    }

    private let directory: MirrorDirectory
    private let source: any LogFiles
    /// Files that are asked for at one time.
    private let parallel: Int

    /// - Parameter parallel: files that are asked for at one time.
    public init(to directory: MirrorDirectory, from source: any LogFiles, parallel: Int = 8) {
        self.directory = directory
        self.source = source
        self.parallel = max(1, parallel)
    }

    /// Returns when everything that the head demands is in the directory, verified and synced. The checkpoint is the
    /// caller's to put there.
    ///
    /// - Parameters:
    ///   - head: verified by the caller.
    ///   - verified: the size below which this process has verified the directory before.
    @discardableResult
    public func fill(
        to head: TreeHead, verified: UInt64 = 0, progress: @Sendable (Progress) -> Void = { _ in }
    ) async throws -> Progress {
        let count = Mutex(Progress(entries: verified, total: head.size))
        let top = try await readTop(head, since: verified, count)
        let first = verified / UInt64(EntryBundle.fullWidth)
        try await inParallel(first..<max(first, top.bundleCount)) { index in
            try await copyBundle(index, under: top, count)
            let width = UInt64(TreeTop.width(ofBundle: index, size: head.size))
            let now = count.withLock { count in
                // The bundle that was partial before was counted up to there.
                count.entries += index == first ? width - verified % UInt64(EntryBundle.fullWidth) : width
                return count
            }
            progress(now)
        }
        for tile in Tile.tiles(from: min(verified, head.size), to: head.size) where tile.level > 0 {
            guard let content = top.content(of: tile.coordinate) else { continue }
            try directory.put(content, at: .tile(tile))
            directory.note(.tile(tile))
        }
        try directory.sync()
        return count.withLock { $0 }
    }

    /// The tiles above the leaves, always from the source: there are few, and one that does not fit is the source's.
    private func readTop(_ head: TreeHead, since old: UInt64, _ count: borrowing Mutex<Progress>) async throws
        -> TreeTop
    {
        var top = TreeTop(head: head)
        let read = Mutex<[TileCoordinate: [UInt8]]>([:])
        try await inParallel(top.missing(since: old)) { tile in
            guard let (_, content) = try await source.content(of: .tile(tile)) else {
                throw MirrorError.missing(path: TileResource.tile(tile).path)
            }
            read.withLock { $0[tile.coordinate] = content }
        }
        let tiles = read.withLock { $0 }
        count.withLock { $0.bytesRead += tiles.values.reduce(0) { $0 + UInt64($1.count) } }
        do {
            try top.add(tiles)
        } catch {
            throw MirrorError.mismatch(path: Self.path(error) ?? "tile", why: "\(error)")
        }
        return top
    }

    private static func path(_ error: ProofError) -> String? {
        switch error {
        case .tileMismatch(let tile, _, _), .tileLength(let tile, _), .tileMissing(let tile):
            TileResource.tile(tile).path
        default: nil
        }
    }

    private func copyBundle(_ index: UInt64, under top: TreeTop, _ count: borrowing Mutex<Progress>) async throws {
        let width = TreeTop.width(ofBundle: index, size: top.head.size)
        let resource = TileResource.entries(index: index, width: width)
        guard let coordinate = TileCoordinate(level: 0, index: index),
            let tile = Tile(coordinate: coordinate, width: width)
        else { preconditionFailure("bundle \(index) of a tree of \(top.head.size) entries") }
        var hashes: [UInt8]?
        if let kept = try? directory.read(resource.path),
            let bundle = try? EntryBundle(parsing: kept, width: width)
        {
            hashes = top.leafTile(of: bundle.entries, bundle: index)
        }
        if hashes == nil {
            let entries = try await read(resource, width, count)
            guard let proved = top.leafTile(of: entries, bundle: index) else {
                throw MirrorError.mismatch(
                    path: resource.path, why: "its entries are not those under the root of \(top.head.size) entries")
            }
            try directory.put(EntryBundle.encode(entries: entries), at: resource)
            hashes = proved
        }
        directory.note(resource)
        if let hashes { try directory.put(hashes, at: .tile(tile)) }
        directory.note(.tile(tile))
    }

    private func read(
        _ resource: TileResource, _ width: Int, _ count: borrowing Mutex<Progress>
    ) async throws -> [[UInt8]] {
        guard let (found, content) = try await source.content(of: resource) else {
            throw MirrorError.missing(path: resource.path)
        }
        count.withLock { $0.bytesRead += UInt64(content.count) }
        do {
            let read = found == resource ? width : EntryBundle.fullWidth
            return Array(try EntryBundle(parsing: content, width: read).entries.prefix(width))
        } catch {
            throw MirrorError.mismatch(path: found.path, why: "it is not a bundle of entries: \(error)")
        }
    }

    /// At most `parallel` at once; the first error ends all.
    private func inParallel<S: Sequence & Sendable>(
        _ items: S, _ body: @Sendable (S.Element) async throws -> Void
    ) async throws where S.Element: Sendable {
        try await withoutActuallyEscaping(body) { body in
            try await withThrowingTaskGroup(of: Void.self) { group in
                var running = 0
                for item in items {
                    if running == parallel {
                        try await group.next()
                        running -= 1
                    }
                    group.addTask { try await body(item) }
                    running += 1
                }
                try await group.waitForAll()
            }
        }
    }
}
