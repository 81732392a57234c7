import Foundation
import Tlog

/// The SHA-256 of a file of any length, read in pieces.
enum FileDigest {
    static func sha256(_ path: String) throws -> Hash {
        var hasher = SHA256Hasher()
        do {
            let handle =
                path == "-" ? FileHandle.standardInput : try FileHandle(forReadingFrom: URL(filePath: path))
            while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty { hasher.update([UInt8](piece)) }
        } catch {
            throw FileBytes.unreadable(path)
        }
        return hasher.finalize()
    }
}
