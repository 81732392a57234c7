internal import LMDB
internal import LogStore
internal import Synchronization
internal import Tlog

/// The newest commits: each a row of a file, and the same in memory, where readers ask first.
///
/// LMDB writes a page for each place that a commit changes, scattered over its file, and waits for the disk twice. A row is
/// written in one piece, and waited for once. Now and then the rows are *folded*: one transaction of LMDB brings what they all
/// add and change into the tables, in the order of the keys.
///
/// What is in memory is found by index, size or the commit's number, so a snapshot sees the commits that were there when it
/// began, whatever is committed or folded meanwhile.
final class Journal: Sendable {
    private let environment: Environment
    private let layout: Layout
    private let options: LMDBLogStore.Options
    /// Held by the commit, or fold, that is under way.
    private let file: Mutex<JournalFile>
    /// The segment that commits are added to, and before it the one that was folded last, which snapshots from before the
    /// fold read.
    private let segments: Mutex<(current: JournalSegment, last: JournalSegment?)>

    /// Reads the rows of the file.
    init(
        _ file: consuming JournalFile, environment: Environment, layout: Layout, options: LMDBLogStore.Options
    ) throws {
        (self.environment, self.layout, self.options) = (environment, layout, options)
        let base = try environment.read { transaction in
            try JournalHead.check(transaction, layout)
            return try JournalHead.folded(transaction, layout)
        }
        let segment = JournalSegment(behind: base)
        try environment.read { transaction in
            try file.replay(behind: base) { row, entries in
                try segment.add(row, entries, tiles: row.tiles.map { try StoreView(transaction, layout, segment).grown($0) })
            }
        }
        self.file = Mutex(file)
        segments = Mutex((segment, nil))
    }

    /// Runs `body` on the newest committed state.
    func read<R>(_ body: (StoreView) throws -> R) throws -> R {
        while true {
            let result: R? = try environment.read { transaction in
                guard let segment = segment(behind: try JournalHead.folded(transaction, layout)) else { return nil }
                return try body(StoreView(transaction, layout, segment))
            }
            if let result { return result }
            // Two folds went by since the transaction began: a new one sees a newer state.
        }
    }

    private func segment(behind folded: JournalHead) -> JournalSegment? {
        let (current, last) = segments.withLock { $0 }
        if current.base.number == folded.number { return current }
        return last.flatMap { $0.base.number == folded.number ? $0 : nil }
    }

    /// As in ``JournalSegment``.
    var mostBytesFolded: Int { segments.withLock { $0.current }.mostBytesFolded }

    /// Whether the file still has its name.
    func fileHasName() throws -> Bool { try file.withLock { try $0.hasName() } }

    /// Adds a batch. When this returns, it is on the disk, and every snapshot from then on has it.
    func commit(_ batch: StoreBatch, expecting: TreeHead, _ leaves: LeafIndex) throws {
        try file.withLock { file in
            try foldIfLong(&file)
            let (row, hashes) = try read { view in
                try BatchCheck(view: view, leaves: leaves, options: options).check(batch, expecting: expecting)
            }
            let entries = try file.append(row, batch.entries)
            // First: who sees the entries must find them. Until then nobody is told of them, as no tile has them.
            do {
                try leaves.add(under: hashes, from: row.before.size)
            } catch {
                throw StoreError(.syncFailed, "a commit is on the disk and not in memory; stop, and start again (\(error))")
            }
            segments.withLock { $0.current }.add(row, entries, tiles: batch.tiles)
        }
    }

    // MARK: Folding

    /// Brings all commits into LMDB's tables.
    func fold() throws {
        try file.withLock { try fold(&$0) }
    }

    /// The same, and empties the file: the data file is then whole without it.
    func close() throws {
        try file.withLock { file in
            try fold(&file)
            try file.clear()
        }
    }

    private func foldIfLong(_ file: inout JournalFile) throws {
        let segment = segments.withLock { $0.current }
        guard segment.count >= options.journalCommits || segment.byteCount >= options.journalByteCount else { return }
        try fold(&file)
    }

    private func fold(_ file: inout JournalFile) throws {
        let (segment, last) = segments.withLock { $0 }
        guard segment.count > 0 else { return }
        do {
            try environment.write { transaction in
                try segment.fold(into: layout, transaction)
                // Just before LMDB commits: who then sees the fold finds the segment behind it.
                segments.withLock { $0 = (JournalSegment(behind: segment.newest), segment) }
            }
        } catch {
            segments.withLock { $0 = (segment, last) }
            throw error
        }
        // The rows are written over from here on: what LMDB has must be what they had.
        try environment.read { try segment.check(foldedInto: layout, $0) }
        try file.beginAnew()
    }
}

extension StoreView {
    /// A tile after it has gained hashes.
    fileprivate func grown(_ growth: JournalRow.Growth) throws -> (tile: Tile, hashes: [UInt8]) {
        let (coordinate, from, gained) = growth
        let old = from == 0 ? [] : try withTileRow(coordinate, TileRow.hashes) ?? []
        let hashes = old.prefix(from * Hash.byteCount) + gained
        guard let tile = Tile(coordinate: coordinate, width: hashes.count / Hash.byteCount),
            old.count >= from * Hash.byteCount
        else { throw StoreError.damaged("\(coordinate), which its journal continues, is missing or too short") }
        return (tile, Array(hashes))
    }
}
