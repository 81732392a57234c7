internal import Governance
internal import Tlog

/// What the log has refused since its last record of it: by key and reason, bounded however much that is.
///
/// Only what enrolled keys have signed is counted, by the writer. It is kept in memory: a log that stops loses what was
/// not recorded yet, which is little more than an interval's.
struct RefusalTally {
    private struct Kind: Hashable {
        let keyID: Hash
        let reason: String
    }

    /// More kinds than that go into one number. A record has fewer rows.
    static let maxKinds = 1024

    private var counts: [Kind: UInt64] = [:]
    private var others: UInt64 = 0
    /// The batch time of the first one that is counted here.
    private var since: UInt64?

    /// How many kinds of refusals are told apart.
    var kinds: Int { counts.count }

    /// Whether there is nothing to record.
    var isEmpty: Bool { counts.isEmpty }

    /// Counts a refusal, if it is one of an enrolled key's statements.
    mutating func note(_ error: AdmissionError, keyID: Hash, at time: UInt64) {
        switch error {
        case .storage, .unknownKey, .keyOfAnotherIssuer, .keyEnded: return
        case .rule(let violation) where violation.rule == .frozen: return
        default: break
        }
        let kind = Kind(keyID: keyID, reason: error.reason)
        since = since ?? time
        if counts[kind] != nil || counts.count < Self.maxKinds || Mutant.refusalsBounded.isOff {
            counts[kind, default: 0] += 1
        } else {
            others += 1
        }
    }

    /// The record that is due at a batch's time; nil if none is yet.
    ///
    /// - Parameters:
    ///   - interval: how long refusals are gathered, in ms.
    ///   - newest: the record before it.
    ///   - isInForce: whether a key counts after the statements of the batch. Refusals of one that does not any more
    ///     have no row.
    func due(
        at time: UInt64, interval: UInt64, after newest: RefusalsRecord?, isInForce: (Hash) -> Bool
    ) -> LogRefusals? {
        guard let since, time - min(time, since) >= interval else { return nil }
        if let newest, time - min(time, newest.time) < LogRefusals.interval { return nil }
        var rows: [LogRefusals.Row] = []
        var others = others
        for (kind, count) in counts {
            if isInForce(kind.keyID) {
                rows.append(LogRefusals.Row(keyID: kind.keyID, reason: kind.reason, count: count))
            } else {
                others += count
            }
        }
        guard !rows.isEmpty else { return nil }
        return LogRefusals(
            time: time, counts: rows, others: others, seq: newest.map { $0.seq + 1 } ?? 0, prev: newest?.entry)
    }
}
