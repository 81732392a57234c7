internal import LMDB
internal import LogStore
internal import Tlog

/// Where the log stands after a commit.
struct JournalHead: Sendable, Equatable {
    static let byteCount = 72

    /// The number of the commit, from 1 on; 0 before the first.
    var number: UInt64 = 0
    var head = StoredHead.empty
    var retained = RetainedSeals()

    init() {}

    /// Number, head, and of which sizes the state is kept.
    var bytes: [UInt8] { number.bigEndianBytes + head.storageValue + retained.storageValue }

    init?(_ bytes: Span<UInt8>) {
        guard bytes.count == Self.byteCount, let number = UInt64(bigEndianBytes: bytes.extracting(0..<8)),
            let head = StoredHead(storageValue: bytes.extracting(8..<56)),
            let retained = RetainedSeals(storageValue: bytes.extracting(56..<72))
        else { return nil }
        (self.number, self.head, self.retained) = (number, head, retained)
    }

    // MARK: In LMDB

    private static let key = Array("head".utf8)

    /// Of the newest commit whose changes are in LMDB's tables.
    static func folded(_ transaction: Transaction, _ layout: Layout) throws -> JournalHead {
        let found = try transaction.withValue(key.span, in: layout.meta) { row in
            guard row.count == byteCount + Hash.byteCount, let head = JournalHead(row.extracting(0..<byteCount)) else {
                throw StoreError.unreadableHead
            }
            return head
        }
        return found ?? JournalHead()
    }

    /// Says of a transaction that it has everything up to this commit. SHA-256 ends the row, since nothing else would notice a
    /// bit that flips.
    func write(_ transaction: WriteTransaction, _ layout: Layout) throws {
        var row = bytes
        Hash.sha256(row).append(to: &row)
        try transaction.put(row, for: Self.key, in: layout.meta)
    }

    /// Throws if the row in LMDB is not what its hash says.
    static func check(_ transaction: Transaction, _ layout: Layout) throws {
        guard let row = try transaction.value(key, in: layout.meta) else { return }
        guard row.count == byteCount + Hash.byteCount,
            Hash.sha256(row[..<byteCount]).bytes == Array(row[byteCount...])
        else { throw StoreError.unreadableHead }
    }
}

extension StoreError {
    fileprivate static var unreadableHead: StoreError { .damaged("the row that names its head is not readable") }
}
