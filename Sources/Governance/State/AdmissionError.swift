public import Tlog

/// Why a statement is not admitted. `setBy` is the index of the entry that set the rule.
public enum AdmissionError: NamedFailure, Hashable {
    /// Longer than the policy allows.
    case tooLarge(bytes: Int, limit: UInt64, setBy: UInt64)
    /// The key is not enrolled.
    case unknownKey(issuer: String, keyID: [UInt8], setBy: UInt64)
    /// The key is enrolled for another issuer.
    case keyOfAnotherIssuer(issuer: String, keyID: Hash, enrolled: String, setBy: UInt64)
    /// The key was enrolled for the issuer and its statements don't count any more.
    case keyEnded(issuer: String, keyID: Hash, KeyEnding, setBy: UInt64)
    /// Neither an event nor opaque evidence that the policy allows.
    case contentTypeNotAllowed(String, setBy: UInt64)
    case malformedEvent(EventError)
    /// The event's data is not that of its type.
    case malformedData(StatementDataError)
    /// A rule of the event's type is broken.
    case rule(RuleViolation)
    /// An event type that only the log uses, or whose rules this version does not enforce.
    case reservedType(String)
    /// The event's time is too far from its batch's. All in ms.
    case timeSkew(time: UInt64, batchTime: UInt64, maxSkew: UInt64, setBy: UInt64)
    /// Statements are missing between the stream's newest and this one.
    case streamGap(stream: String, seq: UInt64, expectedSeq: UInt64, expectedPrev: Hash?)
    /// The stream already has another statement at this place, or the statement names another one as the newest.
    case streamFork(stream: String, seq: UInt64, newest: StreamLink)
    /// The issuer has as many streams as the policy allows.
    case tooManyStreams(issuer: String, limit: UInt64, setBy: UInt64)
    /// The state could not be read. Not the statement's fault.
    case storage(String)

    public var reason: String {
        switch self {
        case .tooLarge: "too-large"
        case .unknownKey: "unknown-key"
        case .keyOfAnotherIssuer: "key-of-another-issuer"
        case .keyEnded: "key-ended"
        case .contentTypeNotAllowed: "content-type-not-allowed"
        case .malformedEvent(let error): error.reason
        case .malformedData(let error): error.reason
        case .rule(let violation): violation.reason
        case .reservedType: "reserved-type"
        case .timeSkew: "time-skew"
        case .streamGap: "stream-gap"
        case .streamFork: "stream-fork"
        case .tooManyStreams: "too-many-streams"
        case .storage: "storage"
        }
    }

    /// Where the stream goes on, if the statement's place in it was wrong.
    public var expectedPlace: EventDraft.Place? {
        switch self {
        case .streamGap(_, _, let seq, let prev): EventDraft.Place(seq: seq, prev: prev)
        case .streamFork(_, _, let newest): EventDraft.Place(seq: newest.seq &+ 1, prev: newest.leafHash)
        default: nil
        }
    }
}

extension AdmissionError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .tooLarge(let bytes, let limit, let setBy):
            "the statement has \(bytes) bytes; the policy (entry \(setBy)) allows \(limit): register its digest instead"
        case .unknownKey(let issuer, let keyID, let setBy):
            "key \(Hex.encode(keyID)) of issuer '\(issuer)' is not enrolled (policy: entry \(setBy))"
        case .keyOfAnotherIssuer(let issuer, let keyID, let enrolled, let setBy):
            "key \(keyID) is enrolled for '\(enrolled)' (entry \(setBy)), not for '\(issuer)'"
        case .keyEnded(let issuer, let keyID, let ending, let setBy):
            "key \(keyID) of issuer '\(issuer)' has ended (\(ending.rawValue), entry \(setBy)): use the newest one"
        case .contentTypeNotAllowed(let type, let setBy):
            "the policy (entry \(setBy)) admits no statements of content type '\(type)'"
        case .malformedEvent(let error): "\(error)"
        case .malformedData(let error): "\(error)"
        case .rule(let violation): "\(violation)"
        case .reservedType(let type):
            "events of type '\(type)' cannot be submitted: the type is reserved, and its rules are not in force here"
        case .timeSkew(let time, let batchTime, let maxSkew, let setBy):
            "the event's time \(time) is further than \(maxSkew) ms (policy: entry \(setBy)) from the log's, \(batchTime)"
        case .streamGap(let stream, let seq, let expectedSeq, let expectedPrev):
            "stream '\(stream)' goes on at seq \(expectedSeq) with prev \(expectedPrev?.hex ?? "null"), not at \(seq)"
        case .streamFork(let stream, let seq, let newest):
            "seq \(seq) does not continue stream '\(stream)': its newest is seq \(newest.seq), entry \(newest.index), "
                + "leaf hash \(newest.leafHash)"
        case .tooManyStreams(let issuer, let limit, let setBy):
            "issuer '\(issuer)' has the \(limit) streams that the policy (entry \(setBy)) allows"
        case .storage(let what): "the state cannot be read: \(what)"
        }
    }
}
