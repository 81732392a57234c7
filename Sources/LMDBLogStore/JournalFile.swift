internal import Glibc
internal import LMDB
internal import LogStore
internal import Tlog

/// The journal's file: the rows of the commits behind the last fold, one behind the other from its beginning. What follows them
/// are zeros, or rows from before that fold.
///
/// A row is written behind the last one, and one `fdatasync` brings it to the disk. It is not longer than before then, as zeros
/// were written ahead: a file that grows must have its length brought to the disk as well, and new blocks.
struct JournalFile {
    static let name = "journal"
    /// A row begins at a multiple of this: what the disk writes at once has bytes of one row only.
    static let sector = 512
    /// Zeros are written for so many bytes at once.
    private static let growth = 1 << 18

    private let file: StorageFile
    private let noSync: Bool
    /// A file that has become longer is cut to this when it begins anew.
    private let keptByteCount: Int
    /// Where the next row goes.
    private var end = 0
    /// The length of the file.
    private var length: Int
    /// The newest row, as it was written.
    private var buffer: [UInt8] = []

    /// Opens the file, or makes an empty one.
    init(in place: StorageDirectory, keptByteCount: Int, noSync: Bool) throws {
        file = try StorageFile(creatingAt: place.file(Self.name))
        length = try file.byteCount()
        (self.keptByteCount, self.noSync) = (keptByteCount, noSync)
    }

    /// Has what is read from here on come from the disk.
    func askTheDisk() throws {
        try file.sync()
        try file.dropCache()
    }

    /// Whether the file still has its name.
    func hasName() throws -> Bool { try file.hasName() }
    var path: String { file.path }

    /// Writes a row behind the last one and returns when it is on the disk.
    ///
    /// - Returns: the row as it is in the file.
    /// - Throws: `full` if there was no room: the file then has no row more. `syncFailed` where that is not known.
    mutating func append(_ row: JournalRow, _ entries: [[UInt8]]) throws(StoreError) -> JournaledRow {
        row.write(entries, over: &buffer)
        let found: [UInt8]
        do {
            try makeRoom(for: buffer.count)
            try file.write(buffer, at: end)
            if !noSync { try file.syncData() }
            found = try file.read(buffer.count, at: end)
        } catch {
            if error.code == ENOSPC || error.code == EDQUOT, error.call != "fdatasync" { throw StoreError(error) }
            throw StoreError(
                .syncFailed,
                "a commit failed and may or may not be on the disk; stop, and verify at the next start (\(error))")
        }
        guard found.span.hasSameBytes(as: buffer.span) else {
            throw StoreError(.syncFailed, "\(file.path) does not have what was written to it; stop, and verify it")
        }
        var ends = [found.count - entries.reduce(0) { $0 + $1.count }]
        ends.reserveCapacity(entries.count + 1)
        for entry in entries { ends.append(ends[ends.count - 1] + entry.count) }
        end = Self.sectorEnd(end + found.count)
        return JournaledRow(first: row.before.size, bytes: found, ends: ends)
    }

    private static func sectorEnd(_ place: Int) -> Int { (place + sector - 1) / sector * sector }

    private mutating func makeRoom(for byteCount: Int) throws(SystemCallError) {
        guard end + byteCount > length else { return }
        let needed = (end + byteCount + Self.growth - 1) / Self.growth * Self.growth
        try file.write([UInt8](repeating: 0, count: needed - length), at: length)
        length = needed
    }

    /// The next row goes to the beginning: what is in the file is in LMDB as well.
    mutating func beginAnew() throws(SystemCallError) {
        end = 0
        guard length > keptByteCount + Self.growth else { return }
        try file.resize(to: keptByteCount)
        length = keptByteCount
    }

    /// Empties the file.
    mutating func clear() throws(SystemCallError) {
        try file.resize(to: 0)
        (end, length) = (0, 0)
    }

    // MARK: Opening

    /// Calls `body` with the rows that continue `head`, one after the other; the next row then goes behind them.
    ///
    /// The first row that is not whole is where they end: a commit that did not return. If a newer one is anywhere behind it, it
    /// is damage.
    mutating func replay(behind head: JournalHead, _ body: (JournalRow, JournaledRow) throws -> Void) throws {
        var newest = head
        end = 0
        while let (row, entries) = try row(at: end, above: newest.number), row.head.number == newest.number + 1,
            row.before == newest.head.treeHead
        {
            try body(row, entries)
            newest = row.head
            end = Self.sectorEnd(end + entries.byteCount)
        }
        for place in stride(from: end, to: length, by: Self.sector) {
            guard let (row, _) = try row(at: place, above: newest.number) else { continue }
            throw StoreError.damaged(
                "the file \(Self.name) has commit \(row.head.number), and the one that comes after \(newest.number) is not readable "
                    + "there; if data.mdb is a copy from another moment, remove \(Self.name)")
        }
    }

    /// The row that begins here; nil if none does, it is damaged, or it is not of a commit above `number`.
    private func row(at place: Int, above number: UInt64) throws -> (JournalRow, JournaledRow)? {
        let beginning = try file.read(JournalRow.headByteCount, at: place)
        guard let (byteCount, _) = JournalRow.lengths(beginning.span), byteCount <= length - place,
            let found = JournalRow.number(beginning.span), found > number
        else { return nil }
        let bytes = try file.read(byteCount, at: place)
        guard let (row, ends) = JournalRow.read(bytes) else { return nil }
        return (row, JournaledRow(first: row.before.size, bytes: bytes, ends: ends))
    }
}
