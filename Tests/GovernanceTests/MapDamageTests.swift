import Governance
import Testing
import Tlog

@Suite("Damaged pages of the map")
struct MapDamageTests {
    private static let key = Hash.sha256([5])

    /// 300 keys: an inner page at the root and below it, and buckets. Some keys share four bits with nothing beside
    /// them, so that a leaf stands above its slot.
    private static func map() throws -> MapPair {
        let sparse = (0..<20).map { mapKey("10101100" + ($0 == 0 ? "1" : "0001"), last: UInt8($0)) }
        return try MapPair(
            (0..<300).map { Hash.sha256([UInt8($0 & 255), UInt8($0 >> 8)]) }.filter { $0[0] != 0xac } + sparse + [key])
    }

    private static func path(to key: Hash, in map: MapPair) -> [MapPath] {
        map.pages.pages.keys.filter { key.hex.hasPrefix($0.description) || $0 == .root }.sorted { $0.depth < $1.depth }
    }

    /// A change and a proof over damaged pages are right, or an error that names the place.
    private func check(_ pages: MemoryPages, _ map: MapPair, _ key: Hash, _ what: String) throws -> Bool {
        var caught = true
        do {
            var paged = PagedMap(root: map.paged.root)
            let changes = try paged.set([(key, .zero)], reading: pages)
            var expected = map.obvious
            expected.set(key, .zero)
            #expect(paged.root == expected.root, "\(what)")
            // What is signed next stands on what was written now.
            var after = pages
            after.apply(changes)
            #expect(try paged.proof(key, reading: after) == expected.proof(key), "\(what)")
            caught = false
        } catch let damage as MapDamage {
            #expect("\(damage)".hasPrefix("the state map is damaged at path \(damage.path): "))
        }
        do {
            let proof = try PagedMap(root: map.paged.root).proof(key, reading: pages)
            #expect(proof == map.obvious.proof(key), "\(what)")
        } catch is MapDamage {}
        return caught
    }

    @Test("every flipped bit of every page on a path is caught, or changes nothing")
    func flippedBits() throws {
        let map = try Self.map()
        for key in [Self.key, mapKey("101011001"), mapKey("101011000001", last: 3)] {
            let paths = Self.path(to: key, in: map)
            #expect(paths.count >= 3)
            for path in paths {
                let bytes = try #require(map.pages.page(path))
                var caught = 0
                for position in bytes.indices {
                    let bit = UInt8(1) << UInt8(position % 8)
                    var pages = map.pages
                    pages.pages[path]?[position] ^= bit
                    caught += try check(pages, map, key, "page \(path), byte \(position)") ? 1 : 0
                }
                // Only the numbers of keys in the 16 slots are not under the root.
                #expect(caught >= bytes.count - 16, "page \(path)")
            }
        }
    }

    @Test("any number of keys in a slot is caught, or changes nothing")
    func counts() throws {
        let map = try Self.map()
        for path in Self.path(to: Self.key, in: map).dropLast() {
            for slot in 1...16 {
                for count in [0, 1, 2, 3, 15, 16, 17, 18, 255] as [UInt8]
                where count != map.pages.pages[path]?[slot] {
                    var pages = map.pages
                    pages.pages[path]?[slot] = count
                    _ = try check(pages, map, Self.key, "page \(path), slot \(slot - 1) with \(count) keys")
                }
            }
        }
    }

    @Test("bytes that are no page are an error, never a trap")
    func malformed() throws {
        var numbers = SeededNumbers(seed: 4)
        let map = try Self.map()
        for path in Self.path(to: Self.key, in: map) {
            let bytes = try #require(map.pages.page(path))
            var cases = (0..<bytes.count).map { Array(bytes.prefix($0)) }
            cases += [bytes + [0], [0], [1], [2], [3], [1, 0], [1, 17], [2] + Array(repeating: 255, count: 16)]
            for _ in 0..<200 {
                cases.append(
                    (0..<Int.random(in: 0..<80, using: &numbers)).map { _ in .random(in: 0...3, using: &numbers) })
            }
            for malformed in cases {
                var pages = map.pages
                pages.pages[path] = malformed
                #expect(throws: MapDamage.self) {
                    try PagedMap(root: map.paged.root).proof(Self.key, reading: pages)
                }
            }
        }
    }

    @Test("a page of another place, an older page and a missing page are errors that say which")
    func faults() throws {
        var map = try Self.map()
        let old = map.pages
        let path = try #require(Self.path(to: Self.key, in: map).last)
        try map.set([(Self.key, .zero)])
        func damage(_ bytes: [UInt8]?) -> MapDamage? {
            var pages = map.pages
            pages.pages[path] = bytes
            let paged = PagedMap(root: map.paged.root)
            return #expect(throws: MapDamage.self) { try paged.proof(Self.key, reading: pages) }
        }
        #expect(damage(nil)?.fault == .missing)
        #expect(damage(old.page(path))?.reason == "page-other-hash")
        let other = try #require(map.pages.pages.keys.first { $0.depth == path.depth && $0 != path })
        #expect(damage(map.pages.page(other))?.reason == "page-malformed")
        #expect(damage(nil)?.path == path)
        var empty = PagedMap()
        #expect(throws: MapDamage.self) { try empty.checkTop(reading: map.pages) }
        #expect(try empty.set([], reading: map.pages).isEmpty)
        #expect(throws: MapDamage.self) {
            try PagedMap(root: old.pages.isEmpty ? .zero : Self.key).checkTop(reading: old)
        }
    }

    @Test("a bucket under a number that is not its own is an error before it is taken for less")
    func wrongCount() throws {
        let map = try Self.map()
        let paths = Self.path(to: Self.key, in: map)
        let above = paths[paths.count - 2]
        let digit = Int(Self.key.bytes[above.depth / 2] >> (above.depth % 2 == 0 ? 4 : 0) & 15)
        var pages = map.pages
        let count = try #require(pages.pages[above]?[1 + digit])
        #expect((2...16).contains(count))
        pages.pages[above]?[1 + digit] = count == 2 ? 3 : count - 1
        let paged = PagedMap(root: map.paged.root)
        let damage = #expect(throws: MapDamage.self) { try paged.proof(Self.key, reading: pages) }
        #expect(damage?.reason == "page-other-count")
        #expect(damage?.path == paths.last)
    }

    @Test("values read of the state are held to the root: present ones, absent ones, changed ones")
    func expectations() throws {
        let map = try Self.map()
        let values = map.content.map { (key: $0.key, value: $0.value as Hash?) }
        let absent = (0..<40).map { (key: Hash.sha256([UInt8($0), 9, 9]), value: nil as Hash?) }
        try map.paged.check(values + absent, reading: map.pages)
        try PagedMap().check(absent, reading: map.pages)
        for (key, value) in values.prefix(40) {
            for wrong in [nil, Self.key, .zero] {
                let damage = #expect(throws: MapDamage.self) {
                    try map.paged.check(values + [(key, wrong)], reading: map.pages)
                }
                #expect(damage?.fault == .otherValue(key: key, expected: value, found: wrong))
            }
        }
        for (key, _) in absent {
            var paged = map.paged
            let damage = #expect(throws: MapDamage.self) {
                try paged.set([(key, .zero)], expecting: [(key, .zero)], reading: map.pages)
            }
            #expect(damage?.reason == "state-other-value")
            #expect(try paged.set([(key, nil)], expecting: absent, reading: map.pages).isEmpty)
        }
        // What is expected is what was there before the change.
        var (paged, obvious) = (map.paged, map.obvious)
        let changes = values.prefix(50).map { (key: $0.key, value: Hash.zero as Hash?) }
        _ = try paged.set(changes, expecting: values, reading: map.pages)
        obvious.set(changes)
        #expect(paged.root == obvious.root)
    }

    @Test("no proof from pages verifies for another value, key or root")
    func otherClaims() throws {
        let map = try Self.map()
        let keys = Array(map.content.keys.sorted().prefix(40))
        let absent = (0..<10).map { Hash.sha256([UInt8($0), 1, 2]) }
        for key in keys + absent {
            let proof = try map.paged.proof(key, reading: map.pages)
            let value = map.content[key]
            #expect(throws: MapProofError.self) { try proof.verify(key: key, value: Self.key, root: map.paged.root) }
            #expect(throws: MapProofError.self) {
                try proof.verify(key: key, value: value == nil ? Self.key : nil, root: map.paged.root)
            }
            #expect(throws: MapProofError.self) { try proof.verify(key: key, value: value, root: Self.key) }
            for other in keys where other != key {
                #expect(throws: MapProofError.self) { try proof.verify(key: other, value: value, root: map.paged.root) }
            }
        }
    }
}
