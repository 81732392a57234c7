internal import LMDB
internal import LogStore
internal import Tlog

/// Puts one batch into one write transaction. Whatever it throws, the transaction is then aborted.
struct BatchWriter {
    private let transaction: WriteTransaction
    private let layout: Layout

    init(_ transaction: WriteTransaction, _ layout: Layout) {
        self.transaction = transaction
        self.layout = layout
    }

    func write(_ batch: StoreBatch, expecting: TreeHead) throws {
        let old = try LMDBSnapshot(transaction, layout).head
        guard old.treeHead == expecting else { throw StoreError.headMoved(expected: expecting, found: old.treeHead) }
        try batch.validate(continuing: old)
        try writeEntries(of: batch, from: old.size)
        for (tile, hashes) in batch.tiles {
            try transaction.put(hashes, for: tile.coordinate.storageKey, in: layout.tiles)
        }
        for (key, value) in batch.state {
            if let value {
                let stored = CallerKey.stored(value, under: key)
                try transaction.put(stored, for: CallerKey.stored(key), in: layout.state)
            } else {
                try transaction.remove(CallerKey.stored(key), in: layout.state)
            }
        }
        try writeLinks(of: batch)
        if let checkpoint = batch.checkpoint {
            try transaction.put(checkpoint.bytes, for: checkpoint.size.bigEndianBytes, in: layout.checkpoints)
        }
        try transaction.put(batch.head.storageValue, for: Layout.headKey, in: layout.meta)
    }

    private func writeEntries(of batch: StoreBatch, from first: UInt64) throws {
        var index = first
        for (entry, leafHash) in zip(batch.entries, batch.leafHashes) {
            let key = index.bigEndianBytes
            guard try transaction.insert(key, for: leafHash.bytes, in: layout.leaves) else {
                let known = try LMDBSnapshot(transaction, layout).index(ofLeaf: leafHash)
                throw StoreError.duplicate(leafHash, at: known ?? index)
            }
            guard try transaction.append(entry, for: key, in: layout.entries) else {
                throw StoreError.damaged("there is an entry at or beyond index \(index), its size")
            }
            index += 1
        }
    }

    private func writeLinks(of batch: StoreBatch) throws {
        for (key, seq, index) in batch.streams {
            let stored = CallerKey.stored(key) + seq.bigEndianBytes
            guard try transaction.insert(index.bigEndianBytes, for: stored, in: layout.streams) else {
                throw StoreError.linkExists(seq)
            }
        }
    }
}

extension StoreBatch {
    /// Bytes that writing the batch may add to the file, estimated from above: everything twice, as pages are not full,
    /// and for each entry two pages of the index of leaf hashes, which is changed all over.
    var mostBytesWritten: Int {
        var bytes = entries.count * 2 * 4096
        for entry in entries { bytes += 2 * entry.count }
        for (_, hashes) in tiles { bytes += 2 * hashes.count + 4096 }
        for (key, value) in state { bytes += 2 * (key.count + (value?.count ?? 0)) + 4096 }
        for (key, _, _) in streams { bytes += 2 * key.count + 4096 }
        if let checkpoint { bytes += 2 * checkpoint.bytes.count + 4096 }
        return bytes
    }
}
