import Glibc
import LogStore
import Synchronization
import Tlog

/// A store in memory that can be told to fail, and to hold commits back.
final class TestStore: LogStore {
    private struct Faults {
        var read: StoreError?
        var commit: StoreError?
        var holds = false
    }

    let base: MemoryLogStore
    private let faults = Mutex(Faults())

    init(retainedSeals: Int = 10_000) {
        base = MemoryLogStore(retainedSeals: retainedSeals)
    }

    func failReads(_ error: StoreError?) { faults.withLock { $0.read = error } }
    func failCommits(_ error: StoreError?) { faults.withLock { $0.commit = error } }
    func holdCommits(_ holds: Bool) { faults.withLock { $0.holds = holds } }

    func read<R>(_ body: (any LogSnapshot) throws -> R) throws -> R {
        if let error = faults.withLock({ $0.read }) { throw error }
        return try base.read(body)
    }

    func commit(_ batch: StoreBatch, expecting: TreeHead) throws(StoreError) {
        while faults.withLock({ $0.holds }) { pause() }
        if let error = faults.withLock({ $0.commit }) { throw error }
        try base.commit(batch, expecting: expecting)
    }

    func close() { base.close() }

    /// Commits entries behind the engine's back: committed and not published.
    func commitUnpublished(_ entries: [[UInt8]]) throws {
        let head = try base.read { try $0.head }
        let batch = try base.read { snapshot -> StoreBatch in
            var edge = try TileEdge(size: head.size) { try snapshot.content(of: $0) }
            let hashes = entries.map { Hash.leaf($0) }
            for hash in hashes { edge.append(hash) }
            let tiles = edge.takeChangedTiles()
            return StoreBatch(
                entries: entries, leafHashes: hashes, tiles: tiles,
                head: StoredHead(
                    treeHead: TreeHead(size: edge.size, root: edge.root()), sealTime: head.sealTime))
        }
        try base.commit(batch, expecting: head.treeHead)
    }

    private func pause() {
        sched_yield()
    }
}
