internal import COSE
internal import Governance
internal import LogStore

/// What the entries of a batch add under keys, such as their lists, put in the order of the keys' first appearance: what
/// stands under one key follows one another. A key that many entries share is made once.
struct KeyedValues<Value> {
    private var keys: [[UInt8]] = []
    private var places: [[UInt8]: Int] = [:]
    private var values: [(place: Int, value: Value)] = []
    private var counts: [Int] = []
    private var writer = CBORWriter(capacity: 256)

    /// - Parameter write: appends the bytes of the key.
    mutating func add(_ value: Value, under write: (inout CBORWriter) -> Void) {
        writer.removeAll()
        write(&writer)
        let place: Int
        if let known = places[writer.bytes] {
            place = known
        } else {
            place = keys.count
            keys.append(writer.bytes)
            places[writer.bytes] = place
            counts.append(0)
            writer = CBORWriter(capacity: 256)
        }
        counts[place] += 1
        values.append((place, value))
    }

    /// All of them; of one key in the order in which they were added.
    func inOrder() -> [(key: [UInt8], value: Value)] {
        guard let first = values.first else { return [] }
        var next: [Int] = []
        next.reserveCapacity(counts.count)
        var start = 0
        for count in counts {
            next.append(start)
            start += count
        }
        var ordered = [(key: [UInt8], value: Value)](repeating: (keys[first.place], first.value), count: values.count)
        for (place, value) in values {
            ordered[next[place]] = (keys[place], value)
            next[place] += 1
        }
        return ordered
    }
}

extension FoldedBatch {
    /// What each event adds to its stream.
    var links: [(key: [UInt8], seq: UInt64, index: UInt64)] {
        var links = KeyedValues<(seq: UInt64, index: UInt64)>()
        for (offset, entry) in entries.enumerated() {
            guard let event = entry.event else { continue }
            links.add((event.seq, base.head.size + UInt64(offset))) { writer in
                StateKey.writeStream(issuer: entry.statement.header.issuer, stream: event.stream, to: &writer)
            }
        }
        return links.inOrder().map { (key: $0.key, seq: $0.value.seq, index: $0.value.index) }
    }

    /// The lists that each statement is in.
    var listings: [(key: [UInt8], index: UInt64)] {
        var listings = KeyedValues<UInt64>()
        for (offset, entry) in entries.enumerated() {
            ListingKey.forEachList(of: entry.statement, event: entry.event) { key in
                listings.add(base.head.size + UInt64(offset)) { key.write(to: &$0) }
            }
        }
        return listings.inOrder().map { (key: $0.key, index: $0.value) }
    }
}
