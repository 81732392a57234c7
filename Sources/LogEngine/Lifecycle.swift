internal import Synchronization

/// Whether the log runs, and who waits for its end.
final class Lifecycle: Sendable {
    private struct State {
        var status: EngineStatus
        /// Whether the writer has ended.
        var ended = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    init(_ status: EngineStatus = .running) {
        state = Mutex(State(status: status))
    }

    var status: EngineStatus { state.withLock { $0.status } }

    /// Says that no more is taken; a log that has stopped stays stopped.
    func drain() {
        state.withLock { if $0.status == .running || $0.status == .awaitingQuorum { $0.status = .draining } }
    }

    /// The quorum has answered; a log that is shutting down goes on doing so.
    func run() {
        state.withLock { if $0.status == .awaitingQuorum { $0.status = .running } }
    }

    /// - Returns: false where the log had stopped already.
    func stop(_ reason: StopReason) -> Bool {
        state.withLock { state in
            if case .stopped = state.status { return false }
            state.status = .stopped(reason)
            return true
        }
    }

    /// The writer has ended; nothing uses the store any more.
    func end() {
        let waiting = state.withLock { state in
            state.ended = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for waiter in waiting { waiter.resume() }
    }

    /// Returns when the writer has ended.
    func waitForEnd() async {
        await withCheckedContinuation { continuation in
            let ended = state.withLock { state in
                if !state.ended { state.waiting.append(continuation) }
                return state.ended
            }
            if ended { continuation.resume() }
        }
    }
}
