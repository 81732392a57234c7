import FoundationEssentials
import SystemPackage
import Verification

/// A file that can't be read, or a trust file that is none: no verdict, exit code 2.
struct FileProblem: Error, CustomStringConvertible {
    let description: String

    /// - Parameter description: one line; names of files in it may hold anything, and are made fit for a terminal.
    init(description: String) {
        self.description = description.withoutControls
    }
}

/// Bytes that are read of one file. The longest that there is, a bundle of 256 entries, has less than 17 MB.
let byteLimit: Int64 = 64 << 20

/// Reads a whole file. What is not a file, or too long to be one of ours, is refused before anything of it is read:
/// a directory of somebody else's may have links to devices in it, and files of any length that take no space.
///
/// The system is asked for no more than a file's kind and length: Foundation's attributes would look up its owner's name too,
/// in the system's directory of users.
func read(_ path: String, limit: Int64 = byteLimit) throws(FileProblem) -> [UInt8] {
    guard let status = try? FilePath(path).stat() else {
        throw FileProblem(description: "\(path): there is no such file")
    }
    return try read(path, status, limit: limit)
}

private func read(_ path: String, _ status: Stat, limit: Int64) throws(FileProblem) -> [UInt8] {
    guard status.type != .directory else { throw FileProblem(description: "\(path) is a directory, not a file") }
    guard status.size <= limit else {
        throw FileProblem(
            description: "\(path) has \(status.size) bytes; no file that is verified here has over \(limit)")
    }
    do {
        guard status.type == .regular else { throw Errno.notSupported }
        return [UInt8](try Data(contentsOf: URL(filePath: path)))
    } catch {
        throw FileProblem(description: "\(path): can't be read")
    }
}

/// Reads a trust file.
func readTrustFile(_ path: String) throws(FileProblem) -> TrustFile {
    do {
        return try TrustFile(parsing: read(path))
    } catch let problem as FileProblem {
        throw problem
    } catch {
        throw FileProblem(description: "\(path) is not a trust file: \(error)")
    }
}

/// The files of statements that a path stands for: itself, or those in the directory that it is, by name.
func statementFiles(_ path: String) throws(FileProblem) -> [String] {
    var isDirectory = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory else { return [path] }
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
        throw FileProblem(description: "\(path): the directory can't be read")
    }
    return names.filter { $0.hasSuffix(".cose") || $0.hasSuffix(".transparent") }.sorted().map { path + "/" + $0 }
}

/// A log's files in a directory, as `holdfast export` writes them or a mirror keeps them.
struct DirectorySource: TileSource {
    let directory: String

    init(_ path: String) throws(FileProblem) {
        var isDirectory = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory else {
            throw FileProblem(description: "\(path): there is no such directory")
        }
        directory = path
    }

    func read(_ path: String) throws -> [UInt8]? {
        let full = directory + "/" + path
        guard let status = try? FilePath(full).stat() else { return nil }
        return try holdfast_verify.read(full, status, limit: byteLimit)
    }

    /// Links to directories are left alone: they may lead anywhere, in a circle too.
    func forEachName(_ body: (String) throws -> Void) throws {
        try walk("tile", depth: 0, body)
    }

    private func walk(_ name: String, depth: Int, _ body: (String) throws -> Void) throws {
        let manager = FileManager.default
        // An index has seven elements at the most.
        guard depth < 12, let names = try? manager.contentsOfDirectory(atPath: directory + "/" + name) else { return }
        for child in names.sorted() where !child.hasPrefix(".") {
            let path = name + "/" + child
            switch try? FilePath(directory + "/" + path).stat(followTargetSymlink: false).type {
            case .directory?: try walk(path, depth: depth + 1, body)
            case .symbolicLink?:
                var isDirectory = false
                guard manager.fileExists(atPath: directory + "/" + path, isDirectory: &isDirectory), !isDirectory
                else { continue }
                try body(path)
            default: try body(path)
            }
        }
    }
}
