extension Span<UInt8> {
    /// Byte equality, many bytes at once: for what is the same nearly always, so there is no way out in between.
    package func hasSameBytes(as other: Span<UInt8>) -> Bool {
        count == other.count && hasSameBytes(as: other, in: indices)
    }

    /// Bytewise lexicographic order, for what mostly begins alike, as names below one issuer do.
    package func precedes(_ other: Span<UInt8>) -> Bool {
        let common = Swift.min(count, other.count)
        var place = 0
        while place + Self.step <= common, hasSameBytes(as: other, in: place..<place + Self.step) { place += Self.step }
        while place < common {
            if self[place] != other[place] { return self[place] < other[place] }
            place += 1
        }
        return count < other.count
    }

    /// Bytes that the processor compares at once.
    private static var step: Int { 16 }

    @inline(__always)
    private func hasSameBytes(as other: Span<UInt8>, in places: Range<Int>) -> Bool {
        var difference: UInt8 = 0
        for place in places { difference |= self[place] ^ other[place] }
        return difference == 0
    }
}
