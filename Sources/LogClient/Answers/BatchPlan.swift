/// How many statements go into one request: as many as fit in both limits, at least one.
public struct BatchPlan: Sendable, Hashable {
    public var maximumCount = 500
    public var maximumBytes = 2 << 20

    public init() {}

    /// Cuts a sequence of sizes (bytes) into consecutive ranges.
    func ranges(of sizes: [Int]) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var start = 0
        var bytes = 0
        for (place, size) in sizes.enumerated() {
            let isFull = place - start >= maximumCount || bytes + size > maximumBytes
            if isFull && place > start {
                ranges.append(start..<place)
                start = place
                bytes = 0
            }
            bytes += size
        }
        if start < sizes.count { ranges.append(start..<sizes.count) }
        return ranges
    }
}
