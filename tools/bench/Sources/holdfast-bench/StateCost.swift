import Foundation
import Governance
import LMDBLogStore
import LogStore
import StoredState
import Tlog

/// What a changed key of the governance state costs, in a state that grows tenfold step by step: the map in pages, the
/// store's versions, the commit. It may grow with the logarithm of the number of keys only.
///
/// Entries say nothing here, one a batch: what is measured is the state.
enum StateCost {
    private static let batches = 20
    private static let changesABatch = 1000
    private static let singles = 200

    static func measure(directory: String, largest: Int) throws -> [String: Double] {
        var state = try GrowingState(directory: directory + "/state")
        var report: [String: Double] = ["stateKeys": Double(largest)]
        var sizes = [largest]
        while let last = sizes.last, last >= 100_000 { sizes.append(last / 10) }
        report["smallestKeys"] = Double(sizes.last ?? largest)
        for size in sizes.reversed() {
            Bench.progress("growing to \(size) state keys")
            let filling = Stopwatch()
            let before = state.count
            try state.grow(to: UInt64(size))
            let added = Double(state.count - before)
            let found = [
                "fillMicrosecondsAKey": filling.seconds / max(added, 1) * 1e6, "fileBytes": try state.fileBytes(),
                "openMilliseconds": try state.open(),
            ]
            for part in [found, try many(&state), try single(&state), try proofs(state)] {
                for (name, value) in part { report["\(name).\(size)"] = value }
            }
        }
        for name in [
            "microsecondsAChange", "processorMicrosecondsAChange", "writtenBytesAChange", "single.writtenBytes",
        ] {
            let (large, small) = (report["\(name).\(largest)"], report["\(name).\(sizes.last ?? largest)"])
            report["growth.\(name)"] = (large ?? 0) / (small ?? 1)
        }
        let logarithms = log(Double(largest)) / log(Double(sizes.last ?? largest))
        report["growth.logarithm"] = logarithms
        return report
    }

    /// Batches of a thousand random keys that change.
    private static func many(_ state: inout GrowingState) throws -> [String: Double] {
        let changes = Double(batches * changesABatch)
        state.takeCounts()
        let stopwatch = Stopwatch()
        let written = writtenBytes()
        for _ in 0..<batches {
            try state.commit((0..<changesABatch).map { _ in UInt64.random(in: 0..<state.count) })
        }
        let counts = state.takeCounts()
        return [
            "microsecondsAChange": stopwatch.seconds / changes * 1e6,
            "processorMicrosecondsAChange": stopwatch.processor / changes * 1e6,
            "mapMicrosecondsAChange": counts.mapSeconds / changes * 1e6,
            "commitMicrosecondsAChange": counts.commitSeconds / changes * 1e6,
            "pagesAChange": Double(counts.pages) / changes, "pageBytesAChange": Double(counts.pageBytes) / changes,
            "writtenBytesAChange": (writtenBytes() - written) / changes,
        ]
    }

    /// Batches of one key: nothing is shared between changes.
    private static func single(_ state: inout GrowingState) throws -> [String: Double] {
        // What waits in the journal would be folded, and counted, here.
        _ = try state.open()
        state.takeCounts()
        let written = writtenBytes()
        var times: [Double] = []
        for _ in 0..<singles {
            let started = ContinuousClock.now
            try state.commit([UInt64.random(in: 0..<state.count)])
            times.append((ContinuousClock.now - started) / .microseconds(1))
        }
        let counts = state.takeCounts()
        return [
            "single.microseconds.p50": times.median, "single.pages": Double(counts.pages) / Double(singles),
            "single.mapMicroseconds": counts.mapSeconds / Double(singles) * 1e6,
            "single.writtenBytes": (writtenBytes() - written) / Double(singles),
        ]
    }

    /// Proofs of random keys, at the head and at an older size.
    private static func proofs(_ state: GrowingState) throws -> [String: Double] {
        var report: [String: Double] = [:]
        for (name, old) in [("proofMicroseconds.p50", false), ("oldProofMicroseconds.p50", true)] {
            var times: [Double] = []
            for _ in 0..<2000 {
                let number = UInt64.random(in: 0..<state.count)
                times.append(try state.timeOfProof(number, atOldestSize: old))
            }
            report[name] = times.median
        }
        return report
    }

    /// Bytes that this process has given to the system to write.
    private static func writtenBytes() -> Double {
        let text = (try? String(contentsOfFile: "/proc/self/io", encoding: .utf8)) ?? ""
        for line in text.split(separator: "\n") where line.hasPrefix("wchar:") {
            return Double(line.filter(\.isNumber)) ?? 0
        }
        return 0
    }
}

/// A store with a state of links of streams, and the map over it.
struct GrowingState {
    /// What was worked on since the counts were taken.
    struct Counts {
        var pages = 0
        var pageBytes = 0
        var mapSeconds = 0.0
        var commitSeconds = 0.0
    }

    let directory: String
    private(set) var count: UInt64 = 0
    private var store: LMDBLogStore
    private var head = StoredHead.empty
    private var edge = TileEdge()
    private var map = PagedMap()
    private var oldest: (size: UInt64, root: Hash) = (0, .zero)
    private var changes: UInt64 = 0
    private var counts = Counts()

    private static let fillingBatch: UInt64 = 50_000

    init(directory: String) throws {
        self.directory = directory
        store = try LMDBLogStore(directory: directory)
    }

    @discardableResult
    mutating func takeCounts() -> Counts {
        defer { counts = Counts() }
        return counts
    }

    /// Adds keys. Not synced, and no older state kept: nothing hangs on it.
    mutating func grow(to size: UInt64) throws {
        store.close()
        var options = LMDBLogStore.Options()
        options.noSync = true
        options.retainedSeals = 1
        store = try LMDBLogStore(directory: directory, options: options)
        while count < size {
            let end = min(size, count + Self.fillingBatch)
            let new = count..<end
            count = end
            try commit(new.map { $0 })
        }
    }

    /// Opens the store as a log does, and says how many milliseconds that took.
    mutating func open() throws -> Double {
        store.close()
        sync()
        let stopwatch = Stopwatch()
        store = try LMDBLogStore(directory: directory)
        let seconds = stopwatch.seconds
        oldest = (head.size, map.root)
        return seconds * 1e3
    }

    func fileBytes() throws -> Double {
        let attributes = try FileManager.default.attributesOfItem(atPath: directory + "/data.mdb")
        return (attributes[.size] as? NSNumber)?.doubleValue ?? 0
    }

    /// One batch that gives these keys new values.
    mutating func commit(_ numbers: [UInt64]) throws {
        var state: [(key: [UInt8], value: [UInt8]?)] = []
        var hashes: [(key: Hash, value: Hash?)] = []
        for number in numbers {
            changes += 1
            let key = Self.key(number).bytes
            let value = StreamLink(seq: changes, leafHash: .zero, index: changes).encoded()
            state.append((key, value))
            hashes.append((Hash.sha256(key), Hash.sha256(value)))
        }
        var next = map
        let mapping = Stopwatch()
        let pages = try store.read { try next.set(hashes, reading: SnapshotPages($0, at: head.size)) }
        counts.mapSeconds += mapping.seconds
        counts.pages += pages.count
        for page in pages { counts.pageBytes += page.bytes?.count ?? 0 }

        let entry = Array("Entry \(head.size).".utf8)
        edge.append(.leaf(entry))
        let new = StoredHead(treeHead: TreeHead(size: edge.size, root: edge.root()), sealTime: head.sealTime + 1)
        let batch = StoreBatch(
            entries: [entry], leafHashes: [.leaf(entry)], tiles: edge.takeChangedTiles(), state: state,
            mapPages: pages.map { ($0.path.bytes, $0.bytes) }, head: new)
        let committing = Stopwatch()
        try store.commit(batch, expecting: head.treeHead)
        counts.commitSeconds += committing.seconds
        (head, map) = (new, next)
    }

    /// Microseconds of one proof, read from the store.
    func timeOfProof(_ number: UInt64, atOldestSize isOld: Bool) throws -> Double {
        let key = Hash.sha256(Self.key(number).bytes)
        let (size, root) = isOld ? oldest : (head.size, map.root)
        let started = ContinuousClock.now
        let proof = try store.read { snapshot in
            try PagedMap(root: root).proof(key, reading: SnapshotPages(snapshot, at: size))
        }
        precondition(proof.end == .present)
        return (ContinuousClock.now - started) / .microseconds(1)
    }

    private static func key(_ number: UInt64) -> StateKey {
        .stream(issuer: "spiffe://bench.example.com/issuer/\(number % 64)", stream: "state-\(number)")
    }
}
