internal import Synchronization

/// What a log counts about itself. Any thread may read it at any time, by ``Log/metrics``.
public final class EngineMetrics: Sendable {
    private let numbers = Mutex(Numbers())
    private let queue: SubmissionQueue
    private let clock: any WallClock

    init(queue: SubmissionQueue, clock: any WallClock) {
        self.queue = queue
        self.clock = clock
    }

    /// All numbers at one moment.
    func snapshot() -> Numbers {
        var snapshot = numbers.withLock { $0 }
        snapshot.inFlight = UInt64(max(0, queue.inFlight))
        return snapshot
    }

    /// Counts answered submissions.
    func record(_ submissions: [[Result<Registration, Rejection>]]) {
        update { numbers in
            for result in submissions.joined() {
                numbers.submitted += 1
                switch result {
                case .success(let registration) where registration.duplicate: numbers.duplicates += 1
                case .success: numbers.accepted += 1
                case .failure(let rejection): numbers.rejections[rejection.code, default: 0] += 1
                }
            }
        }
    }

    func update(_ change: (inout Numbers) -> Void) {
        numbers.withLock { change(&$0) }
    }

    /// Counts one cosigning round.
    func record(round time: Duration, cosigned: Bool) {
        update { numbers in
            if cosigned {
                numbers.cosigning?.rounds += 1
                numbers.cosigning?.lastTime = clock.now()
            } else {
                numbers.cosigning?.failedRounds += 1
            }
            numbers.cosigning?.seconds.record(time.seconds)
        }
    }

    /// Counts what one witness answered.
    ///
    /// - Parameter time: when it cosigned, in milliseconds since 1970; nil where it did not.
    /// - Returns: whether it was not quarantined before and is now, or the other way around.
    func record(witness: String, cosignedAt time: UInt64?, quarantined: Bool) -> Bool {
        numbers.withLock { numbers in
            if let time {
                numbers.cosigning?.cosignatures[witness, default: 0] += 1
                numbers.cosigning?.cosignedTimes[witness] = time
            } else {
                numbers.cosigning?.failures[witness, default: 0] += 1
            }
            let before = numbers.cosigning?.quarantined[witness] ?? false
            numbers.cosigning?.quarantined[witness] = quarantined
            return before != quarantined
        }
    }
}

extension EngineMetrics {
    public struct Numbers: Sendable {
        /// Statements that were submitted and have been answered, one way or the other.
        public internal(set) var submitted: UInt64 = 0
        /// Statements registered now, for the first time.
        public internal(set) var accepted: UInt64 = 0
        /// Statements that were in the log before.
        public internal(set) var duplicates: UInt64 = 0
        public internal(set) var rejections: [RejectionCode: UInt64] = [:]
        /// Statements in flight: received and not yet answered.
        public internal(set) var inFlight: UInt64 = 0
        /// Batches committed.
        public internal(set) var batches: UInt64 = 0
        /// Batches that the store refused.
        public internal(set) var failedBatches: UInt64 = 0
        /// Statements in a batch, without its seal.
        public internal(set) var batchSize = Histogram(bounds: [1, 4, 16, 64, 256, 1024, 4096])
        /// Seconds that a commit took, sync included.
        public internal(set) var commitSeconds = Histogram(
            bounds: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1])
        /// Seconds from the start of a batch to its signature.
        public internal(set) var batchSeconds = Histogram(
            bounds: [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5])
        /// Entries in the published tree.
        public internal(set) var treeSize: UInt64 = 0
        /// When the newest head was published, in milliseconds since 1970.
        public internal(set) var publishedAt: UInt64 = 0
        /// What is counted about the witnesses; nil where none is configured.
        public internal(set) var cosigning: Cosigning?
        /// Whether the log has stopped after a fault.
        public internal(set) var stopped = false
    }

    /// What is counted about the witnesses. They go by their names in the policy.
    public struct Cosigning: Sendable {
        /// Rounds in which the quorum was reached, and in which it was not.
        public internal(set) var rounds: UInt64 = 0
        public internal(set) var failedRounds: UInt64 = 0
        /// Seconds from the start of a round to the quorum, or to giving up.
        public internal(set) var seconds = Histogram(
            bounds: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10])
        /// When the quorum was last reached, in milliseconds since 1970.
        public internal(set) var lastTime: UInt64 = 0
        /// Why nothing new is published; nil while there is a quorum.
        public internal(set) var withoutQuorum: String?
        /// Heads that were published without a quorum, because that was asked for.
        public internal(set) var publishedWithoutQuorum: UInt64 = 0
        /// By witness: cosignatures that were taken, requests without one, and whether it is left out for a claim that
        /// it can't prove.
        public internal(set) var cosignatures: [String: UInt64]
        public internal(set) var failures: [String: UInt64]
        public internal(set) var quarantined: [String: Bool]
        /// By witness: when a cosignature of it was last taken, in milliseconds since 1970; 0 before the first.
        public internal(set) var cosignedTimes: [String: UInt64]
        /// By state witness: the size of the head that it cosigned last, 0 before the first.
        public internal(set) var stateSizes: [String: UInt64]

        init(witnesses: [String], stateWitnesses: [String]) {
            cosignatures = Dictionary(uniqueKeysWithValues: (witnesses + stateWitnesses).map { ($0, 0) })
            failures = cosignatures
            cosignedTimes = cosignatures
            stateSizes = Dictionary(uniqueKeysWithValues: stateWitnesses.map { ($0, 0) })
            quarantined = cosignatures.mapValues { _ in false }
        }
    }

    /// A cumulative histogram with fixed upper bounds; what is above the last of them counts as `+Inf`.
    public struct Histogram: Sendable {
        /// Upper bounds, ascending, each inclusive.
        public let bounds: [Double]
        /// One count per bound and one for what is above; not cumulative.
        public private(set) var counts: [UInt64]
        public private(set) var sum: Double = 0

        init(bounds: [Double]) {
            self.bounds = bounds
            counts = Array(repeating: 0, count: bounds.count + 1)
        }

        public var count: UInt64 { counts.reduce(0, +) }

        mutating func record(_ value: Double) {
            counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
            sum += value
        }
    }
}
