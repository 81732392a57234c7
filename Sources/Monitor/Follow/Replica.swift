import COSE
import Governance
import LogStore
import Tlog
import Verification

/// All that a follower has verified of one log: its entries and tree in a store, and the fold over them in memory.
///
/// The store ends with a seal, always. At a start its entries are hashed and folded again, without verifying their
/// signatures a second time: what is in the store was verified before it went in. A replica that keeps the state has it in
/// the same commits, and goes on from there; where what it has is not the last seal's state, it folds again.
struct Replica {
    private let store: any LogStore
    private let keepsState: Bool
    /// Whether the state in the store is that at its head.
    private var isStateKept = false
    /// How many entries were not folded again.
    private(set) var resumedSize: UInt64 = 0
    /// The fold. It may be ahead of the store by the statements of a batch whose seal has not come yet.
    private var replay: LogReplay
    /// The right edge of the stored tree.
    private var edge = TileEdge()
    /// What is folded and not stored.
    private var unstored: [FollowedEntry] = []
    private(set) var stored = StoredHead.empty
    /// The log's keys at the stored head, and the entry that set them.
    private var keysInForce: (policyIndex: UInt64, keys: ReplayedLogKeys)?

    /// Entries that are folded at once when a replica is opened.
    private static let openingStep: UInt64 = 1024

    /// Opens what the store has.
    init(
        store: any LogStore, pins: LogReplay.Pins, keepsState: Bool = false,
        progress: (_ done: UInt64, _ of: UInt64) -> Void = { _, _ in }
    ) throws(FollowFault) {
        self.store = store
        self.keepsState = keepsState
        replay = LogReplay(pins: pins)
        do {
            let head = try store.read { try $0.head }
            if keepsState, let kept = try store.read({ try KeptState(reading: $0, pins: pins) }) {
                (replay, edge) = (kept.replay, kept.edge)
                (isStateKept, resumedSize) = (true, head.size)
                progress(head.size, head.size)
            }
            while replay.size < head.size {
                let range = replay.size..<min(replay.size + Self.openingStep, head.size)
                for entry in try store.read({ try $0.entries(range) }) {
                    let statement = try SignedStatement(decoding: entry)
                    try replay.append(statement, signatureVerified: true)
                    edge.append(statement.leafHash)
                }
                _ = edge.takeChangedTiles()
                progress(replay.size, head.size)
            }
            guard edge.root() == head.treeHead.root, replay.sealedSize == head.size else {
                throw FollowFault.store("its \(head.size) entries have the root \(edge.root())")
            }
            stored = head
            noteKeys()
            replay.remembersChanges = keepsState
        } catch let fault as FollowFault {
            throw fault
        } catch {
            throw .store("\(error)")
        }
    }

    /// How many entries were appended, stored or not.
    var size: UInt64 { replay.size }

    /// The keys in force after what was sealed.
    var keys: KeyDirectory? { replay.rules?.keys }

    /// The log's keys by its own entries, up to the stored head; nil before the first seal.
    var logKeys: ReplayedLogKeys? { keysInForce?.keys }

    /// Looks them up again after a change of the policy; a rotation is one.
    private mutating func noteKeys() {
        guard let index = replay.rules?.policyIndex, keysInForce?.policyIndex != index else { return }
        keysInForce = ReplayedLogKeys(replay).map { (index, $0) }
    }

    var lastSeal: Seal? { replay.lastSeal }

    /// What was folded, at the stored head.
    func folded(checkpoint: VerifiedCheckpoint?) -> FoldedLog? {
        guard let seal = replay.lastSeal, let rules = replay.rules, replay.sealedSize == stored.size else { return nil }
        return FoldedLog(
            head: stored.treeHead, checkpoint: checkpoint, seal: seal, stateRoot: replay.map.root, state: replay.state,
            rules: rules)
    }

    // MARK: Growing

    /// Folds the entries that come next, and stores those that a seal covers.
    ///
    /// - Parameter onSealed: called with these, when they are folded and before they are stored.
    /// - Throws: ``FollowFault/violation(_:)`` at the first that the log's rules don't allow. What is before its batch is
    ///   stored.
    mutating func append(
        _ entries: [FollowedEntry], onSealed: ([FollowedEntry]) -> Void
    ) throws(FollowFault) {
        var failure: ReplayError?
        for entry in entries {
            do throws(ReplayError) {
                try replay.append(entry.entry)
                unstored.append(entry)
            } catch {
                failure = error
                break
            }
        }
        let sealed = Array(unstored.prefix(Int(replay.sealedSize - stored.size)))
        if !sealed.isEmpty {
            onSealed(sealed)
            try keep(sealed)
            unstored.removeFirst(sealed.count)
            noteKeys()
        }
        if let failure { throw .violation(LogViolation(failure)) }
    }

    /// Throws unless everything that was appended is covered by a seal.
    func finish() throws(FollowFault) {
        do { try replay.finish() } catch { throw .violation(LogViolation(error)) }
    }

    private mutating func keep(_ entries: [FollowedEntry]) throws(FollowFault) {
        var newEdge = edge
        for entry in entries { newEdge.append(entry.leafHash) }
        let tiles = newEdge.takeChangedTiles()
        let head = StoredHead(
            treeHead: TreeHead(size: newEdge.size, root: newEdge.root()), sealTime: replay.lastSeal?.time ?? 0)
        let batch = StoreBatch(
            entries: entries.map(\.bytes), leafHashes: entries.map(\.leafHash), tiles: tiles,
            state: try stateToKeep().map { ($0.key.bytes, $0.value) }, head: head)
        do throws(StoreError) {
            try store.commit(batch, expecting: stored.treeHead)
        } catch {
            guard error.code == .duplicateEntry else { throw .store("\(error)") }
            throw .violation(try duplicate(in: entries))
        }
        (edge, stored) = (newEdge, head)
        replay.forgetChanges()
        isStateKept = keepsState
    }

    /// What the store's state lacks to be the state after what was sealed: all of it where the store has none, or another
    /// one.
    private func stateToKeep() throws(FollowFault) -> [StateChange] {
        guard keepsState, !isStateKept else { return replay.changes }
        var changes = replay.state.values.map { StateChange(key: $0.key, value: $0.value) }
        do {
            try store.read { snapshot in
                try snapshot.forEachState { key, _ in
                    let key = StateKey(bytes: key)
                    if replay.state.value(key) == nil { changes.append(StateChange(key: key, value: nil)) }
                }
            }
        } catch {
            throw .store("\(error)")
        }
        return changes
    }

    /// Design, invariant 5: "the same statement submitted again, ever, gets the same index".
    private func duplicate(in entries: [FollowedEntry]) throws(FollowFault) -> LogViolation {
        var seen: [Hash: UInt64] = [:]
        do {
            for entry in entries {
                let known = try store.read { try $0.index(ofLeaf: entry.leafHash) }
                if let before = known ?? seen[entry.leafHash] {
                    return LogViolation(
                        index: entry.index, reason: "duplicate-entry",
                        detail: "entry \(entry.index) is entry \(before) again")
                }
                seen[entry.leafHash] = entry.index
            }
        } catch {
            throw .store("\(error)")
        }
        throw .store("the store says that an entry is in it twice, and it is not")
    }

    // MARK: The stored tree

    /// The root that the log had at a size, at most the stored one.
    func root(at size: UInt64) throws(FollowFault) -> Hash {
        try hashes(.root(size: size))[0]
    }

    /// The proof that the tree of the stored size, or a smaller one, continues a tree smaller still.
    func consistency(from old: UInt64, to new: UInt64) throws(FollowFault) -> [Hash] {
        let plan: ProofPlan
        do { plan = try ProofPlan.consistency(from: old, to: new) } catch { throw .store("\(error)") }
        return try hashes(plan)
    }

    /// Whether the log's last entry at that size is a seal. Everything stored was folded, so then its state root is the
    /// state's.
    func isSealed(at size: UInt64) throws(FollowFault) -> Bool {
        guard size > 0, size <= stored.size, let origin = replay.rules?.policy.origin else { return false }
        if size == stored.size { return true }
        do {
            guard let bytes = try store.read({ try $0.entry(size - 1) }) else { return false }
            return (try? Seal(try SignedStatement(decoding: bytes), origin: origin)) != nil
        } catch {
            throw .store("\(error)")
        }
    }

    private func hashes(_ plan: ProofPlan) throws(FollowFault) -> [Hash] {
        do {
            return try store.read { snapshot in
                var tiles: [TileCoordinate: [UInt8]] = [:]
                for tile in plan.tiles { tiles[tile.coordinate] = try snapshot.content(of: tile) }
                return try plan.hashes(in: tiles)
            }
        } catch {
            throw .store("\(error)")
        }
    }
}
