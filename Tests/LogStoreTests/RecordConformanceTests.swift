import LogStore
import Testing
import Tlog

/// The promises of `LogStore` about state, streams, checkpoints and batches that are wrong.
@Suite("Conformance of stores: state, streams, checkpoints")
struct RecordConformanceTests {
    @Test("state keys are set, replaced and removed with their batch, in its order", arguments: StoreKind.allCases)
    func state(kind: StoreKind) throws {
        let (store, scratch) = try kind.make()
        var log = GrowingLog()
        var batch = log.nextBatch(1)
        batch.state = [([1], [10]), ([2], [20]), ([1], [11]), ([3], [30]), ([3], nil), ([4], nil), ([5], [])]
        try log.commit(batch, to: store)
        batch = log.nextBatch(1)
        batch.state = [([2], nil), ([6], [60])]
        try log.commit(batch, to: store)
        try store.read { snapshot throws in
            #expect(try snapshot.stateValue([1]) == [11])
            #expect(try snapshot.stateValue([2]) == nil)
            #expect(try snapshot.stateValue([3]) == nil)
            #expect(try snapshot.stateValue([5]) == [])
            var all: [[UInt8]: [UInt8]] = [:]
            try snapshot.forEachState { key, value throws in
                #expect(all.updateValue(value, forKey: key) == nil)
            }
            #expect(all == [[1]: [11], [5]: [], [6]: [60]])
        }
        withExtendedLifetime(scratch) {}
    }

    @Test("keys of any length and bytes are kept apart, values of any length kept", arguments: StoreKind.allCases)
    func longKeys(kind: StoreKind) throws {
        let (store, scratch) = try kind.make()
        var log = GrowingLog()
        var expected: [[UInt8]: [UInt8]] = [:]
        for length in [1, 2, 31, 32, 33, 499, 500, 501, 510, 511, 512, 513, 5000, 70_000] {
            for last in [UInt8(0), 1, 255] {
                let key = [UInt8](repeating: 0x61, count: length - 1) + [last]
                expected[key] = [UInt8](repeating: last, count: length % 7 * 1000 + 1)
            }
        }
        var batch = log.nextBatch(2)
        batch.state = expected.map { ($0.key, $0.value) }
        batch.streams = expected.keys.flatMap { key in [UInt64(0), 1].map { (key, $0, $0) } }
        batch.listings = expected.keys.flatMap { key in [UInt64(0), 1].map { (key, $0) } }
        try log.commit(batch, to: store)
        try store.read { snapshot throws in
            var all: [[UInt8]: [UInt8]] = [:]
            try snapshot.forEachState { all[$0] = $1 }
            #expect(all == expected)
            for (key, value) in expected {
                #expect(try snapshot.stateValue(key) == value)
                #expect(try snapshot.newestLink(stream: key, below: 2)?.seq == 1)
                #expect(try snapshot.newestLink(stream: key, below: 1)?.seq == 0)
                #expect(try snapshot.listing(key, below: 2, before: nil, limit: 9) == [1, 0])
            }
            #expect(try snapshot.stateValue([UInt8](repeating: 0x61, count: 600)) == nil)
        }
        batch = log.nextBatch(1)
        batch.state = expected.keys.map { ($0, nil) }
        try log.commit(batch, to: store)
        try store.read { try $0.forEachState { _, _ in Issue.record("the state was emptied") } }
        withExtendedLifetime(scratch) {}
    }

    @Test("the newest link of a stream is found at every size", arguments: StoreKind.allCases)
    func links(kind: StoreKind) throws {
        let (store, scratch) = try kind.make()
        var log = GrowingLog()
        // One key begins the other, and ends in bytes that look like a number of it.
        let streams: [[UInt8]] = [[7], [7, 0, 0, 0, 0, 0, 0, 0, 1], [7] + [UInt8](repeating: 255, count: 8), [8]]
        var links: [[UInt8]: [UInt64]] = [:]
        for round in 0..<6 {
            var batch = log.nextBatch(4)
            for (number, stream) in streams.enumerated() where number != 3 || round % 2 == 0 {
                let index = log.head.size + UInt64(number)
                batch.streams.append((stream, UInt64(links[stream, default: []].count), index))
                links[stream, default: []].append(index)
            }
            try log.commit(batch, to: store)
        }
        try store.read { snapshot throws in
            for stream in streams {
                for size in UInt64(0)...24 {
                    let below = try #require(links[stream]).filter { $0 < size }
                    let found = try snapshot.newestLink(stream: stream, below: size)
                    #expect(found?.index == below.last)
                    #expect(found.map { Int($0.seq) } == (below.isEmpty ? nil : below.count - 1))
                }
            }
            #expect(try snapshot.newestLink(stream: [7, 0], below: 24) == nil)
            #expect(try snapshot.newestLink(stream: [9], below: 24) == nil)
        }
        withExtendedLifetime(scratch) {}
    }

    @Test("a link is never replaced, and comes after those before it", arguments: StoreKind.allCases)
    func linkTwice(kind: StoreKind) throws {
        let (store, scratch) = try kind.make()
        var log = GrowingLog()
        var batch = log.nextBatch(1)
        batch.streams = [([1], 0, 0)]
        try log.commit(batch, to: store)
        batch = log.nextBatch(2)
        batch.streams = [([1], 0, 1)]
        #expect(code { try store.commit(batch, expecting: log.head.treeHead) } == .invalidBatch)
        batch.streams = [([1], 1, 1), ([1], 1, 2)]
        #expect(code { try store.commit(batch, expecting: log.head.treeHead) } == .invalidBatch)
        batch.streams = [([1], 2, 1), ([1], 1, 2)]
        #expect(code { try store.commit(batch, expecting: log.head.treeHead) } == .invalidBatch)
        // Under one key, with another in between.
        batch.streams = [([1], 2, 1), ([2], 0, 1), ([1], 1, 2)]
        #expect(code { try store.commit(batch, expecting: log.head.treeHead) } == .invalidBatch)
        batch.streams = [([1], 1, 1), ([1], 2, 1)]
        #expect(code { try store.commit(batch, expecting: log.head.treeHead) } == .invalidBatch)
        #expect(try store.read { try $0.newestLink(stream: [1], below: .max)?.index } == 0)
        withExtendedLifetime(scratch) {}
    }

    @Test("the checkpoint for a size is the greatest that is not above it", arguments: StoreKind.allCases)
    func checkpoints(kind: StoreKind) throws {
        let (store, scratch) = try kind.make()
        var log = GrowingLog()
        try log.grow(store, by: 3)
        for size in [3, 6, 9] as [UInt64] {
            var batch = log.nextBatch(3)
            batch.checkpoint = (size, Array("at \(size)".utf8))
            try log.commit(batch, to: store)
        }
        try log.commit(.checkpointOnly(size: 12, bytes: [12], head: log.head), to: store)
        try log.commit(.checkpointOnly(size: 12, bytes: [12, 12], head: log.head), to: store)
        let expected: [(UInt64, [UInt8]?)] = [
            (0, nil), (2, nil), (3, Array("at 3".utf8)), (5, Array("at 3".utf8)), (6, Array("at 6".utf8)),
            (11, Array("at 9".utf8)), (12, [12, 12]), (.max, [12, 12]),
        ]
        try store.read { snapshot throws in
            for (size, bytes) in expected { #expect(try snapshot.checkpoint(atMost: size) == bytes) }
            #expect(try snapshot.head == log.head)
        }
        withExtendedLifetime(scratch) {}
    }

    /// One way to spoil a batch of 5 entries that continues a log of 254.
    enum Fault: CaseIterable {
        case headTooLarge, headTooSmall, leafHashMissing, leafHashTooMany, tileMissing, tileTwice, tileOfOldTree
        case tileTooShort, tileTooLong, otherLeafHash, otherHashInTile, timeGoesBack, emptyStateKey, emptyStreamKey,
            linkBelow, linkBeyond
        case emptyListingKey, listingBelow, listingBeyond, listingTwice, listingBackward
        case checkpointBeyond, stateWithoutEntries, pagesWithoutEntries, headWithoutEntries

        func spoil(_ batch: inout StoreBatch, _ log: GrowingLog) throws {
            let root = batch.head.treeHead.root
            switch self {
            case .headTooLarge: batch.head = StoredHead(treeHead: TreeHead(size: 260, root: root), sealTime: 9)
            case .headTooSmall: batch.head = StoredHead(treeHead: TreeHead(size: 258, root: root), sealTime: 9)
            case .leafHashMissing: batch.leafHashes.removeLast()
            case .leafHashTooMany: batch.leafHashes.append(.zero)
            case .tileMissing: batch.tiles.removeLast()
            case .tileTwice: batch.tiles.append(batch.tiles[0])
            case .tileOfOldTree:
                let tile = try #require(Tile.partialTiles(treeSize: 254).first)
                batch.tiles[0] = (tile, log.content(of: tile))
            case .tileTooShort: batch.tiles[0].hashes.removeLast()
            case .tileTooLong: batch.tiles[0].hashes.append(0)
            case .timeGoesBack: batch.head = StoredHead(treeHead: batch.head.treeHead, sealTime: log.head.sealTime - 1)
            case .otherLeafHash: batch.leafHashes[2] = .zero
            case .otherHashInTile:
                let tile = try #require(batch.tiles.firstIndex { $0.tile.level == 0 && $0.tile.index == 0 })
                batch.tiles[tile].hashes[254 * 32] ^= 1
            case .emptyStateKey: batch.state = [([], [1])]
            case .emptyStreamKey: batch.streams = [([], 0, 255)]
            case .linkBelow: batch.streams = [([1], 0, 253)]
            case .linkBeyond: batch.streams = [([1], 0, 259)]
            case .emptyListingKey: batch.listings = [([], 255)]
            case .listingBelow: batch.listings = [([1], 253)]
            case .listingBeyond: batch.listings = [([1], 259)]
            case .listingTwice: batch.listings = [([1], 255), ([1], 255)]
            case .listingBackward: batch.listings = [([1], 256), ([2], 255), ([1], 255)]
            case .checkpointBeyond: batch.checkpoint = (255, [1])
            case .stateWithoutEntries:
                batch = .checkpointOnly(size: 254, bytes: [], head: log.head)
                batch.state = [([1], [1])]
            case .pagesWithoutEntries:
                batch = .checkpointOnly(size: 254, bytes: [], head: log.head)
                batch.mapPages = [([1], [1])]
            case .headWithoutEntries:
                let head = StoredHead(treeHead: TreeHead(size: 254, root: .zero), sealTime: log.head.sealTime)
                batch = .checkpointOnly(size: 254, bytes: [], head: head)
            }
        }
    }

    @Test("a batch that contradicts itself is an error and stores nothing", arguments: StoreKind.allCases)
    func faultyBatches(kind: StoreKind) throws {
        let (store, scratch) = try kind.make()
        var log = GrowingLog()
        try log.grow(store, by: 254)
        let good = log.nextBatch(5)
        for fault in Fault.allCases {
            var batch = good
            try fault.spoil(&batch, log)
            #expect(code { try store.commit(batch, expecting: log.head.treeHead) } == .invalidBatch, "\(fault)")
            #expect(try store.read { try $0.head } == log.head)
        }
        try log.commit(good, to: store)
        withExtendedLifetime(scratch) {}
    }

    @Test("the check of the contents passes a right log, in any number of pieces", arguments: StoreKind.allCases)
    func contentCheckInPieces(kind: StoreKind) async throws {
        let (store, scratch) = try kind.make()
        var log = GrowingLog()
        try await store.verifyContents(pieces: 2)
        for count in [200, 56, 1, 255, 300] {
            try log.grow(store, by: count)
            try store.read { try $0.verifyContents() }
            for pieces in [1, 2, 5] { try await store.verifyContents(pieces: pieces) }
        }
        withExtendedLifetime(scratch) {}
    }

    @Test("the check of the contents finds what is not the entries' tree", arguments: StoreKind.allCases)
    func contentCheck(kind: StoreKind) async throws {
        for fault in 0..<4 {
            let (store, scratch) = try kind.make()
            var log = GrowingLog()
            try log.grow(store, by: 254)
            var batch = log.nextBatch(5)
            switch fault {
            case 0: batch.entries[3][0] ^= 1
            case 1:
                let tile = try #require(batch.tiles.firstIndex { $0.tile.level == 0 && $0.tile.index == 1 })
                batch.leafHashes[2] = .zero
                batch.tiles[tile].hashes.replaceSubrange(0..<32, with: Hash.zero.bytes)
            case 2:
                let tile = try #require(batch.tiles.firstIndex { $0.tile.level == 1 })
                batch.tiles[tile].hashes[5] ^= 1
            default: batch.head = StoredHead(treeHead: TreeHead(size: 259, root: .zero), sealTime: 9)
            }
            try store.commit(batch, expecting: log.head.treeHead)
            #expect(code { try store.read { try $0.verifyContents() } } == .corrupt, "fault \(fault)")
            for pieces in [1, 2, 9] {
                let error = await #expect(throws: StoreError.self) { try await store.verifyContents(pieces: pieces) }
                #expect(error?.code == .corrupt, "fault \(fault), \(pieces) pieces")
            }
            withExtendedLifetime(scratch) {}
        }
    }
}
