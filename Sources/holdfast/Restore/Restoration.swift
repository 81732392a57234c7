import COSE
import Foundation
import Governance
import LMDBLogStore
import LogClient
import LogEngine
import LogStore
import Monitor
import Tlog
import Verification

/// Rebuilds a log's store beside where it will be, and puts it there when everything agrees.
struct Restoration {
    let layout: LogLayout
    let paths: LogPaths
    let trust: TrustFile
    let keys: LogKeys
    /// What a rotation put in their place, or may.
    let next: LogKeys?
    let reAnchor: Bool

    func run(from source: any LogFiles) async throws -> TreeHead {
        let checkpoint = try await source.checkpoint(under: trust)
        let head = checkpoint.treeHead
        let manager = FileManager.default
        let isAnchored = manager.fileExists(atPath: paths.anchor)
        guard isAnchored || reAnchor else { throw lostAnchor }
        try manager.createDirectory(
            at: URL(filePath: paths.anchor).deletingLastPathComponent(), withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        // Held to the end: no server can start meanwhile.
        let anchor = try FileAnchor(path: paths.anchor)
        defer { anchor.close() }
        let anchored = try checkedAnchor(anchor, head)
        let data = URL(filePath: paths.data)
        let partial =
            data.deletingLastPathComponent().path(percentEncoded: false) + ".\(data.lastPathComponent).restoring"
        try manager.createDirectory(
            at: data.deletingLastPathComponent(), withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        if manager.fileExists(atPath: partial) { try manager.removeItem(atPath: partial) }
        do {
            try await rebuild(partial, from: source, checkpoint, anchored)
            try completeDirectory()
            try manager.moveItem(atPath: partial, toPath: paths.data)
            try AtomicFile.sync(data.deletingLastPathComponent().path(percentEncoded: false))
        } catch {
            try? manager.removeItem(atPath: partial)
            throw error
        }
        // Last: without it the engine does not sign.
        if anchored == nil || anchored == .empty { try anchor.advance(from: anchored, to: head) }
        return head
    }

    private var lostAnchor: Failure {
        Failure(
            .refused, "The anchor \(paths.anchor) is not there, and it says which head was signed last",
            hints: [
                "If the log signed more than the mirror has, going on from the mirror would be a second history.",
                "If the anchor is on another disk, name it: --anchor FILE. If it is lost for good: --re-anchor, and let "
                    + "witnesses say what they have seen (holdfast serve --witnesses).",
            ])
    }

    /// The last head that was signed must be in what the mirror has.
    private func checkedAnchor(_ anchor: FileAnchor, _ head: TreeHead) throws -> TreeHead? {
        let anchored = try anchor.read()
        guard let anchored, anchored != .empty else {
            guard reAnchor else { throw lostAnchor }
            return anchored
        }
        guard anchored.size <= head.size else {
            throw Failure(
                .refused,
                "The log has signed a tree of \(anchored.size) entries (the anchor says so), and the mirror has \(head.size)",
                hint: "Find a newer mirror or copy. Going on from this one would make a second history.")
        }
        return anchored
    }

    private func rebuild(
        _ path: String, from source: any LogFiles, _ checkpoint: VerifiedCheckpoint, _ anchored: TreeHead?
    ) async throws {
        let store = try LMDBLogStore(directory: path)
        defer { store.close() }
        let line = ProgressLine("restoring", total: checkpoint.treeHead.size)
        defer { line.finish() }
        var rebuild = StoreRebuild(store, from: source, under: checkpoint, trust: trust)
        let policy = try await rebuild.run { done, _ in line.update(done) }
        _ = try LogKeyRing(keys, next: next).keys(namedBy: policy)
        guard let anchored, anchored.size > 0 else { return }
        let root = try store.read { snapshot in
            let plan = ProofPlan.root(size: anchored.size)
            var tiles: [TileCoordinate: [UInt8]] = [:]
            for tile in plan.tiles { tiles[tile.coordinate] = try snapshot.content(of: tile) }
            return try plan.hashes(in: tiles)[0]
        }
        guard root == anchored.root else {
            throw Failure(
                .refused,
                "The mirror's tree has the root \(root) at \(anchored.size) entries, and the log signed \(anchored.root)",
                hint: "The mirror is of another history. Keep it, and the anchor: somebody signed twice.")
        }
    }

    /// What else a log's directory has, where it is not there: keys, trust file, genesis, configuration.
    private func completeDirectory() throws {
        let manager = FileManager.default
        for (key, path) in [
            (keys.checkpoint, paths.keys[.checkpoint]), (keys.receipt, paths.keys[.receipt]),
            (keys.statement, paths.keys[.statement]),
        ] where !manager.fileExists(atPath: path) {
            try manager.createDirectory(
                at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            try KeyFile.create(key, at: path)
        }
        if !manager.fileExists(atPath: layout.trust) { try AtomicFile.write(trust.bytes, to: layout.trust) }
        if !manager.fileExists(atPath: layout.genesis), let entry = trust.genesis?.statement?.entryBytes {
            try AtomicFile.write(entry, to: layout.genesis)
        }
        if !manager.fileExists(atPath: layout.configuration) {
            try AtomicFile.write(Array(LogCreation.configuration.utf8), to: layout.configuration)
        }
    }
}

/// Where a log's parts are, by its configuration.
struct LogPaths {
    let data: String
    let anchor: String
    let keys: LogKeyFiles

    /// - Parameter anchor: in the place of the configured one.
    init(_ layout: LogLayout, anchor: String? = nil) async throws {
        let file = FileManager.default.fileExists(atPath: layout.configuration) ? layout.configuration : nil
        let settings = try await ServeConfiguration(
            flags: anchor.map { [.anchor: .text($0)] } ?? [:], environment: ProcessInfo.processInfo.environment,
            file: file, directory: layout.directory)
        data = try settings.requiredPath(.data)
        self.anchor = try settings.requiredPath(.anchor)
        keys = try LogKeyFiles(settings)
    }
}
