internal import Synchronization
internal import Tlog

/// The head that one state witness is to cosign next: the newest that was asked for, and no other. One task takes it.
final class WantedHead: Sendable {
    private let head = Mutex<SignedCheckpoint?>(nil)
    private let bell: AsyncStream<Void>
    private let ringer: AsyncStream<Void>.Continuation

    init() {
        (bell, ringer) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Asks for a head, in the place of one that still waits.
    func ask(_ newest: SignedCheckpoint) {
        head.withLock { $0 = newest }
        ringer.yield()
    }

    /// Asks once more for a head that was taken, unless another waits by now.
    func askAgain(_ taken: SignedCheckpoint) {
        head.withLock { $0 = $0 ?? taken }
        ringer.yield()
    }

    /// Takes the head, as soon as there is one.
    ///
    /// - Returns: nil when it was ended, or the task is cancelled.
    func next() async -> SignedCheckpoint? {
        for await _ in bell {
            let taken = head.withLock { head in
                defer { head = nil }
                return head
            }
            if let taken { return taken }
        }
        return nil
    }

    /// No more.
    func end() { ringer.finish() }
}
