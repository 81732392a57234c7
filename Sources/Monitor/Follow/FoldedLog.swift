public import Governance
public import Tlog

/// What a follower has folded of a log, all of it as of one size.
public struct FoldedLog: Sendable {
    /// The stored tree, whose last entry is a seal.
    public let head: TreeHead
    /// The checkpoint of exactly this tree; nil while entries below a newer one are still read.
    public let checkpoint: VerifiedCheckpoint?
    /// The seal that ends it.
    public let seal: Seal
    /// The root of the state as it was computed, which is the seal's.
    public let stateRoot: Hash
    public let state: MemoryState
    public let rules: Rules
}
