internal import CLMDB
internal import Glibc

/// An open file or directory of a store: what has to be asked of the system beside LMDB.
public final class StorageFile: Sendable {
    public let path: String
    let descriptor: Int32

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
        // A read that is noted as the file's last one makes the next sync write the inode, and wait for that too. Only the
        // file's owner may ask for less.
        var opened = Self.open(path, flags | CLMDBNoAccessTime)
        if opened < 0 && errno == EPERM { opened = Self.open(path, flags) }
        guard opened >= 0 else { throw SystemCallError("open", path) }
        descriptor = opened
        self.path = path
    }

    private static func open(_ path: String, _ flags: Int32) -> Int32 {
        while true {
            let opened = unsafe Glibc.open(path, flags | O_CLOEXEC, 0o600)
            if opened >= 0 || errno != EINTR { return opened }
        }
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
        // Asked for nothing else: who asks for the times as well has the next write note its time exactly, and the sync after
        // it then writes the inode each time, not only when the system's clock has ticked.
        let count = CLMDBNameCount(descriptor)
        if count >= 0 { return count > 0 }
        // A system, or a sandbox, that does not know the call.
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

    /// Returns when the contents are on the disk, and what is needed to read them.
    public func syncData() throws(SystemCallError) {
        guard fdatasync(descriptor) == 0 else { throw SystemCallError("fdatasync", path) }
    }

    /// The bytes from `offset` on, fewer than `byteCount` where the file ends before.
    public func read(_ byteCount: Int, at offset: Int) throws(SystemCallError) -> [UInt8] {
        var failure: SystemCallError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            while count < byteCount {
                let read = unsafe pread(descriptor, buffer.baseAddress! + count, byteCount - count, offset + count)
                if read < 0 && errno == EINTR { continue }
                if read < 0 { failure = SystemCallError("pread", path) }
                guard read > 0 else { break }
                count += read
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Writes bytes from `offset` on.
    public func write(_ bytes: [UInt8], at offset: Int) throws(SystemCallError) {
        var count = 0
        while count < bytes.count {
            let written = unsafe bytes.withUnsafeBytes { buffer in
                unsafe pwrite(descriptor, buffer.baseAddress! + count, bytes.count - count, offset + count)
            }
            if written < 0 && errno == EINTR { continue }
            guard written >= 0 else { throw SystemCallError("pwrite", path) }
            count += written
        }
    }

    /// Makes the file as long as it must be to have these bytes, and has the file system set space aside for them, so that
    /// writing them later finds room. Bytes that were there stay, new ones are zero.
    public func allocate(_ byteCount: Int, at offset: Int) throws(SystemCallError) {
        var code: Int32
        repeat {
            code = posix_fallocate(descriptor, offset, byteCount)
        } while code == EINTR
        guard code == 0 else { throw SystemCallError("posix_fallocate", path, code: code) }
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
    public func tryLock() throws(SystemCallError) -> Bool {
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            switch errno {
            case EWOULDBLOCK: return false
            case EINTR: continue
            default: throw SystemCallError("flock", path)
            }
        }
        return true
    }

    /// Gives the lock up, also where another process has got a copy of the descriptor.
    public func unlock() { _ = flock(descriptor, LOCK_UN) }
}
