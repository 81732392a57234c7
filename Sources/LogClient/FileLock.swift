import Foundation
import Glibc
import SystemPackage

/// An exclusive lock on a file, until it is let go: one process at a time. The system takes it back when a process ends,
/// however it ends.
package final class FileLock: Sendable {
    private let path: FilePath
    private let file: FileDescriptor
    private let isPassing: Bool

    /// Opens the file, or makes it, and takes the lock; nil if another process has it.
    ///
    /// - Parameter isPassing: whether the file goes with the lock, so that nothing is left in a directory that is handed on.
    package init?(_ path: String, isPassing: Bool = false) throws {
        self.path = FilePath(path)
        self.isPassing = isPassing
        while true {
            let file = try FileDescriptor.open(
                self.path, .readWrite, options: [.create], permissions: [.ownerRead, .ownerWrite])
            guard flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 else {
                try? file.close()
                return nil
            }
            // Who had the lock before may have removed the file after it was opened here: then this lock is on nothing.
            if Self.isSame(try file.stat(), try? self.path.stat()) {
                self.file = file
                return
            }
            try file.close()
        }
    }

    private static func isSame(_ one: Stat, _ other: Stat?) -> Bool {
        guard let other else { return false }
        return one.inode == other.inode && one.deviceID == other.deviceID
    }

    deinit {
        // While it is still locked, so that it is this one.
        if isPassing { try? FileManager.default.removeItem(atPath: path.string) }
        try? file.close()
    }
}
