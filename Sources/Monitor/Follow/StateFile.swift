import Foundation

/// Reading what a follower keeps.
enum StateFile {
    /// No file that a follower keeps is longer.
    private static let limit = 1 << 20

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
