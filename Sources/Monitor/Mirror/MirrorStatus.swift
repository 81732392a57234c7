import Synchronization
public import Tlog

/// What a mirror shows of itself while it runs: to who reads from it, and to its operator.
public final class MirrorStatus: Sendable {
    /// A moment's values.
    public struct Values: Sendable {
        /// The checkpoint that is served, and everything below it.
        public internal(set) var checkpoint: SignedCheckpoint?
        /// Updates, by what they came to.
        public internal(set) var updates: UInt64 = 0
        public internal(set) var failures: UInt64 = 0
        /// When the log was last seen and fully copied, in seconds since 1970.
        public internal(set) var current: UInt64 = 0
        /// Bytes that were read from the log.
        public internal(set) var bytesRead: UInt64 = 0
        /// How far the update under way is: entries verified, of how many.
        public internal(set) var entries: UInt64 = 0
        public internal(set) var total: UInt64 = 0
        /// Why nothing is copied any more.
        public internal(set) var stopped: String?
    }

    private let values: Mutex<Values>

    /// - Parameter checkpoint: what the directory has at the start.
    public init(checkpoint: SignedCheckpoint?) {
        var first = Values()
        first.checkpoint = checkpoint
        values = Mutex(first)
    }

    public var now: Values { values.withLock { $0 } }

    public func progress(_ progress: LogCopy.Progress) {
        values.withLock { values in
            values.entries = max(values.total == progress.total ? values.entries : 0, progress.entries)
            values.total = progress.total
        }
    }

    public func updated(_ checkpoint: SignedCheckpoint, bytesRead: UInt64, at seconds: UInt64) {
        values.withLock { values in
            values.checkpoint = checkpoint
            values.updates += 1
            values.current = seconds
            values.bytesRead += bytesRead
        }
    }

    public func failed() { values.withLock { $0.failures += 1 } }

    public func stop(_ why: String) { values.withLock { $0.stopped = why } }

    /// Metrics in the text format of Prometheus, version 0.0.4.
    public var metrics: String {
        let values = now
        let all: [(name: String, kind: String, help: String, value: UInt64)] = [
            ("tree_size", "gauge", "Size of the tree that is served.", values.checkpoint?.checkpoint.size ?? 0),
            ("updates_total", "counter", "Updates that succeeded.", values.updates),
            ("failures_total", "counter", "Updates that failed.", values.failures),
            ("current_timestamp_seconds", "gauge", "When the copy was last the log's newest.", values.current),
            ("read_bytes_total", "counter", "Bytes that were read from the log.", values.bytesRead),
            ("verified_entries", "gauge", "Entries verified in the newest update.", values.entries),
            ("target_entries", "gauge", "Entries of the tree of that update.", values.total),
            ("stopped", "gauge", "1 if the log contradicted itself.", values.stopped == nil ? 0 : 1),
        ]
        return all.map { metric in
            let name = "holdfast_mirror_\(metric.name)"
            return "# HELP \(name) \(metric.help)\n# TYPE \(name) \(metric.kind)\n\(name) \(metric.value)\n"
        }.joined()
    }
}
