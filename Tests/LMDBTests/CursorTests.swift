import LMDB
import Testing

@Suite("LMDB: cursors")
struct CursorTests {
    private let scratch: Scratch
    private let environment: Environment

    init() throws {
        scratch = try Scratch()
        environment = try scratch.environment()
    }

    /// Keys of three bytes, in order.
    private static func key(_ number: Int) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 255), 7] }

    private static func values(_ numbers: some Sequence<Int>) -> [[UInt8]] {
        numbers.map { [UInt8($0 >> 8), UInt8($0 & 255)] }
    }

    @Test("a cursor goes to the first key that is not below a bound, and on from there")
    func seek() throws {
        let database = try environment.create("test")
        try environment.write { transaction in
            try transaction.withCursor(in: database) { cursor in
                check(try !cursor.first())
                check(try !cursor.seek([0]))
            }
            for number in stride(from: 0, to: 4000, by: 2) {
                try transaction.put(Self.key(number), for: Self.key(number), in: database)
            }
        }
        try environment.read { transaction in
            try transaction.withCursor(in: database) { cursor in
                check(try cursor.first())
                check(try cursor.currentKey() == Self.key(0))
                for number in stride(from: 1, to: 3997, by: 97) {
                    check(try cursor.seek(Self.key(number)))
                    let found = number + number % 2
                    check(try cursor.currentKey() == Self.key(found))
                    check(try cursor.currentKeyStarts(with: Array(Self.key(found).prefix(2))))
                    check(try !cursor.currentKeyStarts(with: Self.key(found) + [0]))
                    check(try !cursor.currentKeyStarts(with: Self.key(found + 1)))
                    check(try cursor.currentValue(dropping: 1) == Array(Self.key(found).dropFirst()))
                    check(try cursor.currentValueFirst() == Self.key(found).first)
                    check(try cursor.next())
                    check(try cursor.currentKey() == Self.key(found + 2))
                }
                check(try !cursor.seek([255]))
                do {
                    try cursor.put([1], for: [1])
                    Issue.record("a cursor of a read wrote")
                } catch {
                    check((error as? LMDBError)?.operation == "mdb_cursor_put")
                }
            }
        }
    }

    @Test("a cursor writes and removes while it goes, across pages, and sees what it did")
    func writes() throws {
        let database = try environment.create("test")
        let large = [UInt8](repeating: 9, count: 700)
        try environment.write { transaction in
            try transaction.withCursor(in: database) { cursor in
                for number in stride(from: 2998, through: 0, by: -2) {
                    try cursor.put(large, for: Self.key(number))
                    check(try cursor.currentKey() == Self.key(number))
                    // What lies behind the new key.
                    check(try cursor.next() == (number < 2998))
                }
                // Every third one goes.
                var isThere = try cursor.first()
                var position = 0
                while isThere {
                    if position % 3 == 0 { try cursor.remove() }
                    isThere = try cursor.next()
                    position += 1
                }
                #expect(position == 1500)
            }
        }
        var left: [[UInt8]] = []
        try environment.read { transaction in
            try transaction.forEach(in: database) { key, _ in
                left.append(key.copied())
                return true
            }
        }
        #expect(left == (0..<1500).filter { $0 % 3 > 0 }.map { Self.key($0 * 2) })
    }

    @Test("what other writes do does not mislead a cursor")
    func besideWrites() throws {
        let database = try environment.create("test")
        try environment.write { transaction in
            for number in 0..<300 { try transaction.put([1], for: Self.key(number), in: database) }
            try transaction.withCursor(in: database) { cursor in
                check(try cursor.seek(Self.key(150)))
                for number in 300..<3000 { try transaction.put([2], for: Self.key(number), in: database) }
                for number in 0..<100 { try transaction.remove(Self.key(number), in: database) }
                check(try cursor.currentKey() == Self.key(150))
                check(try cursor.currentValue() == [1])
                check(try cursor.next())
                check(try cursor.currentKey() == Self.key(151))
            }
        }
    }

    /// `#expect` would copy the cursor.
    private func check(_ holds: Bool, at place: SourceLocation = #_sourceLocation) {
        #expect(holds, sourceLocation: place)
    }
}
