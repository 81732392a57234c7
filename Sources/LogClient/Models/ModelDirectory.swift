import Foundation
import Tlog

/// The files below a directory, found and hashed.
///
/// What is hashed is what a statement then says of the model, so nothing is passed over in silence: symbolic links,
/// sockets, devices and files that can't be read are faults unless the caller said what to do with them.
public struct ModelDirectory {
    /// What to do with symbolic links.
    public enum Links: Sendable {
        case refuse
        /// Take what they point at, as if it stood there.
        case follow
    }

    /// Why a directory has no manifest.
    public enum Fault: Sendable, Hashable {
        case notADirectory(String)
        /// No file in it.
        case empty(String)
        case symbolicLink(String)
        /// A link that leads back to a directory that it is in.
        case loop(String)
        /// Neither a file nor a directory: a socket, a device, a pipe.
        case special(String, kind: String)
        case unreadable(String, reason: String)
        /// A name that a manifest can't have: not UTF-8, with control characters, or too long.
        case name(String)
        /// It was changed while it was read.
        case changed(String)
    }

    /// All faults, so that they can be put right at once.
    public struct Faults: Error, Sendable, Hashable {
        public let faults: [Fault]

        public init(faults: [Fault]) { self.faults = faults }
    }

    /// A file that was found.
    public struct Found: Sendable, Hashable {
        /// Relative to the directory.
        public let path: String
        public let bytes: UInt64
    }

    public let directory: String
    public let links: Links
    /// In the order of the paths' bytes.
    public let files: [Found]

    /// Finds the files.
    public init(_ directory: String, links: Links = .refuse) throws(Faults) {
        var walk = Walk(links: links)
        walk.begin(directory)
        guard walk.faults.isEmpty else { throw Faults(faults: walk.faults) }
        guard !walk.files.isEmpty else { throw Faults(faults: [.empty(directory)]) }
        self.directory = directory
        self.links = links
        files = walk.files.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    }

    public var bytes: UInt64 { files.reduce(0) { $0 + $1.bytes } }

    /// Hashes the files, in pieces.
    ///
    /// - Parameter progress: called with the number of bytes hashed so far.
    public func manifest(progress: (UInt64) -> Void = { _ in }) throws(Faults) -> ModelManifest {
        var hashed: [ModelManifest.File] = []
        var faults: [Fault] = []
        var done: UInt64 = 0
        for file in files {
            do {
                let (digest, count) = try Self.hash(directory + "/" + file.path) { progress(done + $0) }
                if count != file.bytes { faults.append(.changed(file.path)) }
                hashed.append(ModelManifest.File(path: file.path, digest: digest, bytes: count))
            } catch {
                faults.append(.unreadable(file.path, reason: SystemReason.text(error)))
            }
            done += file.bytes
        }
        guard faults.isEmpty else { throw Faults(faults: faults) }
        return ModelManifest(hashed)
    }

    private static func hash(_ path: String, progress: (UInt64) -> Void) throws -> (Hash, UInt64) {
        let handle = try FileHandle(forReadingFrom: URL(filePath: path))
        defer { try? handle.close() }
        var hasher = SHA256Hasher()
        var count: UInt64 = 0
        while let piece = try handle.read(upToCount: 4 << 20), !piece.isEmpty {
            hasher.update([UInt8](piece))
            count += UInt64(piece.count)
            progress(count)
        }
        return (hasher.finalize(), count)
    }
}

/// The finding of files.
private struct Walk {
    let links: ModelDirectory.Links
    var files: [ModelDirectory.Found] = []
    var faults: [ModelDirectory.Fault] = []
    /// The directories on the way down, links resolved.
    private var above: [String] = []

    init(links: ModelDirectory.Links) {
        self.links = links
    }

    mutating func begin(_ root: String) {
        let resolved = Self.resolved(root)
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: resolved) else {
            return faults.append(.unreadable(root, reason: "there is no such directory"))
        }
        guard attributes[.type] as? FileAttributeType == .typeDirectory else {
            return faults.append(.notADirectory(root))
        }
        enter(resolved, root: root, path: "")
    }

    private static func resolved(_ path: String) -> String {
        URL(filePath: path).resolvingSymlinksInPath().path(percentEncoded: false)
    }

    private mutating func enter(_ resolved: String, root: String, path: String) {
        let place = path.isEmpty ? root : root + "/" + path
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: place)
        } catch {
            return faults.append(.unreadable(path.isEmpty ? root : path, reason: SystemReason.text(error)))
        }
        above.append(resolved)
        for name in names.sorted() { take(root: root, path: path.isEmpty ? name : path + "/" + name) }
        above.removeLast()
    }

    private mutating func take(root: String, path: String) {
        guard Self.isName(path) else { return faults.append(.name(path)) }
        let full = root + "/" + path
        do {
            var attributes = try FileManager.default.attributesOfItem(atPath: full)
            var resolved = above.last.map { $0 + "/" + (path.split(separator: "/").last ?? "") } ?? full
            if attributes[.type] as? FileAttributeType == .typeSymbolicLink {
                guard case .follow = links else { return faults.append(.symbolicLink(path)) }
                resolved = Self.resolved(full)
                attributes = try FileManager.default.attributesOfItem(atPath: resolved)
                if attributes[.type] as? FileAttributeType == .typeSymbolicLink { return faults.append(.loop(path)) }
            }
            take(attributes, resolved, root: root, path: path)
        } catch {
            faults.append(.unreadable(path, reason: SystemReason.text(error)))
        }
    }

    private mutating func take(
        _ attributes: [FileAttributeKey: Any], _ resolved: String, root: String, path: String
    ) {
        switch attributes[.type] as? FileAttributeType {
        case .typeRegular?:
            let size = (attributes[.size] as? NSNumber)?.uint64Value ?? 0
            files.append(ModelDirectory.Found(path: path, bytes: size))
        case .typeDirectory?:
            guard !above.contains(resolved) else { return faults.append(.loop(path)) }
            enter(resolved, root: root, path: path)
        case let kind: faults.append(.special(path, kind: Self.word(for: kind)))
        }
    }

    private static func word(for kind: FileAttributeType?) -> String {
        switch kind {
        case .typeSocket?: "a socket"
        case .typeCharacterSpecial?, .typeBlockSpecial?: "a device"
        default: "neither a file nor a directory"
        }
    }

    /// What a manifest's paths may be: `spec/governance.md`.
    private static func isName(_ path: String) -> Bool {
        (1...1024).contains(path.utf8.count)
            && path.unicodeScalars.allSatisfy { scalar in
                // A name that is not UTF-8 comes with the replacement character.
                scalar.value >= 0x20 && !(0x7f...0x9f).contains(scalar.value) && scalar.value != 0x2028
                    && scalar.value != 0x2029 && scalar.value != 0xfffd
            }
    }
}
