public import Tlog

/// Where a log is kept: reads at a snapshot, and one atomic commit.
///
/// Every implementation promises, and one conformance suite checks:
///
/// 1. **Atomic.** After `commit` returned, all parts of the batch are there; after it threw, none is. No reader ever
///    sees a part.
/// 2. **Durable.** What `commit` returned for survives the process, and with a disk that keeps its word about syncs
///    also the machine (`MemoryLogStore`, whose log ends with the process, excepted).
/// 3. **Compared.** `commit` writes only if the head it expects is the head there is: two writers cannot both go on
///    from the same head.
/// 4. **One of each.** A leaf hash is in the store once. Entries, and links of streams, are never changed or removed.
/// 5. **Isolated.** A snapshot is one committed state: later commits do not show in it, and any number of readers
///    run while a commit runs.
/// 6. **Checked.** A batch that contradicts itself or the store is an error and not stored; see
///    `StoreBatch.validate(continuing:)`.
/// 7. **Remembered.** The governance state and the pages of its map can be read as of each of the newest sealed sizes,
///    as many as the store was opened for; an older size is refused as `notRetained`, never answered wrongly.
/// 8. **Honest.** What is not there is nil; what is broken is an error. After `syncFailed` no commit is taken.
///
/// All calls block: they are for a thread that may wait, not for the middle of an async function that others need.
public protocol LogStore: Sendable {
    /// Runs `body` on a snapshot of the last committed state. The snapshot must not be used after `body` returns.
    ///
    /// - Throws: what `body` throws, and `StoreError` if no snapshot can be had.
    func read<R>(_ body: (any LogSnapshot) throws -> R) throws -> R

    /// Whether one of these leaf hashes may be that of an entry. False says that none was when this was called, and costs
    /// less than a snapshot; true says nothing.
    ///
    /// - Throws: `StoreError` if it cannot be known.
    func mayHave(anyOf leafHashes: [Hash]) throws(StoreError) -> Bool

    /// Adds a batch, whole or not at all, and returns when it is durable.
    ///
    /// - Parameters:
    ///   - batch: made for the log of head `expecting`.
    ///   - expecting: the tree head that the caller believes to be the committed one; `TreeHead.empty` at first.
    /// - Throws: `headMoved`, `invalidBatch`, `duplicateEntry`, `full`, `io`: nothing was stored, and the store goes
    ///   on. `syncFailed`: what is on the disk is not known. `closed` after `close()`.
    func commit(_ batch: StoreBatch, expecting: TreeHead) throws(StoreError)

    /// What the store has found while it works beside commits, and the next commit is to be told; nil where there is nothing.
    /// Does not wait for a commit.
    var failure: StoreError? { get }

    /// Ends the use of the store; later calls throw `closed`. Reads that are running end in peace, and what the
    /// store holds on to is released with the last of them. Closing twice does nothing.
    func close()
}

extension LogStore {
    /// Of a store that knows it by a snapshot only.
    public func mayHave(anyOf leafHashes: [Hash]) throws(StoreError) -> Bool { true }

    /// Of a store that does nothing beside commits.
    public var failure: StoreError? { nil }
}
