internal import COSE
internal import Governance
internal import LogStore
internal import Tlog

/// A batch with its seal, as the store will get it. Only ``Sealing`` makes one.
struct SealedBatch {
    /// The head that the batch continues.
    let base: StoredHead

    /// What the store is to write.
    let storeBatch: StoreBatch

    /// The log after the batch; true once it is committed.
    let tip: Tip

    fileprivate init(base: StoredHead, storeBatch: StoreBatch, tip: Tip) {
        self.base = base
        self.storeBatch = storeBatch
        self.tip = tip
    }
}

/// The third step: indices, tiles and state root, and the log's own entry that ends every batch.
struct Sealing: Sendable {
    let key: Ed25519.SigningKey

    func seal(_ batch: AdmittedBatch) -> SealedBatch {
        let base = batch.base
        var map = base.map
        map.apply(batch.changes)
        let stateRoot = Mutant.sealRoot.isOff ? base.map.root : map.root
        let origin = batch.rules.policy.origin
        let seal = Seal(
            time: batch.time, statements: UInt64(batch.entries.count), stateRoot: stateRoot,
            seq: base.seal.map { $0.seq + 1 } ?? 0, prev: base.seal?.leafHash)
        // The policy that a batch sets is in force from the next one on: its seal is still the old statement key's.
        let sealStatement = seal.statement(origin: origin, key: key)

        let entries = batch.entries + [sealStatement]
        var edge = base.edge
        for entry in entries { edge.append(entry.leafHash) }
        let head = StoredHead(
            treeHead: TreeHead(size: edge.size, root: edge.root()), sealTime: batch.time)
        let sealStream = StateKey.stream(issuer: origin.text, stream: Seal.stream)
        let storeBatch = StoreBatch(
            entries: entries.map(\.entryBytes), leafHashes: entries.map(\.leafHash), tiles: edge.takeChangedTiles(),
            state: batch.changes.map { ($0.key.bytes, $0.value) },
            streams: batch.links + [(sealStream.bytes, seal.seq, head.size - 1)],
            listings: batch.listings, head: head)
        let tip = Tip(
            head: head, edge: edge, map: map, rules: batch.rules,
            seal: SealLink(seq: seal.seq, leafHash: sealStatement.leafHash))
        return SealedBatch(base: base.head, storeBatch: storeBatch, tip: tip)
    }
}
