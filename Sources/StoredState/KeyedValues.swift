internal import COSE
internal import Governance
internal import LogStore
internal import Tlog

/// What the entries of a batch add under keys, such as their lists, put in the order of the keys' first appearance: what
/// stands under one key follows one another. A key that many entries share is made once.
struct KeyedValues<Value> {
    /// Most keys have room in it.
    private static var keyByteCount: Int { 96 }

    private var keys: [[UInt8]] = []
    private var places: [HashedBytes: Int] = [:]
    private var values: [(place: Int, value: Value)] = []
    private var counts: [Int] = []
    private var writer = CBORWriter(capacity: Self.keyByteCount)

    /// Adds a value under a key.
    ///
    /// - Parameter write: appends the bytes of the key.
    /// - Returns: the key's place, for ``add(_:at:)``.
    @discardableResult
    mutating func add(_ value: Value, under write: (inout CBORWriter) -> Void) -> Int {
        writer.removeAll()
        write(&writer)
        let place = place(of: HashedBytes(writer.bytes))
        add(value, at: place)
        return place
    }

    private mutating func place(of key: HashedBytes) -> Int {
        if let known = places[key] { return known }
        places[key] = keys.count
        keys.append(key.bytes)
        counts.append(0)
        // The key has the writer's buffer now.
        writer = CBORWriter(capacity: Self.keyByteCount)
        return keys.count - 1
    }

    /// Makes room for so many values.
    mutating func reserveCapacity(_ count: Int) { values.reserveCapacity(count) }

    /// Adds a value under a key that has a place already.
    mutating func add(_ value: Value, at place: Int) {
        counts[place] += 1
        values.append((place, value))
    }

    /// All of them; of one key in the order in which they were added.
    func inOrder() -> [(key: [UInt8], value: Value)] {
        var next: [Int] = []
        next.reserveCapacity(counts.count)
        var start = 0
        for count in counts {
            next.append(start)
            start += count
        }
        var order = [Int](repeating: 0, count: values.count)
        for (position, (place, _)) in values.enumerated() {
            order[next[place]] = position
            next[place] += 1
        }
        return order.map { (keys[values[$0].place], values[$0].value) }
    }
}

extension FoldedBatch {
    /// What each event adds to its stream.
    var links: [(key: [UInt8], seq: UInt64, index: UInt64)] {
        var links = KeyedValues<(seq: UInt64, index: UInt64)>()
        links.reserveCapacity(entries.count)
        // Statements of one stream mostly follow one another.
        var last: (issuer: String, stream: String, place: Int)?
        for (offset, entry) in entries.enumerated() {
            guard let seq = entry.event?.seq, let stream = entry.event?.stream else { continue }
            let link = (seq, base.head.size + UInt64(offset))
            let issuer = entry.statement.header.issuer
            if let last, last.stream.hasSameUTF8(as: stream), last.issuer.hasSameUTF8(as: issuer) {
                links.add(link, at: last.place)
            } else {
                let place = links.add(link) { StateKey.writeStream(issuer: issuer, stream: stream, to: &$0) }
                last = (issuer, stream, place)
            }
        }
        return links.inOrder().map { (key: $0.key, seq: $0.value.seq, index: $0.value.index) }
    }

    /// The lists that each statement is in.
    var listings: [(key: [UInt8], index: UInt64)] {
        var listings = KeyedValues<UInt64>()
        listings.reserveCapacity(3 * entries.count)
        // The lists of the entry before: those of the next one are mostly the same.
        var last: [(key: ListingKey, place: Int)] = []
        for (offset, entry) in entries.enumerated() {
            let index = base.head.size + UInt64(offset)
            var number = 0
            ListingKey.forEachList(of: entry.statement, event: entry.event) { key in
                defer { number += 1 }
                if number < last.count, last[number].key.hasSameBytes(as: key) {
                    return listings.add(index, at: last[number].place)
                }
                let place = listings.add(index) { key.write(to: &$0) }
                if number < last.count { last[number] = (key, place) } else { last.append((key, place)) }
            }
        }
        return listings.inOrder().map { (key: $0.key, index: $0.value) }
    }
}
