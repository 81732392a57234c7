/// Counts of durations, fine enough that a percentile is never more than 1.6 % too high.
///
/// The buckets are those of HdrHistogram: 64 to each doubling of the value, so the error is relative and the memory
/// does not grow with the number of values.
package struct LatencyHistogram: Sendable, Hashable {
    private static let subBits = 6
    private static let subCount = 1 << subBits

    private var counts = [UInt64](repeating: 0, count: (64 - subBits + 1) << subBits)
    package private(set) var count: UInt64 = 0
    package private(set) var maximum: UInt64 = 0
    private var sum: Double = 0

    package init() {}

    /// Counts one duration, in nanoseconds.
    package mutating func record(_ nanoseconds: UInt64) {
        counts[Self.bucket(of: nanoseconds)] += 1
        count += 1
        maximum = max(maximum, nanoseconds)
        sum += Double(nanoseconds)
    }

    package mutating func add(_ other: LatencyHistogram) {
        for index in counts.indices { counts[index] += other.counts[index] }
        count += other.count
        maximum = max(maximum, other.maximum)
        sum += other.sum
    }

    package var mean: Double { count == 0 ? 0 : sum / Double(count) }

    /// The duration in nanoseconds that `percent` of the values do not exceed, rounded up to its bucket's end; 0 if
    /// there are no values.
    package func percentile(_ percent: Double) -> UInt64 {
        let wanted = max(1, UInt64((Double(count) * min(percent, 100) / 100).rounded(.up)))
        var seen: UInt64 = 0
        for (index, number) in counts.enumerated() where number > 0 {
            seen += number
            if seen >= wanted { return min(Self.end(of: index), maximum) }
        }
        return maximum
    }

    private static func bucket(of value: UInt64) -> Int {
        guard value >= subCount else { return Int(value) }
        let shift = 63 - value.leadingZeroBitCount - subBits
        // The top bit of what is left says nothing new: it is always set.
        return (shift + 1) << subBits + (Int(value >> UInt64(shift)) & (subCount - 1))
    }

    private static func end(of index: Int) -> UInt64 {
        let shift = index >> subBits - 1
        guard shift >= 0 else { return UInt64(index) }
        let first = UInt64(index & (subCount - 1) | subCount) << UInt64(shift)
        return first + (1 << UInt64(shift)) - 1
    }
}
