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
            try transaction.forEachReversed(in: database) { _, _ in
                Issue.record("there is nothing"); return true
            }
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
