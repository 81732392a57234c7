internal import Tlog

/// Where a page of a ``PagedMap`` lies: the first hexadecimal digits that all its keys have in common.
///
/// The root's page has no digits. A page has two keys at least (the root's has one), so there are 63 digits at most.
public struct MapPath: Sendable, Hashable, CustomStringConvertible {
    /// The path as the store keeps it: the number of digits in one byte, then the digits, two a byte, the last one with
    /// a zero beside it where their number is odd. Pages of one depth lie together, and no path begins another.
    public let bytes: [UInt8]

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The path of the root's page.
    public static let root = MapPath(bytes: [0])

    /// The number of digits.
    public var depth: Int { Int(bytes[0]) }

    /// The path with one digit more.
    func child(_ digit: Int) -> MapPath {
        var longer = bytes
        longer[0] += 1
        if depth.isMultiple(of: 2) {
            longer.append(UInt8(digit) << 4)
        } else {
            longer[longer.count - 1] |= UInt8(digit)
        }
        return MapPath(bytes: longer)
    }

    /// Whether a key begins with the path's digits.
    func leads(to key: Hash) -> Bool {
        for position in 0..<depth / 2 where key[position] != bytes[position + 1] { return false }
        return depth.isMultiple(of: 2) || key[depth / 2] & 0xf0 == bytes[depth / 2 + 1]
    }

    /// The digits, "/" for none.
    public var description: String {
        depth == 0 ? "/" : String(Hex.encode(Array(bytes.dropFirst())).prefix(depth))
    }
}

extension Hash {
    /// Hexadecimal digit `position`, counted from the left: 0 ... 15.
    func digit(_ position: Int) -> Int {
        Int(self[position >> 1] >> (position.isMultiple(of: 2) ? 4 : 0) & 0x0f)
    }
}
