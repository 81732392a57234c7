import Foundation
import Glibc
import SystemPackage

/// Replacing a file as a whole: readers see the old content or the new one, never a part.
package enum AtomicFile {
    /// Writes beside the path and renames; the file and its directory entry are synced when it returns.
    package static func write(_ bytes: [UInt8], to path: String) throws {
        let url = URL(filePath: path)
        try Data(bytes).write(to: url, options: .atomic)
        try sync(path)
        try sync(url.deletingLastPathComponent().path(percentEncoded: false))
    }

    /// Syncs a file or a directory.
    package static func sync(_ path: String) throws {
        let file = try FileDescriptor.open(FilePath(path), .readOnly)
        try file.closeAfter {
            guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
        }
    }
}
