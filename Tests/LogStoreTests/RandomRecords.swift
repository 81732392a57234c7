import LogStore
import Testing
import Tlog

/// Batches that have something of every kind now and then, and the questions to compare two stores by that took them.
struct RandomRecords {
    private(set) var log = GrowingLog()
    private var sizes: [UInt64] = [0]
    private var seqs: [[UInt8]: UInt64] = [:]
    private var random: Random

    /// Of the longest keys one: they take long.
    private static let keys = StateHistory.keys.filter { $0.count < 1000 } + [[UInt8](repeating: 0, count: 20_000)]
    private static let lists: [[UInt8]] = [[7], [7, 0], [7] + [UInt8](repeating: 255, count: 8), [8]]

    init(seed: UInt64) { random = Random(seed: seed) }

    mutating func nextBatch() -> StoreBatch {
        let published = sizes[Int(random.next() % UInt64(sizes.count))]
        if random.next() % 8 == 0 {
            return .checkpointOnly(size: published, bytes: bytes(40), head: log.head)
        }
        var batch = log.nextBatch(1 + Int(random.next() % 4))
        if random.next() % 2 == 0 { batch.checkpoint = (published, bytes(30)) }
        for _ in 0..<random.next() % 12 {
            let key = Self.keys[Int(random.next() % UInt64(Self.keys.count))]
            let value = random.next() % 3 == 0 ? nil : bytes([0, 1, 60, 3000][Int(random.next() % 4)])
            if random.next() % 2 == 0 { batch.state.append((key, value)) } else { batch.mapPages.append((key, value)) }
        }
        for key in Self.lists {
            for index in log.head.size..<batch.head.size where random.next() % 2 == 0 {
                batch.listings.append((key, index))
                let seq = seqs[key, default: 0] + 1 + random.next() % 2
                batch.streams.append((key, seq, index))
                seqs[key] = seq
            }
        }
        return batch
    }

    mutating func took(_ batch: StoreBatch) {
        if !batch.entries.isEmpty { sizes.append(batch.head.size) }
        log.took(batch)
    }

    /// Commits a next batch to each of the stores, which are all as far as this is.
    mutating func commit(to stores: any LogStore...) throws {
        let batch = nextBatch()
        for store in stores { try store.commit(batch, expecting: log.head.treeHead) }
        took(batch)
    }

    private mutating func bytes(_ count: Int) -> [UInt8] {
        let first = UInt8(random.next() & 255)
        return (0..<count).map { first &+ UInt8(truncatingIfNeeded: $0) }
    }

    /// Asks both for everything, at a few sizes.
    func compare(_ found: any LogSnapshot, to expected: any LogSnapshot, _ random: inout Random) throws {
        let head = try expected.head
        #expect(try found.head == head)
        #expect(try found.retainedStateFrom == expected.retainedStateFrom)
        let asked = sizes.suffix(2) + (0..<2).map { _ in sizes[Int(random.next() % UInt64(sizes.count))] }
        for size in asked { try compareState(found, to: expected, at: size) }
        for bound in Array(asked) + [.max, head.size + 1] {
            #expect(try found.sealedSize(atMost: bound) == expected.sealedSize(atMost: bound))
            #expect(try found.checkpoint(atMost: bound) == expected.checkpoint(atMost: bound))
            for key in Self.lists + [[9]] {
                let (link, expectedLink) = (
                    try found.newestLink(stream: key, below: bound), try expected.newestLink(stream: key, below: bound)
                )
                #expect(link?.index == expectedLink?.index)
                #expect(link?.seq == expectedLink?.seq)
                for limit in [3, 1000] {
                    let list = try found.listing(key, below: bound, before: nil, limit: limit)
                    #expect(try list == expected.listing(key, below: bound, before: nil, limit: limit))
                    if let last = list.last {
                        #expect(
                            try found.listing(key, below: bound, before: last, limit: 3)
                                == expected.listing(key, below: bound, before: last, limit: 3))
                    }
                }
            }
        }
    }

    private func compareState(_ found: any LogSnapshot, to expected: any LogSnapshot, at size: UInt64) throws {
        let refusal = code { _ = try expected.stateValue([1], at: size) }
        #expect(code { _ = try found.stateValue([1], at: size) } == refusal)
        guard refusal == nil else { return }
        for key in Self.keys {
            #expect(try found.stateValue(key, at: size) == expected.stateValue(key, at: size))
            #expect(try found.mapPage(key, at: size) == expected.mapPage(key, at: size))
        }
        let all = try walk(expected, at: size).sorted { $0.key.lexicographicallyPrecedes($1.key) }
        let walked = try walk(found, at: size)
        let sorted = walked.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        #expect(sorted.map(\.key) == all.map(\.key))
        #expect(sorted.map(\.value) == all.map(\.value))
        // A walk in steps goes through the same keys in the same order.
        var steps: [[UInt8]] = []
        while true {
            let step = try walk(found, after: steps.last, at: size, limit: 7).map(\.key)
            steps += step
            if step.count < 7 { break }
        }
        #expect(steps == walked.map(\.key))
        for prefix in [[1], [1, 0], [0], [UInt8](repeating: 0x61, count: 300)] as [[UInt8]] {
            let keys = try walk(found, prefix: prefix, at: size).map(\.key)
            #expect(keys == walked.map(\.key).filter { $0.starts(with: prefix) })
        }
    }
}
