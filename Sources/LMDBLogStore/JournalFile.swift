internal import Glibc
internal import LMDB
internal import LogStore
internal import Tlog

/// The journal's file: the rows of the commits behind the last fold, one behind the other from its beginning. What follows them
/// are zeros, rows from before that fold, which have another ID, or what is left of one that did not come to be.
///
/// A row is written behind the last one, and one `fdatasync` brings it to the disk. It is not longer than before then, as zeros
/// were written ahead: a file that grows must have its length brought to the disk as well, and new blocks.
struct JournalFile {
    static let name = "journal"
    /// A row begins at a multiple of this: what the disk writes at once has bytes of one row only.
    static let block = 4096
    /// Zeros are written for so many bytes at once.
    private static let growth = 1 << 18

    private let file: StorageFile
    private let noSync: Bool
    /// A file that has become longer is cut to this when it begins anew.
    private let keptByteCount: Int
    /// What rows begin with, until the file begins anew.
    private var id: JournalID
    /// Where the next row goes.
    private var end = 0
    /// The length of the file.
    private var length: Int
    /// The newest row, as it was written.
    private var buffer: [UInt8] = []
    /// What the disk has is not known any more: nothing is written from then on.
    private(set) var failure: StoreError?

    /// Opens the file, which exists.
    init(in place: StorageDirectory, keptByteCount: Int, noSync: Bool) throws {
        file = try StorageFile(existingAt: place.file(Self.name))
        length = try file.byteCount()
        (self.keptByteCount, self.noSync, id) = (keptByteCount, noSync, .random())
    }

    /// Makes an empty file, if there is none. Its name is on the disk when the directory is synced.
    static func make(in place: StorageDirectory) throws {
        try StorageFile(creatingAt: place.file(name)).sync()
    }

    /// Has what is read from here on come from the disk.
    func askTheDisk() throws {
        try file.sync()
        try file.dropCache()
    }

    /// Whether the file still has its name.
    func hasName() throws -> Bool { try file.hasName() }

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
        let found: [UInt8]
        do {
            try makeRoom(for: buffer.count)
            try file.write(buffer, at: end)
            if !noSync { try file.syncData() }
            found = try file.read(buffer.count, at: end)
        } catch {
            if error.code == ENOSPC || error.code == EDQUOT, error.call != "fdatasync" { throw StoreError(error) }
            throw fail(
                "a commit failed and may or may not be on the disk; stop, and verify at the next start (\(error))")
        }
        guard found.span.hasSameBytes(as: buffer.span) else {
            throw fail("\(file.path) does not have what was written to it; stop, and verify at the next start")
        }
        var ends = [found.count - entries.reduce(0) { $0 + $1.count }]
        ends.reserveCapacity(entries.count + 1)
        for entry in entries { ends.append(ends[ends.count - 1] + entry.count) }
        let journaled = JournaledRow(first: row.before.size, bytes: found, ends: ends, place: end)
        end = Self.blockEnd(end + found.count)
        return journaled
    }

    private static func blockEnd(_ place: Int) -> Int { (place + block - 1) / block * block }

    private mutating func makeRoom(for byteCount: Int) throws(SystemCallError) {
        guard end + byteCount > length else { return }
        let needed = (end + byteCount + Self.growth - 1) / Self.growth * Self.growth
        try file.write([UInt8](repeating: 0, count: needed - length), at: length)
        length = needed
    }

    /// Whether the file has the row as it is in memory.
    func has(_ row: JournaledRow.InFile) throws(SystemCallError) -> Bool {
        try row.hasSameBytes(as: file.read(row.bytes.count, at: row.place))
    }

    /// The next row goes to the beginning: what is in the file is in LMDB as well.
    ///
    /// - Parameter id: what LMDB says that rows begin with from now on.
    mutating func beginAnew(_ id: JournalID) {
        (self.id, end) = (id, 0)
        guard length > keptByteCount + Self.growth else { return }
        // What is too long now is so the next time as well.
        if (try? file.resize(to: keptByteCount)) != nil { length = keptByteCount }
    }

    /// Empties the file: all of it is in LMDB.
    mutating func clear() throws(SystemCallError) {
        try file.resize(to: 0)
        (end, length) = (0, 0)
    }

    // MARK: Opening

    /// Calls `body` with the rows that continue `base`, one after the other; the next row then goes behind them.
    ///
    /// The first row that is not whole is where they end: a commit that did not return. If a newer one is anywhere behind it, it
    /// is damage.
    mutating func replay(behind base: JournalBase, _ body: (JournalRow, JournaledRow) throws -> Void) throws {
        var newest = base.head
        (id, end) = (base.id, 0)
        while let (row, entries) = try row(at: end), row.head.number == newest.number + 1,
            row.before == newest.head.treeHead
        {
            try body(row, entries)
            newest = row.head
            end = Self.blockEnd(end + entries.byteCount)
        }
        for place in stride(from: end, to: length, by: Self.block) {
            guard let (row, _) = try row(at: place), row.head.number > newest.number, !Mutant.rowDamage.isOff else {
                continue
            }
            throw StoreError.damaged(
                "the file \(Self.name) has commit \(row.head.number), and the one that comes after \(newest.number) is not "
                    + "readable there")
        }
    }

    /// The row that begins here; nil if none does, it is damaged, or from before the last fold.
    private func row(at place: Int) throws -> (JournalRow, JournaledRow)? {
        let beginning = try file.read(JournalRow.headByteCount, at: place)
        guard beginning.count == JournalRow.headByteCount,
            JournalID(in: beginning.span, at: 0) == id || Mutant.rowID.isOff,
            let (byteCount, _) = JournalRow.lengths(beginning.span), byteCount <= length - place
        else { return nil }
        let bytes = try file.read(byteCount, at: place)
        guard let (row, ends) = JournalRow.read(bytes) else { return nil }
        return (row, JournaledRow(first: row.before.size, bytes: bytes, ends: ends, place: place))
    }
}
