import COSE
import Testing
import Tlog

@Suite("CBOR")
struct CBORTests {
    @Test("reads the items of its subset, and writes the same bytes again", arguments: Fixture.cases("cbor", \.valid))
    func readsValid(_ test: Fixture.Case) throws {
        let encoded = try bytes(test.cbor)
        let item = try CBOR(decoding: encoded)
        // By bytes: Swift's own comparison of texts would not tell composed from decomposed.
        #expect(Array(item.description.utf8) == Array((test.diagnostic ?? "").utf8))
        #expect(item.encoded() == encoded)
        #expect(try CBOR(decoding: encoded, keyOrder: .any) == item)
    }

    @Test("refuses all else, naming the reason", arguments: Fixture.cases("cbor", \.invalid))
    func refusesInvalid(_ test: Fixture.Case) throws {
        let encoded = try bytes(test.cbor)
        #expect(reason { _ = try CBOR(decoding: encoded) } == test.reason)
    }

    @Test("reads keys in any order where that is asked for", arguments: Fixture.cases("cbor", \.validInAnyKeyOrder))
    func readsAnyOrder(_ test: Fixture.Case) throws {
        let item = try CBOR(decoding: try bytes(test.cbor), keyOrder: .any)
        #expect(item.description == test.diagnostic)
        #expect(try CBOR(decoding: item.encoded()) == item)
    }

    @Test(
        "refuses the rest in any key order too, above all duplicates",
        arguments: Fixture.cases("cbor", \.invalidInAnyKeyOrder))
    func refusesInAnyOrder(_ test: Fixture.Case) throws {
        let encoded = try bytes(test.cbor)
        #expect(reason { _ = try CBOR(decoding: encoded, keyOrder: .any) } == test.reason)
    }

    @Test("what is written is read back the same, whatever is nested in it")
    func roundTrips() throws {
        var random = SeededGenerator(state: 1)
        for _ in 0..<2_000 {
            let item = Self.item(depth: 5, using: &random)
            let encoded = item.encoded()
            let read = try CBOR(decoding: encoded)
            #expect(read == item)
            #expect(read.hashValue == item.hashValue)
            #expect(read.encoded() == encoded)
        }
    }

    @Test("of all bytes, only what would be written again is read")
    func readsNothingElse() {
        var random = SeededGenerator(state: 2)
        for _ in 0..<4_000 {
            var encoded = Self.item(depth: 4, using: &random).encoded()
            for _ in 0..<Int.random(in: 1...3, using: &random) where !encoded.isEmpty {
                let position = Int.random(in: 0..<encoded.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: encoded[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 1: encoded.remove(at: position)
                default: encoded.insert(UInt8.random(in: 0...255, using: &random), at: position)
                }
            }
            guard let item = try? CBOR(decoding: encoded) else { continue }
            #expect(item.encoded() == encoded)
        }
    }

    @Test("any bytes are read or refused, in any key order, without a trap")
    func survivesAnything() {
        var random = SeededGenerator(state: 3)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...24, using: &random)
            let encoded = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            if let item = try? CBOR(decoding: encoded, keyOrder: .any) {
                #expect((try? CBOR(decoding: item.encoded())) == item)
            }
        }
    }

    @Test("what is only checked is read or refused as what is built, for the same reason")
    func checksWhatItReads() throws {
        let cases = Fixture.cases("cbor", \.valid) + Fixture.cases("cbor", \.invalid)
        let fixtures = try cases.map { try bytes($0.cbor) }
        var random = SeededGenerator(state: 4)
        var read = 0
        for number in 0..<30_000 {
            var encoded = number < fixtures.count ? fixtures[number] : Self.item(depth: 4, using: &random).encoded()
            for _ in 0..<Int.random(in: 0...2, using: &random) where number >= fixtures.count && !encoded.isEmpty {
                let position = Int.random(in: 0..<encoded.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: encoded[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 1: encoded.remove(at: position)
                default: encoded.insert(encoded[position], at: position)
                }
            }
            for limits in [CBORLimits.default, CBORLimits(depth: 2, items: 100), CBORLimits(depth: 16, items: 3)] {
                var (built, checked) = (CBORReader(encoded, limits: limits), CBORReader(encoded, limits: limits))
                let refusal = Self.refusal { () throws(CBORError) in _ = try checked.checkedItem() }
                #expect(refusal == Self.refusal { () throws(CBORError) in _ = try built.item() }, "\(encoded)")
                guard refusal == nil else { continue }
                let rest = Self.refusal { () throws(CBORError) in try checked.finish() }
                #expect(rest == Self.refusal { () throws(CBORError) in try built.finish() }, "\(encoded)")
                read += 1
            }
        }
        #expect(read > 10_000)
    }

    private static func refusal(_ body: () throws(CBORError) -> Void) -> CBORError? {
        do { try body() } catch { return error }
        return nil
    }

    @Test("the order of keys is that of their encodings")
    func ordersByEncoding() {
        var random = SeededGenerator(state: 4)
        for _ in 0..<300 {
            let items = (0..<8).map { _ in Self.item(depth: 3, using: &random) }
            var unique: [CBOR] = []
            for item in items where !unique.contains(item) { unique.append(item) }
            let map = CBORMap(unique.map { ($0, CBOR.null) })
            let expected = unique.map { $0.encoded() }.sorted { $0.lexicographicallyPrecedes($1) }
            #expect(map.entries.map { $0.key.encoded() } == expected)
        }
    }

    @Test("a map finds, replaces, adds and removes, and stays in order")
    func mapChanges() {
        var map: CBORMap = [3: "c", 1: "a", -1: "m", "x": 9]
        #expect(map.entries.map(\.key) == [1, 3, -1, "x"])
        #expect(map[3] == "c" && map[4] == nil)
        map[2] = "b"
        map[3] = "d"
        map[1] = nil
        map[7] = nil
        #expect(map == [2: "b", 3: "d", -1: "m", "x": 9])
        #expect(map.encoded() == CBOR.map(map).encoded())
        #expect(throws: CBORError.duplicateKey(offset: 0)) { try CBORMap(checking: [(1, 2), (1, 3)]) }
    }

    @Test("integers keep their value at the edges")
    func integers() {
        for value in [0, 1, -1, 23, 24, -24, -25, Int64.max, Int64.min] as [Int64] {
            #expect(CBOR(value).integerValue == value)
        }
        #expect(CBOR.unsigned(UInt64(Int64.max) + 1).integerValue == nil)
        #expect(CBOR.negative(UInt64(Int64.max) + 1).integerValue == nil)
        #expect(CBOR(Int64.min).encoded() == [0x3b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
    }

    @Test("limits are the caller's")
    func limits() throws {
        let nested: CBOR = [[[1]]]
        let encoded = nested.encoded()
        #expect(try CBOR(decoding: encoded, limits: CBORLimits(depth: 4, items: 4)) == nested)
        #expect(throws: CBORError.tooDeep(offset: 3, limit: 3)) {
            try CBOR(decoding: encoded, limits: CBORLimits(depth: 3))
        }
        #expect(throws: CBORError.tooManyItems(offset: 2, limit: 3)) {
            try CBOR(decoding: encoded, limits: CBORLimits(items: 3))
        }
    }

    @Test(
        "a byte string that is written where it stands is the one that is written whole",
        arguments: [0, 22, 23, 253, 254, 65_532, 65_533, 70_000])
    func byteStringInPlace(count: Int) {
        let content = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        var (inner, whole, inPlace) = (CBORWriter(), CBORWriter(), CBORWriter())
        inner.bytes(content)
        whole.unsigned(7)
        whole.bytes(inner.bytes)
        whole.null()
        inPlace.unsigned(7)
        inPlace.byteString { $0.bytes(content) }
        inPlace.null()
        #expect(inPlace.bytes == whole.bytes)
    }

    @Test("a sequence is taken apart into its items, and no further than asked")
    func sequences() throws {
        let items: [CBOR] = [1, "two", [3, [4]], .tagged(18, [5: 6]), .bytes([0xff, 0xff])]
        let encoded = items.flatMap { $0.encoded() }
        let ranges = try CBORSequence.ranges(in: encoded, count: 5)
        #expect(try ranges.map { try CBOR(decoding: Array(encoded[$0])) } == items)
        #expect(try CBORSequence.ranges(in: [], count: 0).isEmpty)
        #expect(throws: CBORError.tooManyItems(offset: encoded.count - 3, limit: 4)) {
            try CBORSequence.ranges(in: encoded, count: 4)
        }
        #expect(reason { _ = try CBORSequence.ranges(in: encoded.dropLast(), count: 5) } == "length-beyond-input")
        #expect(reason { _ = try CBORSequence.ranges(in: [0x9f, 0xff], count: 5) } == "indefinite-length")
    }

    /// A random item, nested no deeper than `depth`.
    static func item(depth: Int, using random: inout SeededGenerator) -> CBOR {
        let number = UInt64.random(in: 0...UInt64.max, using: &random) >> UInt64.random(in: 0..<64, using: &random)
        let count = Int.random(in: 0...4, using: &random)
        switch Int.random(in: 0..<(depth > 1 ? 9 : 6), using: &random) {
        case 0: return .unsigned(number)
        case 1: return .negative(number)
        case 2: return .bytes((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
        case 3: return .text(String((0..<count).map { _ in "aé\u{301}水𐅑".randomElement(using: &random) ?? "x" }))
        case 4: return .bool(number & 1 == 1)
        case 5: return .null
        case 6: return .array((0..<count).map { _ in item(depth: depth - 1, using: &random) })
        case 7: return .tagged(number, item(depth: depth - 1, using: &random))
        default:
            var map = CBORMap()
            for _ in 0..<count {
                map[item(depth: depth - 1, using: &random)] = item(depth: depth - 1, using: &random)
            }
            return .map(map)
        }
    }
}
