internal import COSE

/// How a check, or a step, came out.
public enum CheckOutcome: Sendable, Hashable {
    case passed
    /// It was evaluated, and what was found is a reason to contain.
    case failed(ContainmentReason)
    /// It could not be evaluated: contains too, as an `unverifiable-transition`.
    case notEvaluable

    /// Why it contains; nil if it passed.
    public var reason: ContainmentReason? {
        switch self {
        case .passed: nil
        case .failed(let reason): reason
        case .notEvaluable: .unverifiableTransition
        }
    }

    public var text: String {
        switch self {
        case .passed: "passed"
        case .failed: "failed"
        case .notEvaluable: "not-evaluable"
        }
    }
}

/// One check of a request, and what it rests on.
public struct CheckResult: Sendable, Hashable {
    /// Nil for what a step asks beside the numbered checks.
    public let check: CheckID?
    public let step: DecisionStep
    public let outcome: CheckOutcome
    /// What was found, with values.
    public let detail: String
    /// What would let it pass; empty if it did.
    public let mend: String
    /// Indices of the entries of this log that it rests on, rising.
    public let entries: [UInt64]
    /// The keys of the state that were read, present or absent, in the order of the keys.
    public let keys: [StateKey]

    var cbor: CBOR {
        var map: CBORMap = [
            "step": .unsigned(UInt64(step.rawValue)), "outcome": .text(outcome.text), "detail": .text(detail),
            "entries": .array(entries.map { .unsigned($0) }), "keys": .array(keys.map { .bytes($0.bytes) }),
        ]
        map["check"] = check.map { .text($0.rawValue) }
        map["reason"] = outcome.reason.map { .text($0.rawValue) }
        return .map(map)
    }
}

/// Why a check does not pass.
enum Finding: Error {
    case failed(ContainmentReason, String, mend: String)
    case notEvaluable(String, mend: String)

    var outcome: CheckOutcome {
        switch self {
        case .failed(let reason, _, _): .failed(reason)
        case .notEvaluable: .notEvaluable
        }
    }

    var detail: String {
        switch self {
        case .failed(_, let detail, _), .notEvaluable(let detail, _): detail
        }
    }

    var mend: String {
        switch self {
        case .failed(_, _, let mend), .notEvaluable(_, let mend): mend
        }
    }
}
