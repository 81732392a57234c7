internal import LMDB
internal import LogStore
internal import Synchronization
internal import Tlog

/// What some commits that follow one another have added and changed, in memory, until they are folded together.
///
/// Everything in it is found by size, index or the commit's number, so a snapshot sees what it may, whatever was added since.
final class JournalSegment: Sendable {
    /// A checkpoint, and the commit that brought it.
    private typealias KeptCheckpoint = (number: UInt64, size: UInt64, bytes: [UInt8])

    private struct Extent {
        /// The newest commit that is in the segment, or `base`.
        var newest: JournalHead
        /// Those of all commits.
        var rows: [JournaledRow] = []
        /// Bytes of its rows.
        var byteCount = 0
        /// Sizes at which its batches ended, ascending.
        var seals: [UInt64] = []
        var checkpoints: [KeptCheckpoint] = []
    }

    /// The commit that comes before them, and what their rows begin with.
    let base: JournalBase
    let state = JournaledVersions()
    let pages = JournaledVersions()
    let streams = JournaledEntries()
    let listings = JournaledEntries()
    let tiles = JournaledTiles()
    private let extent: Mutex<Extent>

    /// The segment that begins behind a commit.
    init(behind base: JournalBase) {
        self.base = base
        extent = Mutex(Extent(newest: base.head))
    }

    /// Adds the next commit.
    ///
    /// - Parameter tiles: those that it changes, as they are after it.
    func add(_ row: JournalRow, _ entries: JournaledRow, tiles changed: [(tile: Tile, hashes: [UInt8])]) {
        let (head, changes) = (row.head, row.changes)
        state.add(changes.state, at: head.head.size)
        pages.add(changes.pages, at: head.head.size)
        streams.add(changes.streams)
        listings.add(changes.listings)
        tiles.add(changed)
        extent.withLock { extent in
            if changes.isSealed { extent.seals.append(head.head.size) }
            if let checkpoint = changes.checkpoint {
                extent.checkpoints.append((head.number, checkpoint.size, checkpoint.bytes))
            }
            extent.rows.append(entries)
            extent.byteCount += entries.byteCount
            // Last: who finds this commit here finds all of it.
            extent.newest = head
        }
    }

    var newest: JournalHead { extent.withLock { $0.newest } }
    var count: Int { Int(newest.number - base.head.number) }
    var byteCount: Int { extent.withLock { $0.byteCount } }

    /// The rows, the oldest first.
    var rows: [JournaledRow] { extent.withLock { $0.rows } }

    /// The greatest size not above `size` at which a batch of the segment ended.
    func sealedSize(atMost size: UInt64) -> UInt64? { extent.withLock { $0.seals.last { $0 <= size } } }

    /// The sizes at which its batches ended, ascending.
    var seals: [UInt64] { extent.withLock { $0.seals } }

    /// Of the checkpoints of the commits up to `number`, the one of the greatest size not above `size`; of several the
    /// newest.
    func checkpoint(atMost size: UInt64, number: UInt64) -> (size: UInt64, bytes: [UInt8])? {
        extent.withLock { extent in
            var found: (size: UInt64, bytes: [UInt8])?
            for checkpoint in extent.checkpoints where checkpoint.number <= number && checkpoint.size <= size {
                if found.map({ $0.size <= checkpoint.size }) ?? true { found = (checkpoint.size, checkpoint.bytes) }
            }
            return found
        }
    }

    /// Bytes that a fold may add to the file, estimated from above: two pages for each key, and everything four times, as
    /// pages are not full and versions are removed.
    var mostBytesFolded: Int {
        let keyCount = state.keyCount + pages.keyCount + streams.keyCount + listings.keyCount + tiles.count
        return keyCount * 2 * 4096 + 4 * byteCount
    }

    // MARK: Folding

    /// Writes everything into the tables, each in the order of its keys: what many commits have changed in one page is then
    /// written once.
    func fold(into layout: Layout, _ transaction: WriteTransaction) throws {
        let (head, rows) = (newest, self.rows)
        for row in rows {
            for index in row.range {
                let key = index.bigEndian8
                let isNew = try row.withEntry(index) {
                    try transaction.append($0, for: key.span, in: layout.entries)
                }
                guard isNew else {
                    throw StoreError.damaged("there is an entry at or beyond index \(index), its size")
                }
            }
        }
        try tiles.fold(into: layout, transaction)
        try state.fold(into: layout.state, retainedFrom: head.retained.from, transaction)
        try pages.fold(into: layout.pages, retainedFrom: head.retained.from, transaction)
        try streams.fold(into: layout.streams, transaction)
        try listings.fold(into: layout.listings, transaction)
        let (seals, checkpoints) = extent.withLock { ($0.seals, $0.checkpoints) }
        for size in seals { try layout.addSeal(at: size, transaction) }
        for checkpoint in checkpoints { try layout.keep((checkpoint.size, checkpoint.bytes), transaction) }
    }

    /// Throws if the transaction has other entries or tiles than the rows that were folded in it.
    func check(foldedInto layout: Layout, _ transaction: Transaction) throws {
        try transaction.withCursor(in: layout.entries) { cursor in
            var isThere = try cursor.seek(base.head.head.size.bigEndianBytes)
            for row in rows {
                for index in row.range {
                    let key = index.bigEndian8
                    guard isThere, try row.withEntry(index, { try cursor.currentIs($0, for: key.span) }) else {
                        throw StoreError.damaged("entry \(index) was not stored as it was committed")
                    }
                    isThere = try cursor.next()
                }
            }
        }
        try tiles.check(foldedInto: layout, transaction)
    }
}
