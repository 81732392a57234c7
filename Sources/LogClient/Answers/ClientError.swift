public import Verification

/// Why a call on a log failed.
public enum ClientError: Error, Sendable, Hashable {
    /// No connection, or it broke, as often as it was tried.
    case unreachable(url: String, reason: String)
    case timedOut(url: String)
    /// The log answered with a problem.
    case refused(LogProblem)
    /// The answer is longer than anything that a log of this kind sends.
    case answerTooLarge(path: String, limit: Int)
    /// The answer can't be read.
    case answerMalformed(path: String, reason: String)
    /// The answer can be read and does not verify. Nothing of it was believed.
    case notVerified(VerificationReport)
    /// The answer contradicts itself, or what was asked: another index than the receipt proves, for example.
    case contradiction(path: String, reason: String)

    /// The log was not reached: whatever else is sent now will fail for the same reason.
    var isOfConnection: Bool {
        switch self {
        case .unreachable, .timedOut: true
        default: false
        }
    }
}
