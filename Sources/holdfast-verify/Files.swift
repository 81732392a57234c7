import FoundationEssentials
import Verification

/// A file that can't be read, or a trust file that is none: no verdict, exit code 2.
struct FileProblem: Error, CustomStringConvertible {
    let description: String
}

/// Reads a whole file.
func read(_ path: String) throws(FileProblem) -> [UInt8] {
    var isDirectory = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
        throw FileProblem(description: "\(path): there is no such file")
    }
    guard !isDirectory else { throw FileProblem(description: "\(path) is a directory, not a file") }
    do {
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
        guard FileManager.default.fileExists(atPath: full) else { return nil }
        return try holdfast_verify.read(full)
    }
}
