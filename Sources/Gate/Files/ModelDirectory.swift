import Foundation
public import Governance
internal import SystemPackage
public import Tlog

/// A directory with a model's files. Each is read and hashed once, and again only when its inode, its times or its size
/// say that it may have changed.
///
/// A file that was written through a shared mapping may change its times later than its content; what is loaded into
/// such a mapping is the runtime's to measure, not this directory's.
public actor ModelDirectory {
    public nonisolated let path: String

    private struct Known {
        let stamp: FileStamp
        let digest: Hash
    }

    private var known: [String: Known] = [:]
    /// How many files were read, for tests and numbers.
    public private(set) var filesRead = 0
    /// Nanoseconds since 1970.
    private let now: @Sendable () -> Int64

    /// A stamp is believed only if the file was left alone for this long when it was read: two changes within one tick
    /// of the file system's clock look like one.
    private static let settled: Int64 = 100_000_000
    private static let piece = 1 << 20
    /// More files than any model has; a directory with more is the wrong one.
    private static let maxFiles = 100_000

    public init(_ path: String) {
        self.init(path) { Int64(Date().timeIntervalSince1970 * 1_000_000_000) }
    }

    /// - Parameter now: the file system's clock, nanoseconds since 1970.
    public init(_ path: String, now: @escaping @Sendable () -> Int64) {
        self.path = path
        self.now = now
    }

    /// Compares what is there with what was registered. Symbolic links and other things that are no plain files differ,
    /// because what they lead to may change unseen.
    public func compare(with registered: ModelRegister) throws(ModelDirectoryError) -> ModelFiles {
        var found: [ManifestEntry] = []
        var unreadable: [String] = []
        var next: [String: Known] = [:]
        for name in try names() {
            do {
                let read = try digest(of: name)
                next[name] = read
                found.append(ManifestEntry(path: name, digest: read.digest))
            } catch {
                unreadable.append(name)
            }
        }
        known = next
        return ModelFiles(found: found, unreadable: unreadable, registered: registered)
    }

    /// Relative paths of everything in it that is no directory.
    private func names() throws(ModelDirectoryError) -> [String] {
        var failure: String?
        let root = URL(filePath: path, directoryHint: .isDirectory)
        let walk = FileManager.default.enumerator(
            at: root, includingPropertiesForKeys: [.isDirectoryKey, .isSymbolicLinkKey], options: []
        ) { url, error in
            failure = failure ?? "\(url.path()): \(error.localizedDescription)"
            return false
        }
        guard FileManager.default.fileExists(atPath: path), let walk else { throw .notReadable(path, "no directory") }
        let prefix = root.standardizedFileURL.path(percentEncoded: false)
        var names: [String] = []
        for case let url as URL in walk {
            let values = try? url.resourceValues(forKeys: [.isDirectoryKey, .isSymbolicLinkKey])
            if values?.isDirectory == true, values?.isSymbolicLink != true { continue }
            let full = url.standardizedFileURL.path(percentEncoded: false)
            guard full.hasPrefix(prefix) else { throw .notReadable(full, "it is outside \(prefix)") }
            names.append(String(full.dropFirst(prefix.count)))
            guard names.count <= Self.maxFiles else { throw .tooManyFiles(path, Self.maxFiles) }
        }
        if let failure { throw .notReadable(path, failure) }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private func digest(of name: String) throws -> Known {
        let file = FilePath(path).appending(name)
        let before = try file.stat(followTargetSymlink: Mutant.modelLinks.isOff)
        guard before.type == .regular else { throw Errno.invalidArgument }
        let stamp = FileStamp(before)
        if let known = known[name], known.stamp == stamp { return known }
        let began = now()
        var hasher = SHA256Hasher()
        let handle = try FileHandle(forReadingFrom: URL(filePath: file.string))
        defer { try? handle.close() }
        while let bytes = try handle.read(upToCount: Self.piece), !bytes.isEmpty { hasher.update([UInt8](bytes)) }
        filesRead += 1
        let after = FileStamp(try file.stat(followTargetSymlink: Mutant.modelLinks.isOff))
        // A file that changed while it was read has no digest.
        guard after == stamp else { throw Errno.resourceTemporarilyUnavailable }
        let digest = hasher.finalize()
        guard began - stamp.changed >= Self.settled else {
            // Right as of now; it is read again the next time.
            return Known(stamp: FileStamp.never, digest: digest)
        }
        return Known(stamp: stamp, digest: digest)
    }
}

extension FileStamp {
    /// A stamp that no file has.
    static let never = FileStamp()
}

/// Why a directory could not be compared.
public enum ModelDirectoryError: NamedFailure, Hashable, CustomStringConvertible {
    case notReadable(String, String)
    case tooManyFiles(String, Int)

    public var reason: String {
        switch self {
        case .notReadable: "not-readable"
        case .tooManyFiles: "too-many-files"
        }
    }

    public var description: String {
        switch self {
        case .notReadable(let path, let why): "the model's directory \(path) can't be read: \(why)"
        case .tooManyFiles(let path, let limit): "\(path) has more than \(limit) files"
        }
    }
}
