internal import LogStore
internal import Tlog

/// A tree that the store has: durable, and not yet signed. Only ``Commit`` makes one.
struct CommittedTree {
    let head: StoredHead

    fileprivate init(head: StoredHead) {
        self.head = head
    }
}

/// The fourth step: everything that a batch changes goes into one commit, and is on the disk when that returns.
struct Commit: Sendable {
    let store: any LogStore

    /// Commits a batch on the head that it was made for.
    ///
    /// - Parameter published: the head that readers see, whose checkpoint is kept along with the batch.
    func commit(_ batch: SealedBatch, published: PublishedHead?) throws(BatchFault) -> CommittedTree {
        var storeBatch = batch.storeBatch
        if Mutant.mapInTransaction.isOff { storeBatch.mapPages = [] }
        storeBatch.checkpoint = published.map { ($0.size, $0.checkpoint.bytes) }
        do {
            try store.commit(storeBatch, expecting: batch.base.treeHead)
        } catch {
            throw BatchFault(commit: error)
        }
        return CommittedTree(head: storeBatch.head)
    }

    /// The tree that an earlier run committed.
    func storedTree() throws -> CommittedTree {
        CommittedTree(head: try store.read { try $0.head })
    }
}
