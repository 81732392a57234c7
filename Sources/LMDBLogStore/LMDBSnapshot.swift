internal import LMDB
internal import LogStore
internal import Tlog

/// A log in one committed state. A class, as it is handed on to all who read.
final class LMDBSnapshot: LogSnapshot {
    private let view: StoreView
    private let leaves: LeafIndex
    /// The last size whose state was found to be there.
    private var checkedSize: UInt64 = 0

    private var transaction: Transaction { view.transaction }
    private var layout: Layout { view.layout }
    private var journaled: JournalSegments { view.journaled }
    private var newest: JournalHead { view.newest }

    init(_ view: StoreView, _ leaves: LeafIndex) {
        (self.view, self.leaves) = (view, leaves)
    }

    var head: StoredHead {
        get throws(StoreError) {
            try checkIsLive()
            return newest.head
        }
    }

    /// What comes from memory is of the transaction too, and ends with it.
    private func checkIsLive() throws(StoreError) {
        do throws(LMDBError) { try transaction.checkIsLive() } catch { throw StoreError(error) }
    }

    func entry(_ index: UInt64) throws(StoreError) -> [UInt8]? {
        guard index < (try head).size else { return nil }
        let found = try asStoreErrors {
            var entry: [UInt8]?
            try view.forEachEntry(index..<index + 1) {
                entry = $1.copied()
                return false
            }
            return entry
        }
        guard let found else { throw .damaged("entry \(index) is missing") }
        return found
    }

    func entries(_ range: Range<UInt64>) throws(StoreError) -> [[UInt8]] {
        try checkIsCommitted(range)
        var entries: [[UInt8]] = []
        entries.reserveCapacity(range.count)
        try asStoreErrors { try forEachEntry(range) { entries.append($1.copied()) } }
        return entries
    }

    func forEachEntry(_ range: Range<UInt64>, _ body: (UInt64, Span<UInt8>) throws -> Void) throws {
        try checkIsCommitted(range)
        var next = range.lowerBound
        do {
            try view.forEachEntry(range) { index, entry in
                try body(index, entry)
                next += 1
                return true
            }
        } catch let error as LMDBError {
            throw StoreError(error)
        }
        guard next == range.upperBound else { throw StoreError.damaged("entry \(next) is missing") }
    }

    private func checkIsCommitted(_ range: Range<UInt64>) throws(StoreError) {
        let size = try head.size
        guard range.upperBound <= size else { throw .beyondHead(range, size: size) }
    }

    func tile(_ coordinate: TileCoordinate) throws(StoreError) -> [UInt8]? {
        try checkIsLive()
        return try asStoreErrors { try view.withTileRow(coordinate, TileRow.hashes) }
    }

    func tileWithInterior(_ coordinate: TileCoordinate) throws(StoreError) -> [UInt8]? {
        try checkIsLive()
        return try asStoreErrors { try view.withTileRow(coordinate, TileRow.whole) ?? nil }
    }

    func leafHash(at index: UInt64) throws(StoreError) -> Hash? {
        guard index < (try head).size, let coordinate = TileCoordinate(level: 0, index: index / 256) else { return nil }
        let hash = try asStoreErrors {
            try view.withTileRow(coordinate) { try TileRow.hash(in: $0, at: Int(index % 256)) } ?? nil
        }
        guard let hash else { throw .tooShort(coordinate, index) }
        return hash
    }

    func index(ofLeaf leafHash: Hash) throws(StoreError) -> UInt64? {
        try asStoreErrors {
            try transaction.checkIsLive()
            return try leaves.index(of: leafHash, in: LeafTiles(view)) { try head.size }
        }
    }

    func checkIndex(of leafHashes: [Hash], from first: UInt64) throws(StoreError) {
        let misplaced = try asStoreErrors {
            try leaves.firstMisplaced(leafHashes, from: first, in: LeafTiles(view), below: head.size)
        }
        guard let misplaced else { return }
        throw .misplaced(
            leafHashes[Int(misplaced - first)], of: misplaced,
            remedy: "stop, remove the file \(LeafIndexFile.name), and start again: it is made anew from the tiles")
    }

    func stateValue(_ key: [UInt8]) throws(StoreError) -> [UInt8]? { try stateValue(key, at: head.size) }

    func forEachState(_ body: (_ key: [UInt8], _ value: [UInt8]) throws -> Void) throws {
        try forEachState(prefix: [], after: nil, at: head.size) {
            try body($0, $1)
            return true
        }
    }

    func sealedSize(atMost size: UInt64) throws(StoreError) -> UInt64? {
        if let sealed = journaled.sealedSize(atMost: min(size, try head.size)) { return sealed }
        let found = try asStoreErrors {
            try transaction.last(in: layout.seals, below: size == .max ? nil : (size + 1).bigEndianBytes)
        }
        guard let found else { return nil }
        guard let sealed = UInt64(bigEndianBytes: found.key) else { throw .damaged("a seal has no size") }
        return sealed
    }

    var retainedStateFrom: UInt64 {
        get throws(StoreError) {
            try checkIsLive()
            return newest.retained.from
        }
    }

    func stateValue(_ key: [UInt8], at size: UInt64) throws(StoreError) -> [UInt8]? {
        try checkState(at: size)
        if let version = journaled.version(of: key, at: size, in: \.state) { return version.value }
        return try asStoreErrors { try layout.state.value(key, at: size, transaction) }
    }

    func forEachState(
        prefix: [UInt8], after key: [UInt8]?, at size: UInt64, _ body: (_ key: [UInt8], _ value: [UInt8]) throws -> Bool
    ) throws {
        try checkState(at: size)
        do {
            var walk = MergedWalk(journaled.versions(prefix: prefix, after: key, at: size, in: \.state))
            try layout.state.forEach(prefix: prefix, after: key, at: size, transaction) {
                try walk.show($0, $1, to: body)
            }
            try walk.finish(body)
        } catch let error as LMDBError {
            throw StoreError(error)
        }
    }

    func mapPage(_ path: [UInt8], at size: UInt64) throws(StoreError) -> [UInt8]? {
        try checkState(at: size)
        if let version = journaled.version(of: path, at: size, in: \.pages) { return version.value }
        return try asStoreErrors { try layout.pages.value(path, at: size, transaction) }
    }

    /// Whether there is a state of that size, and it is kept. It was checked for the last size that was asked for.
    private func checkState(at size: UInt64) throws(StoreError) {
        try checkIsLive()
        guard size > 0, size != checkedSize else { return }
        if size != (try head).size {
            let nearest = try sealedSize(atMost: size)
            guard nearest == size else { throw .notSealed(size, nearest: nearest) }
            let oldest = try retainedStateFrom
            guard size >= oldest || Mutant.retained.isOff else { throw .notRetained(size, from: oldest) }
        }
        checkedSize = size
    }

    func newestLink(stream key: [UInt8], below size: UInt64) throws(StoreError) -> (seq: UInt64, index: UInt64)? {
        var newest: (seq: UInt64, index: UInt64)?
        try forEachEntry(of: key, below: size, \.streams, layout.streams) { link in
            newest = (link.number, link.index)
            return false
        }
        return newest
    }

    func listing(_ key: [UInt8], below size: UInt64, before: UInt64?, limit: Int) throws(StoreError) -> [UInt64] {
        guard limit > 0 else { return [] }
        var indices: [UInt64] = []
        try forEachEntry(of: key, below: min(size, before ?? size), \.listings, layout.listings) { entry in
            indices.append(entry.index)
            return indices.count < limit
        }
        return indices
    }

    /// Calls `body` with the entries of a list, the newest first, until it returns false: those of the journal, which are
    /// newer than all of the table, and those of the table.
    private func forEachEntry(
        of key: [UInt8], below bound: UInt64, _ added: (JournalSegment) -> JournaledEntries, _ table: IndexTable,
        _ body: (IndexTable.Entry) -> Bool
    ) throws(StoreError) {
        let bound = min(bound, try head.size)
        for entry in journaled.entries(of: key, in: added).reversed() where entry.index < bound {
            guard body(entry) else { return }
        }
        try asStoreErrors { try table.forEach(key, below: bound, transaction, body) }
    }

    func checkpoint(atMost size: UInt64) throws(StoreError) -> [UInt8]? {
        let newer = journaled.checkpoint(atMost: size, number: newest.number)
        let found = try asStoreErrors {
            let bound: [UInt8]? = size == .max ? nil : (size + 1).bigEndianBytes
            return try transaction.last(in: layout.checkpoints, below: bound)
        }
        guard let newer else { return found?.value }
        guard let found else { return newer.bytes }
        guard let size = UInt64(bigEndianBytes: found.key) else { throw .damaged("a checkpoint has no size") }
        return newer.size >= size ? newer.bytes : found.value
    }
}
