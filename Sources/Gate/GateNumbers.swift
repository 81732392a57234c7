public import Governance
internal import Synchronization

/// What a gate counts.
public final class GateNumbers: Sendable {
    public struct Values: Sendable, Hashable {
        public var permits: UInt64 = 0
        public var leased: UInt64 = 0
        public var revalidations: UInt64 = 0
        /// Refusals, by reason; nil where the log refused the record.
        public var refusals: [ContainmentReason?: UInt64] = [:]
        /// Containments entered, by reason.
        public var containments: [ContainmentReason: UInt64] = [:]
        /// Records that the log refused, after which the request was judged again.
        public var movedStates: UInt64 = 0
        public var registered: UInt64 = 0
        public var rechecks: UInt64 = 0
        public var watched: Int = 0
        /// Looks at the log, by what came of them; the empty name for those that went well.
        public var looks: [String: UInt64] = [:]
    }

    private let values = Mutex(Values())

    public var current: Values { values.withLock { $0 } }

    func decided(_ outcome: DecisionOutcome, reason: ContainmentReason?) {
        values.withLock { values in
            switch outcome {
            case .permit: values.permits += 1
            case .contain: values.refusals[reason, default: 0] += 1
            case .revalidate: values.revalidations += 1
            }
        }
    }

    func leased() { values.withLock { $0.leased += 1 } }
    func contained(_ reason: ContainmentReason) { values.withLock { $0.containments[reason, default: 0] += 1 } }
    func movedState() { values.withLock { $0.movedStates += 1 } }
    func registered() { values.withLock { $0.registered += 1 } }
    func rechecked() { values.withLock { $0.rechecks += 1 } }
    func watching(_ count: Int) { values.withLock { $0.watched = count } }
    func looked(fault: String?) { values.withLock { $0.looks[fault ?? "", default: 0] += 1 } }
}
