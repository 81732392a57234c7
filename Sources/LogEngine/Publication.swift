internal import Synchronization
internal import Tlog

/// The last step: a head becomes the one that every reader sees. Never backward.
final class Publication: Sendable {
    private let newest: Mutex<PublishedHead>

    init(_ first: CosignedHead, at time: UInt64) {
        newest = Mutex(Self.published(first, at: time))
    }

    var current: PublishedHead { newest.withLock { $0 } }

    /// Shows a head to the readers.
    ///
    /// - Throws: ``StopReason/brokenInvariant(_:)`` for a head that is smaller than the one shown, or another one of
    ///   the same size.
    func publish(_ head: CosignedHead, at time: UInt64) throws(StopReason) -> PublishedHead {
        let next = Self.published(head, at: time)
        let shown = newest.withLock { newest -> TreeHead in
            let shown = newest.treeHead
            let forward = shown.size < next.size || shown == next.treeHead
            if forward || Mutant.monotonicPublication.isOff { newest = next }
            return shown
        }
        guard shown.size < next.size || shown == next.treeHead || Mutant.monotonicPublication.isOff else {
            throw .brokenInvariant(
                "the published head of \(shown.size) entries was to be replaced by one of \(next.size)")
        }
        return next
    }

    /// Shows the same head with other cosignatures.
    ///
    /// - Returns: false where another head is shown by now; nothing changes then.
    func replace(with head: CosignedHead) -> Bool {
        newest.withLock { newest in
            guard newest.treeHead == head.treeHead else { return false }
            newest = Self.published(head, at: newest.publishedAt)
            return true
        }
    }

    private static func published(_ head: CosignedHead, at time: UInt64) -> PublishedHead {
        PublishedHead(
            checkpoint: head.checkpoint, sealTime: head.sealTime, signedRoot: head.signedRoot, publishedAt: time)
    }
}
