internal import Dispatch
internal import LMDB
internal import LogStore
internal import Synchronization
internal import Tlog

/// The newest commits: each a row of a file, and the same in memory, where readers ask first.
///
/// LMDB writes a page for each place that a commit changes, scattered over its file, and waits for the disk twice. A row is
/// written in one piece, and waited for once. Now and then a *segment* of rows ends and the next one begins, in another file. The
/// one that ended is *folded*, beside the commits that come: one transaction of LMDB brings what its rows all add and change into
/// the tables, in the order of the keys. A long batch has no row, as it would be written twice: it goes into the tables at once,
/// in the transaction of such a fold.
///
/// What is in memory is found by index, size or the commit's number, so a snapshot sees the commits that were there when it
/// began, whatever is committed or folded meanwhile.
final class Journal: Sendable {
    /// Bytes that folding a segment may be estimated to write until it ends, whatever the options say.
    private static let foldByteCount = 64 << 20

    private struct Segments {
        /// Those that the tables have not, the oldest first: the last is the one that commits are added to, and one before it is
        /// being folded, or is to be.
        var waiting: [JournalSegment]
        /// The one behind all that waits and a batch that has no row, while LMDB commits these: whoever sees the fold finds it.
        var behindAll: JournalSegment?
        var isFolding = false
        /// The last fold beside commits was given up: the next commit does it, or says why not.
        var wasGivenUp = false
        /// Why, where that is not to be tried again without a word: something is damaged, or what the disk has is not known any
        /// more. For the next commit.
        var failure: StoreError?

        init(_ segment: JournalSegment) { waiting = [segment] }

        var current: JournalSegment { waiting[waiting.count - 1] }
    }

    private let environment: Environment
    private let layout: Layout
    private let options: LMDBLogStore.Options
    private let space: SpaceCheck
    /// Held by the commit, or the fold that a commit waits for.
    private let files: Mutex<JournalFiles>
    private let segments: Mutex<Segments>
    /// Where segments are folded beside commits. What runs there does not ask for the files.
    private let folding = DispatchQueue(label: "holdfast-journal")

    /// Reads the rows of the files.
    init(
        _ files: consuming sending JournalFiles, environment: Environment, layout: Layout, _ space: SpaceCheck,
        options: LMDBLogStore.Options
    ) throws {
        (self.environment, self.layout, self.space, self.options) = (environment, layout, space, options)
        let base = try environment.read { transaction in
            try JournalBase.check(transaction, layout)
            return try JournalBase.read(transaction, layout)
        }
        var segments = [JournalSegment(behind: base)]
        try environment.read { transaction in
            try files.replay(behind: base) { row, entries, id in
                if segments[segments.count - 1].base.id != id {
                    segments.append(JournalSegment(behind: JournalBase(head: segments[0].newest, id: id)))
                }
                let view = StoreView(transaction, layout, JournalSegments(segments))
                try segments[segments.count - 1].add(row, entries, tiles: row.tiles.map { try view.grown($0) })
            }
        }
        var state = Segments(segments[0])
        state.waiting = segments
        self.files = Mutex(files)
        self.segments = Mutex(state)
    }

    /// Runs `body` on the newest committed state.
    func read<R>(_ body: (StoreView) throws -> R) throws -> R {
        while true {
            let result: R? = try environment.read { transaction in
                guard let journaled = journaled(behind: try JournalBase.read(transaction, layout)) else { return nil }
                return try body(StoreView(transaction, layout, journaled))
            }
            if let result { return result }
            // A fold went by since the transaction began: a new one sees a newer state.
        }
    }

    private func journaled(behind base: JournalBase) -> JournalSegments? {
        segments.withLock { segments in
            if let next = segments.behindAll, next.base == base { return JournalSegments([next]) }
            guard let first = segments.waiting.firstIndex(where: { $0.base == base }) else { return nil }
            return JournalSegments(first == 0 ? segments.waiting : Array(segments.waiting[first...]))
        }
    }

    /// Whether the files still have their names.
    func filesHaveNames() throws -> Bool { try files.withLock { try $0.haveNames() } }

    /// Adds a batch. When this returns, it is on the disk, and every snapshot from then on has it.
    func commit(_ batch: StoreBatch, expecting: TreeHead, _ leaves: LeafIndex) throws {
        try files.withLock { files in
            try checkIsSound(&files)
            let byteCount = batch.entries.reduce(0) { $0 + $1.count }
            let isLong = byteCount >= options.journalBatchByteCount && !Mutant.longBatch.isOff
            try makeRoom(for: batch, leaves, isLong: isLong, &files)
            let (row, hashes) = try read { view in
                try BatchCheck(view: view, leaves: leaves, options: options).check(batch, expecting: expecting)
            }
            if isLong { return try commit(row, batch, under: hashes, leaves, &files) }
            let entries = try files.append(row, batch.entries)
            // First: who sees the entries must find them. Until then nobody is told of them, as no tile has them.
            do {
                try leaves.add(under: hashes, from: row.before.size)
            } catch {
                throw files.fail("a commit is on the disk and not in memory; stop, and start again (\(error))")
            }
            segments.withLock { $0.current }.add(row, entries, tiles: batch.tiles)
        }
    }

    /// Brings a batch into LMDB's tables at once, behind all that waits.
    private func commit(
        _ row: JournalRow, _ batch: StoreBatch, under hashes: [UInt64], _ leaves: LeafIndex, _ files: inout JournalFiles
    ) throws {
        let current = segments.withLock { $0.current }
        let long = JournalSegment(behind: JournalBase(head: current.newest, id: current.base.id))
        long.add(row, JournaledRow(first: row.before.size, entries: batch.entries), tiles: batch.tiles)
        try foldAll(and: long, checksRoom: false, &files) {
            // What the index has of a transaction that fails in the end no tile confirms.
            if !Mutant.longBatchIndexed.isOff { try leaves.add(under: hashes, from: row.before.size) }
        }
    }

    private func checkIsSound(_ files: inout JournalFiles) throws {
        if let failure = files.failure { throw failure }
        let failure = segments.withLock { segments in
            defer { segments.failure = nil }
            return segments.failure
        }
        guard let failure else { return }
        throw failure.code == .syncFailed ? files.fail(failure.detail) : failure
    }

    /// Ends the segment, or folds, where the journal is long, or else there is no room.
    ///
    /// - Parameter isLong: whether the batch itself goes into the tables, with all that waits.
    private func makeRoom(
        for batch: StoreBatch, _ leaves: LeafIndex, isLong: Bool, _ files: inout JournalFiles
    ) throws {
        func check(_ waiting: Int) throws {
            let folded = waiting + batch.mostBytesWritten
            try space.checkDisk(for: folded + leaves.byteCountToAdd(forLogOf: batch.head.size))
            try space.checkMap(for: folded)
        }
        func hasRoom() -> Bool {
            let state = segments.withLock { $0 }
            return !state.wasGivenUp && (try? check(Self.mostBytesFolded(state.waiting[...]))) != nil
        }
        if isLong || !hasRoom() {
            try waitForFold(&files)
            // What was being folded counts no more.
            guard hasRoom() else {
                try foldAll(&files)
                return try check(0)
            }
        }
        if isLong || Mutant.foldIsDue.isOff { return }
        let current = segments.withLock { $0.current }
        let isFull =
            current.count >= options.journalCommits || current.byteCount >= options.journalByteCount
            || current.mostBytesFolded >= Self.foldByteCount
        // If not: an opening finds what was not folded at the end.
        if current.count > 0, isFull { try turn(&files) } else { startFold() }
    }

    private static func mostBytesFolded(_ segments: ArraySlice<JournalSegment>) -> Int {
        segments.reduce(0) { $0 + $1.mostBytesFolded }
    }

    // MARK: Folding beside commits

    /// Ends the segment: what it has is folded while commits go to the next one. Waits for the fold of the one before it.
    private func turn(_ files: inout JournalFiles) throws {
        if !Mutant.turnWaits.isOff {
            try waitForFold(&files)
            // It was given up, or this is the first commit after an opening.
            if segments.withLock({ $0.waiting.count }) > 1 { return try foldAll(&files) }
        }
        let current = segments.withLock { $0.current }
        let next = JournalSegment(behind: JournalBase(head: current.newest, id: current.base.nextID))
        files.turn(next.base.id)
        segments.withLock { $0.waiting.append(next) }
        startFold()
    }

    /// Has the segment that ended folded, if there is one and nothing is being folded.
    private func startFold() {
        let isToBegin = segments.withLock { segments in
            guard segments.waiting.count > 1, !segments.isFolding, !segments.wasGivenUp else { return false }
            segments.isFolding = true
            return true
        }
        if isToBegin { folding.async { self.foldEnded() } }
    }

    private func foldEnded() {
        let waiting = segments.withLock { $0.waiting }
        do {
            try Self.checkFiles(have: waiting.prefix(1))
            try environment.write { try fold(waiting.prefix(1), before: waiting[1], $0) }
            segments.withLock {
                $0.waiting.removeFirst()
                $0.isFolding = false
            }
        } catch {
            let failure = failure(of: error) as? StoreError
            segments.withLock {
                ($0.isFolding, $0.wasGivenUp) = (false, true)
                if failure?.code == .syncFailed || failure?.code == .corrupt { $0.failure = failure }
            }
        }
    }

    /// What the next commit is to be told of a fold beside commits.
    var failureOfFold: StoreError? { segments.withLock { $0.failure } }

    /// Returns when nothing is being folded beside commits.
    func waitForFold() { folding.sync {} }

    private func waitForFold(_ files: inout JournalFiles) throws {
        waitForFold()
        try checkIsSound(&files)
    }

    // MARK: Folding

    /// Brings all commits into LMDB's tables.
    func fold() throws {
        try files.withLock { files in
            try waitForFold(&files)
            try foldAll(checksRoom: !Mutant.copyRoom.isOff, &files)
        }
    }

    /// The same, and empties the files: the data file is then whole without them.
    func close() throws {
        try files.withLock { files in
            try waitForFold(&files)
            try foldAll(checksRoom: false, &files)
            try files.clear()
        }
    }

    /// Brings all that waits into the tables, in one transaction. Nothing is being folded.
    ///
    /// - Parameters:
    ///   - long: what is brought there behind it, and has no row.
    ///   - beforeCommit: called when everything is in the transaction, just before LMDB commits it.
    private func foldAll(
        and long: JournalSegment? = nil, checksRoom: Bool = true, _ files: inout JournalFiles,
        beforeCommit: () throws -> Void = {}
    ) throws {
        let waiting = segments.withLock { $0.waiting }
        if checksRoom { try space.checkDisk(for: Self.mostBytesFolded(waiting[...])) }
        let folded = (waiting + (long.map { [$0] } ?? [])).filter { $0.count > 0 }
        guard let last = folded.last else { return segments.withLock { $0.wasGivenUp = false } }
        let next = JournalSegment(behind: JournalBase(head: last.newest, id: .random()))
        do {
            try Self.checkFiles(have: folded[...])
            try environment.write { transaction in
                try fold(folded[...], before: next, transaction)
                try beforeCommit()
                segments.withLock { $0.behindAll = next }
            }
        } catch {
            segments.withLock { $0.behindAll = nil }
            let failure = failure(of: error)
            if let failure = failure as? StoreError, failure.code == .syncFailed { throw files.fail(failure.detail) }
            throw failure
        }
        segments.withLock { $0 = Segments(next) }
        files.beginAnew(next.base.id)
    }

    /// Writes the segments into the tables, each continuing the one before it, and that `next` comes behind them.
    private func fold(
        _ folded: ArraySlice<JournalSegment>, before next: JournalSegment, _ transaction: WriteTransaction
    ) throws {
        for segment in folded {
            try segment.fold(into: layout, transaction)
            try segment.check(foldedInto: layout, transaction)
        }
        try next.base.write(transaction, layout)
    }

    private static func checkFiles(have segments: ArraySlice<JournalSegment>) throws {
        for row in segments.lazy.flatMap(\.rows).compactMap(\.inFile) {
            guard try row.isThere() || Mutant.rowsInFile.isOff else {
                throw StoreError(
                    .syncFailed,
                    "\(row.place.file.path) is not what is in memory any more; stop, and verify at the next start")
            }
        }
    }

    /// A fold failed: is the environment still of use? `syncFailed` if it is not, or what the disk has is not known.
    private func failure(of error: any Error) -> any Error {
        guard let error = error as? LMDBError else { return error }
        let failure = error.operation == "mdb_txn_commit" ? StoreError(commit: error) : StoreError(error)
        guard failure.code != .syncFailed, error.operation == "mdb_txn_commit" else { return failure }
        do {
            // When the page that names the newest state could not be written, LMDB refuses every further write.
            try environment.write { _ in }
            return failure
        } catch {
            return StoreError(
                .syncFailed, "a commit failed half way (\(failure.detail)); stop, and verify at the next start")
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
