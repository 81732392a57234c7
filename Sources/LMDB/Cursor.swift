internal import CLMDB

/// A position in a database, for one who moves about in it; see `Transaction.withCursor(in:_:)`. To read rows one after
/// the other, the walks below are simpler.
///
/// In a write transaction the position stays right whatever else the transaction writes.
@safe
public struct Cursor: ~Copyable {
    private let handle: OpaquePointer
    /// What the last move found; of no use after a write.
    fileprivate private(set) var key = unsafe MDB_val()
    fileprivate private(set) var value = unsafe MDB_val()

    fileprivate init(_ transaction: Transaction, _ database: Database) throws(LMDBError) {
        var opened: OpaquePointer?
        let code = unsafe mdb_cursor_open(try transaction.live("mdb_cursor_open"), database.handle, &opened)
        try LMDBError.check(code, "mdb_cursor_open")
        guard let opened = unsafe opened else { throw LMDBError(MDB_BAD_TXN, "mdb_cursor_open") }
        unsafe handle = unsafe opened
    }

    deinit {
        unsafe mdb_cursor_close(handle)
    }

    fileprivate var copy: (key: [UInt8], value: [UInt8]) {
        unsafe ([UInt8](key.bytes), [UInt8](value.bytes))
    }

    /// Moves, and says whether there is something in the place.
    fileprivate mutating func move(_ operation: MDB_cursor_op) throws(LMDBError) -> Bool {
        let code = unsafe mdb_cursor_get(handle, &key, &value, operation)
        if code == MDB_NOTFOUND { return false }
        try LMDBError.check(code, "mdb_cursor_get")
        return true
    }

    /// Moves to the first key that is not below `bound`, which is not empty; false if there is none.
    public mutating func seek(_ bound: [UInt8]) throws(LMDBError) -> Bool {
        var (found, content) = unsafe (MDB_val(), MDB_val())
        let code = unsafe bound.withMDBValue { bound in
            unsafe found = unsafe bound
            return unsafe mdb_cursor_get(handle, &found, &content, MDB_SET_RANGE)
        }
        unsafe (key, value) = unsafe (found, content)
        if code == MDB_NOTFOUND { return false }
        try LMDBError.check(code, "mdb_cursor_get")
        return true
    }
}

extension Cursor {
    /// Moves to the first key; false if the database is empty.
    public mutating func first() throws(LMDBError) -> Bool { try move(MDB_FIRST) }

    /// Moves to the last key; false if the database is empty.
    public mutating func last() throws(LMDBError) -> Bool { try move(MDB_LAST) }

    /// Moves to the next key; after `remove()`, to the one that followed what was removed. False at the end.
    public mutating func next() throws(LMDBError) -> Bool { try move(MDB_NEXT) }

    /// The key in this place, copied.
    public func currentKey() throws(LMDBError) -> [UInt8] {
        let found = try unsafe current().key
        return unsafe [UInt8](found.bytes)
    }

    /// The value in this place without its first `count` bytes, copied.
    public func currentValue(dropping count: Int = 0) throws(LMDBError) -> [UInt8] {
        let found = try unsafe current().value
        return unsafe [UInt8](found.bytes.dropFirst(count))
    }

    /// The first byte of the value in this place; nil if the value is empty.
    public func currentValueFirst() throws(LMDBError) -> UInt8? {
        let found = try unsafe current().value
        return unsafe found.bytes.first
    }

    /// Whether the key in this place begins with `prefix`.
    public func currentKeyStarts(with prefix: [UInt8]) throws(LMDBError) -> Bool {
        let found = try unsafe current().key
        return unsafe found.bytes.starts(with: prefix)
    }

    /// Whether the cursor is at this key, and its value is this. Nothing is copied.
    public func currentIs(_ value: Span<UInt8>, for key: Span<UInt8>) throws(LMDBError) -> Bool {
        let found = try unsafe current()
        return unsafe found.key.hasSameBytes(as: key) && found.value.hasSameBytes(as: value)
    }

    /// Stores a value under a key and stays there. Only in a write transaction; in another it is an error.
    public mutating func put(_ value: [UInt8], for key: [UInt8]) throws(LMDBError) {
        let handle = unsafe handle
        let code = unsafe key.withMDBValue { key in
            unsafe value.withMDBValue { unsafe mdb_cursor_put(handle, &key, &$0, 0) }
        }
        try LMDBError.check(code, "mdb_cursor_put")
    }

    /// Removes the key in this place; go on with `next()`. Only in a write transaction; in another it is an error.
    public mutating func remove() throws(LMDBError) {
        try unsafe LMDBError.check(mdb_cursor_del(handle, 0), "mdb_cursor_del")
    }

    /// Key and value as they lie now, whatever was written since the last move.
    private func current() throws(LMDBError) -> (key: MDB_val, value: MDB_val) {
        var (key, value) = unsafe (MDB_val(), MDB_val())
        let code = unsafe mdb_cursor_get(handle, &key, &value, MDB_GET_CURRENT)
        try LMDBError.check(code, "mdb_cursor_get")
        return unsafe (key, value)
    }
}

extension Transaction {
    /// Runs `body` with a cursor, which lives as long as that.
    public func withCursor<R>(in database: Database, _ body: (inout Cursor) throws -> R) throws -> R {
        var cursor = try Cursor(self, database)
        return try body(&cursor)
    }

    /// Calls `body` with the keys from `first` on (all, if nil) in ascending order, and their values in place, until
    /// it returns false.
    public func forEach(
        in database: Database, from first: [UInt8]? = nil, _ body: (Span<UInt8>, Span<UInt8>) throws -> Bool
    ) throws {
        var cursor = try Cursor(self, database)
        var found = if let first { try cursor.seek(first) } else { try cursor.move(MDB_FIRST) }
        while found, try show(cursor, to: body) { found = try cursor.move(MDB_NEXT) }
    }

    /// Calls `body` with the keys below `bound` (all, if nil) in descending order, and their values in place, until
    /// it returns false.
    public func forEachReversed(
        in database: Database, below bound: [UInt8]? = nil, _ body: (Span<UInt8>, Span<UInt8>) throws -> Bool
    ) throws {
        var cursor = try Cursor(self, database)
        // Nothing at or above the bound: the last key is the first one below it.
        var found =
            if let bound, try cursor.seek(bound) {
                try cursor.move(MDB_PREV)
            } else {
                try cursor.move(MDB_LAST)
            }
        while found, try show(cursor, to: body) { found = try cursor.move(MDB_PREV) }
    }

    /// The least key that is not below `bound` (of all, if nil), with its value, copied.
    public func first(in database: Database, from bound: [UInt8]? = nil) throws(LMDBError) -> (
        key: [UInt8], value: [UInt8]
    )? {
        var cursor = try Cursor(self, database)
        let found = if let bound { try cursor.seek(bound) } else { try cursor.move(MDB_FIRST) }
        return found ? cursor.copy : nil
    }

    /// The greatest key below `bound` (of all, if nil), with its value, copied.
    public func last(in database: Database, below bound: [UInt8]? = nil) throws(LMDBError) -> (
        key: [UInt8], value: [UInt8]
    )? {
        var cursor = try Cursor(self, database)
        let found =
            if let bound, try cursor.seek(bound) {
                try cursor.move(MDB_PREV)
            } else {
                try cursor.move(MDB_LAST)
            }
        return found ? cursor.copy : nil
    }

    private func show(
        _ cursor: borrowing Cursor, to body: (Span<UInt8>, Span<UInt8>) throws -> Bool
    ) throws -> Bool {
        // A write inside `body` may move what the spans show.
        if !handsOutMap {
            let (key, value) = cursor.copy
            return try body(key.span, value.span)
        }
        return try unsafe body(cursor.key.bytes.span, cursor.value.bytes.span)
    }
}
