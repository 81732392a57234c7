import Foundation
import LMDB
import Synchronization
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
                try records.commit(to: memory, store)
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
            for _ in 0..<count { try records.commit(to: memory, store) }
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
        for _ in 0..<6 { try records.commit(to: memory, store) }
        for _ in 0..<4 {
            // An entry where the next fold wants to put one.
            try store.waitForFold()
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
            for _ in 0..<3 { try records.commit(to: memory, store) }
            try memory.read { expected in try store.read { try records.compare($0, to: expected, &random) } }
        }
    }

    @Test("a segment is as long as it may be: the next commit begins another, and it is brought into the tables")
    func folds() throws {
        var log = GrowingLog()
        let store = try scratch.store { $0.journalCommits = 3 }
        for (round, folded) in [0, 0, 0, 3, 3, 3, 6, 6, 6, 9].enumerated() {
            try log.commit(log.batchOfEachKind(round + 1), to: store)
            try store.waitForFold()
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

    @Test("while a segment is folded commits go on and are read, and a file is not written over before it is folded")
    func foldsBesideCommits() throws {
        var log = GrowingLog()
        let store = try scratch.store { $0.journalCommits = 3 }
        let isDone = Mutex(false)
        let late = try store.withFoldsHeldUp {
            for round in 1...6 { try log.commit(log.batchOfEachKind(round), to: store) }
            for file in 0...1 { #expect(try scratch.rowStarts(in: file).count == 4) }
            try store.read { snapshot throws in
                #expect(try snapshot.head == log.head)
                #expect(try snapshot.stateValue([1]) == [6])
                #expect(try snapshot.stateValue([1], at: 2) == [2])
                #expect(try snapshot.listing([3], below: .max, before: nil, limit: 9) == [5, 4, 3, 2, 1, 0])
                #expect(try snapshot.newestLink(stream: [2], below: 3)?.seq == 3)
                #expect(try snapshot.sealedSize(atMost: 3) == 3)
                try snapshot.verifyContents()
            }
            let (batch, head) = (log.batchOfEachKind(7), log.head.treeHead)
            // It has no file to go to before the first segment is folded.
            let late = Thread {
                try? store.commit(batch, expecting: head)
                isDone.withLock { $0 = true }
            }
            late.start()
            Thread.sleep(forTimeInterval: 0.2)
            #expect(!isDone.withLock { $0 })
            return batch
        }
        while !isDone.withLock({ $0 }) { Thread.sleep(forTimeInterval: 0.01) }
        try store.waitForFold()
        #expect(try store.read { try $0.head } == late.head)
        let (environment, layout) = try store.parts()
        #expect(try environment.read { try JournalBase.read($0, layout).head.number } == 6)
    }

    @Test("a journal of as many bytes as it may have is folded, however few commits they are")
    func longBatches() throws {
        var log = GrowingLog()
        let store = try scratch.store { $0.journalByteCount = 5000 }
        var long = log.batchOfEachKind(1)
        long.state.append(([9], [UInt8](repeating: 9, count: 600_000)))
        try log.commit(long, to: store)
        #expect(try rowCount("state", store.parts().environment) == 0)
        let length = try #require(try scratch.journalByteCount())
        try log.commit(log.batchOfEachKind(2), to: store)
        try store.waitForFold()
        #expect(try rowCount("state", store.parts().environment) == 2)
        // When its turn comes again the file does not stay as long as its longest row.
        long = log.batchOfEachKind(3)
        long.state.append(([9], [UInt8](repeating: 8, count: 10_000)))
        try log.commit(long, to: store)
        try log.commit(log.batchOfEachKind(4), to: store)
        #expect(try #require(try scratch.journalByteCount()) < length)
        try store.read { snapshot throws in
            #expect(try snapshot.stateValue([1], at: 1) == [1])
            #expect(try snapshot.stateValue([1], at: 2) == [2])
            #expect(try snapshot.stateValue([9], at: 2)?.count == 600_000)
            #expect(try snapshot.stateValue([9])?.count == 10_000)
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
            #expect(try scratch.rowStarts(of: base.id).count - 1 == rows)
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

    // MARK: Refusals

    @Test("a journal that somebody has changed is not folded, and nothing is committed from then on; what was is read")
    func changedWhileOpen() throws {
        var log = GrowingLog()
        let store = try scratch.store { $0.journalCommits = 2 }
        for round in 1...2 { try log.commit(log.batchOfEachKind(round), to: store) }
        let last = try #require(try scratch.rowByteCount(at: 0)) - 1
        let before = try Data(contentsOf: URL(filePath: scratch.journal))
        // In place: another file of that name would be noticed as such.
        func write(_ bytes: Data, at place: Int) throws {
            let file = try FileHandle(forUpdating: URL(filePath: scratch.journal))
            try file.seek(toOffset: UInt64(place))
            try file.write(contentsOf: bytes)
            try file.close()
        }
        try write(Data([before[last] ^ 1]), at: last)
        #expect(store.failure == nil)
        // This one goes to the other file, and has the first one folded.
        try log.commit(log.batchOfEachKind(3), to: store)
        try store.waitForFold()
        #expect(store.failure?.code == .syncFailed, "it is said before a commit asks")
        let next = log.batchOfEachKind(4)
        #expect(code { try store.commit(next, expecting: log.head.treeHead) } == .syncFailed)
        try write(before, at: 0)
        #expect(code { try store.commit(next, expecting: log.head.treeHead) } == .syncFailed)
        #expect(code { try store.backUp(to: scratch.path + "/copy") } == .syncFailed)
        try store.read { snapshot throws in
            try snapshot.verifyContents()
            #expect(try snapshot.stateValue([1]) == [3])
        }
        store.close()
        #expect(try LMDBLogStore(directory: scratch.log).read { try $0.head } == log.head)
    }

    @Test("a batch that is refused, or finds no room, leaves nothing in the journal")
    func refused() throws {
        var log = GrowingLog()
        let store = try scratch.store { $0.mapSize = 4 << 20 }
        try log.commit(log.batchOfEachKind(1), to: store)
        var wrong = log.batchOfEachKind(2)
        wrong.streams.append(([2], 1, 1))
        #expect(code { try store.commit(wrong, expecting: log.head.treeHead) } == .invalidBatch)
        var large = log.batchOfEachKind(2)
        large.state.append(([8], [UInt8](repeating: 8, count: 5_000_000)))
        #expect(code { try store.commit(large, expecting: log.head.treeHead) } == .full)
        try store.read { snapshot throws in
            #expect(try snapshot.stateValue([1]) == [1])
            #expect(try snapshot.newestLink(stream: [2], below: .max)?.seq == 1)
            #expect(try snapshot.listing([3], below: .max, before: nil, limit: 9) == [0])
            #expect(try snapshot.sealedSize(atMost: .max) == 1)
        }
        try log.commit(log.batchOfEachKind(2), to: store)
        #expect(try store.read { try $0.stateValue([1]) } == [2])
    }

    @Test("where there is room for one segment and not for two, a commit waits for the fold of the first")
    func littleRoom() throws {
        let store = try scratch.store {
            $0.mapSize = 9 << 20
            $0.journalCommits = 40
        }
        let committed = Mutex(0)
        try store.withFoldsHeldUp {
            Thread {
                var log = GrowingLog()
                for round in 1...100 {
                    var batch = log.batchOfEachKind(round)
                    // The most that a fold may write for a key: two pages.
                    for key in 0..<20 { batch.state.append(([4, UInt8(round), UInt8(key)], [UInt8(round)])) }
                    guard (try? log.commit(batch, to: store)) != nil else { return }
                    committed.withLock { $0 = round }
                }
            }.start()
            for _ in 0..<1000 where committed.withLock({ $0 }) < 45 { Thread.sleep(forTimeInterval: 0.01) }
            Thread.sleep(forTimeInterval: 0.3)
            // Else it would have stopped at 80, where the second segment ends.
            #expect((45..<75).contains(committed.withLock { $0 }))
        }
        for _ in 0..<1000 where committed.withLock({ $0 }) < 100 { Thread.sleep(forTimeInterval: 0.01) }
        try store.read { snapshot throws in
            #expect(try snapshot.head.size == 100)
            #expect(try snapshot.stateValue([4, 57, 19]) == [57])
            try snapshot.verifyContents()
        }
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
        let place = try scratch.copyOfTheStore()
        var options = LMDBLogStore.Options()
        options.spaceReserve = 1 << 60
        let copy = try LMDBLogStore(directory: place, options: options)
        #expect(code { try copy.backUp(to: scratch.path + "/backup") } == .full)
        #expect(!FileManager.default.fileExists(atPath: scratch.path + "/backup"))
        #expect(try copy.read { try $0.entries(0..<3) } == log.entries)
        try store.backUp(to: scratch.path + "/backup")
        #expect(try LMDBLogStore(directory: scratch.path + "/backup").read { try $0.entries(0..<3) } == log.entries)
    }

    @Test("a store without one of its journal's files takes no commit, and what it has can be read", arguments: [0, 1])
    func removed(file: Int) throws {
        var log = GrowingLog()
        let store = try scratch.store()
        try log.commit(log.batchOfEachKind(1), to: store)
        try FileManager.default.removeItem(atPath: scratch.log + "/" + JournalFiles.names[file])
        let next = log.batchOfEachKind(2)
        #expect(code { try store.commit(next, expecting: log.head.treeHead) } == .io)
        #expect(try store.read { try $0.stateValue([1]) } == [1])
    }

    // MARK: Tables

    private func rowCount(_ name: String, _ environment: Environment) throws -> Int {
        let database = try #require(try environment.database(name))
        return try environment.read { try $0.statistics(of: database).entryCount }
    }
}
