internal import LMDB
internal import LogStore
internal import Tlog

/// The file of the index of leaf hashes: a header, and hash tables one behind the other, *segments*.
///
/// A segment is for a range of indices that is fixed by its number: the first 4,096 entries, then ranges that each end
/// where the log is four times as long. It has two slots for each of its entries, so it is never more than half full, and
/// none is ever moved: when the log outgrows the last one, the next is set aside behind it, whole.
struct LeafIndexFile {
    static let name = "leaf-index"
    /// Entries of the first segment.
    static let firstCount: UInt64 = 4096
    /// Where the first segment begins, in bytes.
    private static let headerSpace = 4096
    private static let slotsAnEntry = 2

    private let file: StorageFile

    /// Opens the file, or makes an empty one.
    init(in place: StorageDirectory) throws {
        file = try StorageFile(creatingAt: place.file(Self.name))
    }

    /// Has what is read from here on come from the disk.
    func askTheDisk() throws {
        try file.sync()
        try file.dropCache()
    }

    /// The header; nil if there is none that can be read, or the file is shorter than it must be.
    func header() throws -> LeafIndexHeader? {
        guard let header = try LeafIndexHeader(file.read(LeafIndexHeader.byteCount, at: 0)),
            try file.byteCount() >= Self.byteCount(forLogOf: header.tree.size)
        else { return nil }
        return header
    }

    func isEmpty() throws -> Bool { try file.byteCount() == 0 }

    /// Empties the file and begins it anew.
    func begin(_ header: LeafIndexHeader) throws {
        try file.resize(to: 0)
        try file.write(header.bytes, at: 0)
    }

    /// Brings the slots to the disk as they are.
    func sync() throws { try file.syncData() }

    /// Says what is in the slots, once that has reached the disk.
    func settle(_ header: LeafIndexHeader) throws {
        try file.syncData()
        try file.write(header.bytes, at: 0)
        try file.syncData()
    }

    /// Sets space aside for a segment, as far as it is not there yet, and maps it.
    func segment(_ number: Int) throws -> SlotTable {
        let range = Self.range(of: number)
        let slotCount = range.count * Self.slotsAnEntry
        let offset = Self.byteCount(forLogOf: range.lowerBound)
        try file.allocate(slotCount * SlotTable.slotByteCount, at: offset)
        return try SlotTable(in: file, at: offset, slotCount: slotCount)
    }

    // MARK: Where what lies

    /// The entries that a segment is for.
    static func range(of segment: Int) -> Range<UInt64> {
        let end = firstCount << UInt64(2 * segment)
        return (segment == 0 ? 0 : end / 4)..<end
    }

    /// The segment that an entry is in.
    static func segment(of index: UInt64) -> Int {
        index < firstCount ? 0 : ((index / firstCount).significantBitCount + 1) / 2
    }

    /// Segments of a log of `size` entries.
    static func segmentCount(forLogOf size: UInt64) -> Int { size == 0 ? 0 : segment(of: size - 1) + 1 }

    /// Bytes of the file then.
    static func byteCount(forLogOf size: UInt64) -> Int {
        let entries = size == 0 ? 0 : range(of: segment(of: size - 1)).upperBound
        return headerSpace + Int(entries) * slotsAnEntry * SlotTable.slotByteCount
    }
}

extension UInt64 {
    fileprivate var significantBitCount: Int { UInt64.bitWidth - leadingZeroBitCount }
}
