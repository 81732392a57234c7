import COSE
import Foundation
import Governance
import LMDBLogStore
import LogEngine
import LogStore
import StoredState
import Tlog

/// A log that has grown: what an entry costs then, what memory it takes, how long it takes to open, and how long
/// proofs take.
///
/// It is filled through the store with entries that say nothing and a state key for each tenth of them, and closed with
/// a seal, so that the engine opens it as one of its own.
enum Growth {
    private static let small = 100_000
    private static let appended = 64 * 800
    private static let rounds = 4

    static func measure(directory: String, size: Int) async throws -> [String: Double] {
        var filling = try Filling(directory: directory)
        var report: [String: Double] = ["entries": Double(size), "stateKeys": Double(size / 10)]
        for (name, size) in [("small", small), ("large", size)] {
            Bench.progress("growing to \(size) entries")
            let stopwatch = Stopwatch()
            try filling.grow(to: UInt64(size))
            report["fillSeconds.\(name)"] = stopwatch.seconds
            report.merge(try await measureAppending(&filling, name: name)) { $1 }
        }
        report["growth"] = report["relativeCost.large", default: 0] / report["relativeCost.small", default: 1]
        report.merge(try proofs(of: filling)) { $1 }
        return report
    }

    /// Opens the log and registers statements.
    private static func measureAppending(_ filling: inout Filling, name: String) async throws -> [String: Double] {
        filling.release()
        // As after a crash: without its note of an orderly close the store is read from the disk.
        try FileManager.default.removeItem(atPath: filling.directory + "/CLOSED")
        let (first, openSecondsAfterCrash) = try filling.opened()
        await first.shutdown()
        try filling.warm()
        let (log, openSeconds) = try filling.opened()
        let memory = anonymousMemory()

        let submissions = filling.workload.submissions(count: appended, batch: 100, stream: "after-\(name)")
        let workload = filling.workload
        let rounds = try await Rounds.measure(Self.rounds) { round in
            try await workload.run(Workload.part(round, of: Self.rounds, submissions), on: log)
        }
        var report = [
            "openSeconds.\(name)": openSeconds, "openSecondsAfterCrash.\(name)": openSecondsAfterCrash,
            "memory.\(name)": memory,
            "microsecondsAnEntry.\(name)": 1e6 / rounds.rates.median,
            "relativeCost.\(name)": 1 / rounds.ratio, "V.\(name)": rounds.limits.median,
        ]
        if name == "large" { report.merge(try inclusionProofs(log)) { $1 } }
        await log.shutdown()
        let again = try LMDBLogStore(directory: filling.directory)
        try filling.reopen(again)
        return report
    }

    /// Microseconds of one registration read by its index: tiles, path, under the published head.
    private static func inclusionProofs(_ log: Log) throws -> [String: Double] {
        let size = log.published.size
        var times: [Double] = []
        for _ in 0..<20_000 {
            let index = UInt64.random(in: 0..<size)
            let stopwatch = ContinuousClock.now
            let registration = try log.registration(index: index)
            times.append((ContinuousClock.now - stopwatch) / .microseconds(1))
            precondition(registration?.index == index)
        }
        let one = Stopwatch()
        for _ in 0..<20_000 { _ = try log.registration(index: UInt64.random(in: 0..<size)) }
        return [
            "inclusionMicroseconds.p50": times.median, "inclusionMicroseconds.p99": times.percentile(99),
            "inclusionMicroseconds.processor": one.processor / 20_000 * 1e6,
        ]
    }

    /// Microseconds of one proof in the stored map of the state, and of one change among ten of a batch.
    private static func proofs(of filling: Filling) throws -> [String: Double] {
        func keys() -> [Hash] {
            (0..<20_000).map { _ in filling.key(UInt64.random(in: 0..<filling.keyCount)).mapKey }
        }
        var (times, changes): ([Double], [Double]) = ([], [])
        try filling.store.read { snapshot in
            let pages = SnapshotPages(snapshot, at: filling.head.size)
            let map = PagedMap(root: filling.map.root)
            for key in keys() {
                let started = ContinuousClock.now
                let proof = try map.proof(key, reading: pages)
                times.append((ContinuousClock.now - started) / .microseconds(1))
                precondition(proof.end == .present)
            }
            var changed = filling.map
            let batch = keys()
            for start in stride(from: 0, to: batch.count, by: 10) {
                let started = ContinuousClock.now
                _ = try changed.set(batch[start..<start + 10].map { ($0, Hash.zero) }, reading: pages)
                changes.append((ContinuousClock.now - started) / .microseconds(1) / 10)
                changed = filling.map
            }
        }
        return [
            "stateMicroseconds.p50": times.median, "stateMicroseconds.p99": times.percentile(99),
            "stateChangeMicroseconds.p50": changes.median, "stateChangeMicroseconds.p99": changes.percentile(99),
        ]
    }
}

/// A store that is filled without the engine.
struct Filling {
    let directory: String
    let workload: Workload
    private(set) var store: LMDBLogStore
    private(set) var head: StoredHead
    private(set) var map = PagedMap()
    private(set) var keyCount: UInt64 = 0
    private var edge: TileEdge
    private var seals: UInt64

    private static let batch: UInt64 = 16_384
    /// What a start reads again: as many as a busy log has in a batch.
    private static let lastBatch: UInt64 = 1_000

    init(directory: String) throws {
        self.directory = directory + "/grown"
        workload = try Workload()
        store = try LMDBLogStore(directory: self.directory)
        try Log.create(store: store, genesis: workload.genesis, keys: workload.logKeys, anchor: MemoryAnchor())
        (head, edge, seals) = (.empty, TileEdge(), 1)
        try reopen(store)
    }

    /// Takes up the store where another writer left it.
    mutating func reopen(_ store: LMDBLogStore) throws {
        self.store = store
        (head, edge, map, seals) = try store.read { snapshot in
            let head = try snapshot.head
            // The engine sealed batches of its own since.
            guard let last = try snapshot.entry(head.size - 1) else { throw CocoaError(.fileReadCorruptFile) }
            let seal = try Seal(SignedStatement(decoding: last), origin: workload.origin)
            let edge = try TileEdge(size: head.size) { tile in
                guard let bytes = try snapshot.tile(tile.coordinate) else { throw CocoaError(.fileReadCorruptFile) }
                return Array(bytes.prefix(tile.byteCount))
            }
            return (head, edge, PagedMap(root: seal.stateRoot), seal.seq + 1)
        }
    }

    /// Closes the store and lets go of the memory that a log would not need.
    mutating func release() {
        store.close()
        map = PagedMap()
        edge = TileEdge()
        trimMemory()
    }

    /// Opens the log, and says how many seconds that took.
    func opened() throws -> (log: Log, seconds: Double) {
        let stopwatch = Stopwatch()
        let log = try workload.open(
            try LMDBLogStore(directory: directory), anchor: MemoryAnchor(head.treeHead))
        return (log, stopwatch.seconds)
    }

    /// Brings the files into the cache, where a log that has written them itself has them.
    func warm() throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
            guard let file = FileHandle(forReadingAtPath: directory + "/" + name) else { continue }
            while let piece = try file.read(upToCount: 1 << 20), !piece.isEmpty {}
            try file.close()
        }
    }

    func key(_ number: UInt64) -> StateKey {
        .stream(issuer: workload.issuers[Int(number % 64)].name, stream: "filling-\(number)")
    }

    /// Adds batches until the log has `size` entries, the last of which is a seal. Not synced: nothing hangs on it.
    mutating func grow(to size: UInt64) throws {
        store.close()
        var options = LMDBLogStore.Options()
        options.noSync = true
        store = try LMDBLogStore(directory: directory, options: options)
        while head.size < size {
            let left = size - head.size
            try add(left > Self.lastBatch ? min(Self.batch, left - Self.lastBatch) : left)
        }
        store.close()
        sync()
        store = try LMDBLogStore(directory: directory)
    }

    /// One batch of `count` entries, its seal included.
    private mutating func add(_ count: UInt64) throws {
        var entries: [[UInt8]] = []
        var state: [(key: [UInt8], value: [UInt8]?)] = []
        var changes: [(key: Hash, value: Hash?)] = []
        for position in 0..<(count - 1) {
            let index = head.size + position
            let text = "An entry of about a hundred bytes that says nothing at all; its number is \(index)."
            let entry = Array(text.utf8)
            entries.append(entry)
            guard index % 10 == 0 else { continue }
            let key = key(keyCount).bytes
            keyCount += 1
            let value = StreamLink(seq: 0, leafHash: .leaf(entry), index: index).encoded()
            state.append((key, value))
            changes.append((Hash.sha256(key), Hash.sha256(value)))
        }
        let pages = try store.read { snapshot in
            try map.set(changes, reading: SnapshotPages(snapshot, at: head.size))
        }
        let time = Workload.now()
        let seal = Seal(time: time, statements: count - 1, stateRoot: map.root, seq: seals, prev: .zero)
        seals += 1
        entries.append(seal.statement(origin: workload.origin, key: workload.logKeys.statement).entryBytes)
        let leafHashes = entries.map { Hash.leaf($0) }
        for leafHash in leafHashes { edge.append(leafHash) }
        let new = StoredHead(treeHead: TreeHead(size: edge.size, root: edge.root()), sealTime: time)
        let batch = StoreBatch(
            entries: entries, leafHashes: leafHashes, tiles: edge.takeChangedTiles(), state: state,
            mapPages: pages.map { ($0.path.bytes, $0.bytes) }, head: new)
        try store.commit(batch, expecting: head.treeHead)
        head = new
    }
}

/// The store's own check of everything in it: hashes, no signatures.
enum Contents {
    static func measure(directory: String) async throws -> [String: Double] {
        let store = try LMDBLogStore(directory: directory)
        defer { store.close() }
        let size = try store.read { try $0.head.size }
        // An entry costs one leaf and one inner node.
        let possible = { 1 / (1 / Limits.hashes(seconds: 0.2) + 1 / Limits.nodes(seconds: 0.1)) }
        let rounds = try await Rounds.measure(5, beside: possible) { _ in
            try await store.verifyContents(pieces: ProcessInfo.processInfo.activeProcessorCount)
            return Int(size)
        }
        return [
            "entries": Double(size), "perSecond": rounds.rates.median, "possiblePerSecond": rounds.limits.median,
            "ratio": rounds.ratio,
        ]
    }
}
