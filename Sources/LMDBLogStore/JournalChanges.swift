internal import LogStore
internal import Tlog

/// What one commit changes of the tables beside entries and tiles.
struct JournalChanges: Sendable {
    typealias Values = [(key: HashedBytes, value: [UInt8]?)]
    /// The entries of all lists lie in one array.
    typealias Lists = [(key: HashedBytes, entries: ArraySlice<IndexTable.Entry>)]

    /// Whether a batch ended with the commit; a commit without entries keeps a checkpoint only.
    var isSealed = false
    var state: Values = []
    var pages: Values = []
    var streams: Lists = []
    var listings: Lists = []
    var checkpoint: (size: UInt64, bytes: [UInt8])?

    init() {}

    init(_ batch: StoreBatch) {
        isSealed = !batch.entries.isEmpty
        state = batch.state.map { (HashedBytes($0.key), $0.value) }
        pages = batch.mapPages.map { (HashedBytes($0.path), $0.bytes) }
        let links = batch.streams.map { (index: $0.index, number: $0.seq) }
        streams = batch.streams.runs(by: { $0.key == $1.key }).map { run in
            (HashedBytes(batch.streams[run.lowerBound].key), links[run])
        }
        let listed = batch.listings.map { (index: $0.index, number: UInt64(0)) }
        listings = batch.listings.runs(by: { $0.key == $1.key }).map { run in
            (HashedBytes(batch.listings[run.lowerBound].key), listed[run])
        }
        checkpoint = batch.checkpoint
    }
}

extension Array {
    /// The ranges of elements that follow one another and are alike.
    fileprivate func runs(by areAlike: (Element, Element) -> Bool) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        runs.reserveCapacity(count)
        var start = 0
        for position in indices.dropFirst() where !areAlike(self[start], self[position]) {
            runs.append(start..<position)
            start = position
        }
        if !isEmpty { runs.append(start..<count) }
        return runs
    }
}

/// The changes as bytes. Numbers are LEB128, bytes have their number before them; an index is said as how far it lies below the
/// size after the commit.
extension JournalChanges {
    func write(to writer: inout RowWriter, size: UInt64) {
        writer.add(isSealed ? 1 : 0)
        for values in [state, pages] { writer.add(values) }
        writer.add(streams, below: size, numbered: true)
        writer.add(listings, below: size, numbered: false)
        writer.add(checkpoint == nil ? 0 : 1)
        if let checkpoint {
            writer.add(checkpoint.size)
            writer.add(checkpoint.bytes)
        }
    }

    init?(_ reader: inout RowReader, size: UInt64) {
        guard let isSealed = reader.number(), let state = reader.values(), let pages = reader.values(),
            let streams = reader.lists(below: size, numbered: true),
            let listings = reader.lists(below: size, numbered: false), let checkpoints = reader.number(),
            isSealed <= 1, checkpoints <= 1
        else { return nil }
        if checkpoints == 1 {
            guard let size = reader.number(), let bytes = reader.byteString() else { return nil }
            checkpoint = (size, bytes)
        }
        self.isSealed = isSealed == 1
        (self.state, self.pages, self.streams, self.listings) = (state, pages, streams, listings)
    }
}

extension RowWriter {
    fileprivate mutating func add(_ values: JournalChanges.Values) {
        add(UInt64(values.count))
        for (key, value) in values {
            add(key.bytes)
            add(value == nil ? 0 : 1)
            if let value { add(value) }
        }
    }

    fileprivate mutating func add(_ lists: JournalChanges.Lists, below size: UInt64, numbered: Bool) {
        add(UInt64(lists.count))
        for (key, entries) in lists {
            add(key.bytes)
            add(UInt64(entries.count))
            for entry in entries {
                add(size - entry.index)
                if numbered { add(entry.number) }
            }
        }
    }
}

extension RowReader {
    fileprivate mutating func values() -> JournalChanges.Values? {
        guard let count = number() else { return nil }
        var values: JournalChanges.Values = []
        for _ in 0..<count {
            guard let key = byteString(), let isThere = number(), isThere <= 1 else { return nil }
            guard isThere == 1 else {
                values.append((HashedBytes(key), nil))
                continue
            }
            guard let value = byteString() else { return nil }
            values.append((HashedBytes(key), value))
        }
        return values
    }

    fileprivate mutating func lists(below size: UInt64, numbered: Bool) -> JournalChanges.Lists? {
        guard let count = number() else { return nil }
        var lists: JournalChanges.Lists = []
        for _ in 0..<count {
            guard let key = byteString(), let length = number() else { return nil }
            var entries: [IndexTable.Entry] = []
            for _ in 0..<length {
                guard let below = number(), below > 0, below <= size else { return nil }
                guard let number = numbered ? number() : 0 else { return nil }
                entries.append((size - below, number))
            }
            lists.append((HashedBytes(key), entries[...]))
        }
        return lists
    }
}
