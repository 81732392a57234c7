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
        guard found == buffer else {
            throw StoreError(.syncFailed, "\(file.path) does not have what was written to it; stop, and verify it")
        }
        var ends = [found.count - entries.reduce(0) { $0 + $1.count }]
        ends.reserveCapacity(entries.count + 1)
        for entry in entries { ends.append(ends[ends.count - 1] + entry.count) }
        end += found.count
        return JournaledRow(first: row.before.size, bytes: found, ends: ends)
    }

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

    // MARK: Opening

    /// Calls `body` with the rows that continue `head`, one after the other; the next row then goes behind them.
    ///
    /// The first row that is not whole is where the file ends: a commit that did not return. If there is a newer one behind it,
    /// it is damage.
    mutating func replay(behind head: JournalHead, _ body: (JournalRow, JournaledRow) throws -> Void) throws {
        var newest = head
        end = 0
        while let found = try rowBegins(at: end), found.number > newest.number {
            let bytes = try file.read(found.byteCount, at: end)
            guard let (row, ends) = JournalRow.read(bytes) else {
                guard let next = try rowBegins(at: end + found.byteCount), next.number > newest.number else { return }
                throw StoreError.damaged("row \(newest.number + 1) of its journal is not readable")
            }
            guard row.head.number == newest.number + 1, row.before == newest.head.treeHead else {
                throw StoreError.damaged(
                    "its journal has commit \(row.head.number) where commit \(newest.number + 1) belongs: data.mdb and "
                        + "\(Self.name) are not of one moment")
            }
            try body(row, JournaledRow(first: row.before.size, bytes: bytes, ends: ends))
            newest = row.head
            end += found.byteCount
        }
    }

    /// How many bytes the row has that begins here, and which number; nil if none does.
    private func rowBegins(at place: Int) throws -> (byteCount: Int, number: UInt64)? {
        let head = try file.read(JournalRow.headByteCount, at: place)
        guard let (byteCount, _) = JournalRow.lengths(head.span), byteCount <= length - place,
            let number = JournalRow.number(head.span)
        else { return nil }
        return (byteCount, number)
    }
}
