import Foundation
import LMDB
import Testing

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
