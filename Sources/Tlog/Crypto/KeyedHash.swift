internal import CSodium

/// SipHash-2-4 (libsodium's `crypto_shorthash`) under a secret key: places in a table that nobody who lacks the key can
/// choose, though he may choose what is hashed.
package struct KeyedHash: Sendable, Hashable {
    /// Bytes in a key.
    package static let keyByteCount = 16

    private let key: [UInt8]

    /// Nil unless there are exactly 16 bytes.
    package init?(key: [UInt8]) {
        guard key.count == Self.keyByteCount else { return nil }
        self.key = key
    }

    /// 64 bits that stand for a hash under this key.
    package func callAsFunction(_ hash: Hash) -> UInt64 {
        var result: UInt64 = 0
        unsafe withUnsafeMutableBytes(of: &result) { result in
            unsafe hash.storage.withUnsafeBytes { bytes in
                // It can't fail.
                _ = unsafe crypto_shorthash(
                    result.baseAddress!.assumingMemoryBound(to: UInt8.self),
                    bytes.baseAddress!.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count), key)
            }
        }
        return result
    }
}
