internal import Tlog

/// The entries of one commit, in the bytes of its row as they were read back from the file.
final class JournaledRow: Sendable {
    let first: UInt64
    /// Where the row begins in the file.
    let place: Int
    private let bytes: [UInt8]
    private let ends: JournalRow.EntryEnds

    init(first: UInt64, bytes: [UInt8], ends: JournalRow.EntryEnds, place: Int) {
        (self.first, self.bytes, self.ends, self.place) = (first, bytes, ends, place)
    }

    /// The indices of its entries.
    var range: Range<UInt64> { first..<first + UInt64(ends.count - 1) }

    var byteCount: Int { bytes.count }

    func withEntry<R>(_ index: UInt64, _ body: (Span<UInt8>) throws -> R) rethrows -> R {
        let position = Int(index - first)
        let row = bytes
        return try body(row.span.extracting(ends[position]..<ends[position + 1]))
    }

    func hasSameBytes(as other: [UInt8]) -> Bool {
        let row = bytes
        return row.span.hasSameBytes(as: other.span)
    }
}
