import Tlog

/// What a verification comes to.
public enum Verdict: String, Sendable, Hashable {
    /// Every check that the question needs has passed, under the trust file.
    case verified
    /// Asked for inclusion alone, and it holds: the statement is under the root that the proof carries. Nobody is shown
    /// to vouch for that root.
    case inclusionOnly = "inclusion-only"
    case notVerified = "not-verified"
}

/// Every check in the order in which it was made, and the verdict that follows from them.
///
/// The verdict is computed from the checks and from nothing else: one failed check, or one required check that was left
/// out, and the report is "not verified".
public struct VerificationReport: Sendable, Hashable {
    /// What was asked.
    public enum Subject: String, Sendable, Hashable {
        case statement
        case transparentStatement = "transparent-statement"
        case receipt
        case checkpoint
        case consistency
        case fork
        case log
        case state
        case stream
        case bundle
    }

    public let subject: Subject
    public let checks: [Check]
    /// The question was inclusion alone, so that a good answer is no more than `Verdict.inclusionOnly`.
    public let isInclusionOnly: Bool
    /// What a state proof shows, if the report is of one and it is verified.
    public let state: ProvenState?
    /// What a whole log's entries fold into, where that was asked for.
    public let fold: LogFold?
    /// What an evidence bundle shows, if the report is of one and it is verified.
    public let evidence: EvidenceFindings?

    init(
        subject: Subject, isInclusionOnly: Bool = false, checks: [Check], state: ProvenState? = nil,
        fold: LogFold? = nil, evidence: EvidenceFindings? = nil
    ) {
        self.subject = subject
        self.isInclusionOnly = isInclusionOnly
        self.checks = checks
        self.state = state
        self.fold = fold
        self.evidence = evidence
    }

    public var verdict: Verdict {
        // A report without a single passed check shows nothing, whatever else it says.
        guard decidingCheck == nil, checks.contains(where: { $0.outcome == .passed }) else { return .notVerified }
        return isInclusionOnly ? .inclusionOnly : .verified
    }

    /// The first check that stands against "verified": the first failed one, else the first required one left out.
    public var decidingCheck: Check? {
        checks.first { if case .failed = $0.outcome { true } else { false } }
            ?? checks.first { if case .notChecked = $0.outcome { $0.isRequired } else { false } }
    }

    /// The checks that were not made, required or not.
    public var notChecked: [Check] {
        checks.filter { if case .notChecked = $0.outcome { true } else { false } }
    }
}

/// The checks of one verification while it runs.
struct CheckList {
    private(set) var checks: [Check] = []

    func hasPassed(_ name: CheckName, of part: String?) -> Bool {
        checks.contains { $0.name == name && $0.part == part && $0.outcome == .passed }
    }

    var hasFailure: Bool {
        checks.contains { if case .failed = $0.outcome { true } else { false } }
    }

    mutating func pass(_ name: CheckName, of part: String? = nil, _ values: CheckValue...) {
        checks.append(Check(name, of: part, .passed, isRequired: true, values: values))
    }

    mutating func pass(_ name: CheckName, of part: String? = nil, values: [CheckValue]) {
        checks.append(Check(name, of: part, .passed, isRequired: true, values: values))
    }

    mutating func fail(
        _ name: CheckName, of part: String? = nil, _ code: String, _ sentence: String, _ values: CheckValue...
    ) {
        append(name, part, CheckFailure(code, sentence), values)
    }

    mutating func fail(
        _ name: CheckName, of part: String? = nil, _ failure: any NamedFailure, _ values: CheckValue...
    ) {
        append(name, part, CheckFailure(failure), values)
    }

    mutating func fail(
        _ name: CheckName, of part: String? = nil, _ failure: any NamedFailure, values: [CheckValue]
    ) {
        append(name, part, CheckFailure(failure), values)
    }

    private mutating func append(
        _ name: CheckName, _ part: String?, _ failure: CheckFailure, _ values: [CheckValue]
    ) {
        checks.append(
            Check(
                name, of: part, .failed(failure.sentence), code: failure.code, isRequired: true, values: values))
    }

    /// A check that the verdict needs and that cannot be made.
    mutating func leaveOut(_ name: CheckName, of part: String? = nil, _ reason: String, _ values: CheckValue...) {
        checks.append(Check(name, of: part, .notChecked(reason), isRequired: true, values: values))
    }

    /// A check that is no part of the question, named so that nobody takes it for made.
    mutating func note(_ name: CheckName, of part: String? = nil, _ reason: String, _ values: CheckValue...) {
        checks.append(Check(name, of: part, .notChecked(reason), isRequired: false, values: values))
    }
}
