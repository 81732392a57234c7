internal import LMDB
internal import LogStore
internal import Tlog

/// How a log lies in LMDB: the databases, and what their keys and values look like. `spec/storage.md` has the table.
struct Layout: Sendable {
    /// What `meta` says under `format`. Another layout gets another number.
    static let format = Array("holdfast-store/1".utf8)
    static let formatKey = Array("format".utf8)
    static let headKey = Array("head".utf8)

    /// Keys of callers up to this length are kept as they are, longer ones by their hash. With the tag, the number of
    /// a link and one byte for a bound it stays below LMDB's limit of 511.
    static let maxPlainKeyByteCount = 500
    /// The key length that the layout needs of LMDB.
    static let neededKeyByteCount = 511

    let entries: Database
    let tiles: Database
    let leaves: Database
    let state: Database
    let streams: Database
    let checkpoints: Database
    let meta: Database

    /// Opens the databases by `open`, in a fixed order.
    init(opening open: (String) throws -> Database) rethrows {
        entries = try open("entries")
        tiles = try open("tiles")
        leaves = try open("leaves")
        state = try open("state")
        streams = try open("streams")
        checkpoints = try open("checkpoints")
        meta = try open("meta")
    }

    /// Databases of the layout, and a few to spare for a later one.
    static let maxDatabases: UInt32 = 16
}

// MARK: Numbers

extension UInt64 {
    /// Eight bytes, the highest first: the order of the bytes is the order of the numbers.
    var bigEndianBytes: [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: self >> UInt64(56 - 8 * $0)) }
    }

    /// Nil unless there are exactly eight bytes.
    init?(bigEndianBytes bytes: Span<UInt8>) {
        guard bytes.count == 8 else { return nil }
        self = 0
        for index in bytes.indices { self = self << 8 | UInt64(bytes[index]) }
    }

    init?(bigEndianBytes bytes: [UInt8]) {
        self.init(bigEndianBytes: bytes.span)
    }
}

extension TileCoordinate {
    /// The level in one byte, then the index.
    var storageKey: [UInt8] { [UInt8(level)] + index.bigEndianBytes }
}

// MARK: Keys of callers

/// How a key that the caller chose is kept: tag 0 and the key itself, or, where that is too long, tag 1 and its
/// SHA-256.
enum CallerKey {
    private static let plainTag: UInt8 = 0
    private static let hashedTag: UInt8 = 1

    static func isHashed(_ key: [UInt8]) -> Bool { key.count > Layout.maxPlainKeyByteCount }

    static func stored(_ key: [UInt8]) -> [UInt8] {
        isHashed(key) ? [hashedTag] + Hash.sha256(key).bytes : [plainTag] + key
    }

    /// A value under a hashed key begins with the full key, after its length in four bytes.
    static func stored(_ value: [UInt8], under key: [UInt8]) -> [UInt8] {
        guard isHashed(key) else { return value }
        let length = UInt32(key.count)
        return (0..<4).map { UInt8(truncatingIfNeeded: length >> UInt32(24 - 8 * $0)) } + key + value
    }

    /// The caller's key and value; nil if the bytes are not what `stored` makes.
    static func restored(key stored: [UInt8], value: [UInt8]) -> (key: [UInt8], value: [UInt8])? {
        switch stored.first {
        case plainTag: return (Array(stored.dropFirst()), value)
        case hashedTag:
            guard value.count >= 4 else { return nil }
            let length = value.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            guard value.count >= 4 + length else { return nil }
            let key = Array(value[4..<4 + length])
            guard Self.stored(key) == stored else { return nil }
            return (key, Array(value[(4 + length)...]))
        default: return nil
        }
    }
}

extension StoredHead {
    /// Size, root, seal time: 48 bytes.
    var storageValue: [UInt8] {
        treeHead.size.bigEndianBytes + treeHead.root.bytes + sealTime.bigEndianBytes
    }

    init?(storageValue bytes: [UInt8]) {
        guard bytes.count == 48, let size = UInt64(bigEndianBytes: Array(bytes[0..<8])),
            let root = Hash(bytes[8..<40]), let sealTime = UInt64(bigEndianBytes: Array(bytes[40..<48]))
        else { return nil }
        self.init(treeHead: TreeHead(size: size, root: root), sealTime: sealTime)
    }
}
