import LogStore
import Tlog

/// A store that has something else in one place than was written there.
struct DamagedStore: LogStore {
    /// What is wrong, each from what is right; nothing by default.
    struct Damage: Sendable {
        var entry: @Sendable (UInt64, [UInt8]) -> [UInt8] = { $1 }
        var leaf: @Sendable (Hash, UInt64?) -> UInt64? = { $1 }
        var state: @Sendable ([UInt8], [UInt8]) -> [UInt8]? = { $1 }
        var page: @Sendable ([UInt8], [UInt8]?) -> [UInt8]? = { $1 }
        var link: @Sendable ((seq: UInt64, index: UInt64)?) -> (seq: UInt64, index: UInt64)? = { $0 }
        var list: @Sendable ([UInt8], [UInt64]) -> [UInt64] = { $1 }
    }

    let store: any LogStore
    var damage = Damage()

    func read<R>(_ body: (any LogSnapshot) throws -> R) throws -> R {
        try store.read { try body(DamagedSnapshot(base: $0, damage: damage)) }
    }

    func commit(_ batch: StoreBatch, expecting: TreeHead) throws(StoreError) {
        try store.commit(batch, expecting: expecting)
    }

    func close() { store.close() }
}

private struct DamagedSnapshot: LogSnapshot {
    let base: any LogSnapshot
    let damage: DamagedStore.Damage

    var head: StoredHead { get throws(StoreError) { try base.head } }
    var retainedStateFrom: UInt64 { get throws(StoreError) { try base.retainedStateFrom } }

    func entry(_ index: UInt64) throws(StoreError) -> [UInt8]? {
        try base.entry(index).map { damage.entry(index, $0) }
    }

    func entries(_ range: Range<UInt64>) throws(StoreError) -> [[UInt8]] {
        zip(range, try base.entries(range)).map { damage.entry($0, $1) }
    }

    func tile(_ coordinate: TileCoordinate) throws(StoreError) -> [UInt8]? { try base.tile(coordinate) }

    func index(ofLeaf leafHash: Hash) throws(StoreError) -> UInt64? {
        damage.leaf(leafHash, try base.index(ofLeaf: leafHash))
    }

    func stateValue(_ key: [UInt8]) throws(StoreError) -> [UInt8]? { try base.stateValue(key) }

    func forEachState(_ body: (_ key: [UInt8], _ value: [UInt8]) throws -> Void) throws {
        try base.forEachState { key, value in
            if let value = damage.state(key, value) { try body(key, value) }
        }
    }

    func sealedSize(atMost size: UInt64) throws(StoreError) -> UInt64? { try base.sealedSize(atMost: size) }

    func stateValue(_ key: [UInt8], at size: UInt64) throws(StoreError) -> [UInt8]? {
        try base.stateValue(key, at: size)
    }

    func forEachState(
        prefix: [UInt8], after key: [UInt8]?, at size: UInt64, _ body: (_ key: [UInt8], _ value: [UInt8]) throws -> Bool
    ) throws {
        try base.forEachState(prefix: prefix, after: key, at: size) { key, value in
            try damage.state(key, value).map { try body(key, $0) } ?? true
        }
    }

    func mapPage(_ path: [UInt8], at size: UInt64) throws(StoreError) -> [UInt8]? {
        damage.page(path, try base.mapPage(path, at: size))
    }

    func newestLink(stream key: [UInt8], below size: UInt64) throws(StoreError) -> (seq: UInt64, index: UInt64)? {
        damage.link(try base.newestLink(stream: key, below: size))
    }

    func listing(_ key: [UInt8], below size: UInt64, before: UInt64?, limit: Int) throws(StoreError) -> [UInt64] {
        damage.list(key, try base.listing(key, below: size, before: before, limit: limit))
    }

    func checkpoint(atMost size: UInt64) throws(StoreError) -> [UInt8]? { try base.checkpoint(atMost: size) }
}
