public import Tlog

/// The log as one commit left it. A snapshot never changes, whatever is committed while it is read.
///
/// It is valid only inside the closure of `LogStore.read(_:)` and only on the thread that runs it; used later it
/// throws `closed`. Everything in it is part of the *committed* log; that may be longer than what is published, so a
/// public answer is cut at the published size by whoever gives it.
public protocol LogSnapshot {
    /// The committed head; `StoredHead.empty` when nothing was committed yet.
    var head: StoredHead { get throws(StoreError) }

    /// The bytes of the entry at `index`; nil at and beyond the committed size.
    func entry(_ index: UInt64) throws(StoreError) -> [UInt8]?

    /// The entries of the range, in order and complete. Throws `notFound` if it reaches beyond the committed size.
    func entries(_ range: Range<UInt64>) throws(StoreError) -> [[UInt8]]

    /// Calls `body` with each entry of the range, in order, and its index. The bytes lie where the store has them: they
    /// are not copied, and of no use after `body` returned. Throws `notFound` as above, and what `body` throws.
    func forEachEntry(_ range: Range<UInt64>, _ body: (_ index: UInt64, _ entry: Span<UInt8>) throws -> Void) throws

    /// The newest content of a tile, full or partial: a multiple of 32 bytes, at most 8,192; nil where the committed
    /// tree has no tile. The tile of every smaller tree is a prefix of it.
    func tile(_ coordinate: TileCoordinate) throws(StoreError) -> [UInt8]?

    /// A full tile of the committed tree with its `TileInterior` behind its 8,192 bytes; nil where the tile is not full, or
    /// the store does not keep what is inside.
    func tileWithInterior(_ coordinate: TileCoordinate) throws(StoreError) -> [UInt8]?

    /// The leaf hash of the entry at `index`, from its tile; nil at and beyond the committed size.
    func leafHash(at index: UInt64) throws(StoreError) -> Hash?

    /// The index of the entry with this leaf hash; nil if there is none.
    func index(ofLeaf leafHash: Hash) throws(StoreError) -> UInt64?

    /// Checks that each of these leaf hashes, which the entries from `first` on have, is found at its index. Throws
    /// `corrupt` for the first that is not.
    func checkIndex(of leafHashes: [Hash], from first: UInt64) throws(StoreError)

    /// The value of a key of the governance state at the head; nil if it has none.
    func stateValue(_ key: [UInt8]) throws(StoreError) -> [UInt8]?

    /// Calls `body` once with every key of the governance state at the head and its value, in no particular order. An
    /// error of `body` ends the walk and is passed on.
    func forEachState(_ body: (_ key: [UInt8], _ value: [UInt8]) throws -> Void) throws

    /// The greatest sealed size that is not above `size`; nil if there is none. A sealed size is one at which a
    /// committed batch ended.
    func sealedSize(atMost size: UInt64) throws(StoreError) -> UInt64?

    /// The smallest sealed size whose state can be read; 0 while nothing was committed.
    var retainedStateFrom: UInt64 { get throws(StoreError) }

    /// The value of a key of the governance state as of `size`; nil if it had none then.
    ///
    /// - Parameter size: a sealed size that is retained, or 0, at which the state was empty.
    /// - Throws: `notRetained` for one below `retainedStateFrom`; `notFound` if it is not sealed.
    func stateValue(_ key: [UInt8], at size: UInt64) throws(StoreError) -> [UInt8]?

    /// Calls `body` with the keys that begin with `prefix` and their values as of `size`, until it returns false.
    ///
    /// The order is that of the keys' bytes, except among long keys (of more than 200 bytes) that begin alike: those
    /// come in some order that is the same each time, so that a walk can go on behind the last key it has seen.
    ///
    /// - Parameters:
    ///   - prefix: what the keys begin with; empty for all.
    ///   - key: begin behind this key, whether it is there or not.
    ///   - size: as in `stateValue(_:at:)`.
    func forEachState(
        prefix: [UInt8], after key: [UInt8]?, at size: UInt64, _ body: (_ key: [UInt8], _ value: [UInt8]) throws -> Bool
    ) throws

    /// A page of the Merkle map as of `size`; nil if there was none then. As `stateValue(_:at:)`.
    func mapPage(_ path: [UInt8], at size: UInt64) throws(StoreError) -> [UInt8]?

    /// The newest link of a stream among those whose entry lies below `size`; nil if there is none.
    func newestLink(stream key: [UInt8], below size: UInt64) throws(StoreError) -> (seq: UInt64, index: UInt64)?

    /// The entries that a listing has under `key`, the newest first: those below `size`, and below `before` if it is
    /// given, `limit` of them at most. To go on, name the last index as `before`.
    func listing(_ key: [UInt8], below size: UInt64, before: UInt64?, limit: Int) throws(StoreError) -> [UInt64]

    /// The kept checkpoint of the greatest size that is not above `size`; nil if there is none.
    func checkpoint(atMost size: UInt64) throws(StoreError) -> [UInt8]?
}

extension LogSnapshot {
    /// A store that has the bytes nowhere to be shown reads some entries at a time.
    public func forEachEntry(
        _ range: Range<UInt64>, _ body: (_ index: UInt64, _ entry: Span<UInt8>) throws -> Void
    ) throws {
        var next = range.lowerBound
        while next < range.upperBound {
            for entry in try entries(next..<min(next + 1024, range.upperBound)) {
                try body(next, entry.span)
                next += 1
            }
        }
    }

    public func tileWithInterior(_ coordinate: TileCoordinate) throws(StoreError) -> [UInt8]? { nil }

    public func leafHash(at index: UInt64) throws(StoreError) -> Hash? {
        guard index < (try head).size, let coordinate = TileCoordinate(level: 0, index: index / 256) else { return nil }
        let start = Int(index % 256) * Hash.byteCount
        guard let bytes = try tile(coordinate), bytes.count >= start + Hash.byteCount,
            let hash = Hash(bytes[start..<start + Hash.byteCount])
        else { throw .tooShort(coordinate, index) }
        return hash
    }

    /// The content of `tile`, cut to its width. Throws `notFound` if the committed tree has no tile so wide.
    public func content(of tile: Tile) throws(StoreError) -> [UInt8] {
        guard let bytes = try self.tile(tile.coordinate), bytes.count >= tile.byteCount else {
            throw StoreError(.notFound, "the committed tree has no \(tile)")
        }
        return bytes.count == tile.byteCount ? bytes : Array(bytes.prefix(tile.byteCount))
    }
}

extension LogSnapshot {
    public func checkIndex(of leafHashes: [Hash], from first: UInt64) throws(StoreError) {
        for (offset, leafHash) in leafHashes.enumerated() {
            let index = first + UInt64(offset)
            guard try self.index(ofLeaf: leafHash) == index else { throw .misplaced(leafHash, of: index) }
        }
    }
}
