import Testing
import Tlog

@testable import Verification

extension VerificationReport {
    /// The failed checks with their codes, in order: `inclusion: root-mismatch`.
    var failures: [String] {
        checks.compactMap { check in
            guard case .failed = check.outcome, let code = check.code else { return nil }
            return (check.part.map { $0 + ": " } ?? "") + "\(check.name.rawValue): \(code)"
        }
    }

    /// The required checks that were left out.
    var leftOut: [CheckName] {
        checks.compactMap { check in
            guard case .notChecked = check.outcome, check.isRequired else { return nil }
            return check.name
        }
    }

    /// The checks that were not asked for and not made.
    var noted: [CheckName] { notChecked.filter { !$0.isRequired }.map(\.name) }

    func outcome(_ name: CheckName, of part: String? = nil) -> CheckOutcome? {
        checks.first { $0.name == name && $0.part == part }?.outcome
    }

    func value(_ name: CheckName, _ value: String) -> String? {
        checks.first { $0.name == name }?.values.first { $0.name == value }?.text
    }
}

/// A trust file for a test log, with the quorum of two out of three witnesses.
func trust(_ log: TestLog, quorum: String = "both") throws -> TrustFile {
    try TrustFile(genesisEntry: log.genesisEntry, policyLines: log.trustLines(quorum: quorum))
}

/// The lines of a trust file, to change some.
func trustText(_ log: TestLog) throws -> [String] {
    String(decoding: try trust(log).bytes, as: UTF8.self).split(separator: "\n").map(String.init)
}

func parse(_ lines: [String]) throws(TrustFileError) -> TrustFile {
    try TrustFile(parsing: Array(lines.map { $0 + "\n" }.joined().utf8))
}

extension [UInt8] {
    /// With one bit changed.
    func flipped(_ bit: Int) -> [UInt8] {
        var bytes = self
        bytes[bit / 8] ^= 1 << (bit % 8)
        return bytes
    }
}
