extension Span<UInt8> {
    /// Byte equality, many bytes at once: for what is the same nearly always, so there is no way out in between.
    package func hasSameBytes(as other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        var difference: UInt8 = 0
        for index in indices { difference |= self[index] ^ other[index] }
        return difference == 0
    }
}
