public import COSE
public import Governance
public import LogStore
public import Tlog

/// A batch that was folded over the state below it, and has to be written: by the log that seals it, and by whoever
/// replays it into a store of his own. Both write the same.
public struct FoldedBatch {
    /// A statement, and the event in it if it has one.
    public final class Entry: Sendable {
        public let statement: SignedStatement
        public let event: Event?

        /// Reads the event.
        public init(_ statement: SignedStatement) {
            self.statement = statement
            event = statement.header.isEvent ? try? Event(payloadOf: statement) : nil
        }
    }

    /// The log that the batch continues.
    public let base: StoredTip
    /// The statements, in order, without the seal.
    public let entries: [Entry]
    /// What they change of the state.
    public let changes: [StateChange]
    /// What the fold read of the stored state: see ``RecordedState/reads``.
    public let reads: [(key: Hash, value: Hash?)]
    /// The rules in force after the batch.
    public let rules: Rules

    public init(
        base: StoredTip, entries: [Entry], changes: [StateChange], reads: [(key: Hash, value: Hash?)], rules: Rules
    ) {
        self.base = base
        self.entries = entries
        self.changes = changes
        self.reads = reads
        self.rules = rules
    }

    /// Changes the state's map, after what the fold read of the state was found to be what the map says.
    ///
    /// - Parameter snapshot: of the log that the batch continues.
    /// - Throws: `MapDamage`; what the store throws.
    public func rooted(reading snapshot: any LogSnapshot) throws -> RootedBatch {
        var map = base.map
        let pages = try map.set(
            changes.map(\.mapChange), expecting: reads, reading: SnapshotPages(snapshot, at: base.head.size))
        return RootedBatch(batch: self, map: map, pages: pages)
    }
}

/// A folded batch with the root of the state after it: what its seal says.
public struct RootedBatch {
    public let batch: FoldedBatch
    let map: PagedMap
    let pages: [MapPageChange]

    /// The root of the state after the batch.
    public var stateRoot: Hash { map.root }

    /// Everything that a store gets, and the log after it.
    ///
    /// - Parameters:
    ///   - statement: the entry that ends the batch.
    ///   - seal: what it says.
    public func sealed(by statement: SignedStatement, _ seal: Seal) -> (storeBatch: StoreBatch, tip: StoredTip) {
        let base = batch.base
        let start = base.head.size
        var entries = batch.entries.map { $0.statement.entryBytes }
        entries.append(statement.entryBytes)
        var leafHashes = batch.entries.map { $0.statement.leafHash }
        leafHashes.append(statement.leafHash)
        var edge = base.edge
        for leafHash in leafHashes { edge.append(leafHash) }
        let head = StoredHead(treeHead: TreeHead(size: edge.size, root: edge.root()), sealTime: seal.time)
        var links = batch.links
        let seals = StateKey.stream(issuer: statement.header.issuer, stream: Seal.stream)
        links.append((seals.bytes, seal.seq, head.size - 1))
        let storeBatch = StoreBatch(
            entries: entries, leafHashes: leafHashes, tiles: edge.takeChangedTiles(),
            state: batch.changes.map { ($0.key.bytes, $0.value) }, mapPages: pages.map { ($0.path.bytes, $0.bytes) },
            streams: links, listings: batch.listings, head: head)
        let link = SealLink(seq: seal.seq, leafHash: statement.leafHash, batchStart: start)
        return (storeBatch, StoredTip(head: head, edge: edge, map: map, rules: batch.rules, seal: link))
    }
}
