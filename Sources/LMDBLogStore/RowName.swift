internal import Tlog

/// How a key that the caller chose begins the keys of its rows, such that no name begins another one: a row's key is
/// the name and eight bytes of a number, and all rows of a name lie together, whatever bytes the keys have.
///
/// A zero byte of the key is kept as `00 FF`. A key that needs at most 460 bytes ends with `00 00`. Of a longer one the
/// name has as much as fits into 460 bytes, then `00 01` and the SHA-256 of the whole key. So names have the order of
/// their keys (except for long keys that begin alike), and what a name begins with is what its key begins with.
///
/// The number is kept as its complement, the highest byte first: the rows of a name begin with the greatest number, and
/// the first row that is not below `row(n)` is the newest one whose number is not above n.
struct RowName: Comparable {
    static let maxPlainByteCount = 460
    /// Name, terminator, hash and number: the key length that the layout needs of LMDB.
    static let maxRowByteCount = maxPlainByteCount + 2 + Hash.byteCount + 8

    /// What the keys of the rows begin with.
    let bytes: [UInt8]
    /// Whether the name does not have the whole key, but its hash.
    let isCut: Bool

    init(_ key: [UInt8]) {
        var (bytes, isCut) = Self.escaped(key, spare: 2 + Hash.byteCount)
        bytes.append(0)
        bytes.append(isCut ? 1 : 0)
        if isCut { bytes.append(contentsOf: Hash.sha256(key).bytes) }
        self.bytes = bytes
        self.isCut = isCut
    }

    /// What the names of all keys that begin with `prefix` begin with. Names of others may begin so too, if the prefix
    /// is longer than a name.
    static func beginning(_ prefix: [UInt8]) -> [UInt8] { escaped(prefix, spare: 0).bytes }

    private static func escaped(_ key: [UInt8], spare: Int) -> (bytes: [UInt8], isCut: Bool) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(min(key.count + 8, maxPlainByteCount) + spare)
        if key.count <= maxPlainByteCount, !key.contains(0) {
            bytes.append(contentsOf: key)
            return (bytes, false)
        }
        for byte in key {
            guard bytes.count + (byte == 0 ? 2 : 1) <= maxPlainByteCount else { return (bytes, true) }
            bytes.append(byte)
            if byte == 0 { bytes.append(0xFF) }
        }
        return (bytes, false)
    }

    /// The key of the row with this number.
    func row(_ number: UInt64) -> [UInt8] {
        var row: [UInt8] = []
        row.reserveCapacity(bytes.count + 8)
        row.append(contentsOf: bytes)
        (~number).append(to: &row)
        return row
    }

    static func < (left: RowName, right: RowName) -> Bool { left.bytes.span.precedes(right.bytes.span) }

    /// Below every row of the names that follow, and not below any row of this one.
    var end: [UInt8] { row(0) }
}

extension RowName {
    /// The key of a row, taken apart: its name, the caller's key if the name has it whole, and its number. Nil if the
    /// bytes are not what `row` makes.
    static func parse(_ row: [UInt8]) -> (name: RowName, key: [UInt8]?, number: UInt64)? {
        var key: [UInt8] = []
        key.reserveCapacity(row.count)
        var place = 0
        while place + 1 < row.count {
            guard row[place] == 0 else {
                key.append(row[place])
                place += 1
                continue
            }
            place += 2
            switch row[place - 1] {
            case 0xFF: key.append(0)
            case 0, 1:
                let isCut = row[place - 1] == 1
                let length = place + (isCut ? Hash.byteCount : 0)
                guard row.count == length + 8, let complement = UInt64(bigEndianBytes: Array(row[length...])) else {
                    return nil
                }
                return (RowName(bytes: Array(row[..<length]), isCut: isCut), isCut ? nil : key, ~complement)
            default: return nil
            }
        }
        return nil
    }

    private init(bytes: [UInt8], isCut: Bool) {
        self.bytes = bytes
        self.isCut = isCut
    }

    /// The number of a row of this name; nil if the length is not a row's.
    func number(ofRow row: [UInt8]) -> UInt64? {
        guard row.count == bytes.count + 8, let complement = UInt64(bigEndianBytes: Array(row.suffix(8))) else {
            return nil
        }
        return ~complement
    }
}
