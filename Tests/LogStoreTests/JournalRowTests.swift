import LMDB
import LogStore
import Testing
import Tlog

@testable import LMDBLogStore

/// The bytes of a commit in the journal.
@Suite("Row of the journal")
struct JournalRowTests {
    @Test("a row says its commit again, of every kind and length")
    func rows() throws {
        var log = GrowingLog()
        let first = log.nextBatch(250)
        log.took(first)
        var old = JournalHead()
        (old.number, old.head) = (299, log.head)
        var batch = log.nextBatch(20)
        let top = batch.head.size
        batch.state = [
            ([1], nil), ([1], []), ([UInt8](repeating: 2, count: 200), [UInt8](repeating: 3, count: 70_000)),
        ]
        batch.mapPages = [([], [0]), ([0], nil)]
        batch.streams = [([4], 0, 0), ([4], .max, top - 1), ([5], 1 << 63, top / 2)]
        batch.listings = [([6], 1), ([6], top - 1), ([7], 2), ([6], top - 1)]
        batch.checkpoint = (77, [1, 2, 3])
        var head = JournalHead()
        (head.number, head.head) = (300, batch.head)
        (head.retained.from, head.retained.count) = (9, 11)
        let row = JournalRow(batch, after: old, head: head, changes: JournalChanges(batch))
        var bytes: [UInt8] = [1, 2, 3]
        row.write(batch.entries, .random(), over: &bytes)
        let (again, ends) = try #require(JournalRow.read(bytes))
        #expect(again.head == head)
        #expect(again.before == old.head.treeHead)
        #expect(again.changes.isSealed)
        #expect(again.changes.state.map(\.key.bytes) == batch.state.map(\.key))
        #expect(again.changes.state.map(\.value) == batch.state.map(\.value))
        #expect(again.changes.pages.map(\.value) == [[0], nil])
        #expect(again.changes.streams.map(\.key.bytes) == [[4], [5]])
        #expect(again.changes.streams[0].entries.map(\.number) == [0, .max])
        #expect(again.changes.streams[0].entries.map(\.index) == [0, top - 1])
        #expect(again.changes.listings.map(\.key.bytes) == [[6], [7], [6]])
        #expect(again.changes.listings.map { $0.entries.map(\.index) } == [[1, top - 1], [2], [top - 1]])
        #expect(again.changes.checkpoint?.size == 77)
        #expect(again.changes.checkpoint?.bytes == [1, 2, 3])
        // Of the tile that was there already only what it gains.
        #expect(again.tiles.map(\.from).sorted() == [0, 0, 250])
        #expect(again.tiles.reduce(0) { $0 + $1.hashes.count } == (20 + 1) * Hash.byteCount)
        let scratch = try Scratch()
        let file = try StorageFile(creatingAt: scratch.path + "/rows")
        let entries = JournaledRow(
            first: 250, bytes: bytes, ends: ends, place: JournaledRow.Place(file: file, offset: 0))
        #expect(entries.range == 250..<270)
        for (index, entry) in zip(entries.range, batch.entries) {
            #expect(entries.withEntry(index) { $0.copied() } == entry)
        }
    }

    @Test("of a row no byte can change without being found out")
    func damage() throws {
        let (row, _, entries) = try someRow()
        var bytes: [UInt8] = []
        row.write(entries, .random(), over: &bytes)
        #expect(JournalRow.read(bytes) != nil)
        for position in bytes.indices {
            var damaged = bytes
            damaged[position] ^= 1 << UInt8(position % 8)
            #expect(JournalRow.read(damaged) == nil, "byte \(position)")
        }
        for count in 0..<bytes.count { #expect(JournalRow.read(Array(bytes.prefix(count))) == nil, "\(count) bytes") }
    }

    @Test("numbers and lengths that no writer says are refused, under a hash that is right")
    func nonsense() throws {
        let (_, content, _) = try someRow()
        for position in content.indices.dropFirst(32) {
            for value: UInt8 in [0, 0x7F, 0x80, 0xFF] where content[position] != value {
                var other = content
                other[position] = value
                // Whatever comes of it: no trap, and no entry beyond the row.
                if let (row, ends) = JournalRow.read(JournalRowTests.row(other)) {
                    #expect(ends.count == Int(row.head.head.size - row.before.size) + 1)
                }
            }
        }
    }

    /// A row of two entries, its content, and the entries.
    private func someRow() throws -> (JournalRow, content: [UInt8], entries: [[UInt8]]) {
        var batch = GrowingLog().nextBatch(2)
        batch.state = [([1], [2]), ([3], nil)]
        batch.streams = [([4], 0, 1)]
        batch.listings = [([5], 0)]
        batch.checkpoint = (0, [6])
        var head = JournalHead()
        (head.number, head.head) = (1, batch.head)
        let row = JournalRow(batch, after: JournalHead(), head: head, changes: JournalChanges(batch))
        var bytes: [UInt8] = []
        row.write(batch.entries, .random(), over: &bytes)
        let lengths = JournalRow.lengths(bytes.span)
        return (row, Array(bytes.prefix(try #require(lengths).content)), batch.entries)
    }

    /// A row of this content, with the entries that `someRow` has.
    private static func row(_ content: [UInt8]) -> [UInt8] {
        var row = content
        Hash.sha256(content).append(to: &row)
        return row + GrowingLog().nextBatch(2).entries.joined()
    }
}
