import Foundation
import LMDB
import Testing

@Suite("LMDB: values")
struct LMDBValueTests {
    private let scratch: Scratch
    private let environment: Environment
    private let database: Database

    init() throws {
        scratch = try Scratch()
        environment = try scratch.environment()
        database = try environment.create("test")
    }

    @Test("what was put is there; what was not is nil, and an empty value is a value")
    func putAndGet() throws {
        try environment.write { transaction in
            try transaction.put(bytes("one"), for: bytes("a"), in: database)
            try transaction.put([], for: bytes("empty"), in: database)
            #expect(try transaction.value(bytes("a"), in: database) == bytes("one"))
        }
        try environment.read { transaction in
            #expect(try transaction.value(bytes("a"), in: database) == bytes("one"))
            #expect(try transaction.value(bytes("empty"), in: database) == [])
            #expect(try transaction.value(bytes("b"), in: database) == nil)
            #expect(try transaction.contains(bytes("empty"), in: database))
            #expect(try !transaction.contains(bytes("b"), in: database))
            let sum = try transaction.withValue(bytes("a"), in: database) { $0.count }
            #expect(sum == 3)
            #expect(try transaction.withValue(bytes("b"), in: database) { $0.count } == nil)
        }
    }

    @Test("put replaces, insert and append refuse a key that is there, and say so without an error")
    func ways() throws {
        try environment.write { transaction in
            #expect(try transaction.insert(bytes("1"), for: bytes("k"), in: database))
            #expect(try !transaction.insert(bytes("2"), for: bytes("k"), in: database))
            #expect(try transaction.value(bytes("k"), in: database) == bytes("1"))
            try transaction.put(bytes("3"), for: bytes("k"), in: database)
            #expect(try transaction.value(bytes("k"), in: database) == bytes("3"))
            #expect(try !transaction.append(bytes("4"), for: bytes("a"), in: database))
            #expect(try !transaction.append(bytes("4"), for: bytes("k"), in: database))
            #expect(try transaction.append(bytes("4"), for: bytes("l"), in: database))
            #expect(try transaction.remove(bytes("k"), in: database))
            #expect(try !transaction.remove(bytes("k"), in: database))
            #expect(try transaction.value(bytes("k"), in: database) == nil)
        }
        #expect(try environment.read { try $0.statistics(of: database).entryCount } == 1)
    }

    @Test("a key that LMDB cannot take is an error and leaves the environment usable", arguments: [0, 512, 5000])
    func badKeys(length: Int) throws {
        #expect(environment.maxKeyByteCount == 511)
        let key = [UInt8](repeating: 7, count: length)
        let error = #expect(throws: LMDBError.self) {
            try environment.write { try $0.put([1], for: key, in: database) }
        }
        #expect(error?.kind == .badValueSize)
        #expect(error?.operation == "mdb_put")
        try environment.write { try $0.put([1], for: [UInt8](repeating: 7, count: 511), in: database) }
    }

    @Test("large values come back whole", arguments: [1, 2000, 2100, 8192, 65_535, 1 << 20])
    func largeValues(size: Int) throws {
        let value = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        try environment.write { try $0.put(value, for: [1], in: database) }
        #expect(try environment.read { try $0.value([1], in: database) } == value)
        #expect(try environment.read { try $0.withValue([1], in: database) { $0.copied() } } == value)
    }

    @Test("walks go up and down from any bound, and stop when told to")
    func walks() throws {
        let keys: [[UInt8]] = [[1], [1, 0], [2], [2, 5, 5], [4], [255, 255]]
        try environment.write { transaction in
            for key in keys.shuffled() { try transaction.put(key + [9], for: key, in: database) }
        }
        try environment.read { transaction in
            for bound in keys + [[0], [3], [2, 5], [255, 255, 0]] {
                var up: [[UInt8]] = []
                try transaction.forEach(in: database, from: bound) { key, value in
                    #expect(value.copied() == key.copied() + [9])
                    up.append(key.copied())
                    return true
                }
                #expect(up == keys.filter { !$0.lexicographicallyPrecedes(bound) })
                var down: [[UInt8]] = []
                try transaction.forEachReversed(in: database, below: bound) { key, _ in
                    down.append(key.copied())
                    return true
                }
                #expect(down == keys.filter { $0.lexicographicallyPrecedes(bound) }.reversed())
                #expect(try transaction.first(in: database, from: bound)?.key == up.first)
                #expect(try transaction.last(in: database, below: bound)?.key == down.first)
            }
            #expect(try transaction.first(in: database)?.key == keys.first)
            #expect(try transaction.last(in: database)?.value == [255, 255, 9])
            var seen = 0
            try transaction.forEach(in: database) { _, _ in
                seen += 1
                return seen < 3
            }
            #expect(seen == 3)
        }
    }

    @Test("an empty database has no first and no last key")
    func empty() throws {
        try environment.read { transaction in
            #expect(try transaction.first(in: database) == nil)
            #expect(try transaction.last(in: database) == nil)
            #expect(try transaction.first(in: database, from: [1]) == nil)
            #expect(try transaction.last(in: database, below: [1]) == nil)
            try transaction.forEachReversed(in: database) { _, _ in Issue.record("there is nothing"); return true }
        }
    }

    @Test("a walk and a value in place hold while their body writes")
    func writingWhileWalking() throws {
        try environment.write { transaction in
            for key in UInt8(0)..<200 { try transaction.put([key, key], for: [key], in: database) }
        }
        try environment.write { transaction in
            var seen: [UInt8] = []
            try transaction.forEach(in: database) { key, value in
                let name = key[0]
                guard key.count == 1 else { return true }
                for number in UInt8(0)..<3 {
                    try transaction.put([UInt8](repeating: 1, count: 900), for: [name, number], in: database)
                }
                if name % 2 == 0 { try transaction.remove([name], in: database) }
                #expect(key.copied() == [name])
                #expect(value.copied() == [name, name])
                seen.append(name)
                return true
            }
            #expect(seen == Array(0..<200))
        }
    }
}

@Suite("LMDB: transactions")
struct LMDBTransactionTests {
    private struct Refused: Error {}
    private let scratch: Scratch
    private let environment: Environment
    private let database: Database

    init() throws {
        scratch = try Scratch()
        environment = try scratch.environment()
        database = try environment.create("test")
    }

    @Test("an error in a write undoes all of it and is passed on")
    func aborts() throws {
        #expect(throws: Refused.self) {
            try environment.write { transaction in
                try transaction.put([1], for: [1], in: database)
                throw Refused()
            }
        }
        #expect(try environment.read { try $0.value([1], in: database) } == nil)
        try environment.write { try $0.put([2], for: [1], in: database) }
        #expect(try environment.read { try $0.value([1], in: database) } == [2])
    }

    @Test("a read sees the state at its beginning, whatever is written meanwhile")
    func isolation() throws {
        try environment.write { try $0.put([1], for: [1], in: database) }
        try environment.read { old in
            try environment.write { try $0.put([2], for: [1], in: database) }
            #expect(try old.value([1], in: database) == [1])
            let new = try environment.read { try $0.value([1], in: database) }
            #expect(new == [2])
            #expect(try old.value([1], in: database) == [1])
        }
    }

    @Test("a transaction that was kept beyond its closure is an error, not a crash")
    func escaped() throws {
        var keptRead: Transaction?
        try environment.read { keptRead = $0 }
        #expect(throws: LMDBError.self) { try keptRead?.value([1], in: database) }
        #expect(throws: LMDBError.self) { try keptRead?.forEach(in: database) { _, _ in true } }
        var keptWrite: WriteTransaction?
        try environment.write { keptWrite = $0 }
        let error = #expect(throws: LMDBError.self) { try keptWrite?.put([1], for: [1], in: database) }
        #expect(error?.kind == .badTransaction)
        #expect(throws: LMDBError.self) { try keptWrite?.remove([1], in: database) }
        #expect(throws: LMDBError.self) { try keptWrite?.createDatabase("x") }
    }

    @Test("a write inside a write of the same thread is an error, not a deadlock")
    func nestedWrite() throws {
        let error = #expect(throws: LMDBError.self) {
            try environment.write { _ in try environment.write { _ in } }
        }
        #expect(error?.kind == .badTransaction)
        try environment.write { try $0.put([1], for: [1], in: database) }
    }

    @Test("a read inside a write sees what was committed before")
    func readInsideWrite() throws {
        try environment.write { transaction in
            try transaction.put([1], for: [1], in: database)
            #expect(try environment.read { try $0.value([1], in: database) } == nil)
        }
    }

    @Test("writes of many threads go one after the other, reads beside them")
    func manyThreads() async throws {
        try environment.write { try $0.put([0, 0], for: [1], in: database) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { [environment, database] in
                    for _ in 0..<20 {
                        try environment.write { transaction in
                            let old = try #require(try transaction.value([1], in: database))
                            let count = Int(old[0]) << 8 | Int(old[1]) + 1
                            try transaction.put([UInt8(count >> 8), UInt8(count & 255)], for: [1], in: database)
                        }
                        _ = try environment.read { try $0.value([1], in: database) }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try environment.read { try $0.value([1], in: database) } == [0, 160])
    }

    @Test("more reads at one time than there are slots is an error, and passes")
    func readersFull() throws {
        let environment = try scratch.environment("few") { $0.maxReaders = 2 }
        let error = #expect(throws: LMDBError.self) {
            try environment.read { _ in try environment.read { _ in try environment.read { _ in } } }
        }
        #expect(error?.kind == .readersFull)
        try environment.read { _ in try environment.read { _ in } }
    }

    @Test("a full map is an error, nothing of the write stays, and smaller writes go on")
    func mapFull() throws {
        let environment = try scratch.environment("small") { $0.mapSize = 256 << 10 }
        let database = try environment.create("test")
        try environment.write { try $0.put([1], for: [1], in: database) }
        let error = #expect(throws: LMDBError.self) {
            try environment.write { transaction in
                for key in UInt8(2)..<200 {
                    try transaction.put([UInt8](repeating: 3, count: 4000), for: [key], in: database)
                }
            }
        }
        #expect(error?.kind == .mapFull)
        #expect(try environment.read { try $0.statistics(of: database).entryCount } == 1)
        try environment.write { try $0.put([2], for: [2], in: database) }
        #expect(try environment.read { try $0.value([2], in: database) } == [2])
    }
}

@Suite("LMDB: environments")
struct LMDBEnvironmentTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test("what was committed is there after closing and opening again, with the files for the owner alone")
    func reopen() throws {
        do {
            let environment = try scratch.environment()
            let database = try environment.create("test")
            try environment.write { try $0.put([1], for: [1], in: database) }
            try environment.sync()
            #expect(try environment.info().lastTransaction == 2)
        }
        let attributes = try FileManager.default.attributesOfItem(atPath: scratch.path + "/env/data.mdb")
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let environment = try scratch.environment()
        let database = try #require(try environment.database("test"))
        #expect(try environment.read { try $0.value([1], in: database) } == [1])
        #expect(try environment.database("other") == nil)
        #expect(try environment.checkReaders() == 0)
    }

    @Test("an environment that is only read refuses writes")
    func readOnly() throws {
        do {
            let environment = try scratch.environment()
            let database = try environment.create("test")
            try environment.write { try $0.put([1], for: [1], in: database) }
        }
        let environment = try scratch.environment { $0.readOnly = true }
        let database = try #require(try environment.database("test"))
        #expect(try environment.read { try $0.value([1], in: database) } == [1])
        let error = #expect(throws: LMDBError.self) { try environment.write { _ in } }
        #expect(error?.operation == "mdb_txn_begin")
    }

    @Test("a missing directory and a file that is not LMDB's are errors that name the call")
    func cannotOpen() throws {
        let missing = #expect(throws: LMDBError.self) { try Environment(directory: scratch.path + "/none") }
        #expect(missing?.operation == "mdb_env_open")
        #expect(missing?.kind == .system(2))
        let directory = try scratch.directory("other")
        try Data(repeating: 65, count: 20_000).write(to: URL(filePath: directory + "/data.mdb"))
        let invalid = #expect(throws: LMDBError.self) { try Environment(directory: directory) }
        #expect(invalid?.kind == .invalid)
        #expect(invalid?.description.contains("mdb_env_open") == true)
    }

    @Test("more databases than agreed is an error")
    func tooManyDatabases() throws {
        let environment = try scratch.environment { $0.maxDatabases = 1 }
        _ = try environment.create("one")
        let error = #expect(throws: LMDBError.self) { try environment.create("two") }
        #expect(error?.kind == .databasesFull)
    }

    @Test("a copy is an environment with the same contents, compacted or not", arguments: [true, false])
    func copy(compacting: Bool) throws {
        let environment = try scratch.environment()
        let database = try environment.create("test")
        try environment.write { transaction in
            for key in UInt8(0)..<100 { try transaction.put([key], for: [key], in: database) }
        }
        try environment.copy(to: scratch.directory("copy"), compacting: compacting)
        #expect(throws: LMDBError.self) { try environment.copy(to: scratch.path + "/copy", compacting: compacting) }
        let copy = try scratch.environment("copy")
        let copied = try #require(try copy.database("test"))
        #expect(try copy.read { try $0.statistics(of: copied).entryCount } == 100)
    }

    @Test("the list of free pages names those that a removed value had")
    func freePages() throws {
        let environment = try scratch.environment()
        let database = try environment.create("test")
        try environment.write { try $0.put([UInt8](repeating: 1, count: 40_000), for: [1], in: database) }
        let before = try environment.read { try $0.freePages(pageCount: environment.info().pageCount) }
        _ = try environment.write { try $0.remove([1], in: database) }
        let count = try environment.info().pageCount
        let after = try environment.read { try $0.freePages(pageCount: count) }
        #expect(after.subtracting(before).count >= 10)
        #expect(after.allSatisfy { $0 >= 2 && $0 < UInt64(count) })
        let error = #expect(throws: LMDBError.self) { try environment.read { try $0.freePages(pageCount: 3) } }
        #expect(error?.kind == .corrupted)
        #expect(throws: LMDBError.self) { try environment.write { try $0.freePages(pageCount: count) } }
    }

    @Test("a terabyte of map opens at once and takes no space")
    func sparse() throws {
        let environment = try scratch.environment { $0.mapSize = 1 << 40 }
        #expect(try environment.info().mapSize == 1 << 40)
        let attributes = try FileManager.default.attributesOfItem(atPath: scratch.path + "/env/data.mdb")
        #expect(try #require(attributes[.size] as? Int) < 1 << 20)
    }

    @Test("the companion lives as long as the environment, and an open transaction's environment does too")
    func companion() throws {
        let path = scratch.path + "/lock"
        var environment: Environment? = try {
            let lock = try #require(try LockFile.acquire(path))
            return try Environment(directory: scratch.directory("env"), keeping: lock)
        }()
        #expect(try LockFile.acquire(path) == nil)
        try environment?.read { _ in
            environment = nil
            let second = try LockFile.acquire(path)
            #expect(second == nil)
        }
        #expect(try LockFile.acquire(path) != nil)
    }
}

@Suite("Files of a store")
struct StorageFileTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test("a lock is held by one, in this process too, and given back with its object")
    func lock() throws {
        let path = scratch.path + "/LOCK"
        var lock = try LockFile.acquire(path)
        #expect(lock != nil)
        #expect(try LockFile.acquire(path) == nil)
        lock = nil
        #expect(try LockFile.acquire(path) != nil)
        let error = #expect(throws: SystemCallError.self) { try LockFile.acquire(scratch.path + "/none/LOCK") }
        #expect(error?.code == 2)
        #expect(error?.call == "open")
    }

    @Test("a directory is made once, for its owner alone, and lists its names")
    func directory() throws {
        let directory = StorageDirectory(scratch.path + "/d")
        #expect(try directory.names() == nil)
        #expect(try directory.create())
        #expect(try !directory.create())
        #expect(try directory.names() == [])
        _ = try StorageFile(creatingAt: directory.file("a name with spaces"))
        #expect(try directory.names() == ["a name with spaces"])
        try directory.sync()
        let attributes = try FileManager.default.attributesOfItem(atPath: directory.path)
        #expect(attributes[.posixPermissions] as? Int == 0o700)
        #expect(throws: SystemCallError.self) { try StorageDirectory(scratch.path + "/x/y").create() }
        #expect(throws: SystemCallError.self) { try StorageDirectory(directory.file("a name with spaces")).names() }
    }

    @Test("a file is measured, resized, synced and forgotten by the cache")
    func file() throws {
        let file = try StorageFile(creatingAt: scratch.path + "/f")
        #expect(try file.byteCount() == 0)
        try file.resize(to: 10_000)
        #expect(try file.byteCount() == 10_000)
        try file.sync()
        try file.dropCache()
        try file.restrict(to: 0o400)
        let error = #expect(throws: SystemCallError.self) { try StorageFile(existingAt: scratch.path + "/none") }
        #expect(error?.description.contains("open") == true)
    }
}
