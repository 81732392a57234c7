import LogStore
import Testing
import Tlog

/// The promises of `LogStore` about what state and map were at older sizes, and about listings.
@Suite("Conformance of stores: older sizes and listings")
struct StateConformanceTests {
    @Test("state and pages are what they were, at every retained size", arguments: StoreKind.allCases, [1, 4, 1000])
    func values(kind: StoreKind, retained: Int) throws {
        let (store, scratch) = try kind.make(retainedSeals: retained)
        var history = StateHistory()
        for round in 0..<40 {
            try history.grow(store)
            guard [0, 3, 20, 39].contains(round) else { continue }
            try store.read { snapshot throws in
                let kept = history.sizes.dropFirst().suffix(retained)
                #expect(try snapshot.retainedStateFrom == kept.first)
                for size in [0] + kept {
                    for key in StateHistory.keys + [[], [3], [1, 0, 0, 0]] {
                        #expect(try snapshot.stateValue(key, at: size) == history.state[size]?[key])
                        #expect(try snapshot.mapPage(key, at: size) == history.pages[size]?[key])
                    }
                }
                for size in history.sizes.dropFirst().dropLast(retained) {
                    #expect(code { _ = try snapshot.stateValue([1], at: size) } == .notRetained)
                    #expect(code { _ = try snapshot.mapPage([1], at: size) } == .notRetained)
                    let walk = code { try snapshot.forEachState(prefix: [], after: nil, at: size) { _, _ in true } }
                    #expect(walk == .notRetained)
                }
            }
        }
        withExtendedLifetime(scratch) {}
    }

    @Test("a size at which no batch ended has no state, and the error names the nearest", arguments: StoreKind.allCases)
    func unsealed(kind: StoreKind) throws {
        let (store, scratch) = try kind.make()
        var log = GrowingLog()
        for count in [3, 1, 4] { try log.grow(store, by: count) }
        try log.commit(.checkpointOnly(size: 8, bytes: [1], head: log.head), to: store)
        try store.read { snapshot throws in
            let sealed: [UInt64] = [3, 4, 8]
            for size in UInt64(0)...10 {
                #expect(try snapshot.sealedSize(atMost: size) == sealed.last { $0 <= size })
                let isThere = size == 0 || sealed.contains(size)
                #expect(code { _ = try snapshot.stateValue([1], at: size) } == (isThere ? nil : .notFound))
                #expect(code { _ = try snapshot.mapPage([1], at: size) } == (isThere ? nil : .notFound))
            }
            #expect(try snapshot.sealedSize(atMost: .max) == 8)
            let error = #expect(throws: StoreError.self) { try snapshot.stateValue([1], at: 6) }
            #expect(error?.detail.contains("is 4") == true)
            #expect(code { _ = try snapshot.stateValue([1], at: .max) } == .notFound)
        }
        withExtendedLifetime(scratch) {}
    }

    @Test("a removed key is there at the sizes before, and back again after", arguments: StoreKind.allCases)
    func removals(kind: StoreKind) throws {
        let (store, scratch) = try kind.make()
        var log = GrowingLog()
        let values: [[UInt8]?] = [nil, [1], nil, nil, [], [2], [2], nil]
        for value in values {
            var batch = log.nextBatch(1)
            batch.state = [([7], value), ([8], [8]), ([8], nil)]
            batch.mapPages = [([7], value), ([8], [8]), ([8], nil)]
            try log.commit(batch, to: store)
        }
        try store.read { snapshot throws in
            for (number, value) in values.enumerated() {
                let size = UInt64(number + 1)
                #expect(try snapshot.stateValue([7], at: size) == value)
                #expect(try snapshot.mapPage([7], at: size) == value)
                #expect(try snapshot.stateValue([8], at: size) == nil)
                var found: [[UInt8]] = []
                try snapshot.forEachState(prefix: [], after: nil, at: size) { key, _ in
                    found.append(key)
                    return true
                }
                #expect(found == (value == nil ? [] : [[7]]))
            }
        }
        withExtendedLifetime(scratch) {}
    }

    @Test("a reader at an old size is not disturbed by commits that give that size up", arguments: StoreKind.allCases)
    func readerBesideCommits(kind: StoreKind) throws {
        let (store, scratch) = try kind.make(retainedSeals: 2)
        var history = StateHistory(seed: 2)
        for _ in 0..<5 { try history.grow(store) }
        let size = try #require(history.sizes.suffix(2).first)
        let expected = try #require(history.state[size])
        try store.read { snapshot throws in
            for _ in 0..<6 {
                for key in StateHistory.keys {
                    #expect(try snapshot.stateValue(key, at: size) == expected[key])
                    #expect(try snapshot.mapPage(key, at: size) == history.pages[size]?[key])
                }
                #expect(try walk(snapshot, at: size).count == expected.count)
                try history.grow(store)
            }
        }
        #expect(code { try store.read { _ = try $0.stateValue([1], at: size) } } == .notRetained)
        withExtendedLifetime(scratch) {}
    }

    @Test("a walk has every key once, in order, at every retained size", arguments: StoreKind.allCases)
    func walks(kind: StoreKind) throws {
        let (store, scratch) = try kind.make(retainedSeals: 5)
        var history = StateHistory(seed: 3)
        for _ in 0..<25 { try history.grow(store) }
        try store.read { snapshot throws in
            for size in history.sizes.suffix(5) {
                let all = try walk(snapshot, at: size)
                #expect(all.count == history.state[size]?.count)
                #expect(Dictionary(all.map { ($0.key, $0.value) }) { $1 } == history.state[size])
                let short = all.map(\.key).filter { $0.count <= 200 }
                #expect(short == short.sorted { $0.lexicographicallyPrecedes($1) })
            }
        }
        withExtendedLifetime(scratch) {}
    }

    @Test("a walk begins behind any key, and goes on page by page", arguments: StoreKind.allCases)
    func pagedWalks(kind: StoreKind) throws {
        let (store, scratch) = try kind.make(retainedSeals: 3)
        var history = StateHistory(seed: 4)
        for _ in 0..<25 { try history.grow(store) }
        let size = try #require(history.sizes.suffix(3).first)
        try store.read { snapshot throws in
            let all = try walk(snapshot, at: size).map(\.key)
            try #require(all.count > 10)
            for (number, key) in all.enumerated() {
                #expect(try walk(snapshot, after: key, at: size).map(\.key) == Array(all[(number + 1)...]))
            }
            for length in 1...4 {
                var found: [[UInt8]] = []
                var page: [[UInt8]] = []
                repeat {
                    page = try walk(snapshot, after: found.last, at: size, limit: length).map(\.key)
                    #expect(page.count <= length)
                    found += page
                } while page.count == length
                #expect(found == all)
            }
            // Behind a key that is not there.
            let short = all.filter { $0.count <= 200 }
            for absent in [[1, 0, 0, 0], [1, 0, 1], [3], [254, 255]] as [[UInt8]] {
                let found = try walk(snapshot, after: absent, at: size).map(\.key).filter { $0.count <= 200 }
                #expect(found == short.filter { absent.lexicographicallyPrecedes($0) })
            }
        }
        withExtendedLifetime(scratch) {}
    }

    @Test("a walk over a prefix has the keys that begin with it, and no others", arguments: StoreKind.allCases)
    func prefixWalks(kind: StoreKind) throws {
        let (store, scratch) = try kind.make(retainedSeals: 3)
        var history = StateHistory(seed: 5)
        for _ in 0..<25 { try history.grow(store) }
        let prefixes =
            StateHistory.keys + StateHistory.keys.map { $0 + [0] } + StateHistory.keys.map { $0.dropLast() } + [[9]]
        try store.read { snapshot throws in
            for size in history.sizes.suffix(3) {
                let all = try walk(snapshot, at: size).map(\.key)
                for prefix in prefixes {
                    let expected = all.filter { $0.starts(with: prefix) }
                    #expect(try walk(snapshot, prefix: prefix, at: size).map(\.key) == expected)
                    if let first = expected.first {
                        let rest = try walk(snapshot, prefix: prefix, after: first, at: size).map(\.key)
                        #expect(rest == Array(expected.dropFirst()))
                    }
                    // Behind a key that lies before the prefix, and one that lies after it.
                    #expect(
                        try walk(snapshot, prefix: prefix, after: [0], at: size).count
                            == expected.filter { [0].lexicographicallyPrecedes($0) }.count)
                    #expect(try walk(snapshot, prefix: prefix, after: [255, 255, 255], at: size).isEmpty)
                }
            }
        }
        withExtendedLifetime(scratch) {}
    }

    @Test("an error in the body of a walk ends it and is passed on", arguments: StoreKind.allCases)
    func walkThatThrows(kind: StoreKind) throws {
        struct Enough: Error {}
        let (store, scratch) = try kind.make()
        var history = StateHistory(seed: 6)
        try history.grow(store, changes: 60)
        try store.read { snapshot throws in
            var calls = 0
            #expect(throws: Enough.self) {
                try snapshot.forEachState(prefix: [], after: nil, at: history.log.head.size) { _, _ in
                    calls += 1
                    throw Enough()
                }
            }
            #expect(calls == 1)
        }
        withExtendedLifetime(scratch) {}
    }

    @Test("a refused batch leaves no version, no page, no listing and no sealed size", arguments: StoreKind.allCases)
    func refused(kind: StoreKind) throws {
        let (store, scratch) = try kind.make()
        var log = GrowingLog()
        var batch = log.nextBatch(2)
        batch.state = [([1], [1])]
        batch.mapPages = [([], [1])]
        batch.listings = [([1], 0)]
        batch.streams = [([1], 0, 0)]
        try log.commit(batch, to: store)
        // The link comes last, and is refused after everything else was written.
        batch = log.nextBatch(2)
        batch.state = [([1], nil)]
        batch.mapPages = [([], [2])]
        batch.listings = [([1], 2)]
        batch.streams = [([1], 0, 2)]
        #expect(code { try store.commit(batch, expecting: log.head.treeHead) } == .invalidBatch)
        try store.read { snapshot throws in
            #expect(try snapshot.sealedSize(atMost: .max) == 2)
            #expect(try snapshot.stateValue([1], at: 2) == [1])
            #expect(try snapshot.mapPage([], at: 2) == [1])
            #expect(try snapshot.listing([1], below: .max, before: nil, limit: 9) == [0])
        }
        withExtendedLifetime(scratch) {}
    }

    @Test("a listing has its entries, newest first, cut at a size and paged", arguments: StoreKind.allCases)
    func listings(kind: StoreKind) throws {
        let (store, scratch) = try kind.make()
        var log = GrowingLog()
        let keys: [[UInt8]] = [
            [7], [7, 0], [7, 0, 0, 0, 0, 0, 0, 0, 1], [7] + [UInt8](repeating: 255, count: 8), [8],
        ]
        var expected: [[UInt8]: [UInt64]] = [:]
        var random = Random(seed: 7)
        for _ in 0..<8 {
            var batch = log.nextBatch(5)
            for index in log.head.size..<log.head.size + 5 {
                for key in keys where random.next() % 2 == 0 {
                    batch.listings.append((key, index))
                    expected[key, default: []].insert(index, at: 0)
                }
            }
            try log.commit(batch, to: store)
        }
        try store.read { snapshot throws in
            for key in keys {
                let all = try #require(expected[key])
                for size in UInt64(0)...41 {
                    let below = all.filter { $0 < size }
                    #expect(try snapshot.listing(key, below: size, before: nil, limit: 100) == below)
                    #expect(try snapshot.listing(key, below: size, before: nil, limit: 3) == Array(below.prefix(3)))
                    #expect(try snapshot.listing(key, below: 40, before: size, limit: 100) == below)
                    #expect(
                        try snapshot.listing(key, below: size, before: 20, limit: 2)
                            == Array(below.filter { $0 < 20 }.prefix(2)))
                }
                #expect(try snapshot.listing(key, below: .max, before: nil, limit: 100) == all)
                #expect(try snapshot.listing(key, below: .max, before: nil, limit: 0) == [])
            }
            #expect(try snapshot.listing([9], below: .max, before: nil, limit: 100) == [])
            #expect(try snapshot.listing([7, 0, 0], below: .max, before: nil, limit: 100) == [])
        }
        withExtendedLifetime(scratch) {}
    }

    @Test("long lists and streams, grown by one and by many, read from every place", arguments: StoreKind.allCases)
    func longLists(kind: StoreKind) throws {
        let (store, scratch) = try kind.make()
        var log = GrowingLog()
        // One key begins the other, and goes on as a row's number does.
        let keys: [[UInt8]] = [[7], [7] + [UInt8](repeating: 255, count: 8), [7] + [UInt8](repeating: 0, count: 8)]
        var expected: [[UInt8]: [UInt64]] = [:]
        for count in [1, 1, 62, 1, 1, 64, 63, 1, 200, 1, 5] {
            var batch = log.nextBatch(count)
            for (number, key) in keys.enumerated() {
                for index in log.head.size..<batch.head.size where index % UInt64(number + 1) == 0 {
                    batch.listings.append((key, index))
                    batch.streams.append((key, UInt64(expected[key, default: []].count), index))
                    expected[key, default: []].append(index)
                }
            }
            try log.commit(batch, to: store)
        }
        try store.read { snapshot throws in
            for key in keys {
                let all = try #require(expected[key])
                for bound in UInt64(0)...log.head.size + 1 {
                    let below = Array(all.filter { $0 < bound }.reversed())
                    #expect(try snapshot.listing(key, below: bound, before: nil, limit: 1000) == below)
                    #expect(try snapshot.listing(key, below: .max, before: bound, limit: 3) == Array(below.prefix(3)))
                    let link = try snapshot.newestLink(stream: key, below: bound)
                    #expect(link?.index == below.first)
                    #expect(link.map { Int($0.seq) } == (below.isEmpty ? nil : below.count - 1))
                }
            }
        }
        withExtendedLifetime(scratch) {}
    }
}
