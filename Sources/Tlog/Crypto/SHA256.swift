internal import Crypto

/// SHA-256 over bytes that arrive in parts.
public struct SHA256Hasher: Sendable {
    private var state = SHA256()

    public init() {}

    public mutating func update(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { unsafe state.update(bufferPointer: $0) }
    }

    public mutating func update(_ bytes: ArraySlice<UInt8>) {
        unsafe bytes.withUnsafeBytes { unsafe state.update(bufferPointer: $0) }
    }

    public mutating func update(_ hash: Hash) {
        unsafe hash.storage.withUnsafeBytes { unsafe state.update(bufferPointer: $0) }
    }

    public mutating func update(_ byte: UInt8) {
        unsafe withUnsafeBytes(of: byte) { unsafe state.update(bufferPointer: $0) }
    }

    /// The hash of everything so far; more may follow.
    public func finalize() -> Hash {
        var storage = Bytes32()
        // Not `Array(digest)`: that costs five allocations.
        unsafe state.finalize().withUnsafeBytes { unsafe storage.fill(from: $0) }
        return Hash(storage: storage)
    }
}

extension Hash {
    public static func sha256(_ bytes: [UInt8]) -> Hash {
        var hasher = SHA256Hasher()
        hasher.update(bytes)
        return hasher.finalize()
    }

    public static func sha256(_ bytes: ArraySlice<UInt8>) -> Hash {
        var hasher = SHA256Hasher()
        hasher.update(bytes)
        return hasher.finalize()
    }

    /// SHA-256 of the parts one after the other.
    public static func sha256(parts: [UInt8]...) -> Hash {
        var hasher = SHA256Hasher()
        for part in parts { hasher.update(part) }
        return hasher.finalize()
    }

    /// RFC 6962 §2.1: "The hash of a list with one entry (also known as a leaf hash) is: MTH({d(0)}) =
    /// SHA-256(0x00 || d(0))".
    public static func leaf(_ entry: [UInt8]) -> Hash {
        var hasher = SHA256Hasher()
        hasher.update(0x00 as UInt8)
        hasher.update(entry)
        return hasher.finalize()
    }

    /// The leaf hash of an entry that is part of a larger buffer, without copying it.
    public static func leaf(_ entry: ArraySlice<UInt8>) -> Hash {
        var hasher = SHA256Hasher()
        hasher.update(0x00 as UInt8)
        hasher.update(entry)
        return hasher.finalize()
    }

    /// RFC 6962 §2.1: "MTH(D[n]) = SHA-256(0x01 || MTH(D[0:k]) || MTH(D[k:n]))".
    ///
    /// The 65 bytes are laid out on the stack and hashed in one call: this is the inner loop of every tree.
    public static func node(_ left: Hash, _ right: Hash) -> Hash {
        node(prefix: 0x01, left, right)
    }

    /// `SHA-256(prefix || left || right)`, for trees that separate their domains by another prefix.
    public static func node(prefix: UInt8, _ left: Hash, _ right: Hash) -> Hash {
        var block = InlineArray<65, UInt8>(repeating: prefix)
        var storage = Bytes32()
        unsafe withUnsafeMutableBytes(of: &block) { target in
            unsafe left.storage.withUnsafeBytes {
                unsafe UnsafeMutableRawBufferPointer(rebasing: target[1..<33]).copyMemory(from: $0)
            }
            unsafe right.storage.withUnsafeBytes {
                unsafe UnsafeMutableRawBufferPointer(rebasing: target[33..<65]).copyMemory(from: $0)
            }
            var state = SHA256()
            unsafe state.update(bufferPointer: UnsafeRawBufferPointer(target))
            unsafe state.finalize().withUnsafeBytes { unsafe storage.fill(from: $0) }
        }
        return Hash(storage: storage)
    }
}
