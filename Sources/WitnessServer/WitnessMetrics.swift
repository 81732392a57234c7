internal import HTTPServing
internal import Synchronization
internal import Tlog
internal import Witness

/// What the witness counts. Labels come from fixed sets: a client cannot make the table grow.
final class WitnessMetrics: Sendable {
    enum Evidence: String, CaseIterable {
        case written, known, dropped
    }

    private struct Numbers {
        /// By what became of the request.
        var requests: [String: UInt64] = [:]
        var evidence: [Evidence: UInt64] = [:]
        var reloads: [Bool: UInt64] = [:]
    }

    private let numbers = Mutex(Numbers())

    func request(_ result: String) { numbers.withLock { $0.requests[result, default: 0] += 1 } }
    func evidence(_ outcome: Evidence) { numbers.withLock { $0.evidence[outcome, default: 0] += 1 } }
    func reloaded(_ succeeded: Bool) { numbers.withLock { $0.reloads[succeeded, default: 0] += 1 } }

    /// - Parameters:
    ///   - latest: what is recorded of each log in the list.
    ///   - isStopped: whether nothing is cosigned any more.
    func text(logs: KnownLogs, latest: [CosignedCheckpoint], isStopped: Bool) -> String {
        let numbers = numbers.withLock { $0 }
        var text = MetricsText()
        text.metric("holdfast_witness_requests_total", .counter, "add-checkpoint requests, by result.")
        for (result, count) in numbers.requests.sorted(by: { $0.key < $1.key }) {
            text.sample("holdfast_witness_requests_total", count, ("result", result))
        }
        text.metric(
            "holdfast_witness_evidence_total", .counter,
            "Requests that proved a log's misbehaviour: written down, known before, or dropped.")
        for outcome in Evidence.allCases {
            text.sample(
                "holdfast_witness_evidence_total", numbers.evidence[outcome] ?? 0, ("outcome", outcome.rawValue))
        }
        text.metric("holdfast_witness_reloads_total", .counter, "Changes of the list of logs, taken or refused.")
        text.sample("holdfast_witness_reloads_total", numbers.reloads[true] ?? 0, ("result", "taken"))
        text.sample("holdfast_witness_reloads_total", numbers.reloads[false] ?? 0, ("result", "refused"))
        text.metric("holdfast_witness_logs", .gauge, "Logs in the list.")
        text.sample("holdfast_witness_logs", UInt64(logs.logCount))
        text.metric("holdfast_witness_stopped", .gauge, "1 if the store failed and nothing is cosigned.")
        text.sample("holdfast_witness_stopped", isStopped ? 1 : 0 as UInt64)
        text.metric("holdfast_witness_tree_size", .gauge, "Size of the latest tree cosigned.")
        for checkpoint in latest {
            let head = checkpoint.signed.checkpoint
            text.sample("holdfast_witness_tree_size", head.size, ("origin", head.origin.text))
        }
        text.metric(
            "holdfast_witness_cosigned_timestamp_seconds", .gauge, "Time of the latest cosignature.")
        for checkpoint in latest {
            text.sample(
                "holdfast_witness_cosigned_timestamp_seconds", checkpoint.seconds,
                ("origin", checkpoint.signed.checkpoint.origin.text))
        }
        return String(decoding: text.bytes, as: UTF8.self)
    }
}
