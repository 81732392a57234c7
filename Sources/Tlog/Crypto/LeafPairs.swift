/// Appends leaves to a frontier that come one by one and are there only while they are shown. Two of them are hashed at a
/// time, so the first waits as a copy, which costs far less than it saves.
package struct LeafPairs {
    private var waiting: [UInt8] = []
    private var isWaiting = false

    package init() {}

    package mutating func append(_ entry: Span<UInt8>, to frontier: inout Frontier) {
        guard isWaiting else {
            waiting.removeAll(keepingCapacity: true)
            unsafe entry.withUnsafeBufferPointer { unsafe waiting.append(contentsOf: $0) }
            isWaiting = true
            return
        }
        let (one, other) = Hash.leaves(waiting.span, entry)
        frontier.append(one)
        frontier.append(other)
        isWaiting = false
    }

    /// Appends what waits for a second one.
    package mutating func finish(_ frontier: inout Frontier) {
        if isWaiting { frontier.append(.leaf(waiting)) }
        isWaiting = false
    }
}
