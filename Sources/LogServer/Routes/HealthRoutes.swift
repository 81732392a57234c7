internal import Governance
internal import HTTPServing
internal import Hummingbird
internal import LogEngine
internal import NIOCore
internal import Synchronization
internal import Tlog

/// What operators and their machines ask.
extension LogResponder {
    /// Alive: the process answers.
    func health() -> Response {
        Response(.ok, .plainText, .never, Array("alive\n".utf8))
    }

    /// Ready: the log takes submissions, and those it took are being answered.
    func readiness() throws(Problem) -> Response {
        switch log.status {
        case .running: break
        case .awaitingQuorum:
            throw Self.notReady(
                "no-quorum-yet: since the start no quorum of the witnesses has answered, so nothing is taken")
        case .draining: throw Self.notReady("the log is shutting down")
        case .stopped(let reason): throw Self.notReady(reason.description)
        }
        let numbers = log.metrics
        // Why, with names and addresses of witnesses, is in the log and the metrics of the operator.
        if numbers.cosigning?.withoutQuorum != nil {
            throw Self.notReady("too few witnesses cosign, so nothing new is published")
        }
        if let lag = log.clockLag {
            throw Self.notReady("clock-behind: the clock is \(lag) ms behind the newest seal, so nothing is registered")
        }
        let isMoving = progress.isMoving(
            answered: numbers.submitted, inFlight: numbers.inFlight, at: .now(),
            patience: TimeAmount(options.stallTimeout))
        guard isMoving else {
            throw Self.notReady("no statement was answered for \(options.stallTimeout), and \(numbers.inFlight) wait")
        }
        return Response(.ok, .plainText, .never, Array("ready\n".utf8))
    }

    private static func notReady(_ reason: String) -> Problem {
        var problem = Problem(.notReady, "Not ready: \(reason).")
        problem.retryAfter = 1
        return problem
    }

    func metricsText() -> Response {
        var text = MetricsText()
        log.metrics.write(to: &text)
        metrics.write(to: &text)
        text.metric("holdfast_http_connections", .gauge, "Open connections.")
        text.sample("holdfast_http_connections", UInt64(max(0, connections.count)))
        text.metric("holdfast_http_requests_in_flight", .gauge, "Requests being answered.")
        text.sample("holdfast_http_requests_in_flight", UInt64(max(0, requests.inUse)))
        text.metric("holdfast_http_body_bytes_in_flight", .gauge, "Bytes of bodies being received or answered.")
        text.sample("holdfast_http_body_bytes_in_flight", UInt64(max(0, bodyBytes.inUse)))
        return Response(.ok, .metrics, .never, text.bytes)
    }

    /// A page for people who want to know what this is.
    func home() throws(Problem) -> Response {
        guard let head = log.latest else { throw Self.notPublished }
        let key = VerifierKey.ed25519(name: log.origin.keyName, publicKey: log.policy.logKeys.checkpoint)
        return Response(.ok, .plainText, .revalidate, Array(facts.page(head, key).utf8))
    }
}

/// Notices that a log no longer answers what it has taken.
final class ProgressWatch: Sendable {
    private struct State {
        var answered: UInt64 = 0
        var since = NIODeadline.now()
    }

    private let state = Mutex(State())

    /// Whether anything was answered, or nothing waited, within the time of patience before `now`.
    ///
    /// It knows only what it was told in calls, so a stall counts from the first call that saw it.
    func isMoving(answered: UInt64, inFlight: UInt64, at now: NIODeadline, patience: TimeAmount) -> Bool {
        state.withLock { state in
            if inFlight == 0 || answered != state.answered {
                state = State(answered: answered, since: now)
                return true
            }
            return now - state.since <= patience
        }
    }
}
