internal import LMDB
internal import LogStore
internal import Synchronization

/// What the commits from one fold to the next have changed, in memory.
final class JournalSegment: Sendable {
    /// A checkpoint, and the commit that brought it.
    private typealias KeptCheckpoint = (number: UInt64, size: UInt64, bytes: [UInt8])

    private struct Extent {
        /// The newest commit that is in the segment, or `folded`.
        var newest: UInt64
        /// Bytes of its rows.
        var byteCount = 0
        /// Sizes at which its batches ended, ascending.
        var seals: [UInt64] = []
        var checkpoints: [KeptCheckpoint] = []
    }

    /// The newest commit that is in the tables.
    let folded: UInt64
    let state = JournaledVersions()
    let pages = JournaledVersions()
    let streams = JournaledEntries()
    let listings = JournaledEntries()
    private let extent: Mutex<Extent>

    /// The segment that begins behind a fold.
    init(behind folded: UInt64) {
        self.folded = folded
        extent = Mutex(Extent(newest: folded))
    }

    /// Reads the rows of a snapshot.
    convenience init(reading transaction: Transaction, _ layout: Layout, _ head: JournalHead) throws {
        self.init(behind: head.folded)
        guard head.number > 0 else { return }
        try transaction.forEach(in: layout.journal, from: head.folded.bigEndianBytes) { key, value in
            guard let number = UInt64(bigEndianBytes: key), number == newest + (number == folded ? 0 : 1),
                let row = JournalHead(number: number, row: value), row.folded == folded
            else { throw StoreError.damaged("its journal has no row \(newest + 1)") }
            // The row of the fold itself has no changes.
            if number == folded {
                try row.checkIsAlone(in: value.copied())
            } else {
                try add(JournalChanges(row: value.copied(), row), row, byteCount: value.count)
            }
            return true
        }
        guard newest == head.number else { throw StoreError.damaged("its journal ends at row \(newest)") }
    }

    /// Adds what the next commit changes.
    func add(_ changes: JournalChanges, _ head: JournalHead, byteCount: Int) {
        state.add(changes.state, at: head.head.size)
        pages.add(changes.pages, at: head.head.size)
        streams.add(changes.streams)
        listings.add(changes.listings)
        extent.withLock { extent in
            if changes.isSealed { extent.seals.append(head.head.size) }
            if let checkpoint = changes.checkpoint {
                extent.checkpoints.append((head.number, checkpoint.size, checkpoint.bytes))
            }
            extent.byteCount += byteCount
            // Last: who finds this commit here finds all of it.
            extent.newest = head.number
        }
    }

    /// Takes back what was added last.
    func removeLast(_ changes: JournalChanges, _ head: JournalHead, byteCount: Int) {
        // First: who looks for this commit from now on finds that it is not here.
        extent.withLock { extent in
            extent.newest = head.number - 1
            extent.byteCount -= byteCount
            if changes.isSealed { extent.seals.removeLast() }
            if changes.checkpoint != nil { extent.checkpoints.removeLast() }
        }
        state.remove(changes.state, at: head.head.size)
        pages.remove(changes.pages, at: head.head.size)
        streams.remove(changes.streams)
        listings.remove(changes.listings)
    }

    var newest: UInt64 { extent.withLock { $0.newest } }
    var count: Int { Int(newest - folded) }
    var byteCount: Int { extent.withLock { $0.byteCount } }

    /// Whether it has all that a snapshot's tables have not.
    func reaches(_ head: JournalHead) -> Bool { folded == head.folded && newest >= head.number }

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
        (state.keyCount + pages.keyCount + streams.keyCount + listings.keyCount) * 2 * 4096 + 4 * byteCount
    }

    /// Writes everything into the tables.
    func fold(into layout: Layout, retainedFrom: UInt64, _ transaction: WriteTransaction) throws {
        try state.fold(into: layout.state, retainedFrom: retainedFrom, transaction)
        try pages.fold(into: layout.pages, retainedFrom: retainedFrom, transaction)
        try streams.fold(into: layout.streams, transaction)
        try listings.fold(into: layout.listings, transaction)
        let (seals, checkpoints) = extent.withLock { ($0.seals, $0.checkpoints) }
        for size in seals { try layout.addSeal(at: size, transaction) }
        for checkpoint in checkpoints { try layout.keep((checkpoint.size, checkpoint.bytes), transaction) }
    }
}
