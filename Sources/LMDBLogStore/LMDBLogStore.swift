internal import LMDB
public import LogStore
internal import Synchronization
public import Tlog

/// A log in one LMDB environment and a journal of the newest commits, in a directory of its own.
///
/// `spec/storage.md` describes the layout and what durability rests on.
public final class LMDBLogStore: LogStore {
    /// How a store is opened.
    public struct Options: Sendable, Hashable {
        /// Bytes of address space, and so what the store can grow to. The file is sparse. Default: 1 TiB.
        public var mapSize = 1 << 40
        /// Most reads at one time. Default: 512.
        public var maxReaders: UInt32 = 512
        /// Bytes that a commit must leave free on the disk; one that might not is refused as `full` before anything is
        /// written. Default: 16 MiB.
        public var spaceReserve: UInt64 = 16 << 20
        /// Make the directory and the store where there are none. Default: yes. Without, a missing store is an error.
        public var createsMissing = true
        /// Of how many sealed sizes, the newest, the governance state and its map can be read; at least 1, since the
        /// state at the head always can. What was given up with a smaller number does not come back with a larger one.
        /// Default: 10,000.
        public var retainedSeals = 10_000
        /// Entries whose leaf hashes are kept in memory (16 bytes each) before they are put into the file of the index,
        /// all at once. Default: 524,288.
        public var recentLeaves = 1 << 19
        /// How many commits a segment of the journal may have: the next one begins another, and they are brought into LMDB, all
        /// at once, while that fills. Default: 64.
        public var journalCommits = 64
        /// Bytes that a segment may have; an opening reads up to two. Default: 8 MiB.
        public var journalByteCount = 8 << 20
        /// A batch whose entries have so many bytes or more goes into LMDB at once, with all that waits in the journal, instead
        /// of being written twice. Default: 512 KiB.
        public var journalBatchByteCount = 512 << 10
        /// **Do not sync at commit**: `commit` then returns before the batch is durable, and a log that runs so can
        /// lose what it acknowledged. It is here so that a test can show that the sync matters.
        public var noSync = false

        public init() {}
    }

    /// The directory, as it was given.
    public let directory: String

    private struct Use {
        let opened: Opening.Opened
        var commits = 0
        /// Commits that have begun and not ended.
        var commitsUnderWay = 0
    }

    private let options: Options
    private let use: Mutex<Use?>

    /// Opens the store in `directory`, or makes one there.
    ///
    /// - Throws: `locked` if a process has it open; `notAStore` if there is none, or something else is there; `version`
    ///   for an unknown format; `corrupt` for a damaged one; `full`, `io`, `syncFailed` as the system says.
    public init(directory: String, options: Options = Options()) throws(StoreError) {
        self.directory = directory
        let opened = try Opening(directory: directory, options: options).open()
        self.options = options
        use = Mutex(Use(opened: opened))
    }

    deinit {
        // What folds the journal, and what settles the index, still has the store open.
        use.withLock {
            $0?.opened.journal.waitForFold()
            $0?.opened.leaves.waitForSettling()
        }
    }

    /// Why the index of leaf hashes was made anew when the store was opened; nil if it was not.
    public var remadeIndex: String? { try? current().leaves.remade }

    /// The index of leaf hashes, to look into.
    func leafIndex() throws(StoreError) -> LeafIndex { try current().leaves }

    /// LMDB's part of the store, to look into.
    func parts() throws(StoreError) -> (environment: Environment, layout: Layout) {
        let opened = try current()
        return (opened.environment, opened.layout)
    }

    public func read<R>(_ body: (any LogSnapshot) throws -> R) throws -> R {
        let opened = try current()
        var failure: (any Error)?
        do {
            return try opened.journal.read { view in
                do {
                    return try body(LMDBSnapshot(view, opened.leaves))
                } catch {
                    failure = error
                    throw error
                }
            }
        } catch let error as LMDBError where failure == nil {
            throw StoreError(error)
        }
    }

    public func mayHave(anyOf leafHashes: [Hash]) throws(StoreError) -> Bool {
        try current().leaves.mayHave(anyOf: leafHashes)
    }

    public func commit(_ batch: StoreBatch, expecting: TreeHead) throws(StoreError) {
        let opened = try current(toCommit: true)
        defer {
            let isOpen = self.use.withLock { use in
                use?.commitsUnderWay -= 1
                return use != nil
            }
            // Closed meanwhile: nobody else waits for a fold that this commit has begun.
            if !isOpen { opened.journal.waitForFold() }
        }
        try asStoreErrors {
            try checkIsThere(opened)
            try opened.journal.commit(batch, expecting: expecting, opened.leaves)
        }
    }

    public var failure: StoreError? {
        (try? current()).flatMap { $0.journal.failureOfFold ?? $0.leaves.failure }
    }

    public func close() {
        let closing = use.withLock { use in
            defer { use = nil }
            return use
        }
        guard let closing else { return }
        // A commit on another thread may yet fail to sync. Then the journal stays as it is, and without the note the next opening
        // reads everything from the disk: nothing is lost by that but time.
        let isAlone = closing.commitsUnderWay == 0
        let leaves = closing.opened.leaves
        if isAlone, (try? closing.opened.journal.close()) != nil, (try? leaves.settle()) != nil, !options.noSync {
            try? ClosingNote(place: StorageDirectory(directory)).write(closing.opened.data)
        }
        closing.opened.journal.waitForFold()
        leaves.waitForSettling()
    }

    /// Writes a copy of the store as it is now into a new directory, synced; commits go on meanwhile.
    ///
    /// The copy is a store by itself. A log must not go on from a copy that lacks what was signed since: the anchor
    /// outside the directory refuses it.
    public func backUp(to directory: String) throws(StoreError) {
        let opened = try current()
        try asStoreErrors {
            try opened.journal.fold()
            let target = StorageDirectory(directory)
            guard try target.create() else {
                throw StoreError(.io, "\(directory) exists; a copy needs a directory of its own")
            }
            try opened.environment.copy(to: directory)
            let file = try StorageFile(existingAt: target.file("data.mdb"))
            try file.restrict(to: 0o600)
            try file.sync()
            try JournalFiles.make(in: target)
            try target.sync()
        }
    }

    /// Returns when nothing is being folded.
    func waitForFold() throws(StoreError) { try current().journal.waitForFold() }

    // MARK: State

    private func current(toCommit: Bool = false) throws(StoreError) -> Opening.Opened {
        try use.withLock { (use: inout Use?) throws(StoreError) in
            guard let opened = use?.opened else { throw StoreError(.closed, "the store in \(directory) was closed") }
            guard toCommit else { return opened }
            use?.commits += 1
            use?.commitsUnderWay += 1
            // A reader whose process died keeps old pages from being used again.
            if let commits = use?.commits, commits % 4096 == 0 { _ = try? opened.environment.checkReaders() }
            return opened
        }
    }

    /// LMDB goes on in a data file that somebody removed, syncs and all, and what it wrote is gone when the process ends.
    /// The commit is refused and no more: while the process lives, what was in the file can be saved through it.
    private func checkIsThere(_ opened: Opening.Opened) throws {
        guard try opened.data.hasName() && opened.journal.filesHaveNames() || Mutant.filesAreThere.isOff else {
            throw StoreError(
                .io,
                "data.mdb or a file of the journal in \(directory) was removed or replaced while it was open, so nothing that is "
                    + "written now would be kept; what was in it can be read from this process alone: export it before you stop it"
            )
        }
    }
}
