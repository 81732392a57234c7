import COSE
public import Governance
public import Tlog

/// The files of a model with their digests, as a file that people keep:
///
///     {"format": "holdfast-manifest/1", "digest": "<64 hex>",
///      "files": [{"path": "config.json", "sha256": "<64 hex>", "bytes": 120}, …]}
///
/// Files are in the order of their paths' bytes. `digest` is the model's digest: what a statement that registers these
/// files has.
public struct ModelManifest: Sendable, Hashable {
    public static let format = "holdfast-manifest/1"

    public struct File: Sendable, Hashable {
        /// Relative, with `/` between its parts.
        public let path: String
        public let digest: Hash
        /// Nil where only the digest is known.
        public let bytes: UInt64?

        public init(path: String, digest: Hash, bytes: UInt64?) {
            self.path = path
            self.digest = digest
            self.bytes = bytes
        }
    }

    public let files: [File]

    public init(_ files: [File]) {
        self.files = files.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    }

    /// The files of a registered model.
    public init(_ model: ModelRegister) {
        self.init(model.manifest.map { File(path: $0.path, digest: $0.digest, bytes: nil) })
    }

    public var entries: [ManifestEntry] { files.map { ManifestEntry(path: $0.path, digest: $0.digest) } }

    /// How large the files are together; nil where that is not known of each.
    public var bytes: UInt64? {
        files.reduce(0 as UInt64?) { sum, file in
            guard let sum, let bytes = file.bytes else { return nil }
            let (total, overflow) = sum.addingReportingOverflow(bytes)
            return overflow ? nil : total
        }
    }

    /// The model's digest.
    public var digest: Hash {
        ModelRegister(model: ModelVersion(name: "", version: ""), manifest: entries, actions: [], purposes: []).digest
    }

    // MARK: Text

    public var json: JSON {
        let list = files.map { file -> JSON in
            var members = [JSONMember("path", .string(file.path)), JSONMember("sha256", .string(file.digest.hex))]
            if let bytes = file.bytes { members.append(JSONMember("bytes", JSON(bytes))) }
            return .object(members)
        }
        return .object([
            JSONMember("format", .string(Self.format)), JSONMember("digest", .string(digest.hex)),
            JSONMember("files", .array(list)),
        ])
    }

    /// Why a file is no manifest.
    public enum Malformed: Error, Sendable, Hashable {
        case json(JSONError)
        case format
        case field(String)
        /// The digest in it is not that of its files.
        case digest(stated: String, computed: Hash)
        case samePath(String)
    }

    public init(parsing bytes: [UInt8]) throws(Malformed) {
        let value: JSON
        do { value = try JSON(parsing: bytes) } catch { throw .json(error) }
        guard value["format"]?.stringValue == Self.format else { throw .format }
        guard let list = value["files"]?.arrayValue, !list.isEmpty else { throw .field("files") }
        var files: [File] = []
        var seen: Set<[UInt8]> = []
        for (position, item) in list.enumerated() {
            guard let path = item["path"]?.stringValue else { throw .field("files[\(position)].path") }
            guard let digest = item["sha256"]?.stringValue.flatMap({ Hash(hex: $0) }) else {
                throw .field("files[\(position)].sha256")
            }
            guard seen.insert(Array(path.utf8)).inserted else { throw .samePath(path) }
            files.append(File(path: path, digest: digest, bytes: item["bytes"]?.unsignedValue))
        }
        self.init(files)
        guard let stated = value["digest"]?.stringValue else { throw .field("digest") }
        guard stated == digest.hex else { throw .digest(stated: stated, computed: digest) }
    }

    // MARK: Comparing

    /// What is otherwise in another manifest than in this one.
    public enum Difference: Sendable, Hashable {
        /// Here, and not there.
        case missing(String)
        /// There, and not here.
        case added(String)
        case changed(String, expected: Hash, found: Hash)

        public var path: String {
            switch self {
            case .missing(let path), .added(let path), .changed(let path, _, _): path
            }
        }
    }

    /// In the order of the paths; empty if both have the same files.
    public func differences(in found: ModelManifest) -> [Difference] {
        let mine = Dictionary(files.map { (Array($0.path.utf8), $0) }) { first, _ in first }
        let theirs = Dictionary(found.files.map { (Array($0.path.utf8), $0) }) { first, _ in first }
        var differences: [Difference] = []
        for (path, file) in mine {
            guard let other = theirs[path] else {
                differences.append(.missing(file.path))
                continue
            }
            if other.digest != file.digest {
                differences.append(.changed(file.path, expected: file.digest, found: other.digest))
            }
        }
        for (path, file) in theirs where mine[path] == nil { differences.append(.added(file.path)) }
        return differences.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    }
}
