internal import Glibc
internal import LMDB
internal import LogStore
internal import Tlog

/// The two files of the journal: commits go to one, while what the other has is folded. In which of them a segment lies only the ID
/// of its rows says.
struct JournalFiles {
    static let names = ["journal-1", "journal-2"]

    private var files: [JournalFile]
    /// Which of them commits go to.
    private var current = 0
    /// What the rows of the segment that commits go to begin with.
    private(set) var id = JournalID.random()
    /// The newest row, as it was written.
    private var buffer: [UInt8] = []
    /// What the disk has is not known any more: nothing is written from then on.
    private(set) var failure: StoreError?

    /// Opens the files, which exist.
    init(in place: StorageDirectory, keptByteCount: Int, noSync: Bool) throws {
        files = try Self.names.map {
            try JournalFile(place.file($0), keptByteCount: keptByteCount, noSync: noSync)
        }
    }

    /// Makes empty files, where there are none. Their names are on the disk when the directory is synced.
    static func make(in place: StorageDirectory) throws {
        for name in names { try StorageFile(creatingAt: place.file(name)).sync() }
    }

    /// Has what is read from here on come from the disk.
    func askTheDisk() throws {
        for file in files { try file.askTheDisk() }
    }

    /// Whether both still have their names.
    func haveNames() throws -> Bool { try files.allSatisfy { try $0.hasName() } }

    /// Writes nothing from now on.
    ///
    /// - Returns: why: the first reason counts.
    mutating func fail(_ detail: String) -> StoreError {
        let failure = failure ?? StoreError(.syncFailed, detail)
        if !Mutant.failureKept.isOff { self.failure = failure }
        return failure
    }

    // MARK: Writing

    /// Writes a row behind the last one and returns when it is on the disk.
    ///
    /// - Returns: the row as it is in the file.
    /// - Throws: `full` if there was no room: the file then has no row more. `syncFailed` where that is not known.
    mutating func append(_ row: JournalRow, _ entries: [[UInt8]]) throws(StoreError) -> JournaledRow {
        row.write(entries, id, over: &buffer)
        let (found, place): ([UInt8], JournaledRow.Place)
        do {
            (found, place) = try files[current].append(buffer)
        } catch {
            if error.code == ENOSPC || error.code == EDQUOT, error.call != "fdatasync" { throw StoreError(error) }
            throw fail(
                "a commit failed and may or may not be on the disk; stop, and verify at the next start (\(error))")
        }
        guard found.span.hasSameBytes(as: buffer.span) else {
            throw fail(
                "\(files[current].path) does not have what was written to it; stop, and verify at the next start")
        }
        files[current].goOn(behind: found.count)
        var ends = [found.count - entries.reduce(0) { $0 + $1.count }]
        ends.reserveCapacity(entries.count + 1)
        for entry in entries { ends.append(ends[ends.count - 1] + entry.count) }
        return JournaledRow(first: row.before.size, bytes: found, ends: ends, place: place)
    }

    /// The next segment begins, in the other file, of which LMDB has all: what this one has is to be folded.
    ///
    /// - Parameter id: what LMDB says that its rows begin with.
    mutating func turn(_ id: JournalID) {
        (self.id, current) = (id, 1 - current)
        files[current].beginAnew()
    }

    /// The next segment begins, and LMDB has all of both files.
    ///
    /// - Parameter id: what LMDB says that rows begin with from now on.
    mutating func beginAnew(_ id: JournalID) {
        self.id = id
        files[current].beginAnew()
    }

    /// Empties the files: all of them is in LMDB.
    mutating func clear() throws(SystemCallError) {
        for index in files.indices { try files[index].clear() }
    }

    // MARK: Opening

    /// Reads the segments that continue `base`: the first one that LMDB names, and the next one where that was begun before the
    /// first was folded. The next row then goes behind the last one.
    ///
    /// The first row that is not whole is where they end: a commit that did not return. If a newer one is anywhere, it is
    /// damage.
    ///
    /// - Parameter body: called with each row, in order, and the ID of its segment.
    mutating func replay(
        behind base: JournalBase, _ body: (JournalRow, JournaledRow, _ id: JournalID) throws -> Void
    ) throws {
        var newest = base.head
        id = base.id
        let ids = [base.id, base.nextID]
        for next in ids {
            guard let file = try files.firstIndex(where: { try $0.next(next)?.row.continues(newest) == true }) else {
                break
            }
            (id, current) = (next, file)
            while let (row, entries) = try files[file].next(id), row.continues(newest) {
                try body(row, entries, id)
                newest = row.head
                files[file].goOn(behind: entries.byteCount)
            }
        }
        for file in files where !Mutant.rowDamage.isOff {
            guard let lost = try file.commit(behind: newest.number, ids) else { continue }
            throw StoreError.damaged(
                "\(file.path) has commit \(lost), and the one that comes after \(newest.number) is not readable")
        }
    }
}

extension JournalRow {
    fileprivate func continues(_ newest: JournalHead) -> Bool {
        head.number == newest.number + 1 && before == newest.head.treeHead
    }
}
