public import Governance
public import Tlog

/// Why there is no permit, or no statement. Whatever it is, nothing may run on it.
public enum GateError: NamedFailure, Hashable {
    /// The decision is to contain.
    ///
    /// - Parameter recorded: where it is on record; nil if it could not be put there.
    case refused(Decision, recorded: RegisteredStatement?)
    /// The checks passed and the log refused the record of it, each time it was tried: the state moved, or a rule of
    /// admission at the log's time says otherwise.
    case notAdmitted(Decision, code: String, detail: String)
    /// The log refused a statement for good.
    case logRefused(code: String, detail: String)
    /// The log did not answer, or said "later". Whether the statement is registered is not known.
    case unreachable(String)
    /// What the log answered does not verify, or the statement is not where its answer says.
    case notVerified(String)
    /// What is remembered of the signer's stream can't be used, or contradicts the log.
    case stream(String)
    /// The gate has ended, or its log has lied.
    case ended(String)

    public var reason: String {
        switch self {
        case .refused: "refused"
        case .notAdmitted(_, let code, _): code
        case .logRefused(let code, _): code
        case .unreachable: "unreachable"
        case .notVerified: "not-verified"
        case .stream: "stream"
        case .ended: "ended"
        }
    }
}

extension GateError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .refused(let decision, let recorded):
            "refused: \(decision.reason?.rawValue ?? "no reason")"
                + (decision.failures.first.map { " (\($0.detail))" } ?? "")
                + (recorded.map { ", recorded as entry \($0.index)" } ?? ", not recorded")
        case .notAdmitted(_, let code, let detail):
            "the checks pass, and the log refuses the permit (\(code)): \(detail)"
        case .logRefused(let code, let detail): "the log refuses it (\(code)): \(detail)"
        case .unreachable(let why): "the log does not answer: \(why)"
        case .notVerified(let why): "the log's answer does not verify: \(why)"
        case .stream(let why): "nothing can be signed: \(why)"
        case .ended(let why): "the gate has ended: \(why)"
        }
    }
}
