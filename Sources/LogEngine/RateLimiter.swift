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

    /// Takes a token of the issuer's bucket for each of so many statements, as long as there are.
    ///
    /// - Parameters:
    ///   - count: statements, at least one.
    ///   - rate: what the policy in force allows an issuer.
    ///   - now: milliseconds since any fixed time. Going backward gains nothing.
    /// - Returns: how many got one, and why the others did not; nil where all did.
    func take(
        _ count: Int, issuer: String, rate: Rate, now: UInt64
    ) -> (taken: Int, refusal: Rejection?) {
        let capacity = Double(rate.burst)
        let perSecond = Double(rate.perSecond)
        let (taken, tokens) = buckets.withLock { buckets in
            var bucket = buckets[issuer] ?? Bucket(tokens: capacity, counted: now)
            if now > bucket.counted {
                bucket.tokens += Double(now - bucket.counted) / 1000 * perSecond
            }
            bucket.tokens = min(capacity, bucket.tokens)
            bucket.counted = now
            let taken = min(Double(count), bucket.tokens.rounded(.down))
            bucket.tokens -= taken
            buckets[issuer] = bucket
            return (Int(taken), bucket.tokens)
        }
        guard taken < count, !Mutant.bounds.isOff else { return (count, nil) }
        let wait = (1 - tokens) / perSecond
        return (
            taken,
            Rejection(
                .rateLimited,
                "the policy in force lets '\(issuer)' register \(rate.perSecond) statements a second: wait, then send it "
                    + "again",
                retryAfter: max(1, Int(wait.rounded(.up))))
        )
    }
}
