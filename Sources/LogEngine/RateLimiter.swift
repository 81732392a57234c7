internal import Governance
internal import Synchronization

/// One token bucket an issuer, as the policy in force sets them.
///
/// Asked only after the signature was verified: nobody can use up another issuer's rate, and there are never more
/// buckets than enrolled issuers.
final class RateLimiter: Sendable {
    private struct Bucket {
        var tokens: Double
        /// When the tokens were counted, in milliseconds.
        var counted: UInt64
    }

    private let buckets = Mutex<[String: Bucket]>([:])

    /// Takes one token of the issuer's bucket.
    ///
    /// - Parameters:
    ///   - rate: what the policy in force allows an issuer.
    ///   - now: milliseconds since any fixed time. Going backward gains nothing.
    func take(issuer: String, rate: Rate, now: UInt64) throws(Rejection) {
        let capacity = Double(rate.burst)
        let perSecond = Double(rate.perSecond)
        let wait = buckets.withLock { buckets -> Double? in
            var bucket = buckets[issuer] ?? Bucket(tokens: capacity, counted: now)
            if now > bucket.counted {
                bucket.tokens += Double(now - bucket.counted) / 1000 * perSecond
            }
            bucket.tokens = min(capacity, bucket.tokens)
            bucket.counted = now
            defer { buckets[issuer] = bucket }
            if bucket.tokens >= 1 {
                bucket.tokens -= 1
                return nil
            }
            return (1 - bucket.tokens) / perSecond
        }
        guard let wait, !Mutant.bounds.isOff else { return }
        throw Rejection(
            .rateLimited,
            "the policy in force lets '\(issuer)' register \(rate.perSecond) statements a second: wait, then send it again",
            retryAfter: max(1, Int(wait.rounded(.up))))
    }
}
