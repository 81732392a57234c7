internal import COSE
internal import Governance
internal import LogClient
internal import Tlog
internal import Verification

/// Why something was not done, or not believed.
public struct HoldfastError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A stable name for programs: that of the log's problem (`spec/errors.md`), of the check that failed
    /// (`spec/verification.md`), or one of this library's own.
    public let code: String
    /// A sentence for people, with the values.
    public let message: String
    /// Whether the same call may succeed later.
    public let isTemporary: Bool

    public var description: String { "\(code): \(message)" }

    init(code: String, message: String, isTemporary: Bool = false) {
        self.code = code
        self.message = message
        self.isTemporary = isTemporary
    }

    init(_ error: any Error) {
        switch error {
        case let error as HoldfastError: self = error
        case let error as ClientError: self.init(error)
        case let error as StreamError: self.init(error)
        case let error as StreamLedgerError: self.init(error)
        case let error as KeyFileError: self.init(code: "key-file", message: "\(error)")
        case let error as any NamedFailure: self.init(code: error.reason, message: "\(error)")
        default: self.init(code: "failed", message: "\(error)")
        }
    }

    init(_ error: ClientError) {
        switch error {
        case .unreachable(let url, let reason):
            self.init(code: "unreachable", message: "the log at \(url) is not reached: \(reason)", isTemporary: true)
        case .timedOut(let url):
            self.init(code: "timed-out", message: "the log at \(url) did not answer in time", isTemporary: true)
        case .refused(let problem):
            self.init(
                code: problem.code ?? "refused",
                message: problem.detail ?? problem.title ?? "HTTP status \(problem.status)",
                isTemporary: problem.isTemporary)
        case .answerTooLarge(let path, let limit):
            self.init(code: "too-large", message: "the answer to /\(path) is longer than \(limit) bytes")
        case .answerMalformed(let path, let reason):
            self.init(code: "answer-malformed", message: "the answer to /\(path) can't be read: \(reason)")
        case .notVerified(let report):
            self.init(code: report.decidingCheck?.code ?? "not-verified", message: report.verdictText())
        case .contradiction(let path, let reason):
            self.init(code: "contradiction", message: "the answer to /\(path) is not believed: \(reason)")
        }
    }

    private init(_ error: StreamError) {
        switch error {
        case .ledger(let error): self.init(error)
        case .event(_, let error): self.init(code: error.reason, message: "\(error)")
        case .statement(_, let error): self.init(code: error.reason, message: "\(error)")
        case .refused(_, let error), .log(let error): self.init(error)
        case .logIsBehind(_, let remembered, let shown, let path):
            self.init(
                code: "log-is-behind",
                message: "the log shows the stream at \(shown.seq) and acknowledged \(remembered.seq) (\(path))")
        case .logDiffers(_, _, let shown, let path):
            self.init(
                code: "log-differs", message: "the log has another statement before \(shown.seq) than \(path) has")
        }
    }

    private init(_ error: StreamLedgerError) {
        switch error {
        case .busy(let path):
            self.init(code: "busy", message: "another process registers to this stream: \(path)", isTemporary: true)
        case .malformed(let path, let what): self.init(code: "ledger", message: "\(path) can't be used: \(what)")
        case .system(let path, let reason): self.init(code: "ledger", message: "\(path): \(reason)")
        }
    }

    // MARK: What callers give

    static func trustFile(_ bytes: [UInt8]) throws(HoldfastError) -> TrustFile {
        do { return try TrustFile(parsing: bytes) } catch {
            throw HoldfastError(code: "trust-file", message: "\(error)")
        }
    }

    static func stateKey(_ text: String) throws(HoldfastError) -> StateKey {
        do { return try StateKey(text: text) } catch { throw HoldfastError(code: error.reason, message: "\(error)") }
    }
}
