internal import Synchronization

/// Tells everybody who listens how the gate stands; whoever is slow gets the newest.
final class StandingBoard: Sendable {
    private struct State {
        var standing = GateStanding(
            head: nil, troubles: [GateTrouble(.catchingUp, "no head has been verified yet")])
        var listeners: [UInt64: AsyncStream<GateStanding>.Continuation] = [:]
        var next: UInt64 = 0
    }

    private let state = Mutex(State())

    var current: GateStanding { state.withLock(\.standing) }

    func post(_ standing: GateStanding) {
        state.withLock { state in
            guard state.standing != standing else { return }
            state.standing = standing
            for listener in state.listeners.values { listener.yield(standing) }
        }
    }

    /// How it stands now, and every change from now on.
    func listen() -> AsyncStream<GateStanding> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: GateStanding.self, bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state in
            state.next += 1
            state.listeners[state.next] = continuation
            continuation.yield(state.standing)
            return state.next
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { $0.listeners[number] = nil }
        }
        return stream
    }

    func end() {
        for listener in state.withLock({ $0.listeners.values.map { $0 } }) { listener.finish() }
    }
}
