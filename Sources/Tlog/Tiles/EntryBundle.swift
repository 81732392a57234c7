/// Up to 256 consecutive log entries as one resource.
///
/// tlog-tiles: "Entry bundles are sequences of big-endian uint16 length-prefixed log entries."
public struct EntryBundle: Sendable, Hashable {
    /// Bytes an entry may have at most: what the length prefix can say.
    public static let maxEntryByteCount = 65_535
    /// Entries in a full bundle.
    public static let fullWidth = 256

    /// In the order of the log.
    public let entries: [[UInt8]]

    /// Throws unless `bytes` are `width` entries and nothing more.
    public init(parsing bytes: [UInt8], width: Int) throws(EntryBundleError) {
        guard (1...Self.fullWidth).contains(width) else { throw .width(width) }
        var entries: [[UInt8]] = []
        entries.reserveCapacity(width)
        var start = 0
        while start < bytes.count {
            guard entries.count < width else { throw .trailingBytes(after: width) }
            guard start + 1 < bytes.count else { throw .truncatedLength(entry: entries.count) }
            let length = Int(bytes[start]) << 8 | Int(bytes[start + 1])
            start += 2
            guard bytes.count - start >= length else {
                throw .truncatedEntry(entry: entries.count, expected: length, actual: bytes.count - start)
            }
            entries.append(Array(bytes[start..<start + length]))
            start += length
        }
        guard entries.count == width else { throw .tooFewEntries(expected: width, actual: entries.count) }
        self.entries = entries
    }

    /// The bundle of these entries: at most 256, each of at most 65,535 bytes. More is a mistake of the caller's
    /// and a trap; a log refuses longer entries when they are submitted.
    public static func encode(entries: [[UInt8]]) -> [UInt8] {
        precondition(entries.count <= fullWidth, "\(entries.count) entries in a bundle")
        var out: [UInt8] = []
        out.reserveCapacity(entries.reduce(0) { $0 + 2 + $1.count })
        for entry in entries { append(entry, to: &out) }
        return out
    }

    /// Appends one length-prefixed entry.
    public static func append(_ entry: [UInt8], to bundle: inout [UInt8]) {
        precondition(entry.count <= maxEntryByteCount, "an entry of \(entry.count) bytes")
        bundle.append(UInt8(entry.count >> 8))
        bundle.append(UInt8(entry.count & 0xff))
        bundle.append(contentsOf: entry)
    }
}

/// What was wrong with an entry bundle.
public enum EntryBundleError: NamedFailure, Hashable {
    /// Asked for a bundle of this many entries; 1 ... 256 are possible.
    case width(Int)
    /// The bytes end within the length of an entry.
    case truncatedLength(entry: Int)
    /// The bytes end within an entry.
    case truncatedEntry(entry: Int, expected: Int, actual: Int)
    /// Fewer entries than asked for.
    case tooFewEntries(expected: Int, actual: Int)
    /// Something follows the last entry.
    case trailingBytes(after: Int)

    public var reason: String {
        switch self {
        case .width: "bundle-width"
        case .truncatedLength: "truncated-length"
        case .truncatedEntry: "truncated-entry"
        case .tooFewEntries: "too-few-entries"
        case .trailingBytes: "trailing-bytes"
        }
    }
}
