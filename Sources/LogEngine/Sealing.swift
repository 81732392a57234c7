internal import COSE
internal import Governance
internal import LogStore
internal import StoredState
internal import Tlog

/// A batch with its seal, as the store will get it. Only ``Sealing`` makes one.
struct SealedBatch {
    /// The head that the batch continues.
    let base: StoredHead

    /// What the store is to write.
    let storeBatch: StoreBatch

    /// The log after the batch; true once it is committed.
    let tip: StoredTip

    fileprivate init(base: StoredHead, storeBatch: StoreBatch, tip: StoredTip) {
        self.base = base
        self.storeBatch = storeBatch
        self.tip = tip
    }
}

/// The third step: indices, tiles and state root, and the log's own entry that ends every batch.
struct Sealing: Sendable {
    let key: Ed25519.SigningKey

    /// - Parameter snapshot: of the committed log that the batch continues.
    /// - Throws: ``BatchFault``; nothing was kept.
    func seal(_ batch: AdmittedBatch, reading snapshot: any LogSnapshot) throws(BatchFault) -> SealedBatch {
        let base = batch.base
        let rooted: RootedBatch
        do { rooted = try batch.folded.rooted(reading: snapshot) } catch { throw BatchFault(read: error) }
        let seal = Seal(
            time: batch.time, statements: UInt64(batch.folded.entries.count),
            stateRoot: Mutant.sealRoot.isOff ? base.map.root : rooted.stateRoot,
            seq: base.seal.map { $0.seq + 1 } ?? 0, prev: base.seal?.leafHash)
        // The policy that a batch sets is in force from the next one on: its seal is still the old statement key's.
        let statement = seal.statement(origin: batch.rules.policy.origin, key: key)
        let (storeBatch, tip) = rooted.sealed(by: statement, seal)
        return SealedBatch(base: base.head, storeBatch: storeBatch, tip: tip)
    }
}
