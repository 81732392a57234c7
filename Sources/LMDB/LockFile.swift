internal import Glibc

/// An exclusive lock on a file, held as long as this object lives; the system takes it back when the process ends,
/// however it ends.
public final class LockFile: Sendable {
    private let file: StorageFile

    private init(file: StorageFile) { self.file = file }

    /// Takes the lock, making the file (mode 0600) where it is missing; nil if someone else has it, in this process or
    /// another.
    public static func acquire(_ path: String) throws(SystemCallError) -> LockFile? {
        let file = try StorageFile(creatingAt: path)
        return try file.tryLock() ? LockFile(file: file) : nil
    }
}
