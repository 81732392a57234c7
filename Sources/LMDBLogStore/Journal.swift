internal import LMDB
internal import LogStore
internal import Synchronization
internal import Tlog

/// The newest commits: each a row of a file, and the same in memory, where readers ask first.
///
/// LMDB writes a page for each place that a commit changes, scattered over its file, and waits for the disk twice. A row is
/// written in one piece, and waited for once. Now and then the rows are *folded*: one transaction of LMDB brings what they all
/// add and change into the tables, in the order of the keys. A long batch has no row, as it would be written twice: it goes into
/// the tables at once, in the transaction of such a fold.
///
/// What is in memory is found by index, size or the commit's number, so a snapshot sees the commits that were there when it
/// began, whatever is committed or folded meanwhile.
final class Journal: Sendable {
    /// Bytes that a fold may be estimated to write at most, whatever the options say: it is then done early.
    private static let foldByteCount = 64 << 20

    private let environment: Environment
    private let layout: Layout
    private let options: LMDBLogStore.Options
    private let space: SpaceCheck
    /// Held by the commit, or fold, that is under way.
    private let file: Mutex<JournalFile>
    /// The segment that commits are added to, and before it the one that was folded last, which snapshots from before the
    /// fold read.
    private let segments: Mutex<(current: JournalSegment, last: JournalSegment?)>

    /// Reads the rows of the file.
    init(
        _ file: consuming JournalFile, environment: Environment, layout: Layout, _ space: SpaceCheck,
        options: LMDBLogStore.Options
    ) throws {
        (self.environment, self.layout, self.space, self.options) = (environment, layout, space, options)
        let base = try environment.read { transaction in
            try JournalBase.check(transaction, layout)
            return try JournalBase.read(transaction, layout)
        }
        let segment = JournalSegment(behind: base)
        try environment.read { transaction in
            try file.replay(behind: base) { row, entries in
                let view = StoreView(transaction, layout, segment)
                try segment.add(row, entries, tiles: row.tiles.map { try view.grown($0) })
            }
        }
        self.file = Mutex(file)
        segments = Mutex((segment, nil))
    }

    /// Runs `body` on the newest committed state.
    func read<R>(_ body: (StoreView) throws -> R) throws -> R {
        while true {
            let result: R? = try environment.read { transaction in
                guard let segment = segment(behind: try JournalBase.read(transaction, layout)) else { return nil }
                return try body(StoreView(transaction, layout, segment))
            }
            if let result { return result }
            // Two folds went by since the transaction began: a new one sees a newer state.
        }
    }

    private func segment(behind base: JournalBase) -> JournalSegment? {
        let (current, last) = segments.withLock { $0 }
        if current.base == base { return current }
        return last.flatMap { $0.base == base ? $0 : nil }
    }

    /// Whether the file still has its name.
    func fileHasName() throws -> Bool { try file.withLock { try $0.hasName() } }

    /// Adds a batch. When this returns, it is on the disk, and every snapshot from then on has it.
    func commit(_ batch: StoreBatch, expecting: TreeHead, _ leaves: LeafIndex) throws {
        try file.withLock { file in
            if let failure = file.failure { throw failure }
            let byteCount = batch.entries.reduce(0) { $0 + $1.count }
            let isLong = byteCount >= options.journalBatchByteCount && !Mutant.longBatch.isOff
            try makeRoom(for: batch, leaves, foldsAnyway: isLong, &file)
            let (row, hashes) = try read { view in
                try BatchCheck(view: view, leaves: leaves, options: options).check(batch, expecting: expecting)
            }
            if isLong { return try commit(row, batch, under: hashes, leaves, &file) }
            let entries = try file.append(row, batch.entries)
            // First: who sees the entries must find them. Until then nobody is told of them, as no tile has them.
            do {
                try leaves.add(under: hashes, from: row.before.size)
            } catch {
                throw file.fail("a commit is on the disk and not in memory; stop, and start again (\(error))")
            }
            segments.withLock { $0.current }.add(row, entries, tiles: batch.tiles)
        }
    }

    /// Brings a batch into LMDB's tables at once, behind all that waits.
    private func commit(
        _ row: JournalRow, _ batch: StoreBatch, under hashes: [UInt64], _ leaves: LeafIndex, _ file: inout JournalFile
    ) throws {
        let waiting = segments.withLock { $0.current }
        let long = JournalSegment(behind: JournalBase(head: waiting.newest, id: waiting.base.id))
        long.add(row, JournaledRow(first: row.before.size, entries: batch.entries), tiles: batch.tiles)
        try fold([waiting, long], &file) {
            // What the index has of a transaction that fails in the end no tile confirms.
            if !Mutant.longBatchIndexed.isOff { try leaves.add(under: hashes, from: row.before.size) }
        }
    }

    // MARK: Folding

    /// Brings all commits into LMDB's tables.
    func fold() throws {
        try file.withLock { file in
            if !Mutant.copyRoom.isOff { try space.checkDisk(for: segments.withLock { $0.current }.mostBytesFolded) }
            try fold(&file)
        }
    }

    /// The same, and empties the file: the data file is then whole without it.
    func close() throws {
        try file.withLock { file in
            try fold(&file)
            try file.clear()
        }
    }

    /// Folds where the journal is long, or else there is no room.
    ///
    /// - Parameter foldsAnyway: whether the batch itself goes into the tables.
    private func makeRoom(
        for batch: StoreBatch, _ leaves: LeafIndex, foldsAnyway: Bool, _ file: inout JournalFile
    ) throws {
        let segment = segments.withLock { $0.current }
        func check(_ waiting: Int) throws {
            let folded = waiting + batch.mostBytesWritten
            try space.checkDisk(for: folded + leaves.byteCountToAdd(forLogOf: batch.head.size))
            try space.checkMap(for: folded)
        }
        let waiting = segment.mostBytesFolded
        let isFull =
            segment.count >= options.journalCommits || segment.byteCount >= options.journalByteCount
            || waiting >= Self.foldByteCount
        if !isFull || foldsAnyway || Mutant.foldIsDue.isOff, (try? check(waiting)) != nil { return }
        if segment.count > 0 {
            try space.checkDisk(for: waiting)
            try fold(&file)
        }
        try check(0)
    }

    private func fold(_ file: inout JournalFile) throws {
        try fold([segments.withLock { $0.current }], &file) {}
    }

    /// Brings segments into the tables, each continuing the one before it, in one transaction. The first is the current one.
    ///
    /// - Parameter beforeCommit: called when everything is in the transaction, just before LMDB commits it.
    private func fold(
        _ folded: [JournalSegment], _ file: inout JournalFile, beforeCommit: () throws -> Void
    ) throws {
        if let failure = file.failure { throw failure }
        let folded = folded.filter { $0.count > 0 }
        guard !folded.isEmpty else { return }
        for row in folded.lazy.flatMap(\.rows).compactMap(\.inFile) where try !file.has(row) && !Mutant.rowsInFile.isOff
        {
            throw file.fail("the journal's file is not what is in memory any more; stop, and verify at the next start")
        }
        let (current, last) = segments.withLock { $0 }
        var next = current.base
        do {
            try environment.write { transaction in
                for segment in folded {
                    next = try segment.fold(into: layout, transaction)
                    try segment.check(foldedInto: layout, transaction)
                }
                try beforeCommit()
                // Just before LMDB commits: who then sees the fold finds the segment behind it.
                segments.withLock { $0 = (JournalSegment(behind: next), current) }
            }
        } catch {
            segments.withLock { $0 = (current, last) }
            throw failed(error, &file)
        }
        file.beginAnew(next.id)
    }

    /// A fold failed: is the environment still of use?
    private func failed(_ error: any Error, _ file: inout JournalFile) -> any Error {
        guard let error = error as? LMDBError else { return error }
        let failure = error.operation == "mdb_txn_commit" ? StoreError(commit: error) : StoreError(error)
        if failure.code == .syncFailed { return file.fail(failure.detail) }
        guard error.operation == "mdb_txn_commit" else { return failure }
        do {
            // When the page that names the newest state could not be written, LMDB refuses every further write.
            try environment.write { _ in }
            return failure
        } catch {
            return file.fail("a commit failed half way (\(failure.detail)); stop, and verify at the next start")
        }
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
