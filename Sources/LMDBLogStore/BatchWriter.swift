internal import LMDB
internal import LogStore
internal import Tlog

/// Puts one batch into one write transaction. Whatever it throws, the transaction is then aborted.
struct BatchWriter {
    private let transaction: WriteTransaction
    private let layout: Layout
    private let leaves: LeafIndex
    private let journal: Journal
    private let options: LMDBLogStore.Options

    init(
        _ transaction: WriteTransaction, _ layout: Layout, _ leaves: LeafIndex, _ journal: Journal,
        _ options: LMDBLogStore.Options
    ) {
        self.transaction = transaction
        self.layout = layout
        self.leaves = leaves
        self.journal = journal
        self.options = options
    }

    /// - Returns: what the journal in memory is to have when the transaction is committed.
    func write(_ batch: StoreBatch, expecting: TreeHead) throws -> JournalStep {
        let old = try JournalHead.newest(transaction, layout)
        guard old.head.treeHead == expecting else {
            throw StoreError.headMoved(expected: expecting, found: old.head.treeHead)
        }
        try batch.validate(continuing: old.head)
        let segment = try journal.segment(for: old, transaction, layout)
        try writeEntries(of: batch, from: old.head.size)
        for (tile, hashes) in batch.tiles {
            try transaction.put(TileRow.bytes(tile, hashes), for: tile.coordinate.storageKey, in: layout.tiles)
        }
        let changes = JournalChanges(batch)
        try checkOrder(of: changes.streams, layout.streams, segment.streams) {
            .linkOutOfOrder($0.number, index: $0.index, newest: ($1.number, $1.index))
        }
        try checkOrder(of: changes.listings, layout.listings, segment.listings) {
            .listedOutOfOrder($0.index, newest: $1.index)
        }
        var head = old
        head.number += 1
        head.head = batch.head
        if changes.isSealed { head.retained = try retained(after: old.retained, segment, adding: batch.head.size) }
        return try write(changes, head, segment)
    }

    private func writeEntries(of batch: StoreBatch, from first: UInt64) throws {
        try leaves.begin(at: first, count: batch.entries.count)
        let tiles = LeafTiles(transaction, layout)
        let hashes = leaves.keyed(batch.leafHashes)
        if let (leafHash, index) = try leaves.firstKnown(of: batch.leafHashes, under: hashes, in: tiles, below: first) {
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
        try leaves.add(under: hashes, from: first)
    }

    /// The sizes whose state is kept when a batch ends at `size`.
    private func retained(
        after old: RetainedSeals, _ segment: JournalSegment, adding size: UInt64
    ) throws -> RetainedSeals {
        var retained = old
        if retained.count == 0 { retained.from = size }
        retained.count += 1
        let most = UInt64(max(options.retainedSeals, 1))
        guard retained.count > most else { return retained }
        var surplus = retained.count - most
        func goOn(to seal: UInt64) -> Bool {
            retained.from = seal
            guard surplus > 0 else { return false }
            surplus -= 1
            return true
        }
        var goesOn = true
        try transaction.forEach(in: layout.seals, from: retained.from.bigEndianBytes) { key, _ in
            guard let seal = UInt64(bigEndianBytes: key) else { throw StoreError.damaged("a seal has no size") }
            goesOn = goOn(to: seal)
            return goesOn
        }
        for seal in segment.seals + [size] where goesOn && seal >= retained.from { goesOn = goOn(to: seal) }
        retained.count = most
        return retained
    }

    /// "In one stream both numbers grow from link to link", and in a listing the indices.
    private func checkOrder(
        of lists: JournalChanges.Lists, _ table: IndexTable, _ journaled: JournaledEntries,
        refusal: (_ entry: IndexTable.Entry, _ last: IndexTable.Entry) -> StoreError
    ) throws {
        var seen = Set<HashedBytes>(minimumCapacity: lists.count)
        for (position, (key, entries)) in lists.enumerated() {
            var last: IndexTable.Entry?
            if seen.insert(key).inserted {
                last = try journaled.newest(key) ?? table.newestEntry(key.bytes, transaction)
            } else {
                // A list whose entries do not follow one another in the batch.
                last = lists[..<position].last { $0.key == key }?.entries.last
            }
            for entry in entries {
                if let last, !table.isInOrder(entry, after: last) { throw refusal(entry, last) }
                last = entry
            }
        }
    }

    // MARK: Changes

    /// Writes the changes into a row of the journal, or, where it would grow too long, into the tables behind all of the
    /// journal's.
    private func write(
        _ changes: JournalChanges, _ head: JournalHead, _ segment: JournalSegment
    ) throws -> JournalStep {
        guard
            segment.count >= options.journalCommits
                || segment.byteCount + changes.byteCount > options.journalByteCount
        else {
            let row = changes.row(head)
            try append(row, head)
            return .added(changes, head, byteCount: row.count, to: segment)
        }
        try segment.fold(into: layout, retainedFrom: head.retained.from, transaction)
        try writeIntoTables(changes, head)
        try transaction.withCursor(in: layout.journal) { cursor in
            var isThere = try cursor.first()
            while isThere {
                try cursor.remove()
                isThere = try cursor.next()
            }
        }
        var head = head
        head.folded = head.number
        try append(head.row(), head)
        return .folded(segment, at: head)
    }

    private func append(_ row: [UInt8], _ head: JournalHead) throws {
        guard try transaction.append(row, for: head.number.bigEndianBytes, in: layout.journal) else {
            throw StoreError.damaged("its journal has a row at or beyond \(head.number)")
        }
    }

    private func writeIntoTables(_ changes: JournalChanges, _ head: JournalHead) throws {
        let size = head.head.size
        for (values, table) in [(changes.state, layout.state), (changes.pages, layout.pages)] {
            try transaction.withCursor(in: table.database) { cursor in
                for (key, value) in values {
                    let versions = CollectionOfOne((size: size, value: value))
                    try table.set(
                        key.bytes, RowName(key.bytes), to: versions, retainedFrom: head.retained.from, &cursor)
                }
            }
        }
        for (lists, table) in [(changes.streams, layout.streams), (changes.listings, layout.listings)] {
            for (key, entries) in lists { try table.add(entries, to: RowName(key.bytes), transaction) }
        }
        if changes.isSealed { try layout.addSeal(at: size, transaction) }
        if let checkpoint = changes.checkpoint { try layout.keep(checkpoint, transaction) }
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
