internal import Synchronization
public import Tlog

/// A log in memory, for tests and trials: every promise of `LogStore` but durability.
///
/// A snapshot that is alive during a commit makes that commit copy what it changes, so it is no store for large logs.
public final class MemoryLogStore: LogStore {
    private let contents = Mutex<MemoryLog?>(MemoryLog())

    public init() {}

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
    var head = StoredHead.empty
    var entries: [[UInt8]] = []
    var tiles: [TileCoordinate: [UInt8]] = [:]
    var indices: [Hash: UInt64] = [:]
    var state: [[UInt8]: [UInt8]] = [:]
    var streams: [[UInt8]: [UInt64: UInt64]] = [:]
    var checkpoints: [UInt64: [UInt8]] = [:]

    /// Checks everything first, then changes everything: nothing throws in between.
    mutating func commit(_ batch: StoreBatch, expecting: TreeHead) throws(StoreError) {
        guard head.treeHead == expecting else { throw .headMoved(expected: expecting, found: head.treeHead) }
        try batch.validate(continuing: head)
        for hash in batch.leafHashes {
            if let index = indices[hash] { throw .duplicate(hash, at: index) }
        }
        var links: Set<LinkName> = []
        for (key, seq, _) in batch.streams {
            guard streams[key]?[seq] == nil, links.insert(LinkName(key: key, seq: seq)).inserted else {
                throw .linkExists(seq)
            }
        }
        apply(batch)
    }

    private mutating func apply(_ batch: StoreBatch) {
        for (offset, hash) in batch.leafHashes.enumerated() { indices[hash] = head.size + UInt64(offset) }
        entries.append(contentsOf: batch.entries)
        for (tile, hashes) in batch.tiles { tiles[tile.coordinate] = hashes }
        for (key, value) in batch.state { state[key] = value }
        for (key, seq, index) in batch.streams { streams[key, default: [:]][seq] = index }
        if let checkpoint = batch.checkpoint { checkpoints[checkpoint.size] = checkpoint.bytes }
        head = batch.head
    }
}

private struct LinkName: Hashable {
    let key: [UInt8]
    let seq: UInt64
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

    func stateValue(_ key: [UInt8]) throws(StoreError) -> [UInt8]? { try open.state[key] }

    func forEachState(_ body: (_ key: [UInt8], _ value: [UInt8]) throws -> Void) throws {
        for (key, value) in try open.state { try body(key, value) }
    }

    func newestLink(stream key: [UInt8], below size: UInt64) throws(StoreError) -> (seq: UInt64, index: UInt64)? {
        let newest = try open.streams[key]?.filter { $0.value < size }.max { $0.key < $1.key }
        return newest.map { (seq: $0.key, index: $0.value) }
    }

    func checkpoint(atMost size: UInt64) throws(StoreError) -> [UInt8]? {
        try open.checkpoints.filter { $0.key <= size }.max { $0.key < $1.key }?.value
    }
}
