public import Tlog

/// Everything that one commit adds, made by the caller and applied as a whole or not at all.
///
/// The entries continue the log at the head that `commit(_:expecting:)` names: the first of them gets the index
/// `expecting.size`.
public struct StoreBatch: Sendable {
    /// Canonical bytes of the new entries, in order. Each has at most 65,535 bytes, as an entry bundle demands.
    public var entries: [[UInt8]]
    /// RFC 6962 leaf hash of each entry, in the same order.
    public var leafHashes: [Hash]
    /// Every tile that the tree at the new head has and the tree at the old head has not, or has narrower, each once,
    /// with its newest content: `width` hashes of 32 bytes, one after the other. The order does not matter.
    public var tiles: [(tile: Tile, hashes: [UInt8])]
    /// Changes of the governance state, applied in order; `nil` removes a key. Keys and values are the caller's
    /// bytes, of any length; a key is not empty.
    public var state: [(key: [UInt8], value: [UInt8]?)]
    /// Changed pages of the Merkle map over the state, applied in order; `nil` removes a page. Paths and pages are the
    /// caller's bytes, of any length; a path may be empty.
    public var mapPages: [(path: [UInt8], bytes: [UInt8]?)]
    /// New links: in the stream `key` (the caller's bytes, not empty), the statement number `seq` is entry `index`. In
    /// one stream both numbers grow from link to link.
    public var streams: [(key: [UInt8], seq: UInt64, index: UInt64)]
    /// Entries of the batch that are to be found under a key (the caller's bytes, not empty), such as all of one issuer.
    /// Under one key the indices grow. A store works least where those of one key follow one another.
    public var listings: [(key: [UInt8], index: UInt64)]
    /// The checkpoint published last, kept so that an old one can be served: a size of at most `expecting.size`, and
    /// the signed note's bytes.
    public var checkpoint: (size: UInt64, bytes: [UInt8])?
    /// The head after the batch.
    public var head: StoredHead

    public init(
        entries: [[UInt8]], leafHashes: [Hash], tiles: [(tile: Tile, hashes: [UInt8])],
        state: [(key: [UInt8], value: [UInt8]?)] = [], mapPages: [(path: [UInt8], bytes: [UInt8]?)] = [],
        streams: [(key: [UInt8], seq: UInt64, index: UInt64)] = [], listings: [(key: [UInt8], index: UInt64)] = [],
        checkpoint: (size: UInt64, bytes: [UInt8])? = nil, head: StoredHead
    ) {
        self.entries = entries
        self.leafHashes = leafHashes
        self.tiles = tiles
        self.state = state
        self.mapPages = mapPages
        self.streams = streams
        self.listings = listings
        self.checkpoint = checkpoint
        self.head = head
    }

    /// A batch that adds no entry and only keeps a checkpoint of the tree at `head` or before.
    public static func checkpointOnly(size: UInt64, bytes: [UInt8], head: StoredHead) -> StoreBatch {
        StoreBatch(entries: [], leafHashes: [], tiles: [], checkpoint: (size, bytes), head: head)
    }
}

extension StoreBatch {
    /// Checks that the batch continues `old` and agrees with itself, as far as its own bytes can tell. It hashes
    /// nothing: that leaf hashes, roots and tiles are those of the entries is proved by whoever reads them back.
    ///
    /// Every implementation of `LogStore` calls this before it writes.
    ///
    /// - Throws: `invalidBatch`, and `duplicateEntry` for a leaf hash that occurs twice in the batch.
    public func validate(continuing old: StoredHead) throws(StoreError) {
        try validateHead(continuing: old)
        try validateEntries()
        try validateTiles(from: old.size)
        try validateRecords(from: old.size)
    }

    private func validateHead(continuing old: StoredHead) throws(StoreError) {
        let (size, overflow) = old.size.addingReportingOverflow(UInt64(entries.count))
        guard !overflow, head.size == size else {
            throw .invalid("\(entries.count) entries after \(old.size) do not make a head of size \(head.size)")
        }
        guard head.sealTime >= old.sealTime else {
            throw .invalid("the seal's time went back from \(old.sealTime) to \(head.sealTime)")
        }
        if entries.isEmpty {
            guard head == old, state.isEmpty, mapPages.isEmpty, streams.isEmpty, listings.isEmpty else {
                throw .invalid("a batch without entries can only keep a checkpoint")
            }
        }
    }

    private func validateEntries() throws(StoreError) {
        guard leafHashes.count == entries.count else {
            throw .invalid("\(leafHashes.count) leaf hashes for \(entries.count) entries")
        }
        for (offset, entry) in entries.enumerated() where entry.count > EntryBundle.maxEntryByteCount {
            throw .invalid(
                "entry \(offset) of the batch has \(entry.count) bytes; a log entry has at most "
                    + "\(EntryBundle.maxEntryByteCount)")
        }
        var seen: Set<Hash> = []
        seen.reserveCapacity(leafHashes.count)
        for hash in leafHashes where !seen.insert(hash).inserted {
            throw StoreError(.duplicateEntry, "leaf hash \(hash) occurs twice in the batch")
        }
    }

    private func validateTiles(from oldSize: UInt64) throws(StoreError) {
        var missing = Set(Tile.tiles(from: oldSize, to: head.size))
        for (tile, hashes) in tiles {
            guard missing.remove(tile) != nil else {
                throw .invalid("\(tile) is there twice, or does not change from size \(oldSize) to \(head.size)")
            }
            guard hashes.count == tile.byteCount else {
                throw .invalid("\(tile) has \(hashes.count) bytes, not \(tile.byteCount)")
            }
            if tile.level == 0 { try validateLeafHashes(in: tile, hashes, from: oldSize) }
        }
        if let tile = missing.min(by: { $0.coordinate < $1.coordinate }) {
            throw .invalid("\(tile) changes from size \(oldSize) to \(head.size) and is not in the batch")
        }
    }

    /// "RFC 6962 leaf hash of each entry": the tiles of level 0 have them too.
    private func validateLeafHashes(in tile: Tile, _ hashes: [UInt8], from oldSize: UInt64) throws(StoreError) {
        let start = tile.index * UInt64(Tile.fullWidth)
        for position in 0..<tile.width where start + UInt64(position) >= oldSize {
            let index = start + UInt64(position)
            guard Hash(in: hashes.span, at: position * Hash.byteCount) == leafHashes[Int(index - oldSize)] else {
                throw .invalid("\(tile) does not have the leaf hash of entry \(index)")
            }
        }
    }

    private func validateRecords(from oldSize: UInt64) throws(StoreError) {
        if state.contains(where: { $0.key.isEmpty }) { throw .invalid("a state key is empty") }
        for (key, seq, index) in streams {
            guard !key.isEmpty else { throw .invalid("a stream key is empty") }
            guard index >= oldSize, index < head.size else {
                throw .invalid("stream link \(seq) names entry \(index), which is not in the batch")
            }
        }
        for (key, index) in listings {
            guard !key.isEmpty else { throw .invalid("a listing's key is empty") }
            guard index >= oldSize, index < head.size else {
                throw .invalid("a listing names entry \(index), which is not in the batch")
            }
        }
        if let checkpoint {
            guard checkpoint.size <= oldSize else {
                throw .invalid("a checkpoint of size \(checkpoint.size) cannot be published at the head \(oldSize)")
            }
        }
    }
}
