internal import COSE
public import Governance
public import LogStore
public import Tlog

/// All that the next batch of a log is made from, beside the store: the log up to its last seal. It never changes, so a
/// batch that could not be committed leaves nothing behind. One reference, as each step has it.
public final class StoredTip: Sendable {
    public let head: StoredHead

    /// The right edge of the tree, as tiles.
    public let edge: TileEdge

    /// The map of the governance state, whose root the seal carries.
    public let map: PagedMap

    /// The policy in force, and the keys.
    public let rules: Rules

    /// The seal that ends the log; nil below entry 0.
    public let seal: SealLink?

    init(head: StoredHead, edge: TileEdge, map: PagedMap, rules: Rules, seal: SealLink?) {
        self.head = head
        self.edge = edge
        self.map = map
        self.rules = rules
        self.seal = seal
    }

    /// The log below entry 0, under the rules of the genesis that is to become it.
    public static func empty(rules: Rules) -> StoredTip {
        StoredTip(head: .empty, edge: TileEdge(), map: PagedMap(), rules: rules, seal: nil)
    }
}

/// One link in the stream of the log's own seals.
public struct SealLink: Sendable, Hashable {
    public let seq: UInt64
    public let leafHash: Hash
    /// The index of the first entry of the seal's batch.
    public let batchStart: UInt64

    public init(seq: UInt64, leafHash: Hash, batchStart: UInt64) {
        self.seq = seq
        self.leafHash = leafHash
        self.batchStart = batchStart
    }
}

/// A stored log contradicts itself. The detail is one sentence for people.
public struct StoredLogDamage: Error, Sendable, Hashable, CustomStringConvertible {
    public let detail: String
    public var description: String { "the stored log is damaged: \(detail)" }
}

extension StoredTip {
    /// Reads where a stored log ends, and checks that it fits together: the last entry is a seal that the log's key has
    /// signed, and the tiles have the head's root. Of the state it reads policy and identities.
    ///
    /// - Throws: ``StoredLogDamage``; what the store throws.
    public convenience init(reading snapshot: any LogSnapshot) throws {
        let head = try snapshot.head
        let (rules, _) = try StoredTip.rules(snapshot, head)
        let (seal, link) = try StoredTip.seal(snapshot, head, rules)
        let edge = try TileEdge(size: head.size) { try snapshot.content(of: $0) }
        guard edge.root() == head.treeHead.root else {
            throw StoredLogDamage(
                detail: "the tiles have the root \(edge.root()), the head has \(head.treeHead.root)")
        }
        self.init(head: head, edge: edge, map: PagedMap(root: seal.stateRoot), rules: rules, seal: link)
    }

    /// Checks that the top of the stored map has the root of the last seal, and that policy and identities are those
    /// of the map. Everything else of the state is checked when it is used.
    ///
    /// - Throws: ``StoredLogDamage``; what the store throws.
    public func checkState(reading snapshot: any LogSnapshot) throws {
        let pages = SnapshotPages(snapshot, at: head.size)
        do {
            try map.checkTop(reading: pages)
            try map.check(StoredTip.rules(snapshot, head).reads, reading: pages)
        } catch let damage as MapDamage {
            throw StoredLogDamage(
                detail: "\(damage) (the state has the root \(map.root), the last seal says)")
        }
    }

    /// The rules at the head, and what was read for them.
    private static func rules(
        _ snapshot: any LogSnapshot, _ head: StoredHead
    ) throws -> (Rules, reads: [(key: Hash, value: Hash?)]) {
        let state = RecordedState(snapshot, at: head.size)
        let rules: Rules?
        do { rules = try Rules(state) } catch let error as StateRecordError {
            throw StoredLogDamage(detail: "\(error)")
        }
        guard let rules else {
            throw StoredLogDamage(detail: "\(head.size) entries, and no policy in the state")
        }
        return (rules, state.reads)
    }

    /// The seal that ends the log.
    private static func seal(
        _ snapshot: any LogSnapshot, _ head: StoredHead, _ rules: Rules
    ) throws -> (Seal, SealLink) {
        guard head.size > 0, let bytes = try snapshot.entry(head.size - 1) else {
            throw StoredLogDamage(detail: "the last of \(head.size) entries is not there")
        }
        let seal: Seal
        let leafHash: Hash
        do {
            let statement = try SignedStatement(decoding: bytes)
            seal = try Seal(statement, origin: rules.policy.origin)
            let last = head.size - 1
            try statement.verify(rules.statementKey(ofBatchFrom: last - min(last, seal.statements)))
            leafHash = statement.leafHash
        } catch {
            throw StoredLogDamage(detail: "entry \(head.size - 1), the last, is not a seal of this log: \(error)")
        }
        guard seal.time == head.sealTime, seal.statements < head.size else {
            throw StoredLogDamage(
                detail: "the last seal speaks of \(seal.statements) statements at \(seal.time); the head has "
                    + "\(head.size) entries and the time \(head.sealTime)")
        }
        return (seal, SealLink(seq: seal.seq, leafHash: leafHash, batchStart: head.size - 1 - seal.statements))
    }
}
