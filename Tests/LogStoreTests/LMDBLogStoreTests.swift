import Foundation
import LMDB
import LMDBLogStore
import LogStore
import Testing
import Tlog

/// What only a store on a disk has to promise.
@Suite("Store in LMDB")
struct LMDBLogStoreTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test("what was committed is there after closing and opening again")
    func reopen() throws {
        var log = GrowingLog()
        for round in 0..<4 {
            let store = try scratch.store { $0.createsMissing = round == 0 }
            #expect(try store.read { try $0.head } == log.head)
            try store.read { try $0.verifyContents() }
            try log.grow(store, by: 100)
            store.close()
        }
        let store = try scratch.store()
        #expect(try store.read { try $0.entries(0..<400) } == log.entries)
    }

    @Test("a commit is in the files when it returns: a copy made while the store is open has it")
    func committedIsWritten() throws {
        let store = try scratch.store()
        var log = GrowingLog()
        try log.grow(store, by: 50)
        // As a machine that stops now would leave them.
        try FileManager.default.createDirectory(atPath: scratch.path + "/copy", withIntermediateDirectories: true)
        for name in ["data.mdb", "journal-1", "journal-2"] {
            try FileManager.default.copyItem(atPath: scratch.log + "/" + name, toPath: scratch.path + "/copy/" + name)
        }
        let copy = try LMDBLogStore(directory: scratch.path + "/copy")
        #expect(try copy.read { try $0.head } == log.head)
        try copy.read { try $0.verifyContents() }
    }

    @Test("nothing is committed to a data file that was removed or replaced; what is there can still be read")
    func removed() throws {
        for replaces in [false, true] {
            let scratch = try Scratch()
            let store = try scratch.store()
            var log = GrowingLog()
            try log.grow(store, by: 10)
            let copy = try Data(contentsOf: URL(filePath: scratch.data))
            try FileManager.default.removeItem(atPath: scratch.data)
            if replaces { try copy.write(to: URL(filePath: scratch.data)) }
            var more = log
            for _ in 0..<2 {
                let error = #expect(throws: StoreError.self) { try more.grow(store, by: 1) }
                #expect(error?.code == .io)
                #expect(error?.detail.contains("removed") == true)
            }
            #expect(try store.read { try $0.entries(0..<10) } == log.entries)
        }
    }

    @Test("the directory and its files are for the owner alone")
    func permissions() throws {
        let store = try scratch.store()
        let files = FileManager.default
        #expect(try files.attributesOfItem(atPath: scratch.log)[.posixPermissions] as? Int == 0o700)
        for name in ["data.mdb", "lock.mdb", "LOCK"] {
            let mode = try files.attributesOfItem(atPath: scratch.log + "/" + name)[.posixPermissions] as? Int
            #expect(mode == 0o600, "\(name)")
        }
        store.close()
    }

    @Test("a second opening is refused, also of a log that is being read while it closes")
    func locked() throws {
        let store = try scratch.store()
        let error = #expect(throws: StoreError.self) { try scratch.store() }
        #expect(error?.code == .locked)
        #expect(error?.detail.contains(scratch.log) == true)
        try store.read { _ in
            store.close()
            #expect(code { _ = try scratch.store() } == .locked)
        }
        _ = try scratch.store()
    }

    @Test("a store that is missing is not made unless asked for")
    func missing() throws {
        #expect(code { _ = try scratch.store { $0.createsMissing = false } } == .notAStore)
        #expect(!FileManager.default.fileExists(atPath: scratch.log))
        try FileManager.default.createDirectory(atPath: scratch.log, withIntermediateDirectories: true)
        #expect(code { _ = try scratch.store { $0.createsMissing = false } } == .notAStore)
        let deep = scratch.path + "/a/b"
        #expect(code { _ = try LMDBLogStore(directory: deep) } == .io)
    }

    @Test("a directory with other things in it is left alone")
    func foreignDirectory() throws {
        try FileManager.default.createDirectory(atPath: scratch.log, withIntermediateDirectories: true)
        try Data("mine".utf8).write(to: URL(filePath: scratch.log + "/letter.txt"))
        let error = #expect(throws: StoreError.self) { try scratch.store() }
        #expect(error?.code == .notAStore)
        #expect(error?.detail.contains("letter.txt") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.log) == ["letter.txt"])
        #expect(code { _ = try LMDBLogStore(directory: scratch.log + "/letter.txt") } == .io)
    }

    @Test("a data file that is not LMDB's, or of another program, is refused")
    func foreignFile() throws {
        try FileManager.default.createDirectory(atPath: scratch.log, withIntermediateDirectories: true)
        try Data(repeating: 66, count: 50_000).write(to: URL(filePath: scratch.data))
        #expect(code { _ = try scratch.store() } == .notAStore)
        try FileManager.default.removeItem(atPath: scratch.data)
        do {
            let environment = try Environment(directory: scratch.log)
            try environment.write { _ = try $0.createDatabase("addresses") }
        }
        #expect(code { _ = try scratch.store() } == .notAStore)
    }

    @Test("an unknown format is refused by its name, those before and one after", arguments: [1, 2, 3, 4, 5, 7])
    func unknownFormat(number: Int) throws {
        try scratch.store().close()
        try edit { try $0.put(Array("holdfast-store/\(number)".utf8), for: Array("format".utf8), in: $1("meta")) }
        let error = #expect(throws: StoreError.self) { try scratch.store() }
        #expect(error?.code == .version)
        #expect(error?.detail.contains("has the format holdfast-store/\(number)") == true)
        #expect(error?.detail.contains("knows holdfast-store/6") == true)
    }

    @Test("what an interrupted making leaves is made whole", arguments: [["LOCK"], ["LOCK", "lock.mdb"], []])
    func interruptedMaking(names: [String]) throws {
        try FileManager.default.createDirectory(atPath: scratch.log, withIntermediateDirectories: true)
        for name in names { try Data().write(to: URL(filePath: scratch.log + "/" + name)) }
        if names.isEmpty { _ = try Environment(directory: scratch.log).info() }
        var log = GrowingLog()
        let store = try scratch.store()
        try log.grow(store, by: 2)
    }

    @Test("a data file that was cut short is refused, and keeps its length", arguments: [0, 1, 5, 40])
    func truncated(keptPages: Int) throws {
        var log = GrowingLog()
        let store = try scratch.store()
        for _ in 0..<6 { try log.commit(log.nextBatch(60, byteCount: 600), to: store) }
        store.close()
        let handle = try #require(FileHandle(forUpdatingAtPath: scratch.data))
        try handle.truncate(atOffset: UInt64(keptPages * 4096))
        #expect(throws: StoreError.self) { try scratch.store() }
        let error = #expect(throws: StoreError.self) { try scratch.store() }
        let expected: [StoreError.Code] = keptPages == 1 ? [.notAStore, .corrupt] : [.corrupt]
        #expect(expected.contains(try #require(error).code), "\(String(describing: error))")
        #expect(try handle.seekToEnd() == UInt64(keptPages * 4096))
    }

    @Test("a data file that ends before its last free pages is opened")
    func shortOfFreePages() throws {
        var log = GrowingLog()
        let store = try scratch.store { $0.journalCommits = 0 }
        var batch = log.nextBatch(10)
        batch.state = [([1], [UInt8](repeating: 1, count: 400_000))]
        try log.commit(batch, to: store)
        batch = log.nextBatch(1)
        batch.state = [([1], nil)]
        try log.commit(batch, to: store)
        // The pages of the large value are free, and later batches move into them.
        for _ in 0..<6 { try log.grow(store, by: 1) }
        store.close()
        let (pageCount, pageSize, free) = try pages()
        var kept = pageCount
        while free.contains(UInt64(kept - 1)) { kept -= 1 }
        try #require(kept < pageCount, "the last page is in use")

        let handle = try #require(FileHandle(forUpdatingAtPath: scratch.data))
        try handle.truncate(atOffset: UInt64(kept * pageSize))
        let again = try scratch.store()
        #expect(try again.read { try $0.head } == log.head)
        for _ in 0..<20 { try log.grow(again, by: 5) }
        try again.read { try $0.verifyContents() }
    }

    @Test("a full map refuses the batch whole, and a larger map takes it")
    func mapFull() throws {
        var log = GrowingLog()
        var store = try scratch.store { $0.mapSize = 512 << 10 }
        var refusals = 0
        while refusals == 0 {
            let batch = log.nextBatch(20, byteCount: 1000)
            do {
                try log.commit(batch, to: store)
            } catch let error as StoreError {
                #expect(error.code == .full)
                refusals += 1
                #expect(try store.read { try $0.head } == log.head)
                #expect(try store.read { try $0.index(ofLeaf: batch.leafHashes[0]) } == nil)
            }
        }
        try store.read { try $0.verifyContents() }
        let again = log.nextBatch(20, byteCount: 1000)
        #expect(code { try store.commit(again, expecting: log.head.treeHead) } == .full)
        store.close()
        store = try scratch.store { $0.mapSize = 64 << 20 }
        try log.commit(again, to: store)
        try log.grow(store, by: 300)
        try store.read { try $0.verifyContents() }
    }

    @Test("a disk without the reserve refuses the batch whole, before it is written")
    func diskFull() throws {
        var log = GrowingLog()
        var store = try scratch.store()
        try log.grow(store, by: 5)
        store.close()
        store = try scratch.store { $0.spaceReserve = 1 << 60 }
        let batch = log.nextBatch(3)
        let error = #expect(throws: StoreError.self) { try store.commit(batch, expecting: log.head.treeHead) }
        #expect(error?.code == .full)
        #expect(error?.detail.contains(scratch.log) == true)
        #expect(try store.read { try $0.head } == log.head)
        store.close()
        store = try scratch.store()
        try log.commit(batch, to: store)
    }

    @Test("no store is made on a disk without room for it, and one is when there is room")
    func diskFullAtTheStart() throws {
        let error = #expect(throws: StoreError.self) { _ = try scratch.store { $0.spaceReserve = 1 << 60 } }
        #expect(error?.code == .full)
        #expect(!FileManager.default.fileExists(atPath: scratch.log + "/data.mdb"))
        var log = GrowingLog()
        try log.grow(try scratch.store(), by: 2)
    }

    @Test(
        "a bit inside a full tile that flipped is found, wherever it is, and a row of another length is damage",
        arguments: [0, 8191, 8192, 10_000, 12_223, nil])
    func damagedTile(position: Int?) throws {
        var log = GrowingLog()
        let store = try scratch.store()
        try log.grow(store, by: 300)
        store.close()
        let key = [UInt8](repeating: 0, count: 9)
        try edit { transaction, open in
            let tiles = try open("tiles")
            var row = try #require(try transaction.value(key, in: tiles))
            #expect(row.count == 12_224)
            if let position { row[position] ^= 1 } else { row.removeLast(32) }
            try transaction.put(row, for: key, in: tiles)
        }
        #expect(code { try scratch.store().read { try $0.verifyContents() } } == .corrupt)
    }

    @Test("missing entries, tiles and indices are damage, not absence")
    func damage() throws {
        var log = GrowingLog()
        let store = try scratch.store()
        try log.grow(store, by: 10)
        store.close()
        try edit { try $0.remove([0, 0, 0, 0, 0, 0, 0, 4], in: $1("entries")) }
        let damaged = try scratch.store()
        try damaged.read { snapshot throws in
            #expect(code { _ = try snapshot.entry(4) } == .corrupt)
            #expect(code { _ = try snapshot.entries(0..<10) } == .corrupt)
            #expect(try snapshot.entries(5..<10) == Array(log.entries[5...]))
            #expect(code { try snapshot.verifyContents() } == .corrupt)
        }
        damaged.close()
        try edit { try $0.put([1, 2, 3], for: Array("head".utf8), in: $1("meta")) }
        #expect(code { _ = try scratch.store() } == .corrupt)
    }

    @Test("a copy made while the log runs is a whole store of its own")
    func backUp() throws {
        var log = GrowingLog()
        let store = try scratch.store()
        try log.grow(store, by: 300)
        let before = log.head
        try store.backUp(to: scratch.path + "/copy")
        try log.grow(store, by: 10)
        #expect(code { try store.backUp(to: scratch.path + "/copy") } == .io)
        let copy = try LMDBLogStore(directory: scratch.path + "/copy")
        #expect(try copy.read { try $0.head } == before)
        try copy.read { try $0.verifyContents() }
    }

    @Test("without sync the store works; it only promises less")
    func noSync() throws {
        var log = GrowingLog()
        let store = try scratch.store { $0.noSync = true }
        try log.grow(store, by: 300)
        try store.read { try $0.verifyContents() }
    }

    /// The pages of a closed store, and which of them are free.
    private func pages() throws -> (count: Int, byteCount: Int, free: Set<UInt64>) {
        let environment = try Environment(directory: scratch.log)
        let info = try environment.info()
        let free = try environment.read { try $0.freePages(pageCount: info.pageCount) }
        return (info.pageCount, info.pageSize, free)
    }

    /// Changes the databases of a closed store behind its back.
    private func edit(_ body: (WriteTransaction, (String) throws -> Database) throws -> some Any) throws {
        let environment = try Environment(directory: scratch.log)
        try environment.write { transaction in
            _ = try body(transaction) { try transaction.createDatabase($0) }
        }
    }
}
