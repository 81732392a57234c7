internal import COSE
internal import Governance
internal import LogStore
internal import Tlog

/// What a start finds in the store, after it was checked: nothing is signed on a log that does not fit together.
struct RecoveredLog {
    let tip: Tip

    /// The tree at the anchor, re-hashed as far as the tail reaches: what the next head must continue.
    let frontier: Frontier

    let anchored: TreeHead?
}

/// Checks the store against itself and against the anchor.
struct Recovery {
    let store: any LogStore
    let anchor: any Anchor
    let reAnchor: Bool

    func run() throws(LogError) -> RecoveredLog {
        let anchored: TreeHead?
        do { anchored = try anchor.read() } catch { throw .anchor(error) }
        do {
            return try store.read { snapshot in
                let head = try snapshot.head
                try check(anchored, against: head.treeHead)
                let tail = try Tail(snapshot, head: head)
                let frontier = try self.frontier(snapshot, at: anchored, tail: tail)
                return RecoveredLog(tip: try tail.tip(snapshot), frontier: frontier, anchored: anchored)
            }
        } catch let error as LogError {
            throw error
        } catch let error as StoreError where error.code == .corrupt || error.code == .notFound {
            throw .damaged(error.detail)
        } catch {
            throw .store("\(error)")
        }
    }

    /// "At start the store must not be behind the anchor."
    private func check(_ anchored: TreeHead?, against head: TreeHead) throws(LogError) {
        guard head.size > 0 || (anchored?.size ?? 0) > 0 else { throw .notCreated }
        guard let anchored else {
            if reAnchor { return }
            throw .anchorMissing(store: head)
        }
        guard anchored.size <= head.size || Mutant.anchorAhead.isOff else {
            throw .storeBehindAnchor(store: head, anchor: anchored)
        }
    }

    /// The tree that was last signed, from the store's tiles, and its tail from the entries themselves.
    private func frontier(_ snapshot: any LogSnapshot, at anchored: TreeHead?, tail: Tail) throws -> Frontier {
        let size = min(anchored?.size ?? 0, tail.head.size)
        let stored = try Frontier(size: size, from: snapshot)
        if let anchored, stored.root() != anchored.root, !Mutant.anchorAhead.isOff {
            throw LogError.storeForked(anchor: anchored, root: stored.root())
        }
        // The last batch is read again even where it was signed already.
        let start = min(size, tail.start)
        var rehashed = try Frontier(size: start, from: snapshot)
        try rehashed.append(entriesOf: snapshot, upTo: size)
        guard rehashed == stored else {
            throw LogError.damaged(
                "entries \(start)..<\(size) hash to the root \(rehashed.root().hex), the tiles to \(stored.root().hex)")
        }
        return rehashed
    }
}

/// The last batch of a stored log, read and checked.
private struct Tail {
    let head: StoredHead
    let rules: Rules
    let seal: Seal
    let sealHash: Hash

    /// The index of the last batch's first entry.
    let start: UInt64

    init(_ snapshot: any LogSnapshot, head: StoredHead) throws {
        self.head = head
        guard let rules = try Rules(SnapshotState(snapshot: snapshot)) else {
            throw LogError.damaged("\(head.size) entries, and no policy in the state")
        }
        self.rules = rules
        guard let bytes = try snapshot.entry(head.size - 1) else {
            throw LogError.damaged("entry \(head.size - 1) is not there")
        }
        do {
            let statement = try SignedStatement(decoding: bytes)
            seal = try Seal(statement, origin: rules.policy.origin)
            try statement.verify(rules.statementKey)
            sealHash = statement.leafHash
        } catch {
            throw LogError.damaged("entry \(head.size - 1), the last, is not a seal of this log: \(error)")
        }
        guard seal.time == head.sealTime, seal.statements < head.size else {
            throw LogError.damaged(
                "the last seal speaks of \(seal.statements) statements at \(seal.time); the head has \(head.size) entries "
                    + "and the time \(head.sealTime)")
        }
        start = head.size - 1 - seal.statements
    }

    /// What the writer starts from.
    func tip(_ snapshot: any LogSnapshot) throws -> Tip {
        let edge = try TileEdge(size: head.size) { try snapshot.content(of: $0) }
        guard edge.root() == head.treeHead.root else {
            throw LogError.damaged(
                "the tiles have the root \(edge.root().hex), the head has \(head.treeHead.root.hex)")
        }
        var changes: [(key: Hash, value: Hash?)] = []
        try snapshot.forEachState { key, value in changes.append((Hash.sha256(key), Hash.sha256(value))) }
        var map = MerkleMap()
        map.set(changes)
        guard map.root == seal.stateRoot else {
            throw LogError.damaged(
                "the governance state has the root \(map.root.hex), the last seal says \(seal.stateRoot.hex)")
        }
        return Tip(
            head: head, edge: edge, map: map, rules: rules, seal: SealLink(seq: seal.seq, leafHash: sealHash))
    }
}

extension Frontier {
    /// The frontier of the tree of `size` entries, from the tiles of a store.
    fileprivate init(size: UInt64, from snapshot: any LogSnapshot) throws {
        let plan = Frontier.plan(size: size)
        var tiles: [TileCoordinate: [UInt8]] = [:]
        for tile in plan.tiles { tiles[tile.coordinate] = try snapshot.content(of: tile) }
        try self.init(size: size, hashes: try plan.hashes(in: tiles))
    }
}
