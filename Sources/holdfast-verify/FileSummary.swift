import Governance
import Verification

/// What came of several files.
struct FileSummary {
    private var counts: [Verdict: UInt64] = [:]
    private var open: [CheckName] = []

    mutating func add(_ report: VerificationReport) {
        counts[report.verdict, default: 0] += 1
        for name in report.notChecked.map(\.name) where !open.contains(name) { open.append(name) }
    }

    private func count(_ verdict: Verdict) -> UInt64 { counts[verdict] ?? 0 }

    /// Whether no file was refused.
    var isGood: Bool { count(.notVerified) == 0 }

    /// One line.
    var text: String {
        let rest = open.isEmpty ? "" : " (not checked: \(open.map(\.rawValue).joined(separator: ", ")))"
        let included = count(.inclusionOnly) > 0 ? ", \(count(.inclusionOnly)) inclusion only" : ""
        let total = counts.values.reduce(0, +)
        return "\(total) files: \(count(.verified)) verified\(included), \(count(.notVerified)) not verified" + rest
    }

    /// The counts, and the reports of the files.
    func json(_ reports: [JSON]) -> JSON {
        .object(
            [Verdict.verified, .inclusionOnly, .notVerified].map { JSONMember($0.rawValue, JSON(count($0))) }
                + [JSONMember("reports", .array(reports))])
    }
}
