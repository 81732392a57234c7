internal import LogEngine
internal import NIOCore
internal import Synchronization

/// Where what the log has decided about single statements comes back to an event loop.
///
/// The loop is called once for all that have come until it does: their proofs are read from one snapshot, and the
/// writer, which decides on a whole batch at a time, wakes each loop once.
final class AnswerDesk: Sendable {
    private typealias Caller = NIOLoopBound<(Result<Registration, Rejection>) -> Void>

    let loop: any EventLoop
    private let log: Log
    private let decided = Mutex<[(submission: DecidedSubmission, caller: Caller)]>([])

    init(_ log: Log, _ loop: any EventLoop) {
        (self.log, self.loop) = (log, loop)
    }

    /// Submits a statement: reads and verifies it now, and calls back on the event loop when it is decided, never before
    /// this has returned. Called on the event loop.
    func submit(
        _ statement: [UInt8], timeout: Duration, answered: @escaping (Result<Registration, Rejection>) -> Void
    ) {
        let caller = Caller(answered, eventLoop: loop)
        log.submit(statement, timeout: timeout) { self.take($0, caller) }
    }

    private func take(_ submission: DecidedSubmission, _ caller: Caller) {
        let isFirst = decided.withLock { decided in
            decided.append((submission, caller))
            return decided.count == 1
        }
        if isFirst { loop.execute { self.answer() } }
    }

    private func answer() {
        let decided = decided.withLock { decided in
            defer { decided = [] }
            return decided
        }
        for ((_, caller), results) in zip(decided, log.registrations(decided.map(\.submission))) {
            // One statement, one result.
            for result in results { caller.value(result) }
        }
    }
}
