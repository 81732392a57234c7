extension FixedWidthInteger where Self: UnsignedInteger {
    /// The bytes of the number, the most significant first.
    var bigEndianBytes: [UInt8] {
        stride(from: Self.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: self >> Self($0)) }
    }

    /// The number whose big-endian bytes these are; there must be exactly as many as it has.
    init(bigEndianBytes bytes: ArraySlice<UInt8>) {
        precondition(bytes.count * 8 == Self.bitWidth)
        self = bytes.reduce(0) { $0 << 8 | Self($1) }
    }
}
