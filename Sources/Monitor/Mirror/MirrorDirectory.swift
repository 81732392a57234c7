import Foundation
public import LogClient
import Synchronization
import Tlog

/// The directory that a copy of a log is written to. Only one process writes; any number read.
///
/// A file is written under another name, synced, and renamed, so what stands at a path of tlog-tiles is whole, after a
/// crash too. The names are synced before a checkpoint is put there that demands them. Names that begin with a dot are
/// the directory's own and no part of the log.
public final class MirrorDirectory: LogFiles {
    public let path: String
    private let files: DirectoryFiles
    private let lock: FileLock
    private let names = Mutex(Names())

    private struct Names {
        /// Directories with names in them that are not synced yet.
        var unsynced: Set<String> = []
        /// Directories of partial resources in whose place there is a full one.
        var superseded: Set<String> = []
    }

    /// Makes the directory where there is none, takes its lock, and clears away what an interrupted run was writing.
    public init(_ path: String) throws(MirrorError) {
        let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        self.path = path
        files = DirectoryFiles(path)
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            guard let lock = try FileLock(path + "/.lock", isPassing: true) else {
                throw MirrorError.locked(path: path)
            }
            self.lock = lock
            try Self.clear(path)
        } catch let error as MirrorError {
            throw error
        } catch let error as CocoaError where error.code == .fileWriteFileExists {
            throw .system(path: path, why: "it is not a directory")
        } catch {
            throw .system(path: path, why: SystemReason.text(error))
        }
        names.withLock { $0.unsynced = [path] }
    }

    /// Removes what an interrupted run was writing: Foundation's names for files that are to be renamed.
    private static func clear(_ path: String) throws {
        guard let names = FileManager.default.enumerator(atPath: path) else { return }
        for case let name as String in names {
            guard let last = name.split(separator: "/").last, last.hasPrefix(".dat.nosync") else { continue }
            try FileManager.default.removeItem(atPath: path + "/" + name)
        }
    }

    /// Where the newest checkpoint is: what has it has everything below it.
    public var checkpointPath: String { path + "/checkpoint" }

    public func read(_ name: String) throws -> [UInt8]? { try files.read(name) }

    /// Puts a resource there unless this very content is there already.
    func put(_ content: [UInt8], at resource: TileResource) throws(MirrorError) {
        let name = resource.path
        // What can't be read is replaced.
        if let kept = try? read(name), kept == content { return }
        let target = path + "/" + name
        do {
            try makeDirectory(of: name)
            // Synced before it is renamed.
            try Data(content).write(to: URL(filePath: target), options: .atomic)
        } catch {
            throw .system(path: target, why: SystemReason.text(error))
        }
        note(resource)
    }

    /// Remembers what a full resource takes the place of.
    func note(_ resource: TileResource) {
        guard resource.widened == nil else { return }
        let partials = path + "/" + resource.path + ".p"
        guard FileManager.default.fileExists(atPath: partials) else { return }
        names.withLock { _ = $0.superseded.insert(partials) }
    }

    /// Makes the directories that a name needs, and remembers to sync all of them.
    private func makeDirectory(of name: String) throws {
        var changed = [path]
        for element in name.split(separator: "/").dropLast() {
            changed.append(changed[changed.count - 1] + "/\(element)")
        }
        let last = changed[changed.count - 1]
        if !FileManager.default.fileExists(atPath: last) {
            try FileManager.default.createDirectory(atPath: last, withIntermediateDirectories: true)
        }
        names.withLock { $0.unsynced.formUnion(changed) }
    }

    /// Returns when every file that was put here will be found under its name after a crash.
    func sync() throws(MirrorError) {
        let unsynced = names.withLock { $0.unsynced }
        for directory in unsynced.sorted() {
            do { try AtomicFile.sync(directory) } catch {
                throw .system(path: directory, why: SystemReason.text(error))
            }
        }
        names.withLock { $0.unsynced.subtract(unsynced) }
    }

    /// tlog-tiles: logs "MAY delete any partial tile once the corresponding full tile is […] available". To be called
    /// when the checkpoint that demands the full ones is in its place.
    func removeSuperseded() {
        let superseded = names.withLock { names in
            defer { names.superseded = [] }
            return names.superseded
        }
        // One that can't be removed does no harm.
        for directory in superseded { try? FileManager.default.removeItem(atPath: directory) }
    }

    /// Keeps a checkpoint that was refused, as evidence; returns where.
    func keepRefused(_ checkpoint: SignedCheckpoint) throws(MirrorError) -> String {
        let head = checkpoint.checkpoint.treeHead
        let place = path + "/.refused"
        let target = "\(place)/\(head.size)-\(head.root.hex.prefix(16))"
        do {
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
            try AtomicFile.write(checkpoint.bytes, to: target)
        } catch {
            throw .system(path: target, why: SystemReason.text(error))
        }
        return target
    }
}
