internal import LMDB
internal import LogStore

/// A database in which a key has one row for each sealed size at which it changed: what it stood for from there on.
///
/// The value of a row begins with a byte that says what follows; see `Content`.
struct VersionedTable {
    /// Versions that a new one removes at most, so that no commit takes long because an earlier one left much behind.
    static let maxRemovals = 8

    let database: Database

    /// What a row says of its key.
    private enum Content {
        /// From here on the key is not there.
        static let gone: UInt8 = 0
        /// The value follows.
        static let value: UInt8 = 1
        /// The length of the key in four bytes, the key, and the value: the name of the row has only its hash.
        static let keyAndValue: UInt8 = 2
    }

    // MARK: Writing

    /// Sets or removes a key as of each of some sizes, ascending, of which none is below any version there is; and removes
    /// versions of it that nobody can ask for any more, now that `retainedFrom` is the oldest size that is kept.
    func set(
        _ key: [UInt8], _ name: RowName, to versions: some Collection<JournaledVersions.Version>, retainedFrom: UInt64,
        _ cursor: inout Cursor
    ) throws {
        var newest: (row: [UInt8], size: UInt64, isGone: Bool)?
        for (size, value) in versions {
            newest = nil
            let row = name.row(size)
            if let value {
                try cursor.put(Self.content(value, of: key, name), for: row)
            } else {
                // What this batch itself had set is taken back; where nothing is left to be gone, no row says so.
                var isThere = try cursor.seek(row) && cursor.currentKeyStarts(with: name.bytes)
                if isThere, try cursor.currentKey() == row {
                    try cursor.remove()
                    isThere = try cursor.next() && cursor.currentKeyStarts(with: name.bytes)
                }
                guard isThere, try cursor.currentValueFirst() != Content.gone else { continue }
                try cursor.put([Content.gone], for: row)
            }
            newest = (row, size, value == nil)
        }
        guard let newest else { return }
        let most = Self.maxRemovals * versions.count
        try prune(name, newest: newest, retainedFrom: retainedFrom, most: most, &cursor)
    }

    /// Removes what comes before the newest version that is not above `retainedFrom`, and that one too if it says no
    /// more than that the key is gone; `most` versions of those before it. The cursor is at the newest version.
    private func prune(
        _ name: RowName, newest: (row: [UInt8], size: UInt64, isGone: Bool), retainedFrom: UInt64, most: Int,
        _ cursor: inout Cursor
    ) throws {
        var isThere = try cursor.next() && cursor.currentKeyStarts(with: name.bytes)
        guard isThere else { return }
        var base = (row: newest.row, isGone: newest.isGone)
        if newest.size > retainedFrom {
            guard let size = name.number(ofRow: try cursor.currentKey()) else {
                throw StoreError.damaged("a version has no size")
            }
            if size > retainedFrom {
                isThere = try cursor.seek(name.row(retainedFrom)) && cursor.currentKeyStarts(with: name.bytes)
                guard isThere else { return }
            }
            base = (try cursor.currentKey(), try cursor.currentValueFirst() == Content.gone)
            isThere = try cursor.next() && cursor.currentKeyStarts(with: name.bytes)
        }
        for _ in 0..<most where isThere {
            try cursor.remove()
            isThere = try cursor.next() && cursor.currentKeyStarts(with: name.bytes)
        }
        guard base.isGone, !isThere else { return }
        if try cursor.seek(base.row), try cursor.currentKey() == base.row { try cursor.remove() }
    }

    private static func content(_ value: [UInt8], of key: [UInt8], _ name: RowName) -> [UInt8] {
        var content: [UInt8] = []
        content.reserveCapacity(1 + value.count + (name.isCut ? 4 + key.count : 0))
        content.append(name.isCut ? Content.keyAndValue : Content.value)
        if name.isCut {
            for shift in [24, 16, 8, 0] { content.append(UInt8(truncatingIfNeeded: key.count >> shift)) }
            content.append(contentsOf: key)
        }
        content.append(contentsOf: value)
        return content
    }

    // MARK: Reading

    /// The value of a key as of `size`; nil if it had none.
    func value(_ key: [UInt8], at size: UInt64, _ transaction: Transaction) throws -> [UInt8]? {
        let name = RowName(key)
        return try transaction.withCursor(in: database) { cursor in
            guard try cursor.seek(name.row(size)), try cursor.currentKeyStarts(with: name.bytes) else { return nil }
            guard let found = try content(of: key, name, cursor) else { return nil }
            guard found.key == key else { throw StoreError.damaged("a long key does not lead to itself") }
            return found.value
        }
    }

    /// Calls `body` with the keys that begin with `prefix`, behind `last`, and their values as of `size`.
    func forEach(
        prefix: [UInt8], after last: [UInt8]?, at size: UInt64, _ transaction: Transaction,
        _ body: ([UInt8], [UInt8]) throws -> Bool
    ) throws {
        let beginning = RowName.beginning(prefix)
        var first = beginning
        if let end = last.map({ RowName($0).end }), first.lexicographicallyPrecedes(end) { first = end }
        try transaction.withCursor(in: database) { cursor in
            var isThere = first.isEmpty ? try cursor.first() : try cursor.seek(first)
            while isThere, try cursor.currentKeyStarts(with: beginning) {
                guard let (name, key, number) = RowName.parse(try cursor.currentKey()) else {
                    throw StoreError.damaged("the key of a version is not readable")
                }
                if number > size {
                    isThere = try cursor.seek(name.row(size))
                    guard isThere, try cursor.currentKeyStarts(with: name.bytes) else { continue }
                }
                if let found = try content(of: key, name, cursor), found.key.starts(with: prefix) {
                    guard try body(found.key, found.value) else { return }
                }
                // Most keys have one version.
                isThere = try cursor.next()
                if isThere, try cursor.currentKeyStarts(with: name.bytes) { isThere = try cursor.seek(name.end) }
            }
        }
    }

    /// What the row under the cursor says; nil if the key is gone there.
    ///
    /// - Parameter key: the caller's key, if the name has it whole.
    private func content(
        of key: [UInt8]?, _ name: RowName, _ cursor: borrowing Cursor
    ) throws -> (key: [UInt8], value: [UInt8])? {
        switch (try cursor.currentValueFirst(), name.isCut) {
        case (Content.gone, _): return nil
        case (Content.value, false):
            guard let key else { break }
            return (key, try cursor.currentValue(dropping: 1))
        case (Content.keyAndValue, true):
            let content = try cursor.currentValue(dropping: 1)
            guard content.count >= 4 else { break }
            let length = content.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            guard content.count >= 4 + length else { break }
            let key = Array(content[4..<4 + length])
            guard RowName(key) == name else { break }
            return (key, Array(content[(4 + length)...]))
        default: break
        }
        throw StoreError.damaged("a version of a key is not readable")
    }
}
