internal import CLMDB
internal import Glibc

/// An LMDB environment: one directory with `data.mdb` and `lock.mdb`, mapped into memory.
///
/// - A **read** is a scoped closure over a snapshot. Any number run at once, on any threads, beside a write.
/// - A **write** is one synchronous scoped closure, since LMDB demands that a write transaction begins and ends on
///   one thread. Writes of all threads go one after the other; a write inside a write is an error, not a deadlock.
/// - The environment is closed when the last reference to it goes; a transaction holds one.
///
/// Open a directory once in a process: a second opening would drop the first one's locks (LMDB's "Caveats").
///
/// `@unchecked`: the handle is a pointer that never changes; LMDB lets any thread use it, and writes take the lock here.
@safe
public final class Environment: @unchecked Sendable {
    /// How an environment is opened.
    public struct Options: Sendable, Hashable {
        /// Bytes of address space to map, and so the size that the data can grow to. The file is sparse and takes
        /// only what is used. Default: 1 TiB.
        public var mapSize = 1 << 40
        /// Most named databases. Default: 16.
        public var maxDatabases: UInt32 = 16
        /// Most reads at one time, over all processes. Default: 512.
        public var maxReaders: UInt32 = 512
        /// Permissions of the two files when they are created.
        public var fileMode: UInt32 = 0o600
        /// Do not write: no file is created or changed (but for the table of readers).
        public var readOnly = false
        /// **Do not sync at commit.** What was committed can be lost, and the file with it, when the machine stops.
        /// It is here so that a test can show what depends on the sync.
        public var noSync = false

        public init() {}
    }

    /// The directory, as it was given.
    public let directory: String
    /// Bytes that a key can have at most.
    public let maxKeyByteCount: Int

    private let handle: OpaquePointer
    /// Finds out a write inside a write of the same thread, which would wait for itself for ever.
    private let writer: WriterLock
    /// Released after the environment is closed.
    private let companion: AnyObject?

    /// Opens the environment in an existing directory; creates its files unless `options.readOnly`.
    ///
    /// - Parameter companion: kept alive until the environment is closed, such as the lock that guards its directory.
    public init(directory: String, options: Options = Options(), keeping companion: AnyObject? = nil)
        throws(LMDBError)
    {
        var created: OpaquePointer?
        try unsafe LMDBError.check(mdb_env_create(&created), "mdb_env_create")
        guard let handle = unsafe created else { throw LMDBError(ENOMEM, "mdb_env_create") }
        do throws(LMDBError) {
            try unsafe LMDBError.check(mdb_env_set_mapsize(handle, options.mapSize), "mdb_env_set_mapsize")
            try unsafe LMDBError.check(mdb_env_set_maxdbs(handle, options.maxDatabases), "mdb_env_set_maxdbs")
            try unsafe LMDBError.check(mdb_env_set_maxreaders(handle, options.maxReaders), "mdb_env_set_maxreaders")
            // A read belongs to its transaction, not to its thread: Swift tasks change threads.
            var flags = UInt32(MDB_NOTLS)
            if options.readOnly { flags |= UInt32(MDB_RDONLY) }
            if options.noSync { flags |= UInt32(MDB_NOSYNC) }
            let opened = unsafe mdb_env_open(handle, directory, flags, mode_t(options.fileMode))
            try LMDBError.check(opened, "mdb_env_open")
        } catch {
            // Required even when the opening failed.
            unsafe mdb_env_close(handle)
            throw error
        }
        unsafe self.handle = unsafe handle
        self.directory = directory
        self.companion = companion
        maxKeyByteCount = unsafe Int(mdb_env_get_maxkeysize(handle))
        writer = WriterLock()
    }

    deinit {
        unsafe mdb_env_close(handle)
    }

    /// Runs `body` on a snapshot of the last committed state. The transaction is of no use after `body` returned.
    public func read<R>(_ body: (Transaction) throws -> R) throws -> R {
        let transaction = try unsafe Transaction(self, handle)
        defer { transaction.abort() }
        return try body(transaction)
    }

    /// Runs `body` in a write transaction and commits it; an error in `body` aborts it and is passed on.
    ///
    /// When this returns, the changes are committed and, without `noSync`, synced. When the commit throws, nothing
    /// of it is visible; whether some of it reached the disk is not known.
    public func write<R>(_ body: (WriteTransaction) throws -> R) throws -> R {
        try writer.lock()
        defer { writer.unlock() }
        let transaction = try unsafe WriteTransaction(self, handle)
        let result: R
        do {
            result = try body(transaction)
        } catch {
            transaction.abort()
            throw error
        }
        try transaction.commit()
        return result
    }

    /// Opens a named database, which exists; nil if it does not.
    public func database(_ name: String) throws(LMDBError) -> Database? {
        // A handle outlives the transaction it was opened in only if that commits, reading ones too.
        let transaction = try unsafe Transaction(self, handle)
        guard let database = try transaction.database(name) else {
            transaction.abort()
            return nil
        }
        try transaction.commit()
        return database
    }

    /// Frees the slots of readers whose process is gone, and says how many there were. A slot that stays keeps the
    /// pages of its snapshot from being used again.
    @discardableResult
    public func checkReaders() throws(LMDBError) -> Int {
        var dead: Int32 = 0
        try unsafe LMDBError.check(mdb_reader_check(handle, &dead), "mdb_reader_check")
        return Int(dead)
    }

    /// Flushes what is written to the disk, whatever the options say.
    public func sync() throws(LMDBError) {
        try unsafe LMDBError.check(mdb_env_sync(handle, 1), "mdb_env_sync")
    }

    /// Writes a consistent copy of the last committed state as `data.mdb` into an existing directory that has none.
    /// Writes go on meanwhile. The copy is not synced: see `StorageFile.sync`.
    ///
    /// - Parameter compacting: leave out free pages and renumber the others; slower.
    public func copy(to directory: String, compacting: Bool = false) throws(LMDBError) {
        let flags = compacting ? UInt32(MDB_CP_COMPACT) : 0
        try unsafe LMDBError.check(mdb_env_copy2(handle, directory, flags), "mdb_env_copy2")
    }

    /// Sizes of the environment.
    public func info() throws(LMDBError) -> EnvironmentInfo {
        var info = unsafe MDB_envinfo()
        try unsafe LMDBError.check(mdb_env_info(handle, &info), "mdb_env_info")
        var stat = MDB_stat()
        try unsafe LMDBError.check(mdb_env_stat(handle, &stat), "mdb_env_stat")
        return unsafe EnvironmentInfo(
            mapSize: info.me_mapsize, pageSize: Int(stat.ms_psize), pageCount: info.me_last_pgno + 1,
            lastTransaction: UInt64(info.me_last_txnid), readerSlots: Int(info.me_numreaders))
    }
}

/// Sizes of an environment.
public struct EnvironmentInfo: Sendable, Hashable {
    /// Bytes mapped.
    public let mapSize: Int
    /// Bytes of a page.
    public let pageSize: Int
    /// Pages that the last committed state knows of, free ones included.
    public let pageCount: Int
    /// Number of the last committed write transaction; 0 if there was none.
    public let lastTransaction: UInt64
    /// Reader slots used so far.
    public let readerSlots: Int
}
