import Tlog

/// How an issuer goes on, from what it remembers and what the log shows.
enum StreamDecision: Hashable {
    /// The next statement takes this place.
    case goOn(StreamPlace)
    /// First send again what is pending.
    case sendPending
    /// The log does not have what it acknowledged. Nothing may be signed.
    case logIsBehind(remembered: StreamPlace, shown: StreamPlace)
    /// The log has another statement at a place that this issuer remembers. Nothing may be signed.
    case logDiffers(remembered: StreamPlace, shown: StreamPlace)

    /// - Parameters:
    ///   - record: what is remembered, if anything is.
    ///   - shown: the place after the newest statement in the log. The caller has verified that this statement is in
    ///     the log and signed by the issuer's own key.
    init(record: StreamRecord?, shown: StreamPlace) {
        guard let record else {
            self = .goOn(shown)
            return
        }
        if !record.pending.isEmpty {
            self = shown.seq < record.next.seq ? .logIsBehind(remembered: record.next, shown: shown) : .sendPending
        } else if shown.seq < record.next.seq {
            self = .logIsBehind(remembered: record.next, shown: shown)
        } else if shown.seq == record.next.seq && shown.prev != record.next.prev {
            self = .logDiffers(remembered: record.next, shown: shown)
        } else {
            // Further than remembered: the same key was used from elsewhere, or the memory is an old copy.
            self = .goOn(shown)
        }
    }
}
