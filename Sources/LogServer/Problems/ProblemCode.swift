internal import HTTPTypes
internal import LogEngine

/// Every way in which a request can fail: the stable code that programs compare, with its HTTP status and title.
///
/// This file is the only map from errors to statuses. `spec/errors.md` has the same table for people, and a test
/// compares the two. A code keeps its meaning for ever; new ones may come.
enum ProblemCode: String, CaseIterable, Sendable {
    // The statement was read and refused: the codes of `RejectionCode`.
    case malformed
    case tooLarge = "too-large"
    case badSignature = "bad-signature"
    case unsupportedAlgorithm = "unsupported-algorithm"
    case payloadMissing = "payload-missing"
    case unknownIssuer = "unknown-issuer"
    case streamGap = "stream-gap"
    case streamFork = "stream-fork"
    case timeSkew = "time-skew"
    case notAllowed = "not-allowed"
    case frozen
    case rateLimited = "rate-limited"
    case overloaded
    case timedOut = "timed-out"
    case noQuorum = "no-quorum"
    case clockBehind = "clock-behind"
    case storageFailed = "storage-failed"
    case stopped

    // The request itself was not right.
    case badParameter = "bad-parameter"
    case notFound = "not-found"
    case noSuchKey = "no-such-key"
    case emptyStream = "empty-stream"
    case notSealed = "not-sealed"
    case notRetained = "not-retained"
    case methodNotAllowed = "method-not-allowed"
    case notAcceptable = "not-acceptable"
    case requestTimeout = "request-timeout"
    case unsupportedMediaType = "unsupported-media-type"

    // The server could not do it.
    case `internal`
    case notReady = "not-ready"
}

extension ProblemCode {
    /// The code under which a rejection by the log is answered.
    init(_ code: RejectionCode) {
        switch code {
        case .malformed: self = .malformed
        case .tooLarge: self = .tooLarge
        case .badSignature: self = .badSignature
        case .unsupportedAlgorithm: self = .unsupportedAlgorithm
        case .payloadMissing: self = .payloadMissing
        case .unknownIssuer: self = .unknownIssuer
        case .streamGap: self = .streamGap
        case .streamFork: self = .streamFork
        case .timeSkew: self = .timeSkew
        case .notAllowed: self = .notAllowed
        case .frozen: self = .frozen
        case .rateLimited: self = .rateLimited
        case .overloaded: self = .overloaded
        case .timedOut: self = .timedOut
        case .noQuorum: self = .noQuorum
        case .clockBehind: self = .clockBehind
        case .storageFailed: self = .storageFailed
        case .stopped: self = .stopped
        }
    }

    /// The HTTP status of the answer.
    ///
    /// SCRAPI: "The specific HTTP status codes shown in the examples throughout this document are illustrative." Where
    /// it shows one for the case, it is this one.
    var status: HTTPResponse.Status {
        switch self {
        case .malformed, .badSignature, .unsupportedAlgorithm, .payloadMissing, .unknownIssuer, .timeSkew,
            .notAllowed, .badParameter:
            .badRequest
        case .notFound, .noSuchKey, .emptyStream, .notSealed, .notRetained: .notFound
        case .frozen: .gone
        case .methodNotAllowed: .methodNotAllowed
        case .notAcceptable: .notAcceptable
        case .requestTimeout: .requestTimeout
        case .streamGap, .streamFork: .conflict
        case .tooLarge: .contentTooLarge
        case .unsupportedMediaType: .unsupportedMediaType
        case .rateLimited: .tooManyRequests
        case .internal: .internalServerError
        case .overloaded, .timedOut, .noQuorum, .clockBehind, .storageFailed, .stopped, .notReady: .serviceUnavailable
        }
    }

    /// The title of the answer: SCRAPI's where it has one for the case.
    var title: String {
        switch self {
        case .malformed, .badParameter: "Malformed request"
        case .tooLarge: "Content Too Large"
        case .badSignature: "Bad Signature"
        case .unsupportedAlgorithm: "Bad Signature Algorithm"
        case .payloadMissing: "Payload Missing"
        case .unknownIssuer, .timeSkew, .notAllowed: "Rejected"
        case .frozen: "Frozen"
        case .streamGap: "Stream Gap"
        case .streamFork: "Stream Fork"
        case .rateLimited: "Too Many Requests"
        case .overloaded: "Overloaded"
        case .timedOut: "Timed Out"
        case .noQuorum: "No Quorum"
        case .clockBehind: "Clock Behind"
        case .storageFailed: "Storage Failed"
        case .stopped: "Stopped"
        case .notFound, .emptyStream: "Not Found"
        case .notSealed: "No Such State"
        case .notRetained: "State Not Kept"
        case .noSuchKey: "No such key"
        case .methodNotAllowed: "Method Not Allowed"
        case .notAcceptable: "Not Acceptable"
        case .requestTimeout: "Request Timeout"
        case .unsupportedMediaType: "Unsupported Media Type"
        case .internal: "Internal Error"
        case .notReady: "Not Ready"
        }
    }
}
