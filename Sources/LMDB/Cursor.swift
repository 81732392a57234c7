internal import CLMDB

/// A position in a database. Internal: the walks below are what others use.
@safe
private struct Cursor: ~Copyable {
    private let handle: OpaquePointer
    private(set) var key = unsafe MDB_val()
    private(set) var value = unsafe MDB_val()

    init(_ transaction: Transaction, _ database: Database) throws(LMDBError) {
        var opened: OpaquePointer?
        let code = unsafe mdb_cursor_open(try transaction.live("mdb_cursor_open"), database.handle, &opened)
        try LMDBError.check(code, "mdb_cursor_open")
        guard let opened = unsafe opened else { throw LMDBError(MDB_BAD_TXN, "mdb_cursor_open") }
        unsafe handle = unsafe opened
    }

    deinit {
        unsafe mdb_cursor_close(handle)
    }

    var copy: (key: [UInt8], value: [UInt8]) {
        unsafe ([UInt8](key.bytes), [UInt8](value.bytes))
    }

    /// Moves, and says whether there is something in the place.
    mutating func move(_ operation: MDB_cursor_op) throws(LMDBError) -> Bool {
        let code = unsafe mdb_cursor_get(handle, &key, &value, operation)
        if code == MDB_NOTFOUND { return false }
        try LMDBError.check(code, "mdb_cursor_get")
        return true
    }

    /// Moves to the first key that is not below `bound`.
    mutating func seek(_ bound: [UInt8]) throws(LMDBError) -> Bool {
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

extension Transaction {
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
