internal import Governance
internal import LogStore
internal import StoredState
internal import Tlog

/// What a start finds in the store, after it was checked: nothing is signed on a log that does not fit together.
struct RecoveredLog {
    let tip: StoredTip

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
                let tip = try StoredTip(reading: snapshot)
                let frontier = try self.frontier(snapshot, at: anchored, tip: tip)
                if !Mutant.openedState.isOff { try tip.checkState(reading: snapshot) }
                return RecoveredLog(tip: tip, frontier: frontier, anchored: anchored)
            }
        } catch let error as LogError {
            throw error
        } catch let damage as StoredLogDamage {
            throw .damaged(damage.detail)
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
    private func frontier(_ snapshot: any LogSnapshot, at anchored: TreeHead?, tip: StoredTip) throws -> Frontier {
        let size = min(anchored?.size ?? 0, tip.head.size)
        let stored = try Frontier(size: size, from: snapshot)
        if let anchored, stored.root() != anchored.root, !Mutant.anchorAhead.isOff {
            throw LogError.storeForked(anchor: anchored, root: stored.root())
        }
        // The last batch is read again even where it was signed already.
        let start = min(size, tip.seal?.batchStart ?? 0)
        var rehashed = try Frontier(size: start, from: snapshot)
        try rehashed.append(entriesOf: snapshot, upTo: size)
        guard rehashed == stored else {
            throw LogError.damaged(
                "entries \(start)..<\(size) hash to the root \(rehashed.root().hex), the tiles to \(stored.root().hex)")
        }
        return rehashed
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
