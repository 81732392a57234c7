/// A SHA-256 value: 32 bytes, kept in line.
public struct Hash: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Bytes in a hash.
    public static let byteCount = 32

    let storage: Bytes32

    init(storage: Bytes32) {
        self.storage = storage
    }

    /// Nil unless there are exactly 32 bytes.
    public init?(_ bytes: some Collection<UInt8>) {
        guard let storage = Bytes32(bytes) else { return nil }
        self.storage = storage
    }

    /// Nil unless `hex` is 64 lowercase hexadecimal digits.
    public init?(hex: String) {
        guard let bytes = Hex.decode(hex), let storage = Bytes32(bytes) else { return nil }
        self.storage = storage
    }

    /// Nil unless `base64` is the one canonical, padded encoding of 32 bytes.
    public init?(base64: String) {
        guard base64.utf8.count == 44, let bytes = Base64.decode(base64), let storage = Bytes32(bytes) else {
            return nil
        }
        self.storage = storage
    }

    public var bytes: [UInt8] { storage.array }
    public var hex: String { Hex.encode(bytes) }
    public var base64: String { Base64.encode(bytes) }
    public var description: String { hex }

    /// Byte `index` of 0 ... 31.
    public subscript(index: Int) -> UInt8 { storage[index] }

    /// Appends the 32 bytes.
    public func append(to bytes: inout [UInt8]) {
        storage.append(to: &bytes)
    }

    public static func == (left: Hash, right: Hash) -> Bool { left.storage == right.storage }

    public func hash(into hasher: inout Hasher) { storage.hash(into: &hasher) }

    /// Bytewise lexicographic order.
    public static func < (left: Hash, right: Hash) -> Bool { Bytes32.precedes(left.storage, right.storage) }

    /// 32 zero bytes.
    public static let zero = Hash(storage: Bytes32())

    /// RFC 6962 §2.1: "The hash of an empty list is the hash of an empty string".
    public static let emptyTree = Hash.sha256([])
}
