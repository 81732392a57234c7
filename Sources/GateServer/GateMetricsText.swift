internal import Gate
internal import Governance
internal import Tlog

/// What a gate counts, in the text format of Prometheus, version 0.0.4.
enum GateMetricsText {
    static func text(_ values: GateNumbers.Values, _ standing: GateStanding) -> String {
        var text = ""
        func metric(_ name: String, _ type: String, _ help: String, _ samples: [(label: String, value: UInt64)]) {
            text += "# HELP holdfast_gate_\(name) \(help)\n# TYPE holdfast_gate_\(name) \(type)\n"
            for sample in samples { text += "holdfast_gate_\(name)\(sample.label) \(sample.value)\n" }
        }
        metric(
            "decisions_total", "counter", "Decisions, by outcome.",
            [
                ("{outcome=\"permit\"}", values.permits), ("{outcome=\"lease\"}", values.leased),
                ("{outcome=\"contain\"}", values.refusals.values.reduce(0, +)),
                ("{outcome=\"revalidate\"}", values.revalidations),
            ])
        metric(
            "refusals_total", "counter", "Refusals, by reason.",
            ContainmentReason.allCases.map { ("{reason=\"\($0.rawValue)\"}", values.refusals[$0] ?? 0) }
                + [("{reason=\"not-admitted\"}", values.refusals[nil] ?? 0)])
        metric(
            "containments_total", "counter", "Containments entered, by reason.",
            ContainmentReason.allCases.map { ("{reason=\"\($0.rawValue)\"}", values.containments[$0] ?? 0) })
        metric(
            "moved_states_total", "counter", "Records that the log refused because the state had moved.",
            [("", values.movedStates)])
        metric("registered_total", "counter", "Statements registered and verified.", [("", values.registered)])
        metric("rechecks_total", "counter", "Checks of what runs.", [("", values.rechecks)])
        metric("watched", "gauge", "Permits whose executions are watched.", [("", UInt64(values.watched))])
        metric(
            "looks_total", "counter", "Looks at the log, by what came of them.",
            values.looks.sorted { $0.key < $1.key }.map {
                ("{result=\"\($0.key.isEmpty ? "verified" : $0.key)\"}", $0.value)
            })
        metric("ready", "gauge", "1 if requests are judged.", [("", standing.isReady ? 1 : 0)])
        metric(
            "trouble", "gauge", "1 for what troubles the gate.",
            GateTrouble.Kind.allCases.map { kind in
                ("{kind=\"\(kind.rawValue)\"}", standing.troubles.contains { $0.kind == kind } ? 1 : 0)
            })
        if let head = standing.head {
            metric("tree_size", "gauge", "Size of the newest verified tree.", [("", head.treeHead.size)])
            metric(
                "head_timestamp_seconds", "gauge", "The time that a quorum vouches for.",
                [("", (head.time ?? 0) / 1000)])
            metric(
                "state_timestamp_seconds", "gauge", "When state witnesses saw the newest head they cosigned.",
                [("", (head.stateTime ?? 0) / 1000)])
        }
        return text
    }
}
