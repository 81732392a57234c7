import Synchronization
public import Tlog

/// What is counted about one watched log. Any thread may read it at any time.
public final class WatchNumbers: Sendable {
    struct Values: Sendable {
        var size: UInt64 = 0
        /// Seconds since 1970; 0 where there is none.
        var headTime: UInt64 = 0
        var sealTime: UInt64 = 0
        var checkedTime: UInt64 = 0
        var rounds: UInt64 = 0
        var failedRounds: UInt64 = 0
        var entries: UInt64 = 0
        var matched: UInt64 = 0
        var witnessSizes: [String: UInt64] = [:]
        var conditions: Set<Condition> = []
        var hasForked = false
        var hasViolation = false
    }

    public let origin: Origin
    private let values = Mutex(Values())

    init(origin: Origin) {
        self.origin = origin
    }

    var current: Values { values.withLock { $0 } }

    func update(_ change: (inout Values) -> Void) { values.withLock { change(&$0) } }
}

/// The numbers of all watched logs in the text format of Prometheus, version 0.0.4.
public enum WatchMetrics {
    public static func text(_ logs: [WatchNumbers]) -> String {
        let all = logs.map { (origin: $0.origin.text, values: $0.current) }
        var text = ""
        func gauge(
            _ name: String, _ help: String, type: String = "gauge", _ value: (WatchNumbers.Values) -> UInt64
        ) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
            for log in all { text += "\(name){log=\"\(escaped(log.origin))\"} \(value(log.values))\n" }
        }
        gauge("holdfast_monitor_tree_size", "Entries that are verified and folded.") { $0.size }
        gauge("holdfast_monitor_head_timestamp_seconds", "The head's time that a quorum vouches for.") { $0.headTime }
        gauge("holdfast_monitor_seal_timestamp_seconds", "Time of the newest seal.") { $0.sealTime }
        gauge("holdfast_monitor_checked_timestamp_seconds", "When the log was last read to its end.") { $0.checkedTime }
        gauge("holdfast_monitor_entries_total", "Entries that were read.", type: "counter") { $0.entries }
        gauge("holdfast_monitor_statements_matched_total", "Entries that the filter asked for.", type: "counter") {
            $0.matched
        }
        gauge("holdfast_monitor_rounds_total", "Looks at the log.", type: "counter") { $0.rounds }
        gauge("holdfast_monitor_rounds_failed_total", "Looks that did not reach its end.", type: "counter") {
            $0.failedRounds
        }
        gauge("holdfast_monitor_fork", "1 if the log signed two histories.") { $0.hasForked ? 1 : 0 }
        gauge("holdfast_monitor_violation", "1 if an entry breaks the log's own rules.") { $0.hasViolation ? 1 : 0 }
        let condition = "holdfast_monitor_condition"
        text += "# HELP \(condition) 1 while it lasts.\n# TYPE \(condition) gauge\n"
        for log in all {
            for raised in log.values.conditions.map({ ($0.name.rawValue, $0.witness ?? "") }).sorted(by: <) {
                text += "\(condition){log=\"\(escaped(log.origin))\",condition=\"\(raised.0)\""
                text += ",witness=\"\(escaped(raised.1))\"} 1\n"
            }
        }
        let witness = "holdfast_monitor_witness_tree_size"
        text += "# HELP \(witness) Size of the tree that a witness cosigned last.\n# TYPE \(witness) gauge\n"
        for log in all {
            for (name, size) in log.values.witnessSizes.sorted(by: { $0.key < $1.key }) {
                text += "\(witness){log=\"\(escaped(log.origin))\",witness=\"\(escaped(name))\"} \(size)\n"
            }
        }
        return text
    }

    /// "`label_value` can be any sequence of UTF-8 characters, but the backslash (\), double-quote ("), and line feed
    /// (\n) characters have to be escaped".
    private static func escaped(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
