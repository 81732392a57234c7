/// Why a statement was not registered. The raw value is stable: it is what programs compare, in every interface.
public enum RejectionCode: String, Sendable, Hashable, CaseIterable {
    /// The bytes are not a signed statement, or its event is not well formed.
    case malformed
    /// Larger than the policy in force, or the log, accepts.
    case tooLarge = "too-large"
    /// The signature does not verify under the enrolled key that the statement names.
    case badSignature = "bad-signature"
    /// The statement names a signature algorithm other than Ed25519.
    case unsupportedAlgorithm = "unsupported-algorithm"
    /// The payload is detached: the log keeps statements whole.
    case payloadMissing = "payload-missing"
    /// The policy in force enrols no such issuer with such a key.
    case unknownIssuer = "unknown-issuer"
    /// The statement does not follow the newest one of its stream.
    case streamGap = "stream-gap"
    /// Another statement already stands at this place of the stream.
    case streamFork = "stream-fork"
    /// The statement's own time is too far from the log's.
    case timeSkew = "time-skew"
    /// The policy in force does not let this issuer register such a statement.
    case notAllowed = "not-allowed"
    /// The log has ended: another one goes on.
    case frozen
    /// The issuer's rate is used up for now.
    case rateLimited = "rate-limited"
    /// The log has as many submissions in flight as it takes, or the deadline passed before this one's turn came.
    case overloaded
    /// The deadline passed after the statement had been handed to the writer: it may or may not be registered.
    case timedOut = "timed-out"
    /// Too few witnesses cosign. It is stored and not published yet; or, after a start, it was not even taken.
    case noQuorum = "no-quorum"
    /// The clock of the log's machine is further behind the newest seal than the policy allows.
    case clockBehind = "clock-behind"
    /// The store refused the batch; nothing of it was kept.
    case storageFailed = "storage-failed"
    /// The log is shutting down, or has stopped after a fault.
    case stopped
}

extension RejectionCode {
    /// Whether the same bytes may be accepted when they are sent again later, with nothing else done.
    public var isTemporary: Bool {
        switch self {
        case .rateLimited, .overloaded, .timedOut, .noQuorum, .clockBehind, .storageFailed, .stopped: true
        case .malformed, .tooLarge, .badSignature, .unsupportedAlgorithm, .payloadMissing, .unknownIssuer, .streamGap,
            .streamFork, .timeSkew, .notAllowed, .frozen:
            false
        }
    }
}
