internal import Synchronization

/// Whether the log runs, and who waits for its end.
final class Lifecycle: Sendable {
    private struct State {
        var status: EngineStatus
        /// Whether the writer has ended.
        var ended = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        /// Who is to hear that the log has stopped.
        var listeners: [@Sendable (StopReason) -> Void] = []
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

    /// Has `body` called once when the log stops, by whoever stops it; now where it has stopped.
    func whenStopped(_ body: @escaping @Sendable (StopReason) -> Void) {
        let reason = state.withLock { state -> StopReason? in
            if case .stopped(let reason) = state.status { return reason }
            state.listeners.append(body)
            return nil
        }
        if let reason { body(reason) }
    }

    /// - Returns: false where the log had stopped already.
    func stop(_ reason: StopReason) -> Bool {
        let listeners = state.withLock { state -> [@Sendable (StopReason) -> Void]? in
            if case .stopped = state.status { return nil }
            state.status = .stopped(reason)
            defer { state.listeners = [] }
            return state.listeners
        }
        listeners?.forEach { $0(reason) }
        return listeners != nil
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
