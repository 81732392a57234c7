internal import HTTPTypes
internal import Tlog
internal import Witness

/// What `add-checkpoint` answers: the one place where outcomes become statuses.
struct AddCheckpointAnswer: Sendable {
    let status: HTTPResponse.Status
    let contentType: String
    let body: [UInt8]
    var retryAfter: Int?
    /// The label of the outcome in metrics and in the log.
    let result: String

    static let plainText = "text/plain; charset=utf-8"

    init(
        _ status: HTTPResponse.Status, result: String, body: [UInt8], contentType: String = plainText,
        retryAfter: Int? = nil
    ) {
        self.status = status
        self.contentType = contentType
        self.body = body
        self.result = result
        self.retryAfter = retryAfter
    }

    private init(_ status: HTTPResponse.Status, result: String, sentence: String, retryAfter: Int? = nil) {
        self.init(status, result: result, body: Array((sentence + "\n").utf8), retryAfter: retryAfter)
    }

    init(_ verdict: Verdict, cosigners: [any Cosigner]) {
        switch verdict {
        case .cosigned(let checkpoint):
            // "respond with a "200 Success" HTTP status code. The response body MUST be a sequence of one or more note
            // signature lines, each starting with the — character (U+2014) and ending with a newline character
            // (U+000A). The signatures MUST be cosignatures from the witness key(s) on the checkpoint."
            let response = AddCheckpointResponse(signatures: checkpoint.cosignatures(of: cosigners))
            self.init(.ok, result: "cosigned", body: response.body)
        case .refused(let refusal):
            self.init(refusal)
        case .rateLimited(let seconds):
            self.init(
                .tooManyRequests, result: "rate-limited",
                sentence: "this witness cosigns no more for this log now; ask again in \(seconds) s",
                retryAfter: seconds)
        case .failed:
            self.init(
                .serviceUnavailable, result: "failed", sentence: "this witness can't record checkpoints now",
                retryAfter: 10)
        }
    }

    init(_ refusal: Refusal) {
        switch refusal {
        case .conflict(_, let recorded):
            // "The response body MUST consist of the tree size of the latest cosigned checkpoint in decimal, followed by
            // a newline (U+000A). The response MUST have a `Content-Type` of `text/x.tlog.size`."
            self.init(
                .conflict, result: refusal.label, body: AddCheckpointResponse.conflictBody(size: recorded),
                contentType: AddCheckpointResponse.conflictContentType)
        case .malformed(.tooLarge):
            self.init(.contentTooLarge, result: refusal.label, sentence: refusal.description)
        case .malformed, .oldSizeTooLarge:
            self.init(.badRequest, result: refusal.label, sentence: refusal.description)
        case .unknownOrigin:
            self.init(.notFound, result: refusal.label, sentence: refusal.description)
        case .noTrustedSignature, .invalidSignature:
            self.init(.forbidden, result: refusal.label, sentence: refusal.description)
        case .emptyTreeRoot, .proofFromEmptyTree, .inconsistent, .rootsDiffer:
            self.init(.unprocessableContent, result: refusal.label, sentence: refusal.description)
        }
    }

    static func overloaded(_ sentence: String) -> AddCheckpointAnswer {
        AddCheckpointAnswer(.serviceUnavailable, result: "overloaded", sentence: sentence, retryAfter: 1)
    }

    static func tooManyOfOneClient(retryAfter seconds: Int) -> AddCheckpointAnswer {
        AddCheckpointAnswer(
            .tooManyRequests, result: "client-rate-limited",
            sentence: "this address asks too often; ask again in \(seconds) s", retryAfter: seconds)
    }

    /// What the cosignature would vouch for is not known yet.
    static func notYet(_ why: String, retryAfter seconds: Int) -> AddCheckpointAnswer {
        AddCheckpointAnswer(
            .serviceUnavailable, result: "not-yet", sentence: "not cosigned yet: \(why)", retryAfter: seconds)
    }

    /// What the cosignature would vouch for is not so.
    static func denied(_ why: String) -> AddCheckpointAnswer {
        AddCheckpointAnswer(.forbidden, result: "denied", sentence: "not cosigned: \(why)")
    }

    static let tooSlow = AddCheckpointAnswer(
        .requestTimeout, result: "too-slow", sentence: "the body did not arrive in time")
}

extension Refusal {
    /// One word for all faults of form, so that the table of metrics stays small.
    fileprivate var label: String {
        switch self {
        case .malformed: "malformed"
        case .inconsistent: "inconsistent"
        default: reason
        }
    }
}
