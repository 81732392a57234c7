internal import LMDB
internal import LogStore
internal import Tlog

/// A log as one LMDB transaction sees it.
struct LMDBSnapshot: LogSnapshot {
    private let transaction: Transaction
    private let layout: Layout

    init(_ transaction: Transaction, _ layout: Layout) {
        self.transaction = transaction
        self.layout = layout
    }

    var head: StoredHead {
        get throws(StoreError) {
            guard let value = try value(Layout.headKey, in: layout.meta) else { return .empty }
            guard let head = StoredHead(storageValue: value) else {
                throw .damaged("its head has \(value.count) bytes")
            }
            return head
        }
    }

    func entry(_ index: UInt64) throws(StoreError) -> [UInt8]? {
        if let entry = try value(index.bigEndianBytes, in: layout.entries) { return entry }
        guard index >= (try head).size else { throw .damaged("entry \(index) is missing") }
        return nil
    }

    func entries(_ range: Range<UInt64>) throws(StoreError) -> [[UInt8]] {
        let size = try head.size
        guard range.upperBound <= size else { throw .beyondHead(range, size: size) }
        guard !range.isEmpty else { return [] }
        var entries: [[UInt8]] = []
        entries.reserveCapacity(range.count)
        var next = range.lowerBound
        try asStoreErrors {
            try transaction.forEach(in: layout.entries, from: next.bigEndianBytes) { key, value in
                guard UInt64(bigEndianBytes: key) == next else { return false }
                entries.append(value.copied())
                next += 1
                return next < range.upperBound
            }
        }
        guard next == range.upperBound else { throw .damaged("entry \(next) is missing") }
        return entries
    }

    func tile(_ coordinate: TileCoordinate) throws(StoreError) -> [UInt8]? {
        try value(coordinate.storageKey, in: layout.tiles)
    }

    func index(ofLeaf leafHash: Hash) throws(StoreError) -> UInt64? {
        guard let value = try value(leafHash.bytes, in: layout.leaves) else { return nil }
        guard let index = UInt64(bigEndianBytes: value) else { throw .damaged("leaf hash \(leafHash) has no index") }
        return index
    }

    func stateValue(_ key: [UInt8]) throws(StoreError) -> [UInt8]? {
        let stored = CallerKey.stored(key)
        guard let value = try value(stored, in: layout.state) else { return nil }
        guard let restored = CallerKey.restored(key: stored, value: value), restored.key == key else {
            throw .damaged("a long state key does not lead to itself")
        }
        return restored.value
    }

    func forEachState(_ body: (_ key: [UInt8], _ value: [UInt8]) throws -> Void) throws {
        do {
            try transaction.forEach(in: layout.state) { key, value in
                guard let restored = CallerKey.restored(key: key.copied(), value: value.copied()) else {
                    throw StoreError.damaged("a state key is not readable")
                }
                try body(restored.key, restored.value)
                return true
            }
        } catch let error as LMDBError {
            throw StoreError(error)
        }
    }

    func newestLink(stream key: [UInt8], below size: UInt64) throws(StoreError) -> (seq: UInt64, index: UInt64)? {
        let prefix = CallerKey.stored(key)
        var newest: (seq: UInt64, index: UInt64)?
        try asStoreErrors {
            // Nothing of the stream is at or above this bound, and everything below it down to the prefix is either
            // of the stream or of one whose key this one begins; the lengths tell them apart.
            let bound = prefix + UInt64.max.bigEndianBytes + [0]
            try transaction.forEachReversed(in: layout.streams, below: bound) { key, value in
                guard key.starts(with: prefix) else { return false }
                guard key.count == prefix.count + 8 else { return true }
                guard let seq = UInt64(bigEndianBytes: key.extracting(last: 8)),
                    let index = UInt64(bigEndianBytes: value)
                else { throw StoreError.damaged("a link of a stream has no index") }
                guard index < size else { return true }
                newest = (seq, index)
                return false
            }
        }
        return newest
    }

    func checkpoint(atMost size: UInt64) throws(StoreError) -> [UInt8]? {
        try asStoreErrors {
            let bound: [UInt8]? = size == .max ? nil : (size + 1).bigEndianBytes
            return try transaction.last(in: layout.checkpoints, below: bound)?.value
        }
    }

    private func value(_ key: [UInt8], in database: Database) throws(StoreError) -> [UInt8]? {
        do throws(LMDBError) {
            return try transaction.value(key, in: database)
        } catch {
            throw StoreError(error)
        }
    }
}

extension Span where Element == UInt8 {
    func starts(with prefix: [UInt8]) -> Bool {
        guard count >= prefix.count else { return false }
        for index in prefix.indices where self[index] != prefix[index] { return false }
        return true
    }
}
