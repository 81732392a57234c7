internal import LMDB
internal import Tlog

/// One of the two files of a journal: rows of commits, one behind the other from its beginning. What follows them are zeros, rows
/// of an earlier segment, which have another ID, or what is left of one that did not come to be.
///
/// A row is written behind the last one, and one `fdatasync` brings it to the disk. It is not longer than before then, as zeros
/// were written ahead: a file that grows must have its length brought to the disk as well, and new blocks.
struct JournalFile {
    /// A row begins at a multiple of this: what the disk writes at once has bytes of one row only.
    static let block = 4096
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

    /// Opens the file, which exists.
    init(_ path: String, keptByteCount: Int, noSync: Bool) throws {
        file = try StorageFile(existingAt: path)
        length = try file.byteCount()
        (self.keptByteCount, self.noSync) = (keptByteCount, noSync)
    }

    var path: String { file.path }

    /// Has what is read from here on come from the disk.
    func askTheDisk() throws {
        try file.sync()
        try file.dropCache()
    }

    /// Whether the file still has its name.
    func hasName() throws -> Bool { try file.hasName() }

    // MARK: Writing

    /// Writes a row behind the last one and returns when it is on the disk.
    ///
    /// - Returns: the row as it is read back.
    mutating func append(_ row: [UInt8]) throws(SystemCallError) -> (found: [UInt8], place: JournaledRow.Place) {
        try makeRoom(for: row.count)
        try file.write(row, at: end)
        if !noSync { try file.syncData() }
        return (try file.read(row.count, at: end), JournaledRow.Place(file: file, offset: end))
    }

    /// The next row goes behind one of so many bytes, which is there.
    mutating func goOn(behind byteCount: Int) {
        end = (end + byteCount + Self.block - 1) / Self.block * Self.block
    }

    private mutating func makeRoom(for byteCount: Int) throws(SystemCallError) {
        guard end + byteCount > length else { return }
        let needed = (end + byteCount + Self.growth - 1) / Self.growth * Self.growth
        try file.write([UInt8](repeating: 0, count: needed - length), at: length)
        length = needed
    }

    /// The next row goes to the beginning: what is in the file is in LMDB as well.
    mutating func beginAnew() {
        end = 0
        guard length > keptByteCount + Self.growth else { return }
        // What is too long now is so the next time as well.
        if (try? file.resize(to: keptByteCount)) != nil { length = keptByteCount }
    }

    /// Empties the file: all of it is in LMDB.
    mutating func clear() throws(SystemCallError) {
        try file.resize(to: 0)
        (end, length) = (0, 0)
    }

    // MARK: Reading

    /// The row with this ID where the next one would go; nil if none is there, or it is damaged.
    func next(_ id: JournalID) throws -> (row: JournalRow, entries: JournaledRow)? {
        guard let beginning = try beginning(at: end, [id]),
            let (byteCount, _) = JournalRow.lengths(beginning.span), byteCount <= length - end
        else { return nil }
        let bytes = try file.read(byteCount, at: end)
        guard let (row, ends) = JournalRow.read(bytes) else { return nil }
        let place = JournaledRow.Place(file: file, offset: end)
        return (row, JournaledRow(first: row.before.size, bytes: bytes, ends: ends, place: place))
    }

    /// The number of a commit behind `number` that has a row with one of these IDs anywhere in the file; nil if none has.
    func commit(behind number: UInt64, _ ids: [JournalID]) throws -> UInt64? {
        for place in stride(from: 0, to: length, by: Self.block) {
            guard let beginning = try beginning(at: place, ids), let found = JournalRow.number(beginning.span),
                found > number, let (byteCount, _) = JournalRow.lengths(beginning.span), byteCount <= length - place,
                JournalRow.read(try file.read(byteCount, at: place)) != nil
            else { continue }
            return found
        }
        return nil
    }

    private func beginning(at place: Int, _ ids: [JournalID]) throws -> [UInt8]? {
        let bytes = try file.read(JournalRow.headByteCount, at: place)
        guard bytes.count == JournalRow.headByteCount,
            ids.contains(JournalID(in: bytes.span, at: 0)) || Mutant.rowID.isOff
        else { return nil }
        return bytes
    }
}
