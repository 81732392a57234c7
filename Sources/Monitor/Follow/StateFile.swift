import Foundation
import LogClient

/// Reading what a follower keeps.
enum StateFile {
    /// No file that a follower keeps is longer.
    private static let limit = 1 << 20

    /// Removes a file; for good when this returns.
    static func remove(_ path: String) throws {
        let url = URL(filePath: path)
        try FileManager.default.removeItem(at: url)
        try AtomicFile.sync(url.deletingLastPathComponent().path(percentEncoded: false))
    }

    /// Nil if there is no such file.
    static func read(_ path: String) throws -> [UInt8]? {
        let file: FileHandle
        do {
            file = try FileHandle(forReadingFrom: URL(filePath: path))
        } catch CocoaError.fileNoSuchFile, CocoaError.fileReadNoSuchFile {
            return nil
        }
        defer { try? file.close() }
        return Array(try file.read(upToCount: limit) ?? Data())
    }
}
