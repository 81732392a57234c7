internal import LMDB
internal import LogStore
internal import Tlog

/// One committed state of the store: what a transaction of LMDB sees, and what the journal has beyond that.
struct StoreView {
    let transaction: Transaction
    let layout: Layout
    /// What the commits since the fold that the transaction sees have added.
    let journaled: JournalSegments
    /// The newest commit of the state.
    let newest: JournalHead

    /// - Parameter journaled: those behind the fold that the transaction sees.
    init(_ transaction: Transaction, _ layout: Layout, _ journaled: JournalSegments) {
        (self.transaction, self.layout, self.journaled) = (transaction, layout, journaled)
        newest = journaled.newest
    }

    var size: UInt64 { newest.head.size }

    /// Calls `body` with the entries of the range until it returns false. Nothing is said of one that is missing.
    func forEachEntry(_ range: Range<UInt64>, _ body: (UInt64, Span<UInt8>) throws -> Bool) throws {
        var next = range.lowerBound
        let stored = min(range.upperBound, journaled.base.head.head.size)
        if next < stored {
            var goesOn = true
            try transaction.forEach(in: layout.entries, from: next.bigEndianBytes) { key, entry in
                guard UInt64(bigEndianBytes: key) == next else { return false }
                goesOn = try body(next, entry)
                next += 1
                return goesOn && next < stored
            }
            guard goesOn, next == stored else { return }
        }
        guard next < range.upperBound else { return }
        let rows = journaled.rows(from: next)
        // The rows are in the order of their entries.
        var position = rows.partitioningIndex { $0.range.upperBound > next }
        while position < rows.count, next < range.upperBound {
            let row = rows[position]
            while next < min(row.range.upperBound, range.upperBound) {
                guard try row.withEntry(next, { try body(next, $0) }) else { return }
                next += 1
            }
            position += 1
        }
    }

    /// The row of a tile (``TileRow``) as the tree has it; nil if it has none.
    func withTileRow<R>(_ coordinate: TileCoordinate, _ body: (Span<UInt8>) throws -> R) throws -> R? {
        // Most are as the last fold left them.
        if Tile(at: coordinate, treeSize: size) != Tile(at: coordinate, treeSize: journaled.base.head.head.size),
            let row = journaled.tileRow(coordinate, size: size)
        {
            return try body(row.span)
        }
        return try transaction.withValue(coordinate.storageKey, in: layout.tiles, body)
    }
}

extension Array {
    /// The first position whose element fulfils `isBehind`, where all behind it do too.
    fileprivate func partitioningIndex(_ isBehind: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
