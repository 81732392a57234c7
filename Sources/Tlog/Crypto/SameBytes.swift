internal import Glibc

extension Span<UInt8> {
    /// Byte equality, in the time that `memcmp` takes: not for secrets.
    package func hasSameBytes(as other: Span<UInt8>) -> Bool {
        guard count == other.count, !isEmpty else { return count == other.count }
        return unsafe withUnsafeBytes { mine in
            unsafe other.withUnsafeBytes { theirs in
                unsafe memcmp(mine.baseAddress!, theirs.baseAddress!, mine.count) == 0
            }
        }
    }
}
