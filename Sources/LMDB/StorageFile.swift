internal import Glibc

/// An open file or directory of a store: what has to be asked of the system beside LMDB.
public final class StorageFile: Sendable {
    public let path: String
    private let descriptor: Int32

    /// Opens an existing file for reading and writing.
    public convenience init(existingAt path: String) throws(SystemCallError) {
        try self.init(path, flags: O_RDWR)
    }

    /// Opens a file for reading and writing, making it (mode 0600) where it is missing.
    public convenience init(creatingAt path: String) throws(SystemCallError) {
        try self.init(path, flags: O_RDWR | O_CREAT)
    }

    /// Opens an existing directory, to sync it.
    public convenience init(directoryAt path: String) throws(SystemCallError) {
        try self.init(path, flags: O_RDONLY | O_DIRECTORY)
    }

    private init(_ path: String, flags: Int32) throws(SystemCallError) {
        var opened: Int32
        repeat {
            opened = unsafe open(path, flags | O_CLOEXEC, 0o600)
        } while opened < 0 && errno == EINTR
        guard opened >= 0 else { throw SystemCallError("open", path) }
        descriptor = opened
        self.path = path
    }

    deinit {
        // Nothing is buffered in the descriptor: what had to reach the disk was synced before.
        _ = close(descriptor)
    }

    /// Bytes of the file.
    public func byteCount() throws(SystemCallError) -> Int {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw SystemCallError("fstat", path) }
        return Int(status.st_size)
    }

    /// Whether the file still has a name in some directory. One that has none is gone when it is closed, however often
    /// it is synced before.
    public func hasName() throws(SystemCallError) -> Bool {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw SystemCallError("fstat", path) }
        return status.st_nlink > 0
    }

    /// Bytes that an ordinary process can still write on the file system that the file is on.
    public func availableByteCount() throws(SystemCallError) -> UInt64 {
        var status = statvfs()
        guard unsafe fstatvfs(descriptor, &status) == 0 else { throw SystemCallError("fstatvfs", path) }
        let (bytes, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return overflow ? .max : bytes
    }

    /// Cuts the file, or makes it longer with zero bytes that take no space.
    public func resize(to byteCount: Int) throws(SystemCallError) {
        guard ftruncate(descriptor, byteCount) == 0 else { throw SystemCallError("ftruncate", path) }
    }

    /// Sets the permissions.
    public func restrict(to mode: UInt32) throws(SystemCallError) {
        guard fchmod(descriptor, mode_t(mode)) == 0 else { throw SystemCallError("fchmod", path) }
    }

    /// Returns when the contents, and for a directory its names, are on the disk.
    public func sync() throws(SystemCallError) {
        guard fsync(descriptor) == 0 else { throw SystemCallError("fsync", path) }
    }

    /// A line that is another one when the file was written, cut or replaced since: its device and inode, how long it is, and
    /// when it was written last.
    public func version() throws(SystemCallError) -> String {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw SystemCallError("fstat", path) }
        let written = status.st_mtim
        return "\(status.st_dev) \(status.st_ino) \(status.st_size) \(written.tv_sec).\(written.tv_nsec)\n"
    }

    /// Asks the system to forget its copy of the contents, so that the next read comes from the disk.
    ///
    /// The system keeps what is not written yet (so `sync` first) and what any process has mapped (so call it before
    /// the file is mapped). It is advice: nothing tells whether it was followed, and the disk has a cache of its own.
    public func dropCache() throws(SystemCallError) {
        let code = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
        guard code == 0 else { throw SystemCallError("posix_fadvise", path, code: code) }
    }

    /// Takes an exclusive lock on the file, which this object then holds; false if it is held elsewhere.
    func tryLock() throws(SystemCallError) -> Bool {
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            switch errno {
            case EWOULDBLOCK: return false
            case EINTR: continue
            default: throw SystemCallError("flock", path)
            }
        }
        return true
    }
}
