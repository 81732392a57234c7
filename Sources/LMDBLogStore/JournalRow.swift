internal import LogStore
internal import Tlog

/// One commit, as a row of the journal says it: what it continues, where the log stands after it, and what it adds.
///
/// In the file: the journal's ID; how many bytes the row has, and how many of them are its content, which is all from the ID to
/// the lengths of the entries; SHA-256 of the content; the entries, one behind the other. The hash does not cover the entries:
/// the content has their leaf hashes, as what the tiles of level 0 gain.
struct JournalRow {
    /// The ID and the lengths that a row begins with: two numbers of eight bytes.
    static let lengthsByteCount = JournalID.byteCount + 16
    /// The lengths, the tree before the commit, and the head after it.
    static let headByteCount = lengthsByteCount + 40 + JournalHead.byteCount

    /// What a tile gains: its hashes from one of them on.
    typealias Growth = (coordinate: TileCoordinate, from: Int, hashes: ArraySlice<UInt8>)

    let before: TreeHead
    let head: JournalHead
    let changes: JournalChanges
    let tiles: [Growth]

    /// What a batch makes of a log.
    init(_ batch: StoreBatch, after old: JournalHead, head: JournalHead, changes: JournalChanges) {
        (before, self.head, self.changes) = (old.head.treeHead, head, changes)
        tiles = batch.tiles.map { tile, hashes in
            let from = Tile(at: tile.coordinate, treeSize: old.head.size)?.width ?? 0
            return (tile.coordinate, from, hashes[(from * Hash.byteCount)...])
        }
    }

    /// The bytes of the row, written over those of an earlier one.
    func write(_ entries: [[UInt8]], _ id: JournalID, over bytes: inout [UInt8]) {
        var writer = RowWriter()
        swap(&writer.bytes, &bytes)
        defer { swap(&writer.bytes, &bytes) }
        writer.bytes.removeAll(keepingCapacity: true)
        id.append(to: &writer.bytes)
        writer.bytes.append(contentsOf: repeatElement(0, count: Self.lengthsByteCount - JournalID.byteCount))
        before.size.append(to: &writer.bytes)
        before.root.append(to: &writer.bytes)
        writer.bytes.append(contentsOf: head.bytes)
        changes.write(to: &writer, size: head.head.size)
        writer.add(UInt64(tiles.count))
        for (coordinate, from, hashes) in tiles {
            writer.add(UInt64(coordinate.level))
            writer.add(coordinate.index)
            writer.add(UInt64(from))
            writer.add(hashes)
        }
        writer.add(UInt64(entries.count))
        var entriesByteCount = 0
        for entry in entries {
            writer.add(UInt64(entry.count))
            entriesByteCount += entry.count
        }
        let contentByteCount = writer.bytes.count
        writer.bytes.reserveCapacity(contentByteCount + Hash.byteCount + entriesByteCount)
        for (number, place) in [(contentByteCount + Hash.byteCount + entriesByteCount, 16), (contentByteCount, 24)] {
            let bytes = UInt64(number).bigEndian8
            for offset in 0..<8 { writer.bytes[place + offset] = bytes[offset] }
        }
        Hash.sha256(writer.bytes).append(to: &writer.bytes)
        for entry in entries { writer.bytes.append(contentsOf: entry) }
    }

    // MARK: Reading

    /// Where the entries of a row begin, one after the other, and where the last of them ends.
    typealias EntryEnds = [Int]

    /// The row that these bytes are; nil if they are none, or damaged.
    static func read(_ bytes: [UInt8]) -> (row: JournalRow, entryEnds: EntryEnds)? {
        guard let (byteCount, contentByteCount) = lengths(bytes.span), byteCount == bytes.count else { return nil }
        let (content, hash) = (bytes[..<contentByteCount], bytes[contentByteCount..<contentByteCount + Hash.byteCount])
        guard Hash.sha256(content).bytes == Array(hash) || Mutant.rowHash.isOff,
            let (row, entryByteCounts) = JournalRow.parse(content)
        else {
            return nil
        }
        var ends = [contentByteCount + Hash.byteCount]
        ends.reserveCapacity(entryByteCounts.count + 1)
        for count in entryByteCounts { ends.append(ends[ends.count - 1] + count) }
        guard ends.last == byteCount, row.hasLeafHashes(of: bytes, ends) || Mutant.rowLeafHashes.isOff else {
            return nil
        }
        return (row, ends)
    }

    /// How many bytes the row has that begins so, and how many its content; nil if no row can.
    static func lengths(_ bytes: Span<UInt8>) -> (row: Int, content: Int)? {
        guard bytes.count >= lengthsByteCount,
            let row = UInt64(bigEndianBytes: bytes.extracting(16..<24)).flatMap({ Int(exactly: $0) }),
            let content = UInt64(bigEndianBytes: bytes.extracting(24..<32)).flatMap({ Int(exactly: $0) }),
            content >= headByteCount, content <= row - Hash.byteCount
        else { return nil }
        return (row, content)
    }

    /// The number of the commit whose row begins so.
    static func number(_ bytes: Span<UInt8>) -> UInt64? {
        let place = lengthsByteCount + 40
        guard bytes.count >= place + 8 else { return nil }
        return UInt64(bigEndianBytes: bytes.extracting(place..<place + 8))
    }

    private init(before: TreeHead, head: JournalHead, changes: JournalChanges, tiles: [Growth]) {
        (self.before, self.head, self.changes, self.tiles) = (before, head, changes, tiles)
    }

    private static func parse(_ content: ArraySlice<UInt8>) -> (JournalRow, entryByteCounts: [Int])? {
        let start = lengthsByteCount
        let after = content[start + 40..<headByteCount]
        guard let size = UInt64(bigEndianBytes: content[start..<start + 8]),
            let root = Hash(content[start + 8..<start + 40]),
            let head = JournalHead(after.span)
        else { return nil }
        let before = TreeHead(size: size, root: root)
        var reader = RowReader(bytes: content.dropFirst(headByteCount))
        guard let changes = JournalChanges(&reader, size: head.head.size), let tileCount = reader.number() else {
            return nil
        }
        var tiles: [Growth] = []
        for _ in 0..<tileCount {
            guard let level = reader.number().flatMap({ Int(exactly: $0) }), let index = reader.number(),
                let coordinate = TileCoordinate(level: level, index: index),
                let from = reader.number().flatMap({ Int(exactly: $0) }), let hashes = reader.byteString(),
                from == Tile(at: coordinate, treeSize: size)?.width ?? 0,
                Tile(at: coordinate, treeSize: head.head.size)?.byteCount == from * Hash.byteCount + hashes.count
            else { return nil }
            tiles.append((coordinate, from, hashes[...]))
        }
        guard let entryCount = reader.number(), entryCount <= UInt64(reader.bytes.count) else { return nil }
        var entryByteCounts: [Int] = []
        for _ in 0..<entryCount {
            guard let count = reader.number(), count <= UInt64(EntryBundle.maxEntryByteCount) else { return nil }
            entryByteCounts.append(Int(count))
        }
        guard reader.isAtEnd, head.head.size >= size, head.head.size - size == entryCount else { return nil }
        return (JournalRow(before: before, head: head, changes: changes, tiles: tiles), entryByteCounts)
    }

    /// Whether the entries are those that the tiles of level 0 gain.
    private func hasLeafHashes(of bytes: [UInt8], _ ends: EntryEnds) -> Bool {
        let hashes = tiles.filter { $0.coordinate.level == 0 }
            .sorted { $0.coordinate.index < $1.coordinate.index }
            .flatMap { $0.hashes }
        guard hashes.count == (ends.count - 1) * Hash.byteCount else { return false }
        return (0..<ends.count - 1).allSatisfy { position in
            Hash.leaf(bytes[ends[position]..<ends[position + 1]])
                == Hash(hashes[position * Hash.byteCount..<(position + 1) * Hash.byteCount])
        }
    }
}
