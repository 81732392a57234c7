internal import LMDB
internal import LogStore
internal import Tlog

/// What a row of the journal begins with: where the log stands after its commit.
struct JournalHead: Sendable {
    static let byteCount = 72

    /// The number of the commit, from 1 on: the key of its row. 0 before the first.
    var number: UInt64 = 0
    /// The newest commit whose changes are in the tables, and those of all before it; at most `number`.
    var folded: UInt64 = 0
    var head = StoredHead.empty
    var retained = RetainedSeals()

    /// Of the newest commit, which the journal always has.
    static func newest(_ transaction: Transaction, _ layout: Layout) throws -> JournalHead {
        var newest: JournalHead? = JournalHead()
        try transaction.forEachReversed(in: layout.journal) { key, row in
            let number = UInt64(bigEndianBytes: key) ?? 0
            newest = number > 0 ? JournalHead(number: number, row: row) : nil
            return false
        }
        guard let newest else { throw StoreError.damaged("the newest row of its journal is not readable") }
        return newest
    }

    /// The beginning of a row's value.
    var bytes: [UInt8] {
        var bytes = head.storageValue
        retained.from.append(to: &bytes)
        retained.count.append(to: &bytes)
        folded.append(to: &bytes)
        return bytes
    }

    /// - Parameter row: the value of the row, which may go on behind this.
    init?(number: UInt64, row: Span<UInt8>) {
        guard row.count >= Self.byteCount, let head = StoredHead(storageValue: row.extracting(0..<48)),
            let retained = RetainedSeals(storageValue: row.extracting(48..<64)),
            let folded = UInt64(bigEndianBytes: row.extracting(64..<72)), folded <= number
        else { return nil }
        (self.number, self.folded, self.head, self.retained) = (number, folded, head, retained)
    }

    init() {}

    // MARK: Rows

    /// The row of a commit that changes nothing.
    func row() -> [UInt8] { Self.row(bytes) }

    /// The row of a commit: its head, what it changes, and SHA-256 of both, since nothing else would notice a bit that flips.
    static func row(_ content: consuming [UInt8]) -> [UInt8] {
        let hash = Hash.sha256(content)
        hash.append(to: &content)
        return content
    }

    /// What a row has behind its head; throws if it is not what its hash says.
    func changes(in row: [UInt8]) throws(StoreError) -> ArraySlice<UInt8> {
        let end = row.count - Hash.byteCount
        guard end >= Self.byteCount, Hash.sha256(row[..<end]).bytes == Array(row[end...]) else {
            throw .unreadable(self)
        }
        return row[Self.byteCount..<end]
    }

    /// Throws if a row is not what its hash says, or has something behind its head.
    func checkIsAlone(in row: [UInt8]) throws(StoreError) {
        guard try changes(in: row).isEmpty else { throw .unreadable(self) }
    }
}

extension StoreError {
    static func unreadable(_ head: JournalHead) -> StoreError {
        .damaged("row \(head.number) of its journal is not readable")
    }
}
