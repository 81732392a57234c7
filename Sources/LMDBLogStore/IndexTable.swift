internal import LMDB
internal import LogStore

/// Lists of the log's entries, each under a key, each entry with a number of its own where there is one (`seq` of a link).
///
/// A batch adds an entry to several lists, and to other ones than the entry before it, so what counts is how many pages
/// that changes. The newest entries of each list are one short row, in a database that has nothing but these rows: many
/// lists share a page. What does not fit there any more becomes a row of its own in another database, a *block*, and is
/// never changed again.
struct IndexTable {
    /// The newest entries of each list: by name.
    let newest: Database
    /// The blocks: by name and the index of the first entry.
    let blocks: Database
    /// Whether an entry has a number beside its index.
    let isNumbered: Bool

    /// An entry of a list: its index, and its number (0 where the table has none).
    typealias Entry = (index: UInt64, number: UInt64)

    /// Entries of a block: all blocks have as many, and the newest row has 1 to as many.
    var blockLength: Int { isNumbered ? 32 : 64 }
    private var width: Int { isNumbered ? 16 : 8 }

    // MARK: Writing

    /// Adds entries behind all others of the list. That they come behind these was checked.
    func add(_ entries: some Sequence<Entry>, to name: RowName, _ transaction: WriteTransaction) throws {
        var row = try transaction.value(name.bytes, in: newest) ?? []
        for entry in entries {
            if row.count == blockLength * width {
                try transaction.put(row, for: name.row(self.entry(row, at: 0).index), in: blocks)
                row.removeAll(keepingCapacity: true)
            }
            entry.index.append(to: &row)
            if isNumbered { entry.number.append(to: &row) }
        }
        if !row.isEmpty { try transaction.put(row, for: name.bytes, in: newest) }
    }

    /// Whether an entry may come behind another one of its list.
    func isInOrder(_ entry: Entry, after last: Entry) -> Bool {
        entry.index > last.index && (!isNumbered || entry.number > last.number)
    }

    // MARK: Reading

    /// The newest entry of a list.
    func newestEntry(_ key: [UInt8], _ transaction: Transaction) throws -> Entry? {
        guard let row = try transaction.value(RowName(key).bytes, in: newest) else { return nil }
        return try entry(row, at: count(of: row) - 1)
    }

    /// Calls `body` with the entries of the list whose index is below `bound`, the newest first, until it returns false.
    func forEach(
        _ key: [UInt8], below bound: UInt64, _ transaction: Transaction, _ body: (Entry) throws -> Bool
    ) throws {
        let name = RowName(key)
        guard let row = try transaction.value(name.bytes, in: newest) else { return }
        guard try visit(row, below: bound, body) else { return }
        // Blocks lie with the greatest first index first: the first one that may have something is where it begins below.
        let end = min(bound, try entry(row, at: 0).index)
        guard end > 0 else { return }
        try transaction.withCursor(in: blocks) { cursor in
            var isThere = try cursor.seek(name.row(end - 1))
            while isThere, try cursor.currentKeyStarts(with: name.bytes) {
                guard try visit(cursor.currentValue(), below: bound, body) else { return }
                isThere = try cursor.next()
            }
        }
    }

    private func visit(_ row: [UInt8], below bound: UInt64, _ body: (Entry) throws -> Bool) throws -> Bool {
        for position in stride(from: try count(of: row) - 1, through: 0, by: -1) {
            let entry = try entry(row, at: position)
            if entry.index < bound, try !body(entry) { return false }
        }
        return true
    }

    private func count(of row: [UInt8]) throws -> Int {
        guard !row.isEmpty, row.count % width == 0, row.count <= blockLength * width else {
            throw StoreError.damaged("a list has a row of \(row.count) bytes")
        }
        return row.count / width
    }

    private func entry(_ row: [UInt8], at position: Int) throws -> Entry {
        let start = position * width
        guard start + width <= row.count, let index = UInt64(bigEndianBytes: row[start..<start + 8]),
            let number = isNumbered ? UInt64(bigEndianBytes: row[start + 8..<start + 16]) : 0
        else { throw StoreError.damaged("an entry of a list has no index") }
        return (index, number)
    }
}
