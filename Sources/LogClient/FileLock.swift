import Glibc
import SystemPackage

/// An exclusive lock on a file, until it is let go: one process at a time. The system takes it back when a process ends,
/// however it ends.
package final class FileLock: Sendable {
    private let file: FileDescriptor

    /// Opens the file, or makes it, and takes the lock; nil if another process has it.
    package init?(_ path: String) throws {
        file = try FileDescriptor.open(
            FilePath(path), .readWrite, options: [.create], permissions: [.ownerRead, .ownerWrite])
        guard flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 else {
            try? file.close()
            return nil
        }
    }

    deinit {
        try? file.close()
    }
}
