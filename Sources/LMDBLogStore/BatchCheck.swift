internal import LMDB
internal import LogStore
internal import Tlog

/// Holds a batch against the store that it is to continue, and says where the log stands after it.
struct BatchCheck {
    let view: StoreView
    let leaves: LeafIndex
    let options: LMDBLogStore.Options

    /// - Returns: what the row of the batch has, and what its leaf hashes lie under in the index.
    /// - Throws: `headMoved`, `invalidBatch`, `duplicateEntry`, `corrupt`.
    func check(_ batch: StoreBatch, expecting: TreeHead) throws -> (row: JournalRow, hashes: [UInt64]) {
        let old = view.newest
        guard old.head.treeHead == expecting || Mutant.expectedHead.isOff else {
            throw StoreError.headMoved(expected: expecting, found: old.head.treeHead)
        }
        if !Mutant.validBatch.isOff { try batch.validate(continuing: old.head) }
        if !Mutant.tileGrowth.isOff { try checkGrowth(of: batch) }
        try leaves.begin(at: old.head.size, count: batch.entries.count)
        let hashes = leaves.keyed(batch.leafHashes)
        let tiles = LeafTiles(view)
        let known = try leaves.firstKnown(of: batch.leafHashes, under: hashes, in: tiles, below: old.head.size)
        if let (leafHash, index) = known, !Mutant.knownLeaf.isOff { throw StoreError.duplicate(leafHash, at: index) }
        let changes = JournalChanges(batch)
        try checkOrder(of: changes.streams, view.layout.streams, \.streams) {
            .linkOutOfOrder($0.number, index: $0.index, newest: ($1.number, $1.index))
        }
        try checkOrder(of: changes.listings, view.layout.listings, \.listings) {
            .listedOutOfOrder($0.index, newest: $1.index)
        }
        var head = old
        head.number += 1
        head.head = batch.head
        if changes.isSealed { head.retained = try retained(after: old.retained, adding: batch.head.size) }
        return (JournalRow(batch, after: old, head: head, changes: changes), hashes)
    }

    /// A row says what tiles gain: so each must begin as it does in the store.
    private func checkGrowth(of batch: StoreBatch) throws {
        for (tile, hashes) in batch.tiles {
            guard let end = Tile(at: tile.coordinate, treeSize: view.size)?.byteCount else { continue }
            let isSame: Bool? =
                try view.withTileRow(tile.coordinate) { row in
                    guard row.count >= end else { return nil }
                    return row.extracting(0..<end).hasSameBytes(as: hashes.span.extracting(0..<end))
                } ?? nil
            guard let isSame else { throw StoreError.damaged("\(tile.coordinate) is missing, or too short") }
            guard isSame else { throw StoreError.invalid("\(tile) does not begin as it does in the store") }
        }
    }

    /// The sizes whose state is kept when a batch ends at `size`.
    private func retained(after old: RetainedSeals, adding size: UInt64) throws -> RetainedSeals {
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
        try view.transaction.forEach(in: view.layout.seals, from: retained.from.bigEndianBytes) { key, _ in
            guard let seal = UInt64(bigEndianBytes: key) else { throw StoreError.damaged("a seal has no size") }
            goesOn = goOn(to: seal)
            return goesOn
        }
        for seal in view.journaled.seals + [size] where goesOn && seal >= retained.from { goesOn = goOn(to: seal) }
        retained.count = most
        return retained
    }

    /// "In one stream both numbers grow from link to link", and in a listing the indices.
    private func checkOrder(
        of lists: JournalChanges.Lists, _ table: IndexTable, _ added: (JournalSegment) -> JournaledEntries,
        refusal: (_ entry: IndexTable.Entry, _ last: IndexTable.Entry) -> StoreError
    ) throws {
        var seen = Set<HashedBytes>(minimumCapacity: lists.count)
        for (position, (key, entries)) in lists.enumerated() {
            var last: IndexTable.Entry?
            if seen.insert(key).inserted {
                let newest = view.journaled.newestEntry(of: key, in: added)
                last = try newest ?? table.newestEntry(key.bytes, view.transaction)
            } else {
                // A list whose entries do not follow one another in the batch.
                last = lists[..<position].last { $0.key == key }?.entries.last
            }
            for entry in entries {
                if let last, !table.isInOrder(entry, after: last), !Mutant.listOrder.isOff {
                    throw refusal(entry, last)
                }
                last = entry
            }
        }
    }
}

extension StoreBatch {
    /// Bytes that writing the batch may add to the files, estimated from above: everything three times, as it goes into the
    /// journal first and pages are not full, and 64 bytes for each entry, which lie one behind the other; for each version of a
    /// state key or map page two pages, its own and that of a version it removes; for each entry of a list two, that of the
    /// newest ones and that of a block.
    var mostBytesWritten: Int {
        var bytes = 0
        for entry in entries { bytes += 3 * entry.count + 64 }
        for (_, hashes) in tiles { bytes += 3 * (hashes.count + TileInterior.byteCount) + 4096 }
        for (key, value) in state { bytes += 3 * (key.count + (value?.count ?? 0)) + 2 * 4096 }
        for (path, page) in mapPages { bytes += 3 * (path.count + (page?.count ?? 0)) + 2 * 4096 }
        for (key, _, _) in streams { bytes += 3 * key.count + 2 * 4096 }
        for (key, _) in listings { bytes += 3 * key.count + 2 * 4096 }
        if let checkpoint { bytes += 3 * checkpoint.bytes.count + 4096 }
        return bytes
    }
}
