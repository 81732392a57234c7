internal import Dispatch
internal import Synchronization

/// The bounded way from the submitters, who verify in parallel, to the one writer.
///
/// A submission reserves its room before it is verified and gives it back when it is answered, so that everything in
/// flight is bounded, wherever it is.
final class SubmissionQueue: Sendable {
    private struct State {
        /// Waiting for the writer, in the order in which they came.
        var waiting: [PendingGroup] = []
        /// In the batch that the writer is at.
        var batch: [PendingGroup] = []
        var reservedStatements = 0
        var reservedBytes = 0
        /// Why nothing new is taken, once that is so.
        var closed: StopReason?
        /// Whether the writer sleeps until there is something to do.
        var writerSleeps = false
    }

    private let options: EngineOptions
    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)

    init(options: EngineOptions) {
        self.options = options
    }

    /// Statements that are in flight.
    var inFlight: Int { state.withLock { $0.reservedStatements } }

    // MARK: Submitters

    /// Takes room for a submission; to be given back with ``release(_:)``.
    func reserve(_ room: Room) throws(Rejection) {
        try state.withLock { state throws(Rejection) in
            if let reason = state.closed { throw Self.stopped(reason) }
            let fits =
                state.reservedStatements + room.statements <= options.maxInFlight
                && state.reservedBytes + room.bytes <= options.maxInFlightBytes
            guard fits || Mutant.bounds.isOff else {
                throw Rejection(
                    .overloaded,
                    "the log has \(state.reservedStatements) statements of \(state.reservedBytes) bytes in flight "
                        + "and takes no more for now: send it again later",
                    retryAfter: options.retryAfter)
            }
            state.reservedStatements += room.statements
            state.reservedBytes += room.bytes
        }
    }

    func release(_ room: Room) {
        let wakes = state.withLock { state in
            state.reservedStatements -= room.statements
            state.reservedBytes -= room.bytes
            return state.closed != nil && state.reservedStatements == 0 && Self.takeSleep(&state)
        }
        if wakes { wake.signal() }
    }

    /// Hands a group to the writer. It has reserved its room, so a closing queue takes it too.
    func enqueue(_ group: PendingGroup) {
        let wakes = state.withLock { state in
            state.waiting.append(group)
            return Self.takeSleep(&state)
        }
        if wakes { wake.signal() }
    }

    /// Answers the callers whose deadline has passed.
    func expire(at now: ContinuousClock.Instant) {
        let (unseen, atWork) = state.withLock { state in
            let unseen = state.waiting.filter { $0.deadline <= now }
            if !unseen.isEmpty { state.waiting.removeAll { $0.deadline <= now } }
            return (unseen, state.batch.filter { $0.deadline <= now })
        }
        for group in unseen {
            group.reject(
                Rejection(
                    .overloaded, "its turn did not come before the deadline; nothing was kept: send it again",
                    retryAfter: options.retryAfter))
        }
        for group in atWork {
            group.reject(
                Rejection(
                    .timedOut,
                    "the log was still writing at the deadline. Send the same bytes again: if they were "
                        + "registered, the answer is the same index",
                    retryAfter: options.retryAfter))
        }
    }

    // MARK: The writer

    /// The groups of the next batch: what has come since the last call, up to the limits. Waits for the first one.
    ///
    /// - Parameters:
    ///   - limit: how many statements the policy in force allows in a batch.
    ///   - patience: how long the writer waits for one; nil without end.
    /// - Returns: nil when the queue was closed and everything in flight was answered; none when nothing came in time.
    func nextBatch(limit: UInt64, within patience: Duration? = nil) -> [PendingGroup]? {
        while true {
            let (batch, ended) = state.withLock { state -> ([PendingGroup], Bool) in
                state.batch = []
                if !state.waiting.isEmpty {
                    state.batch = Array(state.waiting.prefix(fitting(state.waiting, limit: limit)))
                    state.waiting.removeFirst(state.batch.count)
                    return (state.batch, false)
                }
                if state.closed != nil, state.reservedStatements == 0 { return ([], true) }
                state.writerSleeps = true
                return ([], false)
            }
            if !batch.isEmpty { return batch }
            if ended { return nil }
            guard let patience else {
                wake.wait()
                continue
            }
            if wake.wait(timeout: .now() + .milliseconds(Int(clamping: patience.milliseconds))) == .timedOut {
                // Whoever took the writer's sleep since has rung: the next wait ends at once, and finds what there is.
                state.withLock { $0.writerSleeps = false }
                return []
            }
        }
    }

    /// Takes nothing new from now on. The first reason counts.
    func close(_ reason: StopReason) {
        let wakes = state.withLock { state in
            if state.closed == nil { state.closed = reason }
            return Self.takeSleep(&state)
        }
        if wakes { wake.signal() }
    }

    /// How many groups from the front make a batch: at least one.
    private func fitting(_ waiting: [PendingGroup], limit: UInt64) -> Int {
        let maxCount = min(options.maxBatch, Int(clamping: limit))
        var (count, bytes) = (0, 0)
        for (position, group) in waiting.enumerated() {
            count += group.statements.count
            bytes += group.byteCount
            if position > 0, count > maxCount || bytes > options.maxBatchBytes { return position }
        }
        return waiting.count
    }

    private static func takeSleep(_ state: inout State) -> Bool {
        defer { state.writerSleeps = false }
        return state.writerSleeps
    }

    static func stopped(_ reason: StopReason) -> Rejection {
        // The reason may name files and errors of the machine: it is for the operator, who has it in the log.
        if case .shutdown = reason {
            return Rejection(.stopped, "the log is shutting down; nothing was kept", retryAfter: 5)
        }
        return Rejection(
            .stopped, "the log has stopped after a fault and takes nothing until its operator has looked at it",
            retryAfter: 60)
    }
}
