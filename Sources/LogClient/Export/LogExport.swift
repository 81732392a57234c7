import Foundation
public import Tlog

/// Why a log was not exported. What is in the directory by then can be used by the next attempt.
public enum LogExportError: Error, Sendable, Hashable {
    /// The directory holds an export of another log, or of a larger tree.
    case otherLog(path: String, reason: String)
    /// The entries, hashed, do not give the root of the checkpoint.
    case rootDiffers(expected: TreeHead, computed: Hash)
    case system(path: String, reason: String)
}

/// Writes a log as a directory in the form of c2sp.org/tlog-tiles: entry bundles, tiles, and last the checkpoint.
///
/// Tiles are computed from the entries, and the root from the tiles, so that what is written is proved to be the tree
/// of the checkpoint whatever the source says. A full bundle that is there already is not read from the source again.
public struct LogExport {
    /// The entries of one bundle, in the order of the log.
    public typealias Source = (Range<UInt64>) async throws -> [[UInt8]]

    private let directory: String
    private let checkpoint: SignedCheckpoint
    private var edge = TileEdge()
    /// The newest content of the tiles that are not full.
    private var partials: [TileCoordinate: (tile: Tile, hashes: [UInt8])] = [:]

    private var head: TreeHead { checkpoint.checkpoint.treeHead }

    /// - Parameter checkpoint: verified by the caller.
    public init(directory: String, checkpoint: SignedCheckpoint) {
        self.directory = directory
        self.checkpoint = checkpoint
    }

    /// Writes everything.
    ///
    /// - Parameter progress: called with the number of entries that are written.
    public mutating func run(from source: Source, progress: (UInt64) -> Void = { _ in }) async throws {
        try checkDirectory()
        var first: UInt64 = 0
        while first < head.size {
            let end = min(first + UInt64(EntryBundle.fullWidth), head.size)
            try await writeBundle(first..<end, source)
            first = end
            progress(first)
        }
        guard edge.root() == head.root else { throw LogExportError.rootDiffers(expected: head, computed: edge.root()) }
        for (tile, hashes) in partials.values { try write(hashes, to: TileResource.tile(tile).path) }
        let path = directory + "/checkpoint"
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            try AtomicFile.write(checkpoint.bytes, to: path)
        } catch {
            throw LogExportError.system(path: path, reason: SystemReason.text(error))
        }
    }

    /// An older export of the same log is continued; anything else is not touched.
    private func checkDirectory() throws {
        let path = directory + "/checkpoint"
        guard FileManager.default.fileExists(atPath: path) else { return }
        guard let data = FileManager.default.contents(atPath: path),
            let old = try? SignedCheckpoint(parsing: [UInt8](data))
        else { throw LogExportError.otherLog(path: path, reason: "it is no checkpoint") }
        guard old.checkpoint.origin == checkpoint.checkpoint.origin else {
            throw LogExportError.otherLog(path: path, reason: "it is of the log \(old.checkpoint.origin)")
        }
        guard old.checkpoint.size <= head.size else {
            throw LogExportError.otherLog(
                path: path, reason: "it is of \(old.checkpoint.size) entries, and the log shows \(head.size)")
        }
    }

    private mutating func writeBundle(_ range: Range<UInt64>, _ source: Source) async throws {
        let resource = TileResource.entries(index: range.lowerBound / 256, width: range.count)
        let entries: [[UInt8]]
        if range.count == EntryBundle.fullWidth, let kept = keptBundle(resource.path) {
            entries = kept
        } else {
            entries = try await source(range)
            try write(EntryBundle.encode(entries: entries), to: resource.path)
        }
        for entry in entries { edge.append(.leaf(entry)) }
        for (tile, hashes) in edge.takeChangedTiles() {
            if tile.isFull {
                partials[tile.coordinate] = nil
                try write(hashes, to: TileResource.tile(tile).path)
            } else {
                partials[tile.coordinate] = (tile, hashes)
            }
        }
    }

    /// A bundle from an earlier attempt. If it is damaged, the root will show it.
    private func keptBundle(_ path: String) -> [[UInt8]]? {
        guard let data = FileManager.default.contents(atPath: "\(directory)/\(path)") else { return nil }
        return try? EntryBundle(parsing: [UInt8](data), width: EntryBundle.fullWidth).entries
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        let url = URL(filePath: "\(directory)/\(path)")
        do {
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(bytes).write(to: url, options: .atomic)
            // What an older, smaller export left of the same tile.
            try? FileManager.default.removeItem(atPath: url.path(percentEncoded: false) + ".p")
        } catch {
            throw LogExportError.system(path: url.path(percentEncoded: false), reason: SystemReason.text(error))
        }
    }
}

extension LogClient {
    /// The entries of one bundle as the log serves them. They are not verified: whoever takes all of them compares the
    /// root in the end, as ``LogExport`` does; for single entries there is ``LogView``.
    public func unverifiedBundle(_ range: Range<UInt64>) async throws(ClientError) -> [[UInt8]] {
        let path = TileResource.entries(index: range.lowerBound / 256, width: range.count).path
        let answer = try await send(.get(path, maximumAnswerBytes: Limits.bundle))
        do {
            return try EntryBundle(parsing: answer.body, width: range.count).entries
        } catch {
            throw .answerMalformed(path: path, reason: "\(error)")
        }
    }
}
