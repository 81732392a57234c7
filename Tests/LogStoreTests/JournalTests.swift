import Foundation
import LMDB
import Testing
import Tlog

@testable import LMDBLogStore
@testable import LogStore

/// The rows that commits leave in the journal, and what becomes of them.
@Suite("Journal of a store")
struct JournalTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test("whatever is committed, however often it is folded and opened again, reads are those of the store in memory")
    func asInMemory() throws {
        var random = Random(seed: 21)
        for retained in [3, 40] {
            let (memory, scratch) = (MemoryLogStore(retainedSeals: retained), try Scratch())
            var records = RandomRecords(seed: 22)
            var store = try scratch.store { $0.retainedSeals = retained }
            for round in 0..<80 {
                if random.next() % 6 == 0 {
                    store.close()
                    store = try scratch.store {
                        $0.retainedSeals = retained
                        $0.journalCommits = Int(random.next() % 9)
                        if random.next() % 3 == 0 { $0.journalByteCount = 20_000 }
                    }
                }
                let batch = records.nextBatch()
                try memory.commit(batch, expecting: records.log.head.treeHead)
                try store.commit(batch, expecting: records.log.head.treeHead)
                records.took(batch)
                guard round % 5 == 0 else { continue }
                try memory.read { expected in try store.read { try records.compare($0, to: expected, &random) } }
            }
        }
    }

    @Test("a snapshot reads its own state, whatever is folded while it is read")
    func snapshotsOverFolds() throws {
        let store = try scratch.store { $0.journalCommits = 2 }
        let memory = MemoryLogStore()
        var records = RandomRecords(seed: 23)
        var random = Random(seed: 24)
        func commit(_ count: Int) throws {
            for _ in 0..<count {
                let batch = records.nextBatch()
                try memory.commit(batch, expecting: records.log.head.treeHead)
                try store.commit(batch, expecting: records.log.head.treeHead)
                records.took(batch)
            }
        }
        try commit(4)
        for _ in 0..<4 {
            try memory.read { expected in
                try store.read { snapshot in
                    for count in [0, 1, 1, 1, 7] {
                        try commit(count)
                        try records.compare(snapshot, to: expected, &random)
                    }
                }
            }
        }
    }

    @Test("what could not be committed is not in memory either, whatever it would have done to the journal")
    func takenBack() throws {
        struct Lost: Error {}
        let store = try scratch.store { $0.journalCommits = 3 }
        let memory = MemoryLogStore()
        var (records, random) = (RandomRecords(seed: 27), Random(seed: 28))
        for _ in 0..<5 {
            let batch = records.nextBatch()
            try memory.commit(batch, expecting: records.log.head.treeHead)
            try store.commit(batch, expecting: records.log.head.treeHead)
            records.took(batch)
        }
        store.close()
        let (environment, layout, leaves) = try parts()
        let journal = try environment.read { transaction in
            Journal(try JournalSegment(reading: transaction, layout, JournalHead.newest(transaction, layout)))
        }
        for round in 0..<15 {
            var options = LMDBLogStore.Options()
            options.journalCommits = round % 3 == 0 ? 0 : 100
            var other = records
            _ = other.nextBatch()
            let (lost, batch) = (other.nextBatch(), records.nextBatch())
            #expect(throws: Lost.self) {
                try journal.commit { isWritten in
                    try environment.write { transaction in
                        let writer = BatchWriter(transaction, layout, leaves, journal, options)
                        isWritten(try writer.write(lost, expecting: records.log.head.treeHead))
                        throw Lost()
                    }
                }
            }
            try memory.read { expected in
                try environment.read { transaction in
                    let found = try LMDBSnapshot(transaction, layout, leaves, journal)
                    try records.compare(found, to: expected, &random)
                }
            }
            try journal.commit { isWritten in
                try environment.write { transaction in
                    let writer = BatchWriter(transaction, layout, leaves, journal, options)
                    isWritten(try writer.write(batch, expecting: records.log.head.treeHead))
                }
            }
            try memory.commit(batch, expecting: records.log.head.treeHead)
            records.took(batch)
        }
    }

    @Test("a snapshot that memory has gone beyond, or not yet reached, reads the rows of its own transaction")
    func snapshotsBesideMemory() throws {
        let store = try scratch.store { $0.journalCommits = 100 }
        var log = GrowingLog()
        for round in 1...6 { try log.commit(batch(&log, round), to: store) }
        store.close()
        let (environment, layout, leaves) = try parts()
        // Nothing is in the first, and what is in the second begins behind the last commit.
        for folded in [UInt64(0), 6] {
            let journal = Journal(JournalSegment(behind: folded))
            try environment.read { transaction in
                let snapshot = try LMDBSnapshot(transaction, layout, leaves, journal)
                for size in UInt64(1)...6 { #expect(try snapshot.stateValue([1], at: size) == [UInt8(size)]) }
                #expect(try snapshot.listing([3], below: .max, before: nil, limit: 9) == [5, 4, 3, 2, 1, 0])
                #expect(try snapshot.sealedSize(atMost: 4) == 4)
            }
        }
    }

    @Test("the journal is as long as it may be: rows are folded into the tables, and gone")
    func folds() throws {
        var log = GrowingLog()
        let store = try scratch.store { $0.journalCommits = 3 }
        // The first is the row of the fold itself, which says where the log stands.
        for (round, rows) in [1, 2, 3, 1, 2, 3, 4, 1, 2].enumerated() {
            try log.commit(batch(&log, round + 1), to: store)
            let environment = try copyOfTheStore()
            let folded = [0, 0, 0, 4, 4, 4, 4, 8, 8][round]
            #expect(try rowCount("journal", environment) == rows)
            for name in ["state", "pages", "seals"] { #expect(try rowCount(name, environment) == folded) }
            for name in ["streams", "listings"] {
                #expect(try rowCount(name, environment) == (folded == 0 ? 0 : 1))
            }
        }
    }

    @Test("a batch that is longer than the journal may be goes into the tables at once, behind what waits")
    func longBatches() throws {
        var log = GrowingLog()
        let store = try scratch.store { $0.journalByteCount = 5000 }
        try log.commit(batch(&log, 1), to: store)
        var long = batch(&log, 2)
        long.state.append(([9], [UInt8](repeating: 9, count: 5000)))
        try log.commit(long, to: store)
        let environment = try copyOfTheStore()
        #expect(try rowCount("journal", environment) == 1)
        #expect(try rowCount("state", environment) == 3)
        try store.read { snapshot throws in
            #expect(try snapshot.stateValue([1], at: 1) == [1])
            #expect(try snapshot.stateValue([1], at: 2) == [2])
            #expect(try snapshot.stateValue([9])?.count == 5000)
        }
    }

    @Test("a store that ends between commits and their fold has all of them when it is opened again")
    func crash() throws {
        let memory = MemoryLogStore()
        var records = RandomRecords(seed: 25)
        var random = Random(seed: 26)
        let store = try scratch.store { $0.journalCommits = 4 }
        for round in 0..<12 {
            let batch = records.nextBatch()
            try memory.commit(batch, expecting: records.log.head.treeHead)
            try store.commit(batch, expecting: records.log.head.treeHead)
            records.took(batch)
            // The data file as a process that is killed now leaves it.
            let place = scratch.path + "/killed-\(round)"
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: scratch.data, toPath: place + "/data.mdb")
            let copy = try LMDBLogStore(directory: place)
            try memory.read { expected in try copy.read { try records.compare($0, to: expected, &random) } }
        }
    }

    @Test("a batch that is refused, or finds no room, leaves nothing in the journal")
    func refused() throws {
        var log = GrowingLog()
        let store = try scratch.store { $0.mapSize = 512 << 10 }
        try log.commit(batch(&log, 1), to: store)
        var wrong = batch(&log, 2)
        wrong.streams.append(([2], 1, 1))
        #expect(code { try store.commit(wrong, expecting: log.head.treeHead) } == .invalidBatch)
        var large = batch(&log, 2)
        large.state.append(([8], [UInt8](repeating: 8, count: 600_000)))
        #expect(code { try store.commit(large, expecting: log.head.treeHead) } == .full)
        try store.read { snapshot throws in
            #expect(try snapshot.stateValue([1]) == [1])
            #expect(try snapshot.newestLink(stream: [2], below: .max)?.seq == 1)
            #expect(try snapshot.listing([3], below: .max, before: nil, limit: 9) == [0])
            #expect(try snapshot.sealedSize(atMost: .max) == 1)
        }
        try log.commit(batch(&log, 2), to: store)
        #expect(try store.read { try $0.stateValue([1]) } == [2])
    }

    @Test("of a row's bytes none can change without being found out at the opening", arguments: [0, 64])
    func damage(journalCommits: Int) throws {
        var log = GrowingLog()
        var store = try scratch.store { $0.journalCommits = journalCommits }
        for round in 1...2 { try log.commit(batch(&log, round), to: store) }
        store.close()
        let key: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 2]
        let row = try #require(try edit { try $0.value(key, in: $1) })
        for position in row.indices {
            var damaged = row
            damaged[position] ^= 1 << UInt8(position % 8)
            try edit { try $0.put(damaged, for: key, in: $1) }
            #expect(code { _ = try scratch.store() } == .corrupt, "byte \(position)")
        }
        for length in [0, 1, 71, 72, 73, row.count - 1] {
            try edit { try $0.put(Array(row.prefix(length)), for: key, in: $1) }
            #expect(code { _ = try scratch.store() } == .corrupt, "\(length) bytes")
        }
        try edit { try $0.put(row, for: key, in: $1) }
        store = try scratch.store()
        #expect(try store.read { try $0.stateValue([1]) } == [2])
        store.close()
        guard journalCommits > 0 else { return }
        try edit { try $0.remove([0, 0, 0, 0, 0, 0, 0, 1], in: $1) }
        #expect(code { _ = try scratch.store() } == .corrupt)
    }

    @Test("a row says its changes again, of every kind and length")
    func rows() throws {
        var head = JournalHead()
        (head.number, head.folded) = (300, 7)
        head.head = StoredHead(treeHead: TreeHead(size: 1 << 40, root: .leaf([1])), sealTime: 5)
        (head.retained.from, head.retained.count) = (9, 11)
        var log = GrowingLog()
        var batch = log.nextBatch(3)
        batch.state = [
            ([1], nil), ([1], []), ([UInt8](repeating: 2, count: 200), [UInt8](repeating: 3, count: 70_000)),
        ]
        batch.mapPages = [([], [0]), ([0], nil)]
        let top: UInt64 = 1 << 40
        batch.streams = [([4], 0, 0), ([4], .max, top - 1), ([5], 1 << 63, top / 2)]
        batch.listings = [([6], 1), ([6], top - 1), ([7], 2), ([6], top - 1)]
        batch.checkpoint = (77, [1, 2, 3])
        let changes = JournalChanges(batch)
        let row = changes.row(head)
        let parsed = JournalHead(number: 300, row: row.span)
        let read = try #require(parsed)
        #expect(read.bytes == head.bytes)
        let again = try JournalChanges(row: row, read)
        #expect(again.isSealed)
        #expect(again.state.map(\.key.bytes) == batch.state.map(\.key))
        #expect(again.state.map(\.value) == batch.state.map(\.value))
        #expect(again.pages.map(\.value) == [[0], nil])
        #expect(again.streams.map(\.key.bytes) == [[4], [5]])
        #expect(again.streams[0].entries.map(\.number) == [0, .max])
        #expect(again.streams[0].entries.map(\.index) == [0, top - 1])
        #expect(again.listings.map(\.key.bytes) == [[6], [7], [6]])
        #expect(again.listings.map { $0.entries.map(\.index) } == [[1, top - 1], [2], [top - 1]])
        #expect(again.checkpoint?.size == 77)
        #expect(again.checkpoint?.bytes == [1, 2, 3])
        log.took(batch)
    }

    // MARK: Stores

    /// A batch of one entry that changes something of every kind.
    private func batch(_ log: inout GrowingLog, _ round: Int) -> StoreBatch {
        var batch = log.nextBatch(1)
        batch.state = [([1], [UInt8(round)])]
        batch.mapPages = [([], [UInt8(round)])]
        batch.streams = [([2], UInt64(round), log.head.size)]
        batch.listings = [([3], log.head.size)]
        return batch
    }

    /// What a store is made of, of the one that was closed.
    private func parts() throws -> (Environment, Layout, LeafIndex) {
        let environment = try Environment(directory: scratch.log)
        let layout = try Layout { try #require(try environment.database($0)) }
        let opening = LeafIndexOpening(
            place: StorageDirectory(scratch.log), environment: environment, layout: layout)
        return (environment, layout, try opening.open(wasClosed: false, recentCount: 1000))
    }

    /// The environment as it is on the disk.
    private func copyOfTheStore() throws -> Environment {
        let place = scratch.path + "/copy-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: scratch.data, toPath: place + "/data.mdb")
        return try Environment(directory: place)
    }

    private func rowCount(_ name: String, _ environment: Environment) throws -> Int {
        let database = try #require(try environment.database(name))
        return try environment.read { try $0.statistics(of: database).entryCount }
    }

    /// Changes the journal of a closed store behind its back.
    @discardableResult
    private func edit<R>(_ body: (WriteTransaction, Database) throws -> R) throws -> R {
        let environment = try Environment(directory: scratch.log)
        return try environment.write { try body($0, $0.createDatabase("journal")) }
    }
}
