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
}

/// What LMDB says of the journal: the newest commit that is in the tables, what the rows of the segment behind it begin with, and
/// those of the segment behind that, which is begun before LMDB says more.
struct JournalBase: Sendable, Equatable {
    private static let key = Array("head".utf8)
    private static let byteCount = JournalHead.byteCount + 2 * JournalID.byteCount

    var head: JournalHead
    let id: JournalID
    let nextID: JournalID

    init(head: JournalHead, id: JournalID, nextID: JournalID = .random()) {
        (self.head, self.id, self.nextID) = (head, id, nextID)
    }

    static func read(_ transaction: Transaction, _ layout: Layout) throws -> JournalBase {
        let found = try transaction.withValue(key.span, in: layout.meta) { row in
            guard row.count == byteCount + Hash.byteCount,
                let head = JournalHead(row.extracting(0..<JournalHead.byteCount))
            else { throw StoreError.unreadableHead }
            return JournalBase(
                head: head, id: JournalID(in: row, at: JournalHead.byteCount),
                nextID: JournalID(in: row, at: JournalHead.byteCount + JournalID.byteCount))
        }
        guard let found else { throw StoreError.unreadableHead }
        return found
    }

    /// SHA-256 ends the row, since nothing else would notice a bit that flips.
    func write(_ transaction: WriteTransaction, _ layout: Layout) throws {
        var row = head.bytes
        id.append(to: &row)
        nextID.append(to: &row)
        Hash.sha256(row).append(to: &row)
        try transaction.put(row, for: Self.key, in: layout.meta)
    }

    /// Throws if the row in LMDB is not what its hash says.
    static func check(_ transaction: Transaction, _ layout: Layout) throws {
        guard let row = try transaction.value(key, in: layout.meta), row.count == byteCount + Hash.byteCount,
            Hash.sha256(row[..<byteCount]).bytes == Array(row[byteCount...]) || Mutant.headHash.isOff
        else { throw StoreError.unreadableHead }
    }
}

/// 16 random bytes that the rows of one segment begin with, and no others: neither those of an earlier one nor anything that is in an
/// entry, whose bytes an issuer chooses.
struct JournalID: Sendable, Equatable {
    static let byteCount = 16
    private let high: UInt64
    private let low: UInt64

    private init(high: UInt64, low: UInt64) { (self.high, self.low) = (high, low) }

    /// From the system's source of randomness.
    static func random() -> JournalID {
        var system = SystemRandomNumberGenerator()
        return JournalID(high: system.next(), low: system.next())
    }

    init(in bytes: Span<UInt8>, at place: Int) {
        high = UInt64(bigEndianBytes: bytes.extracting(place..<place + 8)) ?? 0
        low = UInt64(bigEndianBytes: bytes.extracting(place + 8..<place + 16)) ?? 0
    }

    func append(to bytes: inout [UInt8]) {
        high.append(to: &bytes)
        low.append(to: &bytes)
    }
}

extension StoreError {
    fileprivate static var unreadableHead: StoreError { .damaged("the row that names its head is not readable") }
}
