internal import Dispatch
internal import LMDB
internal import LogStore
internal import Synchronization
internal import Tlog

/// How what is committed gets into the file of the index. All of it runs on the queue for that, or before there is one.
extension LeafIndex {
    /// Entries that are read in one transaction: one that lasts keeps LMDB's pages from being used again.
    private static let entriesAtOnce: UInt64 = 1 << 14
    /// Entries that are sorted together, in 16 bytes each.
    private static let entriesInGroup: UInt64 = 1 << 19
    /// Parts in which a group is brought to the disk, so that commits, which sync as well, wait for a part and not for all.
    private static let partsOfGroup = 16

    /// Settles the tables that were given up for a next one. A failed sync is remembered, and nothing is committed any
    /// more: the system may drop from memory what has not reached the disk.
    func settleWaiting() {
        let end = state.withLock { $0.failure == nil ? $0.fillings.last { $0.end != nil }?.end : nil }
        guard let end else { return }
        do throws(StoreError) {
            try asStoreErrors { try settle(to: end) }
            state.withLock { $0.trouble = nil }
        } catch {
            state.withLock {
                $0.trouble = error
                if error.code == .syncFailed { $0.failure = error }
            }
        }
    }

    /// Settles all that is committed.
    func settle() throws(StoreError) {
        try asStoreErrors {
            try settling.sync {
                if let failure = state.withLock({ $0.failure }) { throw failure }
                try settle(to: journal.read { $0.size })
            }
        }
    }

    /// Returns when nothing is being settled.
    func waitForSettling() { settling.sync {} }

    /// Puts the entries below `size`, which are committed, into the file, and forgets the recent tables that have no others.
    func settle(to size: UInt64) throws {
        var header = state.withLock { $0.header }
        if size > header.tree.size {
            let segments = try state.withLock { state in
                try addSegments(to: &state, forLogOf: size)
                return state.tables.segments
            }
            for start in stride(from: header.tree.size, to: size, by: UInt64.Stride(Self.entriesInGroup)) {
                try put(start..<min(start + Self.entriesInGroup, size), into: segments)
            }
            header.tree = TreeHead(
                size: size, root: try journal.read { try LeafTiles($0).root(at: size) })
            try synced { try file.settle(header) }
        }
        state.withLock { state in
            // Only now may recent tables go: what was not in the segments may be there now.
            if state.header != header { state.tables.absent = RecentHashes() }
            state.header = header
            let settled = state.fillings.prefix { $0.end.map { $0 <= header.tree.size } ?? false }.count
            state.fillings.removeFirst(settled)
            state.tables.recent.removeFirst(settled)
        }
    }

    /// In the order in which they lie in the file: the system then writes pages that follow one another. What is there
    /// already stays as it is: an attempt that was interrupted is made again from its beginning.
    private func put(_ range: Range<UInt64>, into segments: [SlotTable]) throws {
        var group: [(hash: UInt64, index: UInt64)] = []
        group.reserveCapacity(range.count)
        for start in stride(from: range.lowerBound, to: range.upperBound, by: UInt64.Stride(Self.entriesAtOnce)) {
            let end = min(start + Self.entriesAtOnce, range.upperBound)
            try journal.read { view in
                try LeafTiles(view).forEach(start..<end) { group.append((keyedHash($1), $0)) }
            }
        }
        group.sort { $0.hash < $1.hash }
        let partLength = group.count / Self.partsOfGroup + 1
        for start in stride(from: 0, to: group.count, by: partLength) {
            for (hash, index) in group[start..<min(start + partLength, group.count)] {
                guard segments[LeafIndexFile.segment(of: index)].add(index, under: hash) != nil else {
                    throw StoreError(
                        .corrupt,
                        "the index of leaf hashes has no free slot for entry \(index); stop, remove the file "
                            + "\(LeafIndexFile.name), and start again: it is made anew from the tiles")
                }
            }
            // A few are synced with the header.
            if partLength > 4096 { try synced { try file.sync() } }
        }
    }

    private func synced(_ body: () throws -> Void) throws(StoreError) {
        do {
            try body()
        } catch {
            throw StoreError(
                .syncFailed,
                "the index of leaf hashes cannot be brought to the disk; stop, and start again (\(error))")
        }
    }
}
