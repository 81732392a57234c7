import LMDB
import Testing

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
