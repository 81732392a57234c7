internal import LogStore
internal import Synchronization
internal import Tlog

/// What this log has signed, so that what others show can be held against it.
final class SignedTree: Sendable {
    let origin: Origin
    /// The keys that sign this log's checkpoints, that did before a rotation, and that will after one.
    let keys: [VerifierKey]
    private let store: any LogStore
    private let newest: Mutex<TreeHead>

    init(store: any LogStore, origin: Origin, keys: [Ed25519.PublicKey], newest: TreeHead) {
        self.store = store
        self.origin = origin
        self.keys = keys.map { .ed25519(name: origin.keyName, publicKey: $0) }
        self.newest = Mutex(newest)
    }

    /// The newest head that was signed.
    var head: TreeHead { newest.withLock { $0 } }

    func advance(to head: TreeHead) {
        newest.withLock { $0 = head }
    }

    func consistency(from old: UInt64, to new: UInt64) throws -> ConsistencyProof {
        ConsistencyProof(oldSize: old, newSize: new, path: try hashes(.consistency(from: old, to: new)))
    }

    /// Whether a checkpoint is of this log's origin and bears a signature of one of its keys.
    func hasSigned(_ shown: SignedCheckpoint) -> Bool {
        shown.checkpoint.origin == origin && keys.contains { (try? shown.verify(logKey: $0)) != nil }
    }

    /// How a checkpoint that somebody shows contradicts this log: nil unless it bears this log's own signature and is
    /// larger than all that was signed, or of another history.
    func contradiction(in shown: SignedCheckpoint) throws -> String? {
        guard hasSigned(shown) else { return nil }
        let (signed, found) = (head, shown.checkpoint.treeHead)
        let root =
            found.size > signed.size
            ? nil : found.size == 0 ? Hash.emptyTree : try hashes(.root(size: found.size)).first
        guard root != found.root else { return nil }
        return "a checkpoint of \(AnchorError.name(found)) bears this log's signature, "
            + (root.map { "but the root of this log at that size is \($0.hex)" }
                ?? "but this log has signed no more than \(AnchorError.name(signed))")
    }

    private func hashes(_ plan: ProofPlan) throws -> [Hash] {
        try store.read { snapshot in
            var tiles: [TileCoordinate: [UInt8]] = [:]
            for tile in plan.tiles { tiles[tile.coordinate] = try snapshot.content(of: tile) }
            return try plan.hashes(in: tiles)
        }
    }
}
