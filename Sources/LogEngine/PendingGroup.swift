internal import COSE
internal import Synchronization

/// The verified statements of one submission on their way through the writer, and whom to tell what became of them.
///
/// A submission travels as one: it is queued, batched and answered whole, with one call, however many statements it
/// has.
final class PendingGroup: Sendable {
    let statements: [VerifiedSubmission]
    let byteCount: Int

    /// When the caller stops waiting.
    let deadline: ContinuousClock.Instant

    private let caller: Mutex<(@Sendable (GroupAnswer) -> Void)?>

    /// - Parameter caller: called once, on whatever thread has the answer; it must not block that.
    init(
        _ statements: [VerifiedSubmission], deadline: ContinuousClock.Instant,
        caller: @escaping @Sendable (GroupAnswer) -> Void
    ) {
        self.statements = statements
        byteCount = statements.reduce(0) { $0 + $1.statement.entryBytes.count }
        self.deadline = deadline
        self.caller = Mutex(caller)
    }

    /// Answers the caller. Only the first answer counts: a caller whose deadline passed is gone.
    func answer(_ answer: GroupAnswer) {
        let waiting = caller.withLock { caller in
            defer { caller = nil }
            return caller
        }
        waiting?(answer)
    }

    /// Gives all statements the same answer.
    func reject(_ rejection: Rejection) {
        answer(.refused(rejection))
    }
}

/// What the writer says to one submission.
enum GroupAnswer: Sendable {
    /// One outcome a statement, in order. The head covers every placement.
    case decided([Result<Placement, Rejection>], under: PublishedHead)

    /// The same for all of its statements.
    case refused(Rejection)
}

/// Where a statement stands in the log.
struct Placement: Sendable, Hashable {
    let index: UInt64
    let duplicate: Bool
}
