import Foundation
import LMDB
import Testing
import Tlog

@testable import LMDBLogStore
@testable import LogStore

/// The rows that commits leave in the journal, and what becomes of them.
@Suite("Journal of a store")
struct JournalTests {
    /// From how many bytes on a batch goes into the tables at once: none of those here, some, all.
    private static let longFrom = [1 << 20, 100, 0]

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
                        if random.next() % 2 == 0 { $0.journalBatchByteCount = Int(random.next() % 160) }
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

    @Test(
        "a snapshot reads its own state, whatever is folded while it is read, or goes into the tables at once",
        arguments: longFrom)
    func snapshotsOverFolds(longFrom: Int) throws {
        let store = try scratch.store {
            $0.journalCommits = 2
            $0.journalBatchByteCount = longFrom
        }
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

    @Test("a fold that fails leaves every commit where it was, and the next one does it", arguments: longFrom)
    func foldFails(longFrom: Int) throws {
        let memory = MemoryLogStore()
        var (records, random) = (RandomRecords(seed: 27), Random(seed: 28))
        let store = try scratch.store {
            $0.journalCommits = 2
            $0.journalBatchByteCount = longFrom
        }
        func commit() throws {
            let batch = records.nextBatch()
            try memory.commit(batch, expecting: records.log.head.treeHead)
            try store.commit(batch, expecting: records.log.head.treeHead)
            records.took(batch)
        }
        for _ in 0..<6 { try commit() }
        for _ in 0..<4 {
            // An entry where the next fold wants to put one.
            let layout = try store.parts().layout
            let next = try store.parts().environment.read { try JournalBase.read($0, layout).head.head.size }
            try store.parts().environment.write { try $0.put([1], for: next.bigEndianBytes, in: layout.entries) }
            while true {
                let batch = records.nextBatch()
                guard code({ try store.commit(batch, expecting: records.log.head.treeHead) }) == nil else { break }
                try memory.commit(batch, expecting: records.log.head.treeHead)
                records.took(batch)
            }
            try memory.read { expected in try store.read { try records.compare($0, to: expected, &random) } }
            try store.parts().environment.write { _ = try $0.remove(next.bigEndianBytes, in: layout.entries) }
            for _ in 0..<3 { try commit() }
            try memory.read { expected in try store.read { try records.compare($0, to: expected, &random) } }
        }
    }

    @Test("the journal is as long as it may be: then a commit brings what waits into the tables first")
    func folds() throws {
        var log = GrowingLog()
        let store = try scratch.store { $0.journalCommits = 3 }
        for (round, folded) in [0, 0, 0, 3, 3, 3, 6, 6, 6, 9].enumerated() {
            try log.commit(batch(&log, round + 1), to: store)
            let (environment, layout) = try store.parts()
            #expect(try environment.read { try JournalBase.read($0, layout).head.number } == UInt64(folded))
            for name in ["entries", "state", "pages", "seals"] { #expect(try rowCount(name, environment) == folded) }
            for name in ["tiles", "streams", "listings"] {
                #expect(try rowCount(name, environment) == (folded == 0 ? 0 : 1))
            }
        }
        store.close()
        #expect(try rowCount("entries", Environment(directory: scratch.log)) == 10)
    }

    @Test("a journal of as many bytes as it may have is folded, however few commits they are")
    func longBatches() throws {
        var log = GrowingLog()
        let store = try scratch.store { $0.journalByteCount = 5000 }
        var long = batch(&log, 1)
        long.state.append(([9], [UInt8](repeating: 9, count: 600_000)))
        try log.commit(long, to: store)
        #expect(try rowCount("state", store.parts().environment) == 0)
        let length = try #require(try journalByteCount())
        try log.commit(batch(&log, 2), to: store)
        #expect(try rowCount("state", store.parts().environment) == 2)
        // The file does not stay as long as its longest row.
        #expect(try #require(try journalByteCount()) < length)
        try store.read { snapshot throws in
            #expect(try snapshot.stateValue([1], at: 1) == [1])
            #expect(try snapshot.stateValue([1], at: 2) == [2])
            #expect(try snapshot.stateValue([9])?.count == 600_000)
        }
    }

    @Test("a batch of many bytes has no row: it goes into the tables at once, behind all that waits")
    func longEntries() throws {
        var log = GrowingLog()
        let store = try scratch.store { $0.journalBatchByteCount = 1000 }
        let (environment, layout) = try store.parts()
        func commit(_ count: Int, _ byteCount: Int) throws {
            try log.commit(log.nextBatch(count, byteCount: byteCount), to: store)
        }
        func base() throws -> JournalBase { try environment.read { try JournalBase.read($0, layout) } }
        for (count, byteCount, number, rows) in [
            (3, 100, 0, 1), (2, 499, 0, 2), (2, 500, 3, 0), (1, 5000, 4, 0), (1, 40, 4, 1), (300, 40, 6, 0),
            (1, 999, 6, 1),
        ] as [(Int, Int, UInt64, Int)] {
            try commit(count, byteCount)
            let base = try base()
            #expect(base.head.number == number)
            #expect(try rowCount("entries", environment) == Int(base.head.head.size))
            #expect(try rowStarts(of: base.id).count - 1 == rows)
            try store.read { snapshot throws in
                try snapshot.verifyContents()
                #expect(
                    try snapshot.index(ofLeaf: log.leafHashes[log.entries.count - 1]) == UInt64(log.entries.count - 1))
            }
        }
        let again = log.batch([log.entries[4]] + (0..<40).map { [UInt8]("new \($0) and long enough".utf8) })
        #expect(code { try store.commit(again, expecting: log.head.treeHead) } == .duplicateEntry)
        #expect(try store.read { try $0.head } == log.head)
        try commit(40, 40)
    }

    // MARK: What a process that is killed leaves

    @Test(
        "a store that ends between commits and their fold has all of them when it is opened again, and goes on",
        arguments: longFrom)
    func crash(longFrom: Int) throws {
        let memory = MemoryLogStore()
        var (records, random) = (RandomRecords(seed: 25), Random(seed: 26))
        let store = try scratch.store {
            $0.journalCommits = 4
            $0.journalBatchByteCount = longFrom
        }
        for round in 0..<14 {
            let batch = records.nextBatch()
            try memory.commit(batch, expecting: records.log.head.treeHead)
            try store.commit(batch, expecting: records.log.head.treeHead)
            records.took(batch)
            let copy = try LMDBLogStore(directory: copyOfTheStore())
            try memory.read { expected in try copy.read { try records.compare($0, to: expected, &random) } }
            guard round % 3 == 0 else { continue }
            var more = records
            let next = more.nextBatch()
            let continued = MemoryLogStore()
            // The same batches once more, and then another one, in both.
            var again = RandomRecords(seed: 25)
            for _ in 0...round {
                let batch = again.nextBatch()
                try continued.commit(batch, expecting: again.log.head.treeHead)
                again.took(batch)
            }
            try continued.commit(next, expecting: more.log.head.treeHead)
            try copy.commit(next, expecting: more.log.head.treeHead)
            more.took(next)
            copy.close()
            let reopened = try LMDBLogStore(directory: copy.directory)
            try continued.read { expected in try reopened.read { try more.compare($0, to: expected, &random) } }
        }
    }

    @Test("of a row of which not all reached the disk nothing is there, and the next commit takes its place")
    func tornRow() throws {
        var log = GrowingLog()
        let store = try scratch.store()
        for round in 1...2 { try log.commit(batch(&log, round), to: store) }
        let before = log
        let start = try rowStarts()[2]
        try log.commit(batch(&log, 3), to: store)
        let byteCount = try #require(try rowByteCount(at: start))
        let end = start + byteCount
        for length in Array(0..<200) + Array(stride(from: 200, to: byteCount, by: 97)) + [byteCount - 1] {
            let place = try copyOfTheStore()
            try editJournal(in: place) {
                $0.replaceSubrange((start + length)..<end, with: Data(count: byteCount - length))
            }
            let copy = try LMDBLogStore(directory: place)
            #expect(try copy.read { try $0.head } == before.head, "\(length) bytes")
            var again = before
            try again.commit(batch(&again, 7), to: copy)
            #expect(try copy.read { try $0.stateValue([1]) } == [7])
            copy.close()
            #expect(try LMDBLogStore(directory: place).read { try $0.stateValue([1]) } == [7])
        }
    }

    @Test("of a row that has others behind it no byte can change without being found out at the opening")
    func damage() throws {
        var log = GrowingLog()
        let store = try scratch.store()
        for round in 1...3 { try log.commit(batch(&log, round), to: store) }
        let starts = try rowStarts()
        for position in starts[1]..<starts[1] + (try #require(try rowByteCount(at: starts[1]))) {
            let place = try copyOfTheStore()
            try editJournal(in: place) { $0[position] ^= 1 << UInt8(position % 8) }
            #expect(code { _ = try LMDBLogStore(directory: place) } == .corrupt, "byte \(position)")
            try FileManager.default.removeItem(atPath: place)
        }
    }

    @Test("of a journal from another moment nothing is taken; a missing one is refused, and an empty one is none")
    func mixed() throws {
        var log = GrowingLog()
        let store = try scratch.store { $0.journalCommits = 2 }
        for round in 1...2 { try log.commit(batch(&log, round), to: store) }
        let early = try copyOfTheStore()
        for round in 3...6 { try log.commit(batch(&log, round), to: store) }
        let late = try copyOfTheStore()
        // The data file of commit 0 with the rows of commits 5 and 6: the anchor will say what is missing.
        try replace("journal", in: early, from: late)
        #expect(try LMDBLogStore(directory: early).read { try $0.head.size } == 0)
        // The data file of commit 4.
        try FileManager.default.removeItem(atPath: late + "/journal")
        #expect(code { _ = try LMDBLogStore(directory: late) } == .corrupt)
        try Data().write(to: URL(filePath: late + "/journal"))
        #expect(try LMDBLogStore(directory: late).read { try $0.head.size } == 4)
    }

    @Test("what an issuer writes into an entry is not taken for a row, wherever it comes to lie")
    func forgedRows() throws {
        var log = GrowingLog()
        let store = try scratch.store {
            $0.journalCommits = 2
            $0.journalBatchByteCount = .max
        }
        var head = JournalHead()
        head.number = 1 << 60
        // With another ID: nobody knows that of the journal.
        var forged: [UInt8] = []
        JournalRow(log.nextBatch(0), after: JournalHead(), head: head, changes: JournalChanges())
            .write([], .random(), over: &forged)
        // So many that some begin where a row may.
        let entries = (0..<24).map { number in
            var entry = Array("entry \(number)".utf8) + [UInt8](repeating: 0, count: 7 * number)
            while entry.count + forged.count < 65_536 { entry += forged }
            return entry
        }
        try log.commit(log.batch(entries), to: store)
        // Then they are folded, and lie behind the newest row.
        for round in 1...2 { try log.commit(batch(&log, round), to: store) }
        let copy = try LMDBLogStore(directory: copyOfTheStore())
        #expect(try copy.read { try $0.head } == log.head)
    }

    @Test("a head in the tables that is not what its hash says is refused, whichever bit has changed")
    func damagedHead() throws {
        var log = GrowingLog()
        let store = try scratch.store { $0.journalCommits = 0 }
        for round in 1...2 { try log.commit(batch(&log, round), to: store) }
        let (environment, layout) = try store.parts()
        let key = Array("head".utf8)
        let row = try #require(try environment.read { try $0.value(key, in: layout.meta) })
        for place in stride(from: 0, to: row.count, by: 5) {
            var damaged = row
            damaged[place] ^= 1 << UInt8(place % 8)
            try environment.write { try $0.put(damaged, for: key, in: layout.meta) }
            let copy = try copyOfTheStore()
            #expect(code { _ = try LMDBLogStore(directory: copy) } == .corrupt, "byte \(place)")
        }
        try environment.write { try $0.put(row, for: key, in: layout.meta) }
        #expect(try LMDBLogStore(directory: copyOfTheStore()).read { try $0.head } == log.head)
    }

    @Test("rows from before the last fold, behind the newest row, are not taken for newer ones")
    func oldRows() throws {
        var log = GrowingLog()
        let store = try scratch.store { $0.journalCommits = 4 }
        for round in 1...5 { try log.commit(batch(&log, round), to: store) }
        let copy = try LMDBLogStore(directory: copyOfTheStore())
        #expect(try copy.read { try $0.head } == log.head)
        #expect(try copy.read { try $0.stateValue([1]) } == [5])
    }

    // MARK: Refusals

    @Test("a journal that somebody has changed is not folded, and nothing is committed from then on; what was is read")
    func changedWhileOpen() throws {
        var log = GrowingLog()
        let store = try scratch.store { $0.journalCommits = 2 }
        for round in 1...2 { try log.commit(batch(&log, round), to: store) }
        let last = try #require(try rowByteCount(at: 0)) - 1
        let before = try Data(contentsOf: URL(filePath: scratch.log + "/journal"))
        // In place: another file of that name would be noticed as such.
        func write(_ bytes: Data, at place: Int) throws {
            let file = try FileHandle(forUpdating: URL(filePath: scratch.log + "/journal"))
            try file.seek(toOffset: UInt64(place))
            try file.write(contentsOf: bytes)
            try file.close()
        }
        try write(Data([before[last] ^ 1]), at: last)
        let next = batch(&log, 3)
        #expect(code { try store.commit(next, expecting: log.head.treeHead) } == .syncFailed)
        try write(before, at: 0)
        #expect(code { try store.commit(next, expecting: log.head.treeHead) } == .syncFailed)
        #expect(code { try store.backUp(to: scratch.path + "/copy") } == .syncFailed)
        try store.read { snapshot throws in
            try snapshot.verifyContents()
            #expect(try snapshot.stateValue([1]) == [2])
        }
        store.close()
        #expect(try LMDBLogStore(directory: scratch.log).read { try $0.head } == log.head)
    }

    @Test("a batch that is refused, or finds no room, leaves nothing in the journal")
    func refused() throws {
        var log = GrowingLog()
        let store = try scratch.store { $0.mapSize = 4 << 20 }
        try log.commit(batch(&log, 1), to: store)
        var wrong = batch(&log, 2)
        wrong.streams.append(([2], 1, 1))
        #expect(code { try store.commit(wrong, expecting: log.head.treeHead) } == .invalidBatch)
        var large = batch(&log, 2)
        large.state.append(([8], [UInt8](repeating: 8, count: 5_000_000)))
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

    @Test("a tile that does not begin as it does in the store, or gains other hashes than its entries', is refused")
    func growth() throws {
        var log = GrowingLog()
        for journalCommits in [0, 64] {
            log = GrowingLog()
            let scratch = try Scratch()
            let store = try scratch.store { $0.journalCommits = journalCommits }
            try log.grow(store, by: 300)
            try log.grow(store, by: 1)
            for position in [0, 43 * 32, 45 * 32] {
                var wrong = log.nextBatch(2)
                let tile = try #require(wrong.tiles.firstIndex { $0.tile.level == 0 })
                wrong.tiles[tile].hashes[position] ^= 1
                #expect(code { try store.commit(wrong, expecting: log.head.treeHead) } == .invalidBatch)
            }
            try log.grow(store, by: 2)
            try store.read { try $0.verifyContents() }
        }
    }

    @Test("where there is no room for a fold, a copy is refused before anything is written")
    func copyWithoutRoom() throws {
        var log = GrowingLog()
        let store = try scratch.store()
        try log.grow(store, by: 3)
        let place = try copyOfTheStore()
        var options = LMDBLogStore.Options()
        options.spaceReserve = 1 << 60
        let copy = try LMDBLogStore(directory: place, options: options)
        #expect(code { try copy.backUp(to: scratch.path + "/backup") } == .full)
        #expect(!FileManager.default.fileExists(atPath: scratch.path + "/backup"))
        #expect(try copy.read { try $0.entries(0..<3) } == log.entries)
        try store.backUp(to: scratch.path + "/backup")
        #expect(try LMDBLogStore(directory: scratch.path + "/backup").read { try $0.entries(0..<3) } == log.entries)
    }

    @Test("a store whose journal was removed takes no commit, and what it has can be read")
    func removed() throws {
        var log = GrowingLog()
        let store = try scratch.store()
        try log.commit(batch(&log, 1), to: store)
        try FileManager.default.removeItem(atPath: scratch.log + "/journal")
        let next = batch(&log, 2)
        #expect(code { try store.commit(next, expecting: log.head.treeHead) } == .io)
        #expect(try store.read { try $0.stateValue([1]) } == [1])
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

    /// The files as a process that is killed now leaves them, in a directory of their own.
    private func copyOfTheStore() throws -> String {
        let place = scratch.path + "/copy-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        for name in ["data.mdb", "journal"] {
            try FileManager.default.copyItem(atPath: scratch.log + "/" + name, toPath: place + "/" + name)
        }
        return place
    }

    private func rowCount(_ name: String, _ environment: Environment) throws -> Int {
        let database = try #require(try environment.database(name))
        return try environment.read { try $0.statistics(of: database).entryCount }
    }

    private func journalByteCount() throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: scratch.log + "/journal")[.size] as? Int
    }

    /// Where the rows of the journal begin, and where the next one will.
    ///
    /// - Parameter id: what they begin with; nil for rows of any ID.
    private func rowStarts(of id: JournalID? = nil) throws -> [Int] {
        var starts = [0]
        while let byteCount = try rowByteCount(at: starts[starts.count - 1], id) {
            starts.append((starts[starts.count - 1] + byteCount + 4095) / 4096 * 4096)
        }
        return starts
    }

    private func rowByteCount(at place: Int, _ id: JournalID? = nil) throws -> Int? {
        let beginning = try [UInt8](Data(contentsOf: URL(filePath: scratch.log + "/journal")).dropFirst(place))
        if let id, beginning.count < JournalID.byteCount || JournalID(in: beginning.span, at: 0) != id { return nil }
        let lengths = JournalRow.lengths(beginning.span)
        return lengths?.row
    }

    private func editJournal(in place: String, _ body: (inout Data) -> Void) throws {
        let file = URL(filePath: place + "/journal")
        var bytes = try Data(contentsOf: file)
        body(&bytes)
        try bytes.write(to: file)
    }

    private func replace(_ name: String, in place: String, from other: String) throws {
        try FileManager.default.removeItem(atPath: place + "/" + name)
        try FileManager.default.copyItem(atPath: other + "/" + name, toPath: place + "/" + name)
    }
}
