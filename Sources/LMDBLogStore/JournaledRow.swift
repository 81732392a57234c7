internal import LMDB
internal import Tlog

/// The entries of one commit: in the bytes of its row as they were read back from the file, or, where it has none, as they came.
final class JournaledRow: Sendable {
    /// Where a row is: in a file of the journal, from an offset on.
    struct Place: Sendable {
        let file: StorageFile
        let offset: Int
    }

    /// A row of the journal's files.
    struct InFile: Sendable {
        let bytes: [UInt8]
        let place: Place

        /// Whether the file has the row as it is in memory.
        func isThere() throws(SystemCallError) -> Bool {
            let found = try place.file.read(bytes.count, at: place.offset)
            let row = bytes
            return row.span.hasSameBytes(as: found.span)
        }
    }

    private enum Content {
        case row(InFile, JournalRow.EntryEnds)
        case entries([[UInt8]])
    }

    let first: UInt64
    private let content: Content

    init(first: UInt64, bytes: [UInt8], ends: JournalRow.EntryEnds, place: Place) {
        (self.first, content) = (first, .row(InFile(bytes: bytes, place: place), ends))
    }

    /// Of a commit that has no row in the file.
    init(first: UInt64, entries: [[UInt8]]) {
        (self.first, content) = (first, .entries(entries))
    }

    /// The row in a file, if it has one.
    var inFile: InFile? { if case .row(let row, _) = content { row } else { nil } }

    private var count: Int {
        switch content {
        case .row(_, let ends): ends.count - 1
        case .entries(let entries): entries.count
        }
    }

    /// The indices of its entries.
    var range: Range<UInt64> { first..<first + UInt64(count) }

    /// Bytes of its row in a file.
    var byteCount: Int { inFile?.bytes.count ?? 0 }

    func withEntry<R>(_ index: UInt64, _ body: (Span<UInt8>) throws -> R) rethrows -> R {
        let position = Int(index - first)
        switch content {
        case .row(let row, let ends):
            let bytes = row.bytes
            return try body(bytes.span.extracting(ends[position]..<ends[position + 1]))
        case .entries(let entries):
            let entry = entries[position]
            return try body(entry.span)
        }
    }
}
