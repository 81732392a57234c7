internal import Synchronization
public import Tlog

/// A log in memory, for tests and trials: every promise of `LogStore` but durability.
///
/// A snapshot that is alive during a commit makes that commit copy what it changes, so it is no store for large logs.
public final class MemoryLogStore: LogStore {
    private let contents: Mutex<MemoryLog?>

    /// - Parameter retainedSeals: of how many sealed sizes, the newest, the state can be read; at least 1.
    public init(retainedSeals: Int = 10_000) {
        contents = Mutex(MemoryLog(retainedSeals: max(retainedSeals, 1)))
    }

    public func read<R>(_ body: (any LogSnapshot) throws -> R) throws -> R {
        guard let log = contents.withLock({ $0 }) else { throw StoreError.memoryStoreClosed }
        let snapshot = MemorySnapshot(log: log)
        defer { snapshot.end() }
        return try body(snapshot)
    }

    public func commit(_ batch: StoreBatch, expecting: TreeHead) throws(StoreError) {
        try contents.withLock { (log: inout MemoryLog?) throws(StoreError) in
            guard log != nil else { throw .memoryStoreClosed }
            try log?.commit(batch, expecting: expecting)
        }
    }

    public func close() {
        contents.withLock { $0 = nil }
    }
}

extension StoreError {
    fileprivate static var memoryStoreClosed: StoreError { StoreError(.closed, "the store in memory was closed") }
}

/// The contents of a `MemoryLogStore`, as a value.
struct MemoryLog: Sendable {
    let retainedSeals: Int
    var head = StoredHead.empty
    var entries: [[UInt8]] = []
    var tiles: [TileCoordinate: [UInt8]] = [:]
    var indices: [Hash: UInt64] = [:]
    /// Sizes at which a batch ended, ascending.
    var sealedSizes: [UInt64] = []
    var state = VersionedValues()
    var mapPages = VersionedValues()
    var streams: [[UInt8]: [(seq: UInt64, index: UInt64)]] = [:]
    var listings: [[UInt8]: [UInt64]] = [:]
    var checkpoints: [UInt64: [UInt8]] = [:]

    /// Checks everything first, then changes everything: nothing throws in between.
    mutating func commit(_ batch: StoreBatch, expecting: TreeHead) throws(StoreError) {
        guard head.treeHead == expecting else { throw .headMoved(expected: expecting, found: head.treeHead) }
        try batch.validate(continuing: head)
        for hash in batch.leafHashes {
            if let index = indices[hash] { throw .duplicate(hash, at: index) }
        }
        var newest: [[UInt8]: (seq: UInt64, index: UInt64)] = [:]
        for (key, seq, index) in batch.streams {
            if let last = newest[key] ?? streams[key]?.last, last.seq >= seq || last.index >= index {
                throw .linkOutOfOrder(seq, index: index, newest: last)
            }
            newest[key] = (seq, index)
        }
        var listed: [[UInt8]: UInt64] = [:]
        for (key, index) in batch.listings {
            if let last = listed[key] ?? listings[key]?.last, last >= index {
                throw .listedOutOfOrder(index, newest: last)
            }
            listed[key] = index
        }
        apply(batch)
    }

    /// The oldest sealed size whose state is kept.
    var retainedStateFrom: UInt64 { sealedSizes.suffix(retainedSeals).first ?? 0 }

    private mutating func apply(_ batch: StoreBatch) {
        if !batch.entries.isEmpty { sealedSizes.append(batch.head.size) }
        let (size, retained) = (batch.head.size, retainedStateFrom)
        for (offset, hash) in batch.leafHashes.enumerated() { indices[hash] = head.size + UInt64(offset) }
        entries.append(contentsOf: batch.entries)
        for (tile, hashes) in batch.tiles { tiles[tile.coordinate] = hashes }
        for (key, value) in batch.state { state.set(key, to: value, at: size, retainedFrom: retained) }
        for (path, bytes) in batch.mapPages { mapPages.set(path, to: bytes, at: size, retainedFrom: retained) }
        for (key, seq, index) in batch.streams { streams[key, default: []].append((seq, index)) }
        for (key, index) in batch.listings { listings[key, default: []].append(index) }
        if let checkpoint = batch.checkpoint { checkpoints[checkpoint.size] = checkpoint.bytes }
        head = batch.head
    }
}

/// A snapshot of a log in memory.
private final class MemorySnapshot: LogSnapshot {
    private var log: MemoryLog?

    init(log: MemoryLog) { self.log = log }

    func end() { log = nil }

    private var open: MemoryLog {
        get throws(StoreError) {
            guard let log else { throw StoreError(.closed, "a snapshot was used after its scope ended") }
            return log
        }
    }

    var head: StoredHead {
        get throws(StoreError) { try open.head }
    }

    func entry(_ index: UInt64) throws(StoreError) -> [UInt8]? {
        let log = try open
        return index < log.head.size ? log.entries[Int(index)] : nil
    }

    func entries(_ range: Range<UInt64>) throws(StoreError) -> [[UInt8]] {
        let log = try open
        guard range.upperBound <= log.head.size else {
            throw .beyondHead(range, size: log.head.size)
        }
        return Array(log.entries[Int(range.lowerBound)..<Int(range.upperBound)])
    }

    func tile(_ coordinate: TileCoordinate) throws(StoreError) -> [UInt8]? { try open.tiles[coordinate] }

    func index(ofLeaf leafHash: Hash) throws(StoreError) -> UInt64? { try open.indices[leafHash] }

    func stateValue(_ key: [UInt8]) throws(StoreError) -> [UInt8]? { try stateValue(key, at: head.size) }

    func forEachState(_ body: (_ key: [UInt8], _ value: [UInt8]) throws -> Void) throws {
        try forEachState(prefix: [], after: nil, at: head.size) {
            try body($0, $1)
            return true
        }
    }

    func sealedSize(atMost size: UInt64) throws(StoreError) -> UInt64? {
        try open.sealedSizes.last { $0 <= size }
    }

    var retainedStateFrom: UInt64 { get throws(StoreError) { try open.retainedStateFrom } }

    func stateValue(_ key: [UInt8], at size: UInt64) throws(StoreError) -> [UInt8]? {
        try retained(size).state.value(key, at: size)
    }

    func forEachState(
        prefix: [UInt8], after key: [UInt8]?, at size: UInt64, _ body: (_ key: [UInt8], _ value: [UInt8]) throws -> Bool
    ) throws {
        let log = try retained(size)
        for key in log.state.keys(prefix: prefix, after: key) {
            guard let value = log.state.value(key, at: size) else { continue }
            guard try body(key, value) else { return }
        }
    }

    func mapPage(_ path: [UInt8], at size: UInt64) throws(StoreError) -> [UInt8]? {
        try retained(size).mapPages.value(path, at: size)
    }

    func newestLink(stream key: [UInt8], below size: UInt64) throws(StoreError) -> (seq: UInt64, index: UInt64)? {
        try open.streams[key]?.last { $0.index < size }
    }

    func listing(_ key: [UInt8], below size: UInt64, before: UInt64?, limit: Int) throws(StoreError) -> [UInt64] {
        let bound = min(size, before ?? size)
        let indices = (try open.listings[key] ?? []).filter { $0 < bound }
        return indices.suffix(max(limit, 0)).reversed()
    }

    /// The log, if it has the state of that size.
    private func retained(_ size: UInt64) throws(StoreError) -> MemoryLog {
        let log = try open
        guard size == 0 || log.sealedSizes.contains(size) else {
            throw .notSealed(size, nearest: try sealedSize(atMost: size))
        }
        guard size == 0 || size >= log.retainedStateFrom else {
            throw .notRetained(size, from: log.retainedStateFrom)
        }
        return log
    }

    func checkpoint(atMost size: UInt64) throws(StoreError) -> [UInt8]? {
        try open.checkpoints.filter { $0.key <= size }.max { $0.key < $1.key }?.value
    }
}
