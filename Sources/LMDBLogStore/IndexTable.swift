internal import LMDB
internal import LogStore

/// A database in which a key has entries of the log, each with a number of its own where there is one (`seq` of a link).
///
/// The entries of a key are values of one key of LMDB, which keeps them as a sorted list of values of one length
/// (`MDB_DUPFIXED`): the key is there once, and an entry takes the bytes of its numbers.
struct IndexTable {
    let database: Database
    /// Whether an entry has a number beside its index.
    let isNumbered: Bool

    /// An entry of a key: its index, and its number (0 where the table has none).
    typealias Entry = (index: UInt64, number: UInt64)

    private func value(_ entry: Entry) -> [UInt8] {
        entry.index.bigEndianBytes + (isNumbered ? entry.number.bigEndianBytes : [])
    }

    private func entry(_ value: [UInt8]) throws -> Entry {
        guard value.count == (isNumbered ? 16 : 8), let index = UInt64(bigEndianBytes: value[..<8]),
            let number = isNumbered ? UInt64(bigEndianBytes: value[8...]) : 0
        else { throw StoreError.damaged("an entry of a list has no index") }
        return (index, number)
    }

    /// Adds an entry that lies behind all others of the key. One that is there already stays as it is.
    func add(_ entry: Entry, to name: RowName, _ cursor: inout Cursor) throws {
        let value = value(entry)
        // Behind the others, so that pages become full; a caller may also name entries in another order.
        if try !cursor.appendValue(value, to: name.bytes) { try cursor.put(value, for: name.bytes) }
    }

    /// The entry of the greatest index; nil if the key has none. The cursor is then at it.
    func last(of name: RowName, _ cursor: inout Cursor) throws -> Entry? {
        try cursor.seekLastValue(of: name.bytes) ? entry(cursor.currentValue()) : nil
    }

    /// Calls `body` with the entries of the key whose index is below `bound`, the newest first, until it returns false.
    func forEach(
        _ key: [UInt8], below bound: UInt64, _ transaction: Transaction, _ body: (Entry) throws -> Bool
    ) throws {
        let name = RowName(key).bytes
        try transaction.withCursor(in: database) { cursor in
            var isThere =
                if try cursor.seek(name, valueFrom: value((bound, 0))) {
                    try cursor.previousValue()
                } else {
                    try cursor.seekLastValue(of: name)
                }
            while isThere, try body(entry(try cursor.currentValue())) { isThere = try cursor.previousValue() }
        }
    }
}
