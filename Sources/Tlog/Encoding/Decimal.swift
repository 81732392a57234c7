/// Decimal numbers as the formats here write them: ASCII digits, no sign, no leading zeros, zero is `0`.
enum Decimal {
    /// Nil for anything but the one canonical form of a number below 2^64.
    static func parse(_ digits: some Collection<UInt8>) -> UInt64? {
        guard let first = digits.first, digits.count <= 20 else { return nil }
        if first == 0x30 && digits.count > 1 { return nil }
        var value: UInt64 = 0
        for digit in digits {
            guard digit >= 0x30 && digit <= 0x39 else { return nil }
            let (tens, overflowed) = value.multipliedReportingOverflow(by: 10)
            let (sum, carried) = tens.addingReportingOverflow(UInt64(digit - 0x30))
            guard !overflowed && !carried else { return nil }
            value = sum
        }
        return value
    }
}
