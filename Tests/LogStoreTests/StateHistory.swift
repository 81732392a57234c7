import LogStore

/// What the state, the pages and the listings of a log must be at each of its sizes, kept whole for each of them.
struct StateHistory {
    typealias Values = [[UInt8]: [UInt8]]

    private(set) var log = GrowingLog()
    /// The sealed sizes, and state and pages as of each.
    private(set) var sizes: [UInt64] = [0]
    private(set) var state: [UInt64: Values] = [0: [:]]
    private(set) var pages: [UInt64: Values] = [0: [:]]

    private var random: Random

    init(seed: UInt64 = 1) { random = Random(seed: seed) }

    /// Keys that are prefixes of others, that have zero bytes and bytes like those of numbers, and that are long.
    static let keys: [[UInt8]] = {
        var keys: [[UInt8]] = [
            [0], [0, 0], [0, 1], [0, 255], [1], [1, 0], [1, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0, 0, 1], [1, 0, 255], [1, 1],
            [1] + [UInt8](repeating: 255, count: 8), [1] + [UInt8](repeating: 255, count: 9), [2], [255], [255, 255],
        ]
        for length in [199, 229, 230, 231, 460, 461, 470, 600] {
            for fill in [UInt8(0), 0x61] {
                for last in [UInt8(0), 0x62] { keys.append([UInt8](repeating: fill, count: length) + [last]) }
            }
        }
        // One of them, since each look at it takes long: what its length can break is the length that is kept beside the value.
        keys.append([UInt8](repeating: 0x61, count: 70_000))
        return keys
    }()

    /// Commits one batch of random changes: values of many lengths, removals, keys changed twice.
    mutating func grow(_ store: any LogStore, changes: Int = 12) throws {
        var batch = log.nextBatch(1 + Int(random.next() % 3))
        var (state, pages) = (state[log.head.size] ?? [:], pages[log.head.size] ?? [:])
        for _ in 0..<changes {
            let key = Self.keys[Int(random.next() % UInt64(Self.keys.count))]
            let value = randomValue()
            if random.next() % 2 == 0 {
                batch.state.append((key, value))
                state[key] = value
            } else {
                let path = random.next() % 8 == 0 ? [] : key
                batch.mapPages.append((path, value))
                pages[path] = value
            }
        }
        try log.commit(batch, to: store)
        sizes.append(log.head.size)
        self.state[log.head.size] = state
        self.pages[log.head.size] = pages
    }

    private mutating func randomValue() -> [UInt8]? {
        let number = random.next()
        guard number % 3 > 0 else { return nil }
        return [UInt8](repeating: UInt8(number >> 8 & 255), count: [0, 1, 50, 5000][Int(number >> 16 & 3)])
    }
}

/// SplitMix64: the same numbers every time.
struct Random: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

/// The state that a walk shows, in its order.
func walk(
    _ snapshot: any LogSnapshot, prefix: [UInt8] = [], after: [UInt8]? = nil, at size: UInt64, limit: Int = .max
) throws -> [(key: [UInt8], value: [UInt8])] {
    var found: [(key: [UInt8], value: [UInt8])] = []
    try snapshot.forEachState(prefix: prefix, after: after, at: size) { key, value in
        found.append((key, value))
        return found.count < limit
    }
    return found
}
