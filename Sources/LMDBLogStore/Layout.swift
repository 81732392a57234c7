internal import LMDB
internal import LogStore
internal import Tlog

/// How a log lies in LMDB: the databases, and what their keys and values look like. `spec/storage.md` has the table.
///
/// A class, because each snapshot has it.
final class Layout: Sendable {
    /// What `meta` says under `format`. Another layout gets another number.
    static let format = Array("holdfast-store/6".utf8)
    static let formatKey = Array("format".utf8)

    let entries: Database
    let tiles: Database
    let state: VersionedTable
    let pages: VersionedTable
    let streams: IndexTable
    let listings: IndexTable
    let seals: Database
    let checkpoints: Database
    let meta: Database

    /// Opens the databases by `open`, in a fixed order.
    init(opening open: (String) throws -> Database) rethrows {
        entries = try open("entries")
        tiles = try open("tiles")
        state = VersionedTable(database: try open("state"))
        pages = VersionedTable(database: try open("pages"))
        streams = IndexTable(newest: try open("streams"), blocks: try open("stream-blocks"), isNumbered: true)
        listings = IndexTable(newest: try open("listings"), blocks: try open("listing-blocks"), isNumbered: false)
        seals = try open("seals")
        checkpoints = try open("checkpoints")
        meta = try open("meta")
    }

    /// Databases of the layout, and a few to spare for a later one.
    static let maxDatabases: UInt32 = 16
}

extension Layout {
    /// Notes that a batch ended at `size`.
    func addSeal(at size: UInt64, _ transaction: WriteTransaction) throws {
        guard try transaction.append([], for: size.bigEndianBytes, in: seals) else {
            throw StoreError.damaged("there is a seal at or beyond size \(size)")
        }
    }

    func keep(_ checkpoint: (size: UInt64, bytes: [UInt8]), _ transaction: WriteTransaction) throws {
        try transaction.put(checkpoint.bytes, for: checkpoint.size.bigEndianBytes, in: checkpoints)
    }
}

// MARK: Numbers

extension UInt64 {
    /// Eight bytes, the highest first: the order of the bytes is the order of the numbers.
    var bigEndianBytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(8)
        append(to: &bytes)
        return bytes
    }

    /// The same, without an allocation.
    var bigEndian8: InlineArray<8, UInt8> {
        InlineArray { UInt8(truncatingIfNeeded: self >> UInt64(56 - 8 * $0)) }
    }

    /// Appends the same.
    func append(to bytes: inout [UInt8]) {
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: self >> UInt64(shift)))
        }
    }

    /// Nil unless there are exactly eight bytes.
    init?(bigEndianBytes bytes: Span<UInt8>) {
        guard bytes.count == 8 else { return nil }
        self = 0
        for index in bytes.indices { self = self << 8 | UInt64(bytes[index]) }
    }

    init?(bigEndianBytes bytes: [UInt8]) {
        self.init(bigEndianBytes: bytes.span)
    }

    init?(bigEndianBytes bytes: ArraySlice<UInt8>) {
        self.init(bigEndianBytes: bytes.span)
    }
}

extension TileCoordinate {
    /// The level in one byte, then the index.
    var storageKey: [UInt8] { [UInt8(level)] + index.bigEndianBytes }
}

extension StoredHead {
    /// Size, root, seal time: 48 bytes.
    var storageValue: [UInt8] {
        treeHead.size.bigEndianBytes + treeHead.root.bytes + sealTime.bigEndianBytes
    }

    init?(storageValue bytes: Span<UInt8>) {
        guard bytes.count == 48, let size = UInt64(bigEndianBytes: bytes.extracting(0..<8)),
            let sealTime = UInt64(bigEndianBytes: bytes.extracting(40..<48))
        else { return nil }
        self.init(treeHead: TreeHead(size: size, root: Hash(in: bytes, at: 8)), sealTime: sealTime)
    }
}

/// Of which sealed sizes the state is kept: the oldest, and how many there are from there to the head.
struct RetainedSeals: Equatable {
    var from: UInt64
    var count: UInt64

    /// Two numbers: 16 bytes.
    var storageValue: [UInt8] { from.bigEndianBytes + count.bigEndianBytes }

    init?(storageValue bytes: Span<UInt8>) {
        guard bytes.count == 16, let from = UInt64(bigEndianBytes: bytes.extracting(0..<8)),
            let count = UInt64(bigEndianBytes: bytes.extracting(8..<16))
        else { return nil }
        (self.from, self.count) = (from, count)
    }

    /// Of an empty log: none.
    init() { (from, count) = (0, 0) }
}
