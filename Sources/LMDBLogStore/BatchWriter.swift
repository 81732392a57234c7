internal import LMDB
internal import LogStore
internal import Tlog

/// Puts one batch into one write transaction. Whatever it throws, the transaction is then aborted.
struct BatchWriter {
    private let transaction: WriteTransaction
    private let layout: Layout
    private let leaves: LeafIndex
    private let retainedSeals: UInt64

    init(_ transaction: WriteTransaction, _ layout: Layout, _ leaves: LeafIndex, retainedSeals: UInt64) {
        self.transaction = transaction
        self.layout = layout
        self.leaves = leaves
        self.retainedSeals = retainedSeals
    }

    func write(_ batch: StoreBatch, expecting: TreeHead) throws {
        let old = try LMDBSnapshot(transaction, layout, leaves).head
        guard old.treeHead == expecting else { throw StoreError.headMoved(expected: expecting, found: old.treeHead) }
        try batch.validate(continuing: old)
        try writeEntries(of: batch, from: old.size)
        for (tile, hashes) in batch.tiles {
            try transaction.put(TileRow.bytes(tile, hashes), for: tile.coordinate.storageKey, in: layout.tiles)
        }
        if !batch.entries.isEmpty {
            let retainedFrom = try addSeal(at: batch.head.size)
            try write(batch.state, to: layout.state, at: batch.head.size, retainedFrom: retainedFrom)
            try write(
                batch.mapPages.map { ($0.path, $0.bytes) }, to: layout.pages, at: batch.head.size,
                retainedFrom: retainedFrom)
        }
        try writeLinks(of: batch)
        try writeListings(of: batch)
        if let checkpoint = batch.checkpoint {
            try transaction.put(checkpoint.bytes, for: checkpoint.size.bigEndianBytes, in: layout.checkpoints)
        }
        try transaction.put(batch.head.storageValue, for: Layout.headKey, in: layout.meta)
    }

    private func writeEntries(of batch: StoreBatch, from first: UInt64) throws {
        try leaves.begin(at: first, count: batch.entries.count)
        let tiles = LeafTiles(transaction, layout)
        if let (leafHash, index) = try leaves.firstKnown(of: batch.leafHashes, in: tiles, below: first) {
            throw StoreError.duplicate(leafHash, at: index)
        }
        var index = first
        for entry in batch.entries {
            let key = index.bigEndian8
            guard try transaction.append(entry.span, for: key.span, in: layout.entries) else {
                throw StoreError.damaged("there is an entry at or beyond index \(index), its size")
            }
            index += 1
        }
        // Before the commit: who sees the entries must find them. Until then nobody is told of them, as no tile has them.
        try leaves.add(batch.leafHashes, from: first)
    }

    /// Notes that a batch ends at `size`, gives up the state of sizes that are too many, and returns the oldest one that
    /// is kept.
    private func addSeal(at size: UInt64) throws -> UInt64 {
        guard try transaction.append([], for: size.bigEndianBytes, in: layout.seals) else {
            throw StoreError.damaged("there is a seal at or beyond size \(size)")
        }
        var retained = try LMDBSnapshot(transaction, layout, leaves).retainedSeals
        if retained.count == 0 { retained.from = size }
        retained.count += 1
        if retained.count > retainedSeals {
            var surplus = retained.count - retainedSeals
            try transaction.forEach(in: layout.seals, from: retained.from.bigEndianBytes) { key, _ in
                guard let size = UInt64(bigEndianBytes: key) else { throw StoreError.damaged("a seal has no size") }
                retained.from = size
                guard surplus > 0 else { return false }
                surplus -= 1
                return true
            }
            retained.count = retainedSeals
        }
        try transaction.put(retained.storageValue, for: Layout.retainedKey, in: layout.meta)
        return retained.from
    }

    private func write(
        _ changes: [(key: [UInt8], value: [UInt8]?)], to table: VersionedTable, at size: UInt64, retainedFrom: UInt64
    ) throws {
        try transaction.withCursor(in: table.database) { cursor in
            for (key, value) in changes {
                try table.set(key, to: value, at: size, retainedFrom: retainedFrom, &cursor)
            }
        }
    }

    private func writeLinks(of batch: StoreBatch) throws {
        for run in batch.streams.runs(by: { $0.key == $1.key }) {
            let entries = batch.streams[run].lazy.map { (index: $0.index, number: $0.seq) }
            try layout.streams.add(entries, to: batch.streams[run.lowerBound].key, transaction) { link, newest in
                .linkOutOfOrder(link.number, index: link.index, newest: (newest.number, newest.index))
            }
        }
    }

    private func writeListings(of batch: StoreBatch) throws {
        for run in batch.listings.runs(by: { $0.key == $1.key }) {
            let entries = batch.listings[run].lazy.map { (index: $0.index, number: UInt64(0)) }
            try layout.listings.add(entries, to: batch.listings[run.lowerBound].key, transaction) { entry, newest in
                .listedOutOfOrder(entry.index, newest: newest.index)
            }
        }
    }
}

extension Array {
    /// The ranges of elements that follow one another and are alike.
    fileprivate func runs(by areAlike: (Element, Element) -> Bool) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        var start = 0
        for position in indices.dropFirst() where !areAlike(self[start], self[position]) {
            runs.append(start..<position)
            start = position
        }
        if !isEmpty { runs.append(start..<count) }
        return runs
    }
}

extension StoreBatch {
    /// Bytes that writing the batch may add to the file, estimated from above: everything twice, as pages are not full,
    /// and 64 bytes for each entry, which lie one behind the other; for each version of a state key or map page two pages,
    /// its own and that of a version it removes; for each entry of a list two, that of the newest ones and that of a block.
    var mostBytesWritten: Int {
        var bytes = 0
        for entry in entries { bytes += 2 * entry.count + 64 }
        for (_, hashes) in tiles { bytes += 2 * (hashes.count + TileInterior.byteCount) + 4096 }
        for (key, value) in state { bytes += 2 * (key.count + (value?.count ?? 0)) + 2 * 4096 }
        for (path, page) in mapPages { bytes += 2 * (path.count + (page?.count ?? 0)) + 2 * 4096 }
        for (key, _, _) in streams { bytes += 2 * key.count + 2 * 4096 }
        for (key, _) in listings { bytes += 2 * key.count + 2 * 4096 }
        if let checkpoint { bytes += 2 * checkpoint.bytes.count + 4096 }
        return bytes
    }
}
