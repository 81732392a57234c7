internal import LMDB
internal import LogStore

/// Opens the store in a directory: finds out what is there, takes the lock, has the disk asked instead of the page
/// cache, and checks format and length before anything is read.
struct Opening {
    private static let dataName = "data.mdb"
    private static let lockName = "LOCK"
    /// What a directory may have in it when a store is made there: nothing, what an interrupted making leaves, and
    /// what a file system has at its top.
    private static let harmlessNames: Set<String> = [
        lockName, "lock.mdb", ClosingNote.name, LeafIndexFile.name, "lost+found",
    ]

    let directory: String
    let options: LMDBLogStore.Options

    private var place: StorageDirectory { StorageDirectory(directory) }

    /// What is open. A class, because each read takes it.
    final class Opened: Sendable {
        let environment: Environment
        let layout: Layout
        let leaves: LeafIndex
        let journal: Journal
        let data: StorageFile

        init(environment: Environment, layout: Layout, leaves: LeafIndex, journal: Journal, data: StorageFile) {
            (self.environment, self.layout, self.leaves) = (environment, layout, leaves)
            (self.journal, self.data) = (journal, data)
        }
    }

    func open() throws(StoreError) -> Opened {
        try asStoreErrors {
            try findStore()
            guard let lock = try LockFile.acquire(place.file(Self.lockName)) else {
                throw StoreError(
                    .locked,
                    "the store in \(directory) is open in another process; stop that one, or use another directory")
            }
            // Another process may have made the store meanwhile.
            let exists = try place.names()?.contains(Self.dataName) == true
            var wasClosed = false
            if exists { wasClosed = try askTheDisk() } else { try checkRoom() }
            let environment = try openEnvironment(lock)
            try environment.checkReaders()
            // Of the data file another descriptor does no harm: LMDB's locks are on lock.mdb.
            let data = try StorageFile(existingAt: place.file(Self.dataName))
            let layout = try openLayout(environment)
            try checkJournalIsThere()
            let files = try JournalFiles(
                in: place, keptByteCount: options.journalByteCount, noSync: options.noSync)
            if !wasClosed { try withDiskAsked { try files.askTheDisk() } }
            let space = SpaceCheck(data: data, environment: environment, reserve: options.spaceReserve)
            // First: what the head says, the index is made as long as.
            let journal = try Journal(files, environment: environment, layout: layout, space, options: options)
            let leaves = try LeafIndexOpening(place: place, journal: journal)
                .open(wasClosed: wasClosed, recentCount: options.recentLeaves)
            return Opened(environment: environment, layout: layout, leaves: leaves, journal: journal, data: data)
        }
    }

    /// Refuses a directory that is no store's and must not become one; makes it where there is none.
    private func findStore() throws {
        guard let names = try place.names() else {
            try demandMayCreate("there is no directory \(directory)")
            _ = try place.create()
            return
        }
        if names.contains(Self.dataName) { return }
        try demandMayCreate("there is no \(Self.dataName) in \(directory)")
        if let other = names.subtracting(Self.harmlessNames).min() {
            throw StoreError(
                .notAStore,
                "\(directory) has other things in it, such as \(other), and no store; name an empty or a new directory")
        }
    }

    private func demandMayCreate(_ reason: String) throws {
        guard options.createsMissing else { throw StoreError(.notAStore, "\(reason): make a log there first") }
    }

    /// What the last process wrote may be in the page cache and not on the disk, if a sync of it failed. So what is
    /// not written yet is written, the cache is dropped, and what is read from here on comes from the disk; unless that
    /// process has noted, at its end, that no sync failed.
    ///
    /// - Returns: whether it has.
    private func askTheDisk() throws -> Bool {
        let file = try StorageFile(existingAt: place.file(Self.dataName))
        guard try file.byteCount() > 0 else {
            throw StoreError(
                .corrupt,
                "\(file.path) is empty; if the making of this log was interrupted, remove the directory and make it "
                    + "again")
        }
        try withDiskAsked { try file.sync() }
        if try ClosingNote(place: place).take(file) { return true }
        try file.dropCache()
        return false
    }

    private func withDiskAsked(_ ask: () throws -> Void) throws {
        do {
            try ask()
        } catch {
            throw StoreError(.syncFailed, "what was written before cannot be brought to the disk (\(error))")
        }
    }

    /// LMDB maps the files that it makes: where there is no room for their pages, the first write to one ends the process
    /// (SIGBUS).
    private func checkRoom() throws {
        let available = try StorageFile(existingAt: place.file(Self.lockName)).availableByteCount()
        let (needed, overflow) = options.spaceReserve.multipliedReportingOverflow(by: 2)
        guard !overflow, available >= needed else {
            throw StoreError(
                .full,
                "\(available) bytes are left on the disk of \(directory), and a new store needs \(needed); make room there"
            )
        }
    }

    /// A store has a journal from its beginning on, be it an empty one.
    private func checkJournalIsThere() throws {
        let names = try place.names() ?? []
        for name in JournalFiles.names where !names.contains(name) && !Mutant.journalIsThere.isOff {
            throw StoreError(
                .corrupt,
                "\(place.file(name)) is missing, and with it the newest commits; if data.mdb is a copy that was made when the "
                    + "store was closed, make an empty file of that name")
        }
        // Whoever put it there need not have brought its name to the disk.
        try place.sync()
    }

    private func openEnvironment(_ lock: LockFile) throws -> Environment {
        var settings = Environment.Options()
        settings.mapSize = options.mapSize
        settings.maxReaders = options.maxReaders
        settings.maxDatabases = Layout.maxDatabases
        settings.noSync = options.noSync
        let environment = try Environment(directory: directory, options: settings, keeping: lock)
        guard environment.maxKeyByteCount >= RowName.maxRowByteCount else {
            throw StoreError(.version, "this LMDB takes keys of \(environment.maxKeyByteCount) bytes, which is too few")
        }
        return environment
    }

    private func openLayout(_ environment: Environment) throws -> Layout {
        if try environment.info().lastTransaction == 0 {
            try demandMayCreate("the making of the store in \(directory) was interrupted")
            return try makeLayout(environment)
        }
        try LengthCheck(file: place.file(Self.dataName), environment: environment).run()
        return try existingLayout(environment)
    }

    private func makeLayout(_ environment: Environment) throws -> Layout {
        // First: a store has one from its beginning on, so that one that is missing is noticed.
        try JournalFiles.make(in: place)
        try place.sync()
        let layout = try environment.write { transaction in
            let layout = try Layout { try transaction.createDatabase($0) }
            try transaction.put(Layout.format, for: Layout.formatKey, in: layout.meta)
            try JournalBase(head: JournalHead(), id: .random()).write(transaction, layout)
            return layout
        }
        try place.sync()
        return layout
    }

    private func existingLayout(_ environment: Environment) throws -> Layout {
        guard let meta = try environment.database("meta"),
            let format = try environment.read({ try $0.value(Layout.formatKey, in: meta) })
        else { throw StoreError(.notAStore, "\(directory) has an LMDB environment in it that is not a log") }
        guard format == Layout.format || Mutant.format.isOff else {
            throw StoreError(
                .version,
                "the store in \(directory) has the format \(String(decoding: format, as: UTF8.self)); this version "
                    + "knows \(String(decoding: Layout.format, as: UTF8.self)) and does not convert: serve the log with "
                    + "the version that wrote it")
        }
        return try Layout { name in
            guard let database = try environment.database(name) else {
                throw StoreError.damaged("the database \(name) is missing")
            }
            return database
        }
    }
}
