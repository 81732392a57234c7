import LogStore
import Testing
import Tlog

/// The promises of `LogStore`, one by one, for every implementation.
@Suite("Conformance of stores")
struct ConformanceTests {
    private struct Refused: Error {}

    @Test("a new store has the empty head and nothing in it", arguments: StoreKind.allCases)
    func empty(kind: StoreKind) throws {
        let (store, scratch) = try kind.make()
        try store.read { snapshot throws in
            #expect(try snapshot.head == .empty)
            #expect(try snapshot.entry(0) == nil)
            #expect(try snapshot.entries(0..<0) == [])
            let first = try #require(TileCoordinate(level: 0, index: 0))
            #expect(try snapshot.tile(first) == nil)
            #expect(try snapshot.index(ofLeaf: .zero) == nil)
            #expect(try snapshot.leafHash(at: 0) == nil)
            #expect(try snapshot.stateValue([1]) == nil)
            #expect(try snapshot.newestLink(stream: [1], below: .max) == nil)
            #expect(try snapshot.checkpoint(atMost: .max) == nil)
            try snapshot.forEachState { _, _ in Issue.record("there is no state") }
            #expect(try snapshot.sealedSize(atMost: .max) == nil)
            #expect(try snapshot.retainedStateFrom == 0)
            #expect(try snapshot.stateValue([1], at: 0) == nil)
            #expect(try snapshot.mapPage([], at: 0) == nil)
            #expect(try snapshot.listing([1], below: .max, before: nil, limit: 10) == [])
            try snapshot.verifyContents()
        }
        withExtendedLifetime(scratch) {}
    }

    @Test("what was committed is all there, batch after batch", arguments: StoreKind.allCases)
    func grows(kind: StoreKind) throws {
        let (store, scratch) = try kind.make()
        var log = GrowingLog()
        for count in [1, 1, 2, 3, 248, 1, 1, 255, 256, 5] {
            try log.grow(store, by: count)
            try store.read { snapshot throws in
                #expect(try snapshot.head == log.head)
                #expect(try snapshot.entries(0..<log.head.size) == log.entries)
                for tile in Tile.tiles(forTreeSize: log.head.size) {
                    let content = log.content(of: tile)
                    #expect(try snapshot.tile(tile.coordinate) == content)
                    if kind == .lmdb {
                        let whole = tile.isFull ? content + TileInterior.bytes(of: content) : nil
                        #expect(try snapshot.tileWithInterior(tile.coordinate) == whole)
                    }
                }
            }
        }
        let leaves = log.leafHashes
        try store.read { snapshot throws in
            for (index, entry) in log.entries.enumerated() {
                #expect(try snapshot.entry(UInt64(index)) == entry)
                #expect(try snapshot.index(ofLeaf: leaves[index]) == UInt64(index))
                #expect(try snapshot.leafHash(at: UInt64(index)) == leaves[index])
            }
            #expect(try snapshot.entry(log.head.size) == nil)
            #expect(try snapshot.entry(.max) == nil)
            #expect(try snapshot.leafHash(at: log.head.size) == nil)
            try snapshot.verifyContents()
        }
        withExtendedLifetime(scratch) {}
    }

    @Test("ranges are complete, and one beyond the head is an error", arguments: StoreKind.allCases)
    func ranges(kind: StoreKind) throws {
        let (store, scratch) = try kind.make()
        var log = GrowingLog()
        try log.grow(store, by: 300)
        try store.read { snapshot throws in
            for range in [0..<1, 0..<300, 255..<257, 299..<300, 300..<300, 7..<7] as [Range<UInt64>] {
                let expected = Array(log.entries[Int(range.lowerBound)..<Int(range.upperBound)])
                #expect(try snapshot.entries(range) == expected)
            }
            for range in [0..<301, 300..<301, 500..<600, 0..<UInt64.max] as [Range<UInt64>] {
                #expect(code { _ = try snapshot.entries(range) } == .notFound)
            }
        }
        withExtendedLifetime(scratch) {}
    }

    @Test("a tile has its newest content, and every narrower one is its beginning", arguments: StoreKind.allCases)
    func tilePrefixes(kind: StoreKind) throws {
        let (store, scratch) = try kind.make()
        var log = GrowingLog()
        for _ in 0..<3 { try log.grow(store, by: 100) }
        try store.read { snapshot throws in
            for size in UInt64(1)...300 {
                for tile in Tile.partialTiles(treeSize: size) {
                    #expect(try snapshot.content(of: tile) == log.content(of: tile))
                }
            }
            let coordinate = try #require(TileCoordinate(level: 0, index: 1))
            let tooWide = try #require(Tile(coordinate: coordinate, width: 45))
            #expect(code { _ = try snapshot.content(of: tooWide) } == .notFound)
            let above = try #require(TileCoordinate(level: 2, index: 0))
            let absent = try #require(Tile(coordinate: above, width: 1))
            #expect(code { _ = try snapshot.content(of: absent) } == .notFound)
        }
        withExtendedLifetime(scratch) {}
    }

    @Test("entries of every length from none to the bundle's limit come back", arguments: StoreKind.allCases)
    func entryLengths(kind: StoreKind) throws {
        let (store, scratch) = try kind.make()
        var log = GrowingLog()
        let lengths = [0, 1, 100, 2000, 2037, 4096, 65_534, 65_535]
        try log.commit(log.batch(lengths.map { [UInt8](repeating: 5, count: $0) }), to: store)
        #expect(try store.read { try $0.entries(0..<8) } == log.entries)
        let long = log.batch([[UInt8](repeating: 5, count: 65_536)])
        #expect(code { try store.commit(long, expecting: log.head.treeHead) } == .invalidBatch)
        withExtendedLifetime(scratch) {}
    }

    @Test("a commit for another head is refused and stores nothing", arguments: StoreKind.allCases)
    func compareAndSet(kind: StoreKind) throws {
        let (store, scratch) = try kind.make()
        var log = GrowingLog()
        let first = log.nextBatch(3)
        try log.commit(first, to: store)
        let second = log.nextBatch(2)
        let others = [
            TreeHead.empty, TreeHead(size: 3, root: .zero), TreeHead(size: 2, root: log.head.treeHead.root),
            TreeHead(size: 4, root: log.head.treeHead.root),
        ]
        for other in others {
            #expect(code { try store.commit(second, expecting: other) } == .headMoved)
            #expect(code { try store.commit(first, expecting: other) } == .headMoved)
        }
        try store.read { snapshot throws in
            #expect(try snapshot.head == log.head)
            #expect(try snapshot.index(ofLeaf: second.leafHashes[0]) == nil)
        }
        try log.commit(second, to: store)
        withExtendedLifetime(scratch) {}
    }

    @Test("of many writers that go on from one head, one succeeds", arguments: StoreKind.allCases)
    func oneWriterWins(kind: StoreKind) async throws {
        let (store, scratch) = try kind.make()
        var log = GrowingLog()
        try log.grow(store, by: 1)
        let expecting = log.head.treeHead
        let batches = (0..<8).map { log.batch([Array("writer \($0)".utf8)]) }
        var won: [Int] = []
        try await withThrowingTaskGroup(of: Int?.self) { group in
            for (number, batch) in batches.enumerated() {
                group.addTask {
                    let refusal = code { try store.commit(batch, expecting: expecting) }
                    #expect(refusal == nil || refusal == .headMoved)
                    return refusal == nil ? number : nil
                }
            }
            for try await number in group { won += number.map { [$0] } ?? [] }
        }
        #expect(won.count == 1)
        let winner = try #require(won.first)
        try store.read { snapshot throws in
            #expect(try snapshot.head == batches[winner].head)
            #expect(try snapshot.entry(1) == batches[winner].entries[0])
        }
        withExtendedLifetime(scratch) {}
    }

    @Test("a leaf hash is stored once, ever; the batch that repeats it is refused whole", arguments: StoreKind.allCases)
    func duplicates(kind: StoreKind) throws {
        let (store, scratch) = try kind.make()
        var log = GrowingLog()
        try log.grow(store, by: 20)
        let again = log.batch([[1, 2, 3], log.entries[7], [4, 5, 6]])
        let error = #expect(throws: StoreError.self) { try store.commit(again, expecting: log.head.treeHead) }
        #expect(error?.code == .duplicateEntry)
        #expect(error?.detail.contains("index 7") == true)
        let twice = log.batch([[1, 2, 3], [1, 2, 3]])
        #expect(code { try store.commit(twice, expecting: log.head.treeHead) } == .duplicateEntry)
        try store.read { snapshot throws in
            #expect(try snapshot.head == log.head)
            #expect(try snapshot.index(ofLeaf: .leaf([1, 2, 3])) == nil)
            #expect(try snapshot.index(ofLeaf: log.leafHashes[7]) == 7)
            #expect(try snapshot.entry(20) == nil)
        }
        try log.commit(log.batch([[1, 2, 3], [4, 5, 6]]), to: store)
        withExtendedLifetime(scratch) {}
    }

    @Test("a snapshot does not move, and sees no half of a commit", arguments: StoreKind.allCases)
    func isolation(kind: StoreKind) throws {
        let (store, scratch) = try kind.make()
        var log = GrowingLog()
        try log.grow(store, by: 10)
        let old = log
        try store.read { snapshot throws in
            var batch = log.nextBatch(300)
            batch.state = [([1], [1])]
            try log.commit(batch, to: store)
            #expect(try snapshot.head == old.head)
            #expect(try snapshot.entry(10) == nil)
            #expect(code { _ = try snapshot.entries(0..<11) } == .notFound)
            #expect(try snapshot.stateValue([1]) == nil)
            #expect(try snapshot.index(ofLeaf: batch.leafHashes[0]) == nil)
            for tile in Tile.tiles(forTreeSize: 10) {
                #expect(try snapshot.tile(tile.coordinate) == old.content(of: tile))
            }
            let size = try store.read { try $0.head.size }
            #expect(size == 310)
        }
        withExtendedLifetime(scratch) {}
    }

    @Test("readers beside a writer always see one whole committed state", arguments: StoreKind.allCases)
    func readersDuringCommits(kind: StoreKind) async throws {
        let (store, scratch) = try kind.make()
        var log = GrowingLog()
        try log.grow(store, by: 1)
        try await withThrowingTaskGroup(of: UInt64.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var last: UInt64 = 0
                    while last < 121 {
                        let size = try store.read { snapshot throws in
                            let size = try snapshot.head.size
                            try snapshot.verifyContents()
                            #expect(try snapshot.entry(size) == nil)
                            let state = try snapshot.stateValue([9])
                            #expect(state == (size == 1 ? nil : Array("\(size)".utf8)))
                            return size
                        }
                        #expect(size >= last)
                        last = size
                        await Task.yield()
                    }
                    return last
                }
            }
            for _ in 0..<40 {
                var batch = log.nextBatch(3)
                batch.state = [([9], Array("\(batch.head.size)".utf8))]
                try log.commit(batch, to: store)
                await Task.yield()
            }
            for try await last in group { #expect(last == 121) }
        }
        withExtendedLifetime(scratch) {}
    }

    @Test("a snapshot used after its scope is an error, not a crash", arguments: StoreKind.allCases)
    func escapedSnapshot(kind: StoreKind) throws {
        let (store, scratch) = try kind.make()
        var log = GrowingLog()
        try log.grow(store, by: 2)
        var kept: (any LogSnapshot)?
        try store.read { kept = $0 }
        let snapshot = try #require(kept)
        #expect(code { _ = try snapshot.head } == .closed)
        #expect(code { _ = try snapshot.entry(0) } == .closed)
        #expect(code { _ = try snapshot.entries(0..<1) } == .closed)
        #expect(code { _ = try snapshot.index(ofLeaf: .zero) } == .closed)
        #expect(code { try snapshot.forEachState { _, _ in } } == .closed)
        withExtendedLifetime(scratch) {}
    }

    @Test("an error of the reader is passed on as it is", arguments: StoreKind.allCases)
    func readersErrors(kind: StoreKind) throws {
        let (store, scratch) = try kind.make()
        #expect(throws: Refused.self) { try store.read { _ in throw Refused() } }
        var log = GrowingLog()
        var batch = log.nextBatch(1)
        batch.state = [([1], [1]), ([2], [2])]
        try log.commit(batch, to: store)
        #expect(throws: Refused.self) { try store.read { try $0.forEachState { _, _ in throw Refused() } } }
        withExtendedLifetime(scratch) {}
    }

    @Test("a closed store says so, twice too; a read that runs ends in peace", arguments: StoreKind.allCases)
    func closing(kind: StoreKind) throws {
        let (store, scratch) = try kind.make()
        var log = GrowingLog()
        try log.grow(store, by: 2)
        try store.read { snapshot throws in
            store.close()
            #expect(try snapshot.entries(0..<2) == log.entries)
            #expect(try snapshot.head == log.head)
        }
        store.close()
        #expect(code { try store.read { _ in } } == .closed)
        let batch = log.nextBatch(1)
        #expect(code { try store.commit(batch, expecting: log.head.treeHead) } == .closed)
        withExtendedLifetime(scratch) {}
    }
}

/// The code of the store's error that `body` throws; nil if it throws none.
func code(_ body: () throws -> Void) -> StoreError.Code? {
    do {
        try body()
        return nil
    } catch let error as StoreError {
        return error.code
    } catch {
        Issue.record("another error: \(error)")
        return nil
    }
}
