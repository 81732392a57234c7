internal import COSE
internal import Synchronization
internal import Tlog

/// The last step: a head becomes the one that every reader sees. Never backward.
final class Publication: Sendable {
    private let newest: Mutex<PublishedHead?>

    /// Keys whose lines come after the publication, and stay while the same tree is shown.
    private let stateKeys: [VerifierKey]

    init(_ first: CosignedHead, at time: UInt64) {
        stateKeys = []
        newest = Mutex(Self.published(first, at: time, [], []))
    }

    /// - Parameter kept: what an earlier run published.
    init(kept: PublishedHead?, stateKeys: [VerifierKey]) {
        self.stateKeys = stateKeys
        newest = Mutex(kept)
    }

    /// Nil only before the first quorum of a start.
    var latest: PublishedHead? { newest.withLock { $0 } }

    /// For those who work only once something is published.
    var current: PublishedHead {
        guard let latest else { preconditionFailure("a step after the publication ran before the first one") }
        return latest
    }

    /// Shows a head to the readers.
    ///
    /// - Throws: ``StopReason/brokenInvariant(_:)`` for a head that is smaller than the one shown, or another one of
    ///   the same size.
    func publish(_ head: CosignedHead, at time: UInt64) throws(StopReason) -> PublishedHead {
        let (shown, next) = newest.withLock { newest -> (TreeHead, PublishedHead) in
            let shown = newest?.treeHead ?? .empty
            let next = published(head, at: time, after: newest)
            let forward = shown.size < next.size || shown == next.treeHead
            if forward || Mutant.monotonicPublication.isOff { newest = next }
            return (shown, next)
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
            guard let shown = newest, shown.treeHead == head.treeHead else { return false }
            newest = published(head, at: shown.publishedAt, after: shown)
            return true
        }
    }

    /// Shows the same head with a state witness's line, in the place of an older one of the same witness.
    ///
    /// - Returns: false where another head is shown by now; nothing changes then.
    func add(_ cosignature: StateCosignature) -> Bool {
        newest.withLock { newest in
            guard let shown = newest, shown.treeHead == cosignature.head else { return false }
            let line = cosignature.line
            let others = shown.checkpoint.note.signatures.filter { $0.name != line.name || $0.keyID != line.keyID }
            newest = Self.published(
                checkpoint: shown.checkpoint.with(others + [line]), sealTime: shown.sealTime,
                signedRoot: shown.signedRoot, at: shown.publishedAt)
            return true
        }
    }

    /// The head as it is shown after `before`: state witnesses' lines on the same tree stay.
    private func published(_ head: CosignedHead, at time: UInt64, after before: PublishedHead?) -> PublishedHead {
        let same = before.flatMap { $0.treeHead == head.treeHead ? $0 : nil }
        return Self.published(head, at: time, same?.checkpoint.note.signatures ?? [], stateKeys)
    }

    private static func published(
        _ head: CosignedHead, at time: UInt64, _ lines: [NoteSignature], _ stateKeys: [VerifierKey]
    ) -> PublishedHead {
        let kept = lines.filter { line in stateKeys.contains { $0.matches(line) } }
        guard !kept.isEmpty else {
            return PublishedHead(
                checkpoint: head.checkpoint, sealTime: head.sealTime, signedRoot: head.signedRoot, publishedAt: time)
        }
        return published(
            checkpoint: head.checkpoint.adding(kept), sealTime: head.sealTime, signedRoot: head.signedRoot, at: time)
    }

    private static func published(
        checkpoint: SignedCheckpoint, sealTime: UInt64, signedRoot: SignedRoot, at time: UInt64
    ) -> PublishedHead {
        PublishedHead(
            checkpoint: checkpoint, sealTime: sealTime, signedRoot: signedRoot.carrying(checkpoint), publishedAt: time)
    }
}

extension SignedCheckpoint {
    /// The same checkpoint under these lines.
    fileprivate func with(_ signatures: [NoteSignature]) -> SignedCheckpoint {
        do {
            return try SignedCheckpoint(parsing: SignedNote(text: note.text, signatures: signatures).bytes)
        } catch {
            preconditionFailure("a note with other signatures is no note: \(error)")
        }
    }
}
