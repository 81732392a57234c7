internal import Dispatch
internal import LMDB
internal import LogStore
internal import Synchronization
internal import Tlog

/// Which index a leaf hash has: hash tables beside LMDB's file, made of what the tiles of level 0 have.
///
/// A commit puts its entries into a *recent* table, in memory. When that is full, a thread of its own *settles* it: puts the
/// same entries into the segments of the file, has them brought to the disk, and says so in the header; only then is the
/// recent table let go. After a crash the entries from the size in the header on are read from the tiles again.
///
/// What a table answers is confirmed by the tile, in the state that whoever asks sees. So tables may have what that does not
/// have; and what is committed must never be missing in all of them.
final class LeafIndex: Sendable {
    /// What is looked up in. A look-up takes it as it is at one moment.
    struct Tables {
        var segments: [SlotTable] = []
        var recent: [SlotTable] = []
        /// Hashes under which no segment had anything. What is settled after such a look-up is in `recent` too as long as
        /// the header does not speak of it, and from then on there is another one of these.
        var absent = RecentHashes()
    }

    struct State {
        var tables = Tables()
        /// By the position in `tables.recent`: how much is in it, and at which size it was given up for the next one.
        var fillings: [Filling] = []
        var header: LeafIndexHeader
        /// Nothing can be added any more.
        var failure: StoreError?
        /// Why the last attempt to settle came to nothing.
        var trouble: StoreError?
        /// Nothing can be looked up either: not all of the log is in the tables.
        var isIncomplete = false
    }

    struct Filling {
        let capacity: Int
        var count: Int
        var end: UInt64?

        func hasRoom(for added: Int) -> Bool { end == nil && count + added <= capacity }
    }

    /// Recent tables that wait for being settled at most: a commit then waits for them.
    private static let maxWaiting = 3

    let journal: Journal
    let file: LeafIndexFile
    let keyedHash: KeyedHash
    /// Entries of a recent table.
    let recentCount: Int
    /// Why it was made anew; nil if it was not.
    let remade: String?
    let state: Mutex<State>
    /// Settles, one after the other.
    let settling = DispatchQueue(label: "holdfast.leaf-index")

    init(
        _ file: LeafIndexFile, header: LeafIndexHeader, journal: Journal, _ recentCount: Int, remade: String? = nil
    ) throws(StoreError) {
        guard let keyedHash = KeyedHash(key: header.key) else { throw .damaged("the index of leaf hashes has no key") }
        self.keyedHash = keyedHash
        (self.file, self.journal) = (file, journal)
        self.recentCount = max(recentCount, 1)
        self.remade = remade
        state = Mutex(State(header: header))
    }

    /// Why nothing can be added any more.
    var failure: StoreError? { state.withLock { $0.failure } }

    // MARK: Reading

    /// The index of the entry with this leaf hash, among those that `tiles` have; nil if there is none.
    ///
    /// - Parameter size: how many entries that are, asked for only where it matters.
    func index(of leafHash: Hash, in tiles: LeafTiles, below size: () throws -> UInt64) throws -> UInt64? {
        try index(under: keyedHash(leafHash), in: lookUp()) { index in
            guard index < (try size()) else { return false }
            return try tiles.have(leafHash, at: index)
        }
    }

    /// Whether one of the leaf hashes may be in the log: false if no table has anything under them.
    func mayHave(anyOf leafHashes: [Hash]) throws(StoreError) -> Bool {
        try lookUp().haveCandidate(underAnyOf: keyed(leafHashes))
    }

    /// What leaf hashes lie under.
    func keyed(_ leafHashes: [Hash]) -> [UInt64] {
        leafHashes.map { keyedHash($0) }
    }

    /// The first of the leaf hashes that one of the first `size` entries has, and the index of that; nil if there is none.
    ///
    /// - Parameter hashes: what the leaf hashes lie under.
    func firstKnown(
        of leafHashes: [Hash], under hashes: [UInt64], in tiles: LeafTiles, below size: UInt64
    ) throws -> (leafHash: Hash, index: UInt64)? {
        let tables = try lookUp()
        guard tables.haveCandidate(underAnyOf: hashes) else { return nil }
        for (leafHash, hash) in zip(leafHashes, hashes) {
            let known = try index(under: hash, in: tables) { try $0 < size && tiles.have(leafHash, at: $0) }
            if let known { return (leafHash, known) }
        }
        return nil
    }

    /// The first of the leaf hashes, of the entries from `first` on, that is not found at its index; nil if all are.
    func firstMisplaced(
        _ leafHashes: [Hash], from first: UInt64, in tiles: LeafTiles, below size: UInt64
    ) throws -> UInt64? {
        let tables = try lookUp()
        for (leafHash, index) in zip(leafHashes, first..<first + UInt64(leafHashes.count)) {
            let found = try self.index(under: keyedHash(leafHash), in: tables) { candidate in
                if candidate == index { return true }
                return try candidate < size && tiles.have(leafHash, at: candidate)
            }
            guard found == index else { return index }
        }
        return nil
    }

    private func lookUp() throws(StoreError) -> Tables {
        let (tables, failure) = state.withLock { ($0.tables, $0.isIncomplete ? $0.failure : nil) }
        if let failure { throw failure }
        orderSlots()
        return tables
    }

    /// The newest of the indices under this hash that `isMeant`.
    private func index(
        under hash: UInt64, in tables: Tables, where isMeant: (UInt64) throws -> Bool
    ) rethrows -> UInt64? {
        for table in tables.recent.reversed() {
            var step = 0
            while let index = table.candidate(under: hash, step: &step) {
                if try isMeant(index) { return index }
            }
        }
        if tables.absent.contains(hash) { return nil }
        var isAbsent = true
        for table in tables.segments.reversed() {
            var step = 0
            while let index = table.candidate(under: hash, step: &step) {
                if try isMeant(index) { return index }
                isAbsent = false
            }
        }
        if isAbsent { tables.absent.insert(hash) }
        return nil
    }

    // MARK: Writing: in a commit, so one at a time

    /// Makes room for a commit of `count` entries behind the first `size`.
    func begin(at size: UInt64, count: Int) throws {
        if try makeRoom(at: size, count: count) { return }
        settling.sync { settleWaiting() }
        guard try makeRoom(at: size, count: count) else {
            throw state.withLock { $0.trouble }
                ?? StoreError(.io, "the index of leaf hashes waits for the disk; try again")
        }
    }

    /// False if as many tables wait for being settled as may.
    private func makeRoom(at size: UInt64, count: Int) throws -> Bool {
        let hasRoom = state.withLock { $0.fillings.last?.hasRoom(for: count) ?? false }
        let capacity = max(count, recentCount)
        // Megabytes, whose pages the system clears first: not under the lock that every look-up takes.
        let next = hasRoom ? nil : try SlotTable(slotCount: 2 * capacity)
        return try state.withLock { state in
            if let failure = state.failure { throw failure }
            let (end, overflow) = size.addingReportingOverflow(UInt64(count))
            guard !overflow, end < SlotTable.numberLimit else {
                throw StoreError(.full, "the index of leaf hashes has room for \(SlotTable.numberLimit) entries")
            }
            // What is committed must fit into the file: so space for it is set aside before.
            try addSegments(to: &state, forLogOf: end)
            guard let next else { return true }
            guard state.fillings.count <= Self.maxWaiting else { return false }
            if !state.fillings.isEmpty {
                state.fillings[state.fillings.count - 1].end = size
                settling.async { self.settleWaiting() }
            }
            state.tables.recent.append(next)
            state.fillings.append(Filling(capacity: capacity, count: 0))
            return true
        }
    }

    /// Puts the entries of a commit in, for which there is room.
    ///
    /// - Parameter hashes: what their leaf hashes lie under.
    func add(under hashes: [UInt64], from first: UInt64) throws {
        guard !hashes.isEmpty else { return }
        guard let table = state.withLock({ $0.tables.recent.last }) else {
            throw StoreError(.io, "there is no table for recent leaf hashes")
        }
        for (hash, index) in zip(hashes, first...) {
            guard table.add(index, under: hash) != nil else {
                throw StoreError(.io, "the table for recent leaf hashes is full")
            }
        }
        state.withLock { $0.fillings[$0.fillings.count - 1].count += hashes.count }
        orderSlots()
    }

    /// Bytes that the file grows by when the log has `size` entries.
    func byteCountToAdd(forLogOf size: UInt64) -> Int {
        let segmentCount = state.withLock { $0.tables.segments.count }
        guard LeafIndexFile.segmentCount(forLogOf: size) > segmentCount else { return 0 }
        let present = segmentCount == 0 ? 0 : LeafIndexFile.range(of: segmentCount - 1).upperBound
        return LeafIndexFile.byteCount(forLogOf: size) - LeafIndexFile.byteCount(forLogOf: present)
    }

    func addSegments(to state: inout State, forLogOf size: UInt64) throws {
        while state.tables.segments.count < LeafIndexFile.segmentCount(forLogOf: size) {
            state.tables.segments.append(try file.segment(state.tables.segments.count))
        }
    }
}

extension LeafIndex.Tables {
    /// Whether any of them has something under one of these hashes.
    fileprivate func haveCandidate(underAnyOf hashes: [UInt64]) -> Bool {
        if recent.contains(where: { $0.hasCandidate(underAnyOf: hashes) }) { return true }
        // A statement is looked up at its arrival, at its admission and in its commit: once in the segments.
        let unknown = hashes.filter { !absent.contains($0) }
        if unknown.isEmpty { return false }
        if segments.contains(where: { $0.hasCandidate(underAnyOf: unknown) }) { return true }
        for hash in unknown { absent.insert(hash) }
        return false
    }
}
