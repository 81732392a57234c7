/// Whether the log takes submissions.
public enum EngineStatus: Sendable, Hashable {
    case running

    /// Since the start no quorum of the witnesses has answered for the stored head: until then nothing is taken and
    /// nothing new is signed. What an earlier run published can be read.
    case awaitingQuorum

    /// Shutting down: what was accepted is being answered, nothing new is taken.
    case draining

    /// Nothing more will be signed. Published heads can still be read unless the store was closed.
    case stopped(StopReason)
}

/// Why a log stopped. Every reason but ``shutdown`` is a fault that an operator has to look at.
public enum StopReason: Error, Sendable, Hashable {
    /// It was asked to.
    case shutdown

    /// A write could not be made durable: what is in memory and what is on disk may differ, so nothing in memory can
    /// be trusted any more. The next start verifies the tail of the log from the disk.
    case syncFailed(String)

    /// What was read back after a commit does not hash to the head that was to be signed.
    case readBackDiffers(String)

    /// The anchor was moved by somebody else: a second writer signs for this log.
    case anchorMoved(String)

    /// The anchor could not be written: signing without it could sign a fork later.
    case anchorFailed(String)

    /// The store's head is not the one that this writer left: a second writer, or a store that lost a commit.
    case headMoved(String)

    /// The stored governance state is not what the last seal says: a batch made from it would be signed on damage.
    case stateDamaged(String)

    /// The store cannot be used any more.
    case storeFailed(String)

    /// A witness has a checkpoint with this log's own signature that this log does not contain: two histories were
    /// signed.
    case signedElsewhere(String)

    /// A rule of the log's own was broken inside the engine; nothing was signed.
    case brokenInvariant(String)
}

extension StopReason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .shutdown: "the log was shut down"
        case .syncFailed(let detail): "a write could not be synced to disk: \(detail)"
        case .readBackDiffers(let detail): "what was read back is not what was written: \(detail)"
        case .anchorMoved(let detail): "the anchor was moved by another writer: \(detail)"
        case .anchorFailed(let detail): "the anchor could not be written: \(detail)"
        case .headMoved(let detail): "the store's head was moved by another writer: \(detail)"
        case .stateDamaged(let detail): "the stored governance state is not what the last seal says: \(detail)"
        case .storeFailed(let detail): "the store cannot be used: \(detail)"
        case .signedElsewhere(let detail): "this log's key has signed something that is not in this log: \(detail)"
        case .brokenInvariant(let detail): "an invariant of the log was broken: \(detail)"
        }
    }
}
