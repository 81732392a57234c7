import Governance
import LogStore
import Synchronization
import Tlog

/// A store that stays open when a log closes it, so that the next log finds it as a new process would.
///
/// Tests can make its commits fail or wait, and make it answer other entries than were committed.
final class TestStore: LogStore {
    struct Faults {
        /// Runs before a commit; what it throws is the commit's failure, and nothing is stored.
        var beforeCommit: @Sendable () throws(StoreError) -> Void = {}
        /// What of a batch reaches the store: memory that is damaged between hashing and writing.
        var batch: @Sendable (inout StoreBatch) -> Void = { _ in }
        /// Runs when a commit is done.
        var afterCommit: @Sendable () -> Void = {}
        /// What a reader gets for an entry.
        var entry: @Sendable (UInt64, [UInt8]) -> [UInt8] = { $1 }
        /// What a reader gets for a value of the governance state.
        var state: @Sendable ([UInt8], [UInt8]?) -> [UInt8]? = { $1 }
        /// What a reader gets for a page of the state's map.
        var page: @Sendable ([UInt8], [UInt8]?) -> [UInt8]? = { $1 }
        /// How much of the state is read.
        var reads = ReadCount()
        /// What a read fails with.
        var read: StoreError?
        /// What the store has found beside commits.
        var failure: StoreError?
    }

    private let base: any LogStore
    private let faults = Mutex(Faults())
    private let closes = Mutex(0)

    init(_ base: any LogStore = MemoryLogStore()) {
        self.base = base
    }

    /// How often the store was closed.
    var closed: Int { closes.withLock { $0 } }

    var head: StoredHead { get throws { try base.read { try $0.head } } }

    func set(_ change: (inout Faults) -> Void) {
        faults.withLock { change(&$0) }
    }

    func read<R>(_ body: (any LogSnapshot) throws -> R) throws -> R {
        let faults = self.faults.withLock { $0 }
        if let error = faults.read { throw error }
        return try base.read { try body(TestSnapshot(base: $0, faults: faults)) }
    }

    func mayHave(anyOf leafHashes: [Hash]) throws(StoreError) -> Bool {
        if let error = faults.withLock({ $0.read }) { throw error }
        return try base.mayHave(anyOf: leafHashes)
    }

    func commit(_ batch: StoreBatch, expecting: TreeHead) throws(StoreError) {
        let faults = self.faults.withLock { $0 }
        try faults.beforeCommit()
        var written = batch
        faults.batch(&written)
        try base.commit(written, expecting: expecting)
        faults.afterCommit()
    }

    var failure: StoreError? { faults.withLock { $0.failure } }

    func close() {
        closes.withLock { $0 += 1 }
    }

    /// A copy of everything that is committed: an old copy, as soon as the log goes on.
    ///
    /// - Parameters:
    ///   - wholeState: whether the map's pages are changed as the state is.
    ///   - change: of the governance state, on the way.
    func copy(
        wholeState: Bool = false,
        change: ([(key: [UInt8], value: [UInt8]?)]) -> [(key: [UInt8], value: [UInt8]?)] = { $0 }
    ) throws -> TestStore {
        let copy = MemoryLogStore()
        try base.read { snapshot in
            let head = try snapshot.head
            let entries = try snapshot.entries(0..<head.size)
            var state: [(key: [UInt8], value: [UInt8]?)] = []
            try snapshot.forEachState { state.append(($0, $1)) }
            var map = PagedMap()
            let pages = try map.set(
                (wholeState ? change(state) : state).compactMap { key, value in
                    (Hash.sha256(key), value.map { Hash.sha256($0) })
                }, reading: NoPages())
            var tiles: [(tile: Tile, hashes: [UInt8])] = []
            for tile in Tile.tiles(forTreeSize: head.size) { tiles.append((tile, try snapshot.content(of: tile))) }
            try copy.commit(
                StoreBatch(
                    entries: entries, leafHashes: entries.map { Hash.leaf($0) }, tiles: tiles, state: change(state),
                    mapPages: pages.map { ($0.path.bytes, $0.bytes) }, head: head),
                expecting: .empty)
        }
        return TestStore(copy)
    }
}

/// How many values of the state and pages of its map were read.
final class ReadCount: Sendable {
    struct Numbers {
        var values = 0
        var pages = 0
    }

    private let state = Mutex(Numbers())

    var numbers: Numbers { state.withLock { $0 } }

    func count(_ what: WritableKeyPath<Numbers, Int>) {
        state.withLock { $0[keyPath: what] += 1 }
    }
}

/// The pages of an empty map.
private struct NoPages: MapPageReading {
    func page(_ path: MapPath) -> [UInt8]? { nil }
}

private struct TestSnapshot: LogSnapshot {
    let base: any LogSnapshot
    let faults: TestStore.Faults

    var head: StoredHead { get throws(StoreError) { try base.head } }

    func entry(_ index: UInt64) throws(StoreError) -> [UInt8]? {
        guard let entry = try base.entry(index) else { return nil }
        return faults.entry(index, entry)
    }

    func entries(_ range: Range<UInt64>) throws(StoreError) -> [[UInt8]] {
        let entries = try base.entries(range)
        return zip(range, entries).map { faults.entry($0, $1) }
    }

    func tile(_ coordinate: TileCoordinate) throws(StoreError) -> [UInt8]? { try base.tile(coordinate) }
    func index(ofLeaf leafHash: Hash) throws(StoreError) -> UInt64? { try base.index(ofLeaf: leafHash) }
    func stateValue(_ key: [UInt8]) throws(StoreError) -> [UInt8]? { faults.state(key, try base.stateValue(key)) }
    func forEachState(_ body: ([UInt8], [UInt8]) throws -> Void) throws { try base.forEachState(body) }

    func newestLink(stream key: [UInt8], below size: UInt64) throws(StoreError) -> (seq: UInt64, index: UInt64)? {
        try base.newestLink(stream: key, below: size)
    }

    func checkpoint(atMost size: UInt64) throws(StoreError) -> [UInt8]? { try base.checkpoint(atMost: size) }

    func sealedSize(atMost size: UInt64) throws(StoreError) -> UInt64? { try base.sealedSize(atMost: size) }
    var retainedStateFrom: UInt64 { get throws(StoreError) { try base.retainedStateFrom } }
    func stateValue(_ key: [UInt8], at size: UInt64) throws(StoreError) -> [UInt8]? {
        faults.reads.count(\.values)
        return faults.state(key, try base.stateValue(key, at: size))
    }
    func mapPage(_ path: [UInt8], at size: UInt64) throws(StoreError) -> [UInt8]? {
        faults.reads.count(\.pages)
        return faults.page(path, try base.mapPage(path, at: size))
    }

    func forEachState(
        prefix: [UInt8], after key: [UInt8]?, at size: UInt64, _ body: ([UInt8], [UInt8]) throws -> Bool
    ) throws {
        try base.forEachState(prefix: prefix, after: key, at: size) { key, value in
            faults.reads.count(\.values)
            return try faults.state(key, value).map { try body(key, $0) } ?? true
        }
    }

    func listing(_ key: [UInt8], below size: UInt64, before: UInt64?, limit: Int) throws(StoreError) -> [UInt64] {
        try base.listing(key, below: size, before: before, limit: limit)
    }
}
