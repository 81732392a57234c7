import Foundation
import LMDB
import Synchronization
import Testing
import Tlog

@testable import LMDBLogStore
@testable import LogStore

/// What a process that is killed leaves in the journal, and what somebody may do to it before the next opening.
@Suite("Journal of a store that was not closed")
struct JournalRecoveryTests {
    /// From how many bytes on a batch goes into the tables at once: none of those here, some, all.
    private static let longFrom = [1 << 20, 100, 0]

    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

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
            try records.commit(to: memory, store)
            try store.waitForFold()
            let copy = try LMDBLogStore(directory: scratch.copyOfTheStore())
            try memory.read { expected in try copy.read { try records.compare($0, to: expected, &random) } }
            guard round % 3 == 0 else { continue }
            var more = records
            let continued = MemoryLogStore()
            // The same batches once more, and then another one, in both.
            var again = RandomRecords(seed: 25)
            for _ in 0...round { try again.commit(to: continued) }
            try more.commit(to: continued, copy)
            copy.close()
            let reopened = try LMDBLogStore(directory: copy.directory)
            try continued.read { expected in try reopened.read { try more.compare($0, to: expected, &random) } }
        }
    }

    @Test("a store that ends while a segment is folded has that one and the next, and goes on")
    func crashInAFold() throws {
        let memory = MemoryLogStore()
        var (records, random) = (RandomRecords(seed: 29), Random(seed: 30))
        let store = try scratch.store { $0.journalCommits = 3 }
        for round in 0..<12 {
            // A segment has three commits: with the first of the next one its fold begins.
            let place = try store.withFoldsHeldUp {
                try records.commit(to: memory, store)
                try memory.read { expected in try store.read { try records.compare($0, to: expected, &random) } }
                return try scratch.copyOfTheStore()
            }
            if round % 2 == 0 { try store.waitForFold() }
            var copy = try LMDBLogStore(directory: place)
            try memory.read { expected in try copy.read { try records.compare($0, to: expected, &random) } }
            var more = records
            for _ in 0..<(round % 3) { try more.commit(to: copy) }
            copy.close()
            copy = try LMDBLogStore(directory: place)
            #expect(try copy.read { try $0.head } == more.log.head)
            try copy.read { try $0.verifyContents() }
        }
    }

    @Test("of a segment that has another one behind it no byte can change without being found out at the opening")
    func damagedSegment() throws {
        var log = GrowingLog()
        let store = try scratch.store { $0.journalCommits = 2 }
        let place = try store.withFoldsHeldUp {
            for round in 1...3 { try log.commit(log.batchOfEachKind(round), to: store) }
            return try scratch.copyOfTheStore()
        }
        #expect(try LMDBLogStore(directory: place).read { try $0.head } == log.head)
        let starts = try scratch.rowStarts()
        #expect(starts.count == 3)
        for start in starts.dropLast() {
            let byteCount = try #require(try scratch.rowByteCount(at: start))
            for position in stride(from: start, to: start + byteCount, by: 7) {
                let copy = place + "-\(position)"
                try FileManager.default.copyItem(atPath: place, toPath: copy)
                try scratch.editJournal(in: copy) { $0[position] ^= 1 << UInt8(position % 8) }
                #expect(code { _ = try LMDBLogStore(directory: copy) } == .corrupt, "byte \(position)")
                try FileManager.default.removeItem(atPath: copy)
            }
        }
    }

    @Test("a segment whose first row did not reach the disk begins anew, in the same file and with the same ID")
    func tornSegment() throws {
        var log = GrowingLog()
        let store = try scratch.store { $0.journalCommits = 2 }
        for round in 1...2 { try log.commit(log.batchOfEachKind(round), to: store) }
        let before = log
        let place = try store.withFoldsHeldUp {
            try log.commit(log.batchOfEachKind(3), to: store)
            return try scratch.copyOfTheStore()
        }
        let byteCount = try #require(try scratch.rowByteCount(at: 0, in: 1))
        for length in [20, 200, byteCount - 1] {
            var again = before
            var options = LMDBLogStore.Options()
            options.journalCommits = 4
            let torn = place + "-\(length)"
            try FileManager.default.copyItem(atPath: place, toPath: torn)
            try scratch.editJournal(in: torn, file: 1) {
                $0.replaceSubrange(length..<byteCount, with: Data(count: byteCount - length))
            }
            for round in 1...4 {
                // It ends without being closed each time.
                let copy = try LMDBLogStore(directory: torn, options: options)
                #expect(try copy.read { try $0.head } == again.head)
                let crashed = torn + "-\(round)"
                try copy.withFoldsHeldUp {
                    try again.commit(again.batchOfEachKind(round + 10), to: copy)
                    try FileManager.default.copyItem(atPath: torn, toPath: crashed)
                }
                try copy.waitForFold()
                try copy.read { try $0.verifyContents() }
                #expect(try LMDBLogStore(directory: crashed).read { try $0.head } == again.head)
            }
        }
    }

    @Test("a fold that is under way when a store is closed is waited for; then the store can be opened, and is whole")
    func closedInAFold() throws {
        var log = GrowingLog()
        let store = try scratch.store { $0.journalCommits = 2 }
        let isClosed = Mutex(false)
        try store.withFoldsHeldUp {
            for round in 1...4 { try log.commit(log.batchOfEachKind(round), to: store) }
            Thread {
                store.close()
                isClosed.withLock { $0 = true }
            }.start()
            Thread.sleep(forTimeInterval: 0.1)
            #expect(!isClosed.withLock { $0 })
        }
        while !isClosed.withLock({ $0 }) { Thread.sleep(forTimeInterval: 0.01) }
        for name in JournalFiles.names {
            #expect(try Data(contentsOf: URL(filePath: scratch.log + "/" + name)).isEmpty)
        }
        try scratch.store().read { snapshot throws in
            #expect(try snapshot.head == log.head)
            try snapshot.verifyContents()
        }
    }

    @Test("of a row of which not all reached the disk nothing is there, and the next commit takes its place")
    func tornRow() throws {
        var log = GrowingLog()
        let store = try scratch.store()
        for round in 1...2 { try log.commit(log.batchOfEachKind(round), to: store) }
        let before = log
        let start = try scratch.rowStarts()[2]
        try log.commit(log.batchOfEachKind(3), to: store)
        let byteCount = try #require(try scratch.rowByteCount(at: start))
        let end = start + byteCount
        for length in Array(0..<200) + Array(stride(from: 200, to: byteCount, by: 97)) + [byteCount - 1] {
            let place = try scratch.copyOfTheStore()
            try scratch.editJournal(in: place) {
                $0.replaceSubrange((start + length)..<end, with: Data(count: byteCount - length))
            }
            let copy = try LMDBLogStore(directory: place)
            #expect(try copy.read { try $0.head } == before.head, "\(length) bytes")
            var again = before
            try again.commit(again.batchOfEachKind(7), to: copy)
            #expect(try copy.read { try $0.stateValue([1]) } == [7])
            copy.close()
            #expect(try LMDBLogStore(directory: place).read { try $0.stateValue([1]) } == [7])
        }
    }

    @Test("of a row that has others behind it no byte can change without being found out at the opening")
    func damage() throws {
        var log = GrowingLog()
        let store = try scratch.store()
        for round in 1...3 { try log.commit(log.batchOfEachKind(round), to: store) }
        let starts = try scratch.rowStarts()
        for position in starts[1]..<starts[1] + (try #require(try scratch.rowByteCount(at: starts[1]))) {
            let place = try scratch.copyOfTheStore()
            try scratch.editJournal(in: place) { $0[position] ^= 1 << UInt8(position % 8) }
            #expect(code { _ = try LMDBLogStore(directory: place) } == .corrupt, "byte \(position)")
            try FileManager.default.removeItem(atPath: place)
        }
    }

    @Test("of a journal from another moment nothing is taken; a missing one is refused, and an empty one is none")
    func mixed() throws {
        var log = GrowingLog()
        let store = try scratch.store { $0.journalCommits = 2 }
        for round in 1...2 { try log.commit(log.batchOfEachKind(round), to: store) }
        let early = try scratch.copyOfTheStore()
        for round in 3...6 { try log.commit(log.batchOfEachKind(round), to: store) }
        try store.waitForFold()
        let late = try scratch.copyOfTheStore()
        // The data file of commit 0 with the rows of commits 3 to 6: 3 and 4 are of the next segment, but do not go on from 0.
        for name in JournalFiles.names { try scratch.replace(name, in: early, from: late) }
        #expect(code { _ = try LMDBLogStore(directory: early) } == .corrupt)
        // And with those of commits 5 to 8, which are of later segments: the anchor will say what is missing.
        for round in 7...8 { try log.commit(log.batchOfEachKind(round), to: store) }
        try store.waitForFold()
        let last = try scratch.copyOfTheStore()
        for name in JournalFiles.names { try scratch.replace(name, in: early, from: last) }
        #expect(try LMDBLogStore(directory: early).read { try $0.head.size } == 0)
        // The data file of commit 4.
        for name in JournalFiles.names {
            try FileManager.default.removeItem(atPath: late + "/" + name)
            #expect(code { _ = try LMDBLogStore(directory: late) } == .corrupt)
            try Data().write(to: URL(filePath: late + "/" + name))
        }
        #expect(try LMDBLogStore(directory: late).read { try $0.head.size } == 4)
    }

    @Test("what an issuer writes into an entry is not taken for a row, wherever it comes to lie")
    func forgedRows() throws {
        var log = GrowingLog()
        let store = try scratch.store {
            $0.journalCommits = 1
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
        for round in 1...2 { try log.commit(log.batchOfEachKind(round), to: store) }
        try store.waitForFold()
        let copy = try LMDBLogStore(directory: scratch.copyOfTheStore())
        #expect(try copy.read { try $0.head } == log.head)
    }

    @Test("a head in the tables that is not what its hash says is refused, whichever bit has changed")
    func damagedHead() throws {
        var log = GrowingLog()
        let store = try scratch.store { $0.journalCommits = 0 }
        for round in 1...2 { try log.commit(log.batchOfEachKind(round), to: store) }
        try store.waitForFold()
        let (environment, layout) = try store.parts()
        let key = Array("head".utf8)
        let row = try #require(try environment.read { try $0.value(key, in: layout.meta) })
        for place in stride(from: 0, to: row.count, by: 5) {
            var damaged = row
            damaged[place] ^= 1 << UInt8(place % 8)
            try environment.write { try $0.put(damaged, for: key, in: layout.meta) }
            let copy = try scratch.copyOfTheStore()
            #expect(code { _ = try LMDBLogStore(directory: copy) } == .corrupt, "byte \(place)")
        }
        try environment.write { try $0.put(row, for: key, in: layout.meta) }
        #expect(try LMDBLogStore(directory: scratch.copyOfTheStore()).read { try $0.head } == log.head)
    }

    @Test("rows from before the last fold, behind the newest row, are not taken for newer ones")
    func oldRows() throws {
        var log = GrowingLog()
        let store = try scratch.store { $0.journalCommits = 4 }
        for round in 1...9 { try log.commit(log.batchOfEachKind(round), to: store) }
        try store.waitForFold()
        #expect(try scratch.rowStarts().count == 5)
        let copy = try LMDBLogStore(directory: scratch.copyOfTheStore())
        #expect(try copy.read { try $0.head } == log.head)
        #expect(try copy.read { try $0.stateValue([1]) } == [9])
    }
}
