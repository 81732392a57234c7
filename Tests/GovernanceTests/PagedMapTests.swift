import Governance
import Testing
import Tlog

/// Pages in memory, as a store has them.
struct MemoryPages: MapPageReading, Equatable {
    var pages: [MapPath: [UInt8]] = [:]

    func page(_ path: MapPath) -> [UInt8]? { pages[path] }

    mutating func apply(_ changes: [MapPageChange]) {
        for change in changes { pages[change.path] = change.bytes }
    }
}

/// A map in pages beside the obvious one.
struct MapPair {
    var pages = MemoryPages()
    var paged = PagedMap()
    var obvious = MerkleMap()
    var content: [Hash: Hash] = [:]

    init(_ keys: [Hash] = []) throws {
        try set(keys.map { ($0, Hash.sha256($0.bytes)) })
    }

    @discardableResult
    mutating func set(_ changes: [(key: Hash, value: Hash?)]) throws -> [MapPageChange] {
        for (key, value) in changes { content[key] = value }
        obvious.set(changes)
        let changed = try paged.set(changes, reading: pages)
        pages.apply(changed)
        return changed
    }

    /// The same root, and for every key the same value and proof; also when nothing is remembered.
    func check(alsoOf others: [Hash] = []) throws {
        #expect(paged.root == obvious.root)
        let fresh = PagedMap(root: paged.root)
        try fresh.checkTop(reading: pages)
        for key in Array(content.keys) + others {
            let proof = try paged.proof(key, reading: pages)
            #expect(proof.encoded() == obvious.proof(key).encoded())
            #expect(try fresh.proof(key, reading: pages) == proof)
            #expect(try fresh.value(key, reading: pages) == content[key])
            try proof.verify(key: key, value: content[key], root: paged.root)
        }
    }

    /// What the pages are depends on the content alone.
    func checkPages() throws {
        var anew = PagedMap()
        var pages = MemoryPages()
        pages.apply(try anew.set(content.map { ($0.key, $0.value) }, reading: pages))
        #expect(anew.root == paged.root)
        #expect(pages == self.pages)
    }
}

/// A key whose first bits are these, and else zero.
func mapKey(_ bits: String, last: UInt8 = 0) -> Hash {
    var bytes = [UInt8](repeating: 0, count: 32)
    for (position, bit) in bits.enumerated() where bit == "1" { bytes[position / 8] |= 0x80 >> UInt8(position % 8) }
    bytes[31] |= last
    guard let hash = Hash(bytes) else { preconditionFailure("32 bytes are a hash") }
    return hash
}

@Suite("Map in pages")
struct PagedMapTests {
    @Test("an empty map has no page, and a map of one key one page")
    func small() throws {
        var map = try MapPair()
        try map.check(alsoOf: [mapKey("1")])
        #expect(map.pages.pages.isEmpty)
        try map.set([(mapKey("1"), .zero)])
        try map.check(alsoOf: [mapKey("0"), mapKey("11")])
        #expect(Array(map.pages.pages.keys) == [.root])
        try map.set([(mapKey("1"), nil)])
        #expect(map.paged.root == .zero)
        #expect(map.pages.pages.isEmpty)
    }

    @Test(
        "random changes come to the root and the proofs of the obvious map, and to pages of the content alone",
        arguments: 0..<24)
    func random(_ seed: Int) throws {
        var numbers = SeededNumbers(seed: UInt64(seed))
        // Some keys share long prefixes, so that pages lie deep and empty slots are beside them.
        let keys = (0..<(seed < 12 ? 60 : 400)).map { number in
            var bytes = Hash.sha256([UInt8(number & 255), UInt8(number >> 8)]).bytes
            if seed.isMultiple(of: 2) {
                let prefix = [0, 3, 17, 31][number % 4]
                for position in 0..<prefix { bytes[position] = UInt8(number % 3) }
            }
            return Hash(bytes) ?? .zero
        }
        var map = try MapPair()
        for step in 0..<60 {
            var changes: [(key: Hash, value: Hash?)] = []
            // Grows first, then shrinks, so that subtrees split and merge.
            let removals = step < 30 ? 4 : 1
            for _ in 0..<Int.random(in: 0...(keys.count / 8), using: &numbers) {
                let key = keys[Int.random(in: 0..<keys.count, using: &numbers)]
                let isRemoval = Int.random(in: 0...removals, using: &numbers) == 0
                changes.append((key, isRemoval || step > 56 ? nil : numbers.hash()))
            }
            try map.set(changes)
            #expect(map.paged.root == map.obvious.root)
            if step % 6 == 5 { try map.checkPages() }
        }
        try map.check(alsoOf: keys + (0..<20).map { _ in numbers.hash() })
        try map.set(keys.map { ($0, nil) })
        #expect(map.pages.pages.isEmpty)
    }

    @Test("a bucket has up to 16 keys; the seventeenth splits it, and without it all is as before", arguments: 0..<6)
    func edge(_ seed: Int) throws {
        var numbers = SeededNumbers(seed: UInt64(seed))
        let prefix = ["", "1", "0110", "01101", String(repeating: "10", count: 50), String(repeating: "1", count: 247)]
        let keys = (0..<17).map { mapKey(prefix[seed], last: UInt8($0 * 7 + 1)) }.shuffled(using: &numbers)
        var map = try MapPair(Array(keys.prefix(16)))
        let bucket = map.pages
        #expect(bucket.pages.count == 1)
        try map.check(alsoOf: keys)
        try map.set([(keys[16], .zero)])
        #expect(map.pages.pages.count > 1)
        try map.check()
        try map.checkPages()
        let gone = try map.set([(keys[16], nil)])
        #expect(map.pages == bucket)
        #expect(gone.count(where: { $0.bytes == nil }) == gone.count - 1)
        try map.set(keys.map { ($0, nil) })
        #expect(map.pages.pages.isEmpty)
    }

    @Test("keys that differ in their last bit only", arguments: [1, 15, 16, 17, 40])
    func deepest(_ others: Int) throws {
        var numbers = SeededNumbers(seed: UInt64(others))
        let pair = [mapKey("1011"), mapKey("1011", last: 1)]
        var map = try MapPair(pair + (0..<others).map { _ in numbers.hash() })
        #expect(try map.paged.proof(pair[0], reading: map.pages).elements.count == 256)
        try map.check(alsoOf: [mapKey("1011", last: 2)])
        try map.checkPages()
        // Thirty-two of them: inner pages down to the last but one.
        try map.set((0..<32).map { (mapKey("1011", last: $0), Hash.zero) })
        try map.check()
        try map.checkPages()
        try map.set((1..<32).map { (mapKey("1011", last: $0), nil) })
        try map.check(alsoOf: pair)
        try map.checkPages()
    }

    @Test("of two changes of one key in a batch, the later counts; a change to what is there changes no page")
    func laterCounts() throws {
        var map = try MapPair((0..<100).map { Hash.sha256([$0]) })
        let key = Hash.sha256([0])
        try map.set([(key, nil), (key, .zero), (Hash.sha256([1]), .zero), (Hash.sha256([1]), nil)])
        try map.check(alsoOf: [Hash.sha256([1])])
        let before = map.pages
        #expect(try map.set([(key, nil), (key, .zero), (Hash.sha256([200]), nil)]).isEmpty)
        #expect(map.pages == before)
    }

    @Test("a change writes the pages on the way to its key, and reads no others")
    func onlyThePath() throws {
        var map = try MapPair((0..<4096).map { Hash.sha256([UInt8($0 & 255), UInt8($0 >> 8)]) })
        let key = Hash.sha256([7, 7])
        let reading = CountedPages(base: map.pages)
        var paged = PagedMap(root: map.paged.root)
        let changes = try paged.set([(key, .zero)], reading: reading)
        let path = map.pages.pages.keys.filter { key.hex.hasPrefix($0.description) || $0 == .root }
        #expect(Set(changes.map(\.path)) == Set(path))
        #expect(reading.paths.sorted { $0.depth < $1.depth } == path.sorted { $0.depth < $1.depth })
        #expect(path.count == 4)
        try map.set([(key, .zero)])
        #expect(paged.root == map.obvious.root)
    }

    @Test("a change that fails leaves the map as it was")
    func failure() throws {
        let keys = (0..<1000).map { Hash.sha256([UInt8($0 & 255), UInt8($0 >> 8)]) }
        let map = try MapPair(keys)
        var paged = map.paged
        var broken = map.pages
        let path = try #require(broken.pages.keys.filter { $0.depth == 2 }.max { "\($0)" < "\($1)" })
        broken.pages[path] = nil
        #expect(throws: MapDamage.self) { try paged.set(keys.map { ($0, Hash.zero) }, reading: broken) }
        let key = keys[0]
        #expect(paged.root == map.obvious.root)
        let changes = try paged.set([(key, .zero)], reading: map.pages)
        var expected = map.obvious
        expected.set(key, .zero)
        #expect(paged.root == expected.root)
        #expect(!changes.isEmpty)
    }
}

/// Pages that note what is read.
final class CountedPages: MapPageReading {
    let base: MemoryPages
    private(set) var paths: [MapPath] = []

    init(base: MemoryPages) { self.base = base }

    func page(_ path: MapPath) -> [UInt8]? {
        paths.append(path)
        return base.page(path)
    }
}
