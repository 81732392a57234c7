internal import LogStore
internal import Tlog

/// A snapshot of the store, cut at the published size: what readers get. Entries that are committed and not yet
/// published are not in it.
struct PublishedSnapshot: LogSnapshot {
    let base: any LogSnapshot
    let published: PublishedHead

    var head: StoredHead {
        get throws(StoreError) { StoredHead(treeHead: published.treeHead, sealTime: published.sealTime) }
    }

    func entry(_ index: UInt64) throws(StoreError) -> [UInt8]? {
        index < published.size ? try base.entry(index) : nil
    }

    func entries(_ range: Range<UInt64>) throws(StoreError) -> [[UInt8]] {
        guard range.upperBound <= published.size else {
            throw StoreError(
                .notFound,
                "entries \(range.lowerBound) to \(range.upperBound) were asked for; \(published.size) are published")
        }
        return try base.entries(range)
    }

    /// A wider tile begins with all narrower ones, so the tile of the published tree is a prefix of the newest one.
    func tile(_ coordinate: TileCoordinate) throws(StoreError) -> [UInt8]? {
        guard let tile = Tile(at: coordinate, treeSize: published.size) else { return nil }
        guard let bytes = try base.tile(coordinate), bytes.count >= tile.byteCount else {
            throw StoreError(.corrupt, "\(tile) is in the published tree and not in the store")
        }
        return bytes.count == tile.byteCount ? bytes : Array(bytes.prefix(tile.byteCount))
    }

    func tileWithInterior(_ coordinate: TileCoordinate) throws(StoreError) -> [UInt8]? {
        guard Tile(at: coordinate, treeSize: published.size)?.isFull == true else { return nil }
        return try base.tileWithInterior(coordinate)
    }

    func leafHash(at index: UInt64) throws(StoreError) -> Hash? {
        index < published.size ? try base.leafHash(at: index) : nil
    }

    func index(ofLeaf leafHash: Hash) throws(StoreError) -> UInt64? {
        guard let index = try base.index(ofLeaf: leafHash), index < published.size else { return nil }
        return index
    }

    /// The state at the published head, also while a batch is committed and not yet published.
    func stateValue(_ key: [UInt8]) throws(StoreError) -> [UInt8]? {
        try base.stateValue(key, at: published.size)
    }

    func forEachState(_ body: ([UInt8], [UInt8]) throws -> Void) throws {
        try base.forEachState(prefix: [], after: nil, at: published.size) { key, value in
            try body(key, value)
            return true
        }
    }

    func newestLink(stream key: [UInt8], below size: UInt64) throws(StoreError) -> (seq: UInt64, index: UInt64)? {
        try base.newestLink(stream: key, below: min(size, published.size))
    }

    func checkpoint(atMost size: UInt64) throws(StoreError) -> [UInt8]? {
        if size >= published.size { return published.checkpoint.bytes }
        return try base.checkpoint(atMost: size)
    }
}

/// State, pages and listings at sizes up to the published one.
extension PublishedSnapshot {
    func sealedSize(atMost size: UInt64) throws(StoreError) -> UInt64? {
        try base.sealedSize(atMost: min(size, published.size))
    }

    var retainedStateFrom: UInt64 { get throws(StoreError) { try base.retainedStateFrom } }

    func stateValue(_ key: [UInt8], at size: UInt64) throws(StoreError) -> [UInt8]? {
        try requirePublished(size)
        return try base.stateValue(key, at: size)
    }

    func forEachState(
        prefix: [UInt8], after key: [UInt8]?, at size: UInt64, _ body: ([UInt8], [UInt8]) throws -> Bool
    ) throws {
        try requirePublished(size)
        try base.forEachState(prefix: prefix, after: key, at: size, body)
    }

    func mapPage(_ path: [UInt8], at size: UInt64) throws(StoreError) -> [UInt8]? {
        try requirePublished(size)
        return try base.mapPage(path, at: size)
    }

    func listing(_ key: [UInt8], below size: UInt64, before: UInt64?, limit: Int) throws(StoreError) -> [UInt64] {
        try base.listing(key, below: min(size, published.size), before: before, limit: limit)
    }

    private func requirePublished(_ size: UInt64) throws(StoreError) {
        guard size <= published.size else {
            throw StoreError(.notFound, "the state at size \(size) was asked for; \(published.size) are published")
        }
    }
}
