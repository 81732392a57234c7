import Testing

@testable import LMDBLogStore

/// How caller's keys become keys of rows.
@Suite("Names of rows")
struct RowNameTests {
    private static var keys: [[UInt8]] {
        var keys = StateHistory.keys + [[]]
        var random = Random(seed: 9)
        for _ in 0..<200 {
            let alphabet: [UInt8] = [0, 1, 2, 254, 255]
            keys.append((0..<random.next() % 12).map { _ in alphabet[Int(random.next() % 5)] })
        }
        return Array(Set(keys))
    }

    @Test("no name begins another, whatever bytes the keys have")
    func separate() {
        let names = Self.keys.map { RowName($0).bytes }
        for (number, name) in names.enumerated() {
            for (other, longer) in names.enumerated() where other != number { #expect(!longer.starts(with: name)) }
        }
    }

    @Test("names are in the order of their keys, and begin as their keys begin, up to what a name can hold")
    func order() {
        let keys = Self.keys.filter { $0.count <= 200 }
        for key in keys {
            for other in keys {
                let (name, otherName) = (RowName(key).bytes, RowName(other).bytes)
                #expect(key.lexicographicallyPrecedes(other) == name.lexicographicallyPrecedes(otherName))
                #expect(key.starts(with: other) == name.starts(with: RowName.beginning(other)))
            }
        }
        for key in Self.keys {
            for length in 0...min(key.count, 700) {
                #expect(RowName(key).bytes.starts(with: RowName.beginning(Array(key.prefix(length)))))
            }
        }
    }

    @Test("a row is taken apart into what it was made of, and fits into LMDB")
    func parse() throws {
        for key in Self.keys {
            for number in [UInt64(0), 1, 255, 256, .max] {
                let row = RowName(key).row(number)
                #expect(row.count <= RowName.maxRowByteCount)
                let (name, found, foundNumber) = try #require(RowName.parse(row))
                #expect(name == RowName(key))
                #expect(foundNumber == number)
                #expect(found == (name.isCut ? nil : key))
                #expect(RowName(key).number(ofRow: row) == number)
                #expect(RowName.parse(row.dropLast()) == nil)
                #expect(RowName.parse(row + [0]) == nil)
            }
        }
        #expect(RowName.maxRowByteCount <= 511)
        for bytes in [[], [0], [1], [1, 0], [0, 2, 0, 0], [1, 2, 3], [0, 0]] as [[UInt8]] {
            #expect(RowName.parse(bytes) == nil)
        }
    }

    @Test("the greatest number comes first")
    func numbers() {
        let name = RowName([1, 0, 2])
        let numbers: [UInt64] = [.max, 1 << 40, 256, 255, 1, 0]
        let rows = numbers.map { name.row($0) }
        #expect(rows == rows.sorted { $0.lexicographicallyPrecedes($1) })
        #expect(name.end == name.row(0))
    }
}
