/// When to send the same request again. Every request of ours may be sent again: reads change nothing, and the log
/// registers the same statement bytes once, whatever number of times they arrive.
public struct RetryPolicy: Sendable, Hashable {
    /// How often one request is sent at most.
    public var attempts = 6
    /// The wait after the first failure; it doubles with each, and the wait is drawn from the upper half, so that
    /// clients that failed together don't come back together.
    public var firstWait: Duration = .milliseconds(200)
    /// The longest wait, whatever the log asks for.
    public var longestWait: Duration = .seconds(30)

    public init() {}

    /// What came of an attempt, as far as retrying is concerned.
    enum Outcome: Hashable {
        case unreachable
        case timedOut
        /// An answer with this status, and the seconds of its Retry-After, if it has one.
        case answered(status: Int, retryAfter: Int?)
    }

    /// How long to wait before the next attempt; nil to give up.
    ///
    /// - Parameters:
    ///   - attempt: 1 after the first attempt.
    ///   - jitter: a random number from 0 to 1.
    func wait(after outcome: Outcome, attempt: Int, jitter: Double) -> Duration? {
        guard attempt < attempts else { return nil }
        var asked: Duration?
        switch outcome {
        case .unreachable, .timedOut:
            break
        case .answered(let status, let retryAfter):
            // 429 and 503 are the log's "not now"; 502 and 504 a proxy's "not reached".
            guard [429, 502, 503, 504].contains(status) else { return nil }
            asked = retryAfter.map { .seconds($0) }
        }
        let doubled = firstWait * (1 << min(attempt - 1, 20))
        let backoff = min(doubled, longestWait)
        let drawn = backoff / 2 + backoff / 2 * jitter
        guard let asked else { return drawn }
        // RFC 9110 section 10.2.3: Retry-After is "how long the user agent ought to wait": never less than that.
        return min(asked + drawn / 4, longestWait)
    }

    /// Retry-After in seconds; its other form, a date, is not used by logs and counts as absent.
    static func seconds(_ value: String?) -> Int? {
        guard let value, !value.isEmpty, value.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(value).map { min($0, 86_400) }
    }
}
