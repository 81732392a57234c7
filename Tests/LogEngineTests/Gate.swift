import Dispatch
import LogEngine
import LogStore
import Synchronization
import Tlog

/// A place where another thread, or a task, waits until the test lets it go on.
final class Gate: Sendable {
    private let open = DispatchSemaphore(value: 0)
    private let arrivals = Mutex(0)
    /// How often tasks found it shut.
    private let tasks = Mutex(0)
    private let shut: Mutex<Bool>

    init(shut: Bool = true) {
        self.shut = Mutex(shut)
    }

    /// Called by the thread that is to wait.
    func pass() {
        guard shut.withLock({ $0 }) else { return }
        arrivals.withLock { $0 += 1 }
        open.wait()
    }

    /// Called by a task that is to wait: it holds none of the few threads that tasks have.
    func passed() async throws {
        while shut.withLock({ $0 }) {
            tasks.withLock { $0 += 1 }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    func close() {
        shut.withLock { $0 = true }
    }

    /// Lets everyone through, now and later.
    func release() {
        shut.withLock { $0 = false }
        let waiting = arrivals.withLock { arrivals in
            defer { arrivals = 0 }
            return arrivals
        }
        for _ in 0..<waiting { open.signal() }
    }

    /// Returns when somebody waits.
    func waitForArrival() async throws {
        try await eventually { self.arrivals.withLock { $0 > 0 } || self.tasks.withLock { $0 > 0 } }
    }
}

/// Waits until something is so; gives up after thirty seconds.
func eventually(_ condition: () throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(30)
    while try !condition() {
        guard .now < end else { throw TestFailure("it did not happen within thirty seconds") }
        try await Task.sleep(for: .milliseconds(2))
    }
}

extension Log {
    /// Why a statement was refused whose time was up. On a busy machine a second may go by before the first round with the
    /// witnesses has ended: then the same bytes are sent again.
    func refusal(of statement: [UInt8]) async -> RejectionCode? {
        var code: RejectionCode?
        for _ in 0..<20 {
            code = await submit(statement, timeout: .seconds(1)).failure?.code
            if code != .timedOut { break }
        }
        return code
    }
}

/// An anchor that waits before it moves, or refuses.
final class GatedAnchor: Anchor {
    private let base = MemoryAnchor()
    let gate: Gate
    private let failure = Mutex<AnchorError?>(nil)

    init(_ gate: Gate) {
        self.gate = gate
    }

    func fail(_ error: AnchorError) {
        failure.withLock { $0 = error }
    }

    func read() throws(AnchorError) -> TreeHead? { try base.read() }

    func advance(from old: TreeHead?, to new: TreeHead) throws(AnchorError) {
        gate.pass()
        if let failure = failure.withLock({ $0 }) { throw failure }
        try base.advance(from: old, to: new)
    }
}
