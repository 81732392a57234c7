internal import Synchronization

/// What a log counts about itself. Any thread may read it at any time, by ``Log/metrics``.
public final class EngineMetrics: Sendable {
    private let numbers = Mutex(Numbers())
    private let queue: SubmissionQueue

    init(queue: SubmissionQueue) {
        self.queue = queue
    }

    /// All numbers at one moment.
    func snapshot() -> Numbers {
        var snapshot = numbers.withLock { $0 }
        snapshot.inFlight = UInt64(max(0, queue.inFlight))
        return snapshot
    }

    /// Counts one answered submission.
    func record(_ results: [Result<Registration, Rejection>]) {
        update { numbers in
            numbers.submitted += UInt64(results.count)
            for result in results {
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
        /// Seconds from the start of a batch to its publication.
        public internal(set) var batchSeconds = Histogram(
            bounds: [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5])
        /// Entries in the published tree.
        public internal(set) var treeSize: UInt64 = 0
        /// When the newest head was published, in milliseconds since 1970.
        public internal(set) var publishedAt: UInt64 = 0
        /// Whether the log has stopped after a fault.
        public internal(set) var stopped = false
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
