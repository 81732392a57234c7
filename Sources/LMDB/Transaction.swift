internal import CLMDB

/// A snapshot of an environment, to read from. It lives as long as the closure that it was given to; used later, it
/// throws `badTransaction`. Use it on the thread that runs the closure.
@safe
public class Transaction {
    private var handle: OpaquePointer?
    private var environment: Environment?

    convenience init(_ environment: Environment, _ handle: OpaquePointer) throws(LMDBError) {
        try unsafe self.init(environment, handle, flags: UInt32(MDB_RDONLY))
    }

    fileprivate init(_ environment: Environment, _ handle: OpaquePointer, flags: UInt32) throws(LMDBError) {
        var begun: OpaquePointer?
        try unsafe LMDBError.check(mdb_txn_begin(handle, nil, flags, &begun), "mdb_txn_begin")
        unsafe self.handle = unsafe begun
        self.environment = environment
    }

    deinit { abort() }

    /// What the values that this transaction hands out may refer to: the map, unless the body can write meanwhile.
    fileprivate(set) var handsOutMap = true

    func live(_ operation: String) throws(LMDBError) -> OpaquePointer {
        guard let handle = unsafe handle else {
            throw LMDBError(MDB_BAD_TXN, operation, message: "the transaction has ended")
        }
        return unsafe handle
    }

    func abort() {
        if let handle = unsafe handle { unsafe mdb_txn_abort(handle) }
        unsafe handle = nil
        environment = nil
    }

    func commit() throws(LMDBError) {
        let ending = try unsafe live("mdb_txn_commit")
        // It frees the transaction whatever it returns.
        unsafe handle = nil
        defer { environment = nil }
        try unsafe LMDBError.check(mdb_txn_commit(ending), "mdb_txn_commit")
    }

    func database(_ name: String, flags: UInt32 = 0) throws(LMDBError) -> Database? {
        let transaction = try unsafe live("mdb_dbi_open")
        var database: MDB_dbi = 0
        let code = unsafe mdb_dbi_open(transaction, name, flags, &database)
        if code == MDB_NOTFOUND { return nil }
        try LMDBError.check(code, "mdb_dbi_open")
        return Database(name: name, handle: database)
    }
}

extension Transaction {
    /// Throws `badTransaction` if the transaction has ended.
    public func checkIsLive() throws(LMDBError) { _ = try unsafe live("read") }

    /// The value of a key, copied; nil if the key is not there.
    public func value(_ key: [UInt8], in database: Database) throws(LMDBError) -> [UInt8]? {
        try value(key.span, in: database)
    }

    /// The same.
    public func value(_ key: Span<UInt8>, in database: Database) throws(LMDBError) -> [UInt8]? {
        guard let found = try unsafe find(key, in: database) else { return nil }
        return unsafe [UInt8](found.bytes)
    }

    /// Runs `body` on the value of a key, in place and without a copy; nil if the key is not there.
    public func withValue<R>(
        _ key: [UInt8], in database: Database, _ body: (Span<UInt8>) throws -> R
    ) throws -> R? {
        try withValue(key.span, in: database, body)
    }

    /// The same.
    public func withValue<R>(
        _ key: Span<UInt8>, in database: Database, _ body: (Span<UInt8>) throws -> R
    ) throws -> R? {
        guard let found = try unsafe find(key, in: database) else { return nil }
        // A write inside `body` may move what the span shows.
        if !handsOutMap { return try body(unsafe [UInt8](found.bytes).span) }
        return try unsafe body(found.bytes.span)
    }

    /// Whether the key is there.
    public func contains(_ key: [UInt8], in database: Database) throws(LMDBError) -> Bool {
        try unsafe find(key.span, in: database) != nil
    }

    /// Size of a database as the transaction sees it.
    public func statistics(of database: Database) throws(LMDBError) -> DatabaseStatistics {
        var stat = MDB_stat()
        try unsafe LMDBError.check(mdb_stat(live("mdb_stat"), database.handle, &stat), "mdb_stat")
        return DatabaseStatistics(
            entryCount: stat.ms_entries, depth: Int(stat.ms_depth), branchPageCount: stat.ms_branch_pages,
            leafPageCount: stat.ms_leaf_pages, overflowPageCount: stat.ms_overflow_pages)
    }

    private func find(_ key: Span<UInt8>, in database: Database) throws(LMDBError) -> MDB_val? {
        let transaction = try unsafe live("mdb_get")
        var value = unsafe MDB_val()
        let code = unsafe key.withMDBValue { unsafe mdb_get(transaction, database.handle, &$0, &value) }
        if code == MDB_NOTFOUND { return nil }
        try LMDBError.check(code, "mdb_get")
        return unsafe value
    }
}

/// A transaction that can change the environment, and sees its own changes.
@safe
public final class WriteTransaction: Transaction {
    init(_ environment: Environment, _ handle: OpaquePointer) throws(LMDBError) {
        try unsafe super.init(environment, handle, flags: 0)
        handsOutMap = false
    }

    /// Opens a named database, and makes it where it is missing. The handle is of use once the transaction committed.
    public func createDatabase(_ name: String) throws(LMDBError) -> Database {
        guard let database = try database(name, flags: UInt32(MDB_CREATE)) else {
            throw LMDBError(MDB_NOTFOUND, "mdb_dbi_open")
        }
        return database
    }

    /// Stores a value under a key of 1 to `maxKeyByteCount` bytes, in the place of one that is there.
    public func put(_ value: [UInt8], for key: [UInt8], in database: Database) throws(LMDBError) {
        try LMDBError.check(store(value.span, for: key.span, in: database, flags: 0), "mdb_put")
    }

    /// Stores a value under a key that is not there; false, and nothing is changed, if it is.
    public func insert(_ value: [UInt8], for key: [UInt8], in database: Database) throws(LMDBError) -> Bool {
        try insert(value.span, for: key.span, in: database)
    }

    /// The same.
    public func insert(_ value: Span<UInt8>, for key: Span<UInt8>, in database: Database) throws(LMDBError) -> Bool {
        let code = try store(value, for: key, in: database, flags: UInt32(MDB_NOOVERWRITE))
        if code == MDB_KEYEXIST { return false }
        try LMDBError.check(code, "mdb_put")
        return true
    }

    /// Stores a value under a key that is above all others in the database; false, and nothing is changed, if it is
    /// not. Fills pages one after the other, so it is fast and the pages are full.
    public func append(_ value: [UInt8], for key: [UInt8], in database: Database) throws(LMDBError) -> Bool {
        try append(value.span, for: key.span, in: database)
    }

    /// The same.
    public func append(_ value: Span<UInt8>, for key: Span<UInt8>, in database: Database) throws(LMDBError) -> Bool {
        let code = try store(value, for: key, in: database, flags: UInt32(MDB_APPEND))
        if code == MDB_KEYEXIST { return false }
        try LMDBError.check(code, "mdb_put")
        return true
    }

    private func store(
        _ value: Span<UInt8>, for key: Span<UInt8>, in database: Database, flags: UInt32
    ) throws(LMDBError) -> Int32 {
        let transaction = try unsafe live("mdb_put")
        return unsafe key.withMDBValue { key in
            unsafe value.withMDBValue { value in
                unsafe mdb_put(transaction, database.handle, &key, &value, flags)
            }
        }
    }

    /// Removes a key, and says whether it was there.
    @discardableResult
    public func remove(_ key: [UInt8], in database: Database) throws(LMDBError) -> Bool {
        let transaction = try unsafe live("mdb_del")
        let code = unsafe key.withMDBValue { unsafe mdb_del(transaction, database.handle, &$0, nil) }
        if code == MDB_NOTFOUND { return false }
        try LMDBError.check(code, "mdb_del")
        return true
    }
}
