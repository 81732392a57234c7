import COSE
public import Governance
public import Tlog
public import Verification

/// Talks to one log and believes nothing that its trust file does not vouch for.
///
/// Every function that returns an entry, a checkpoint or a registration has verified it. What can't be verified is an
/// error: ``ClientError/notVerified(_:)`` with the report, or ``ClientError/contradiction(path:reason:)``.
public struct LogClient: Sendable {
    /// The log's address, with a slash at the end.
    public let url: String
    public let trust: TrustFile
    public var retry = RetryPolicy()
    public var batches = BatchPlan()

    let transport: any Transport

    /// Issuers, such as the caller, whose statements are believed to be theirs by these keys, beside those of the
    /// genesis: a log enrols issuers after its genesis too.
    public var knownIssuers: [EnrolledIssuer] = []

    /// Whether the log's own word for its state is enough to show who signed, where the trust file names no state
    /// quorum.
    public var isWithoutStateQuorum = false

    var verifier: Verifier { Verifier(trust: trust, knownIssuers: knownIssuers) }

    /// - Parameters:
    ///   - url: `http://…` or `https://…`, with or without a slash at the end.
    ///   - trust: what is believed. It must carry the genesis entry, because the receipt key is in it.
    ///   - timeout: for one request and its answer.
    ///   - certificates: a PEM file with the authorities to trust for HTTPS; nil for those of the system.
    public init(url: LogURL, trust: TrustFile, timeout: Duration = .seconds(30), certificates: String? = nil) {
        self.init(
            url: url, trust: trust,
            transport: HTTPTransport(base: url.text, timeout: timeout, certificates: certificates))
    }

    package init(url: LogURL, trust: TrustFile, transport: any Transport) {
        self.url = url.text
        self.trust = trust
        self.transport = transport
    }

    /// Closes the connections. Call it once, when nothing more is asked.
    public func shutdown() async {
        await transport.shutdown()
    }

    // MARK: Requests

    /// Sends a request as often as the retry policy says; the answer is good (2xx) when it returns.
    func send(_ request: ClientRequest) async throws(ClientError) -> ClientResponse {
        var attempt = 0
        while true {
            attempt += 1
            let failure: ClientError
            let outcome: RetryPolicy.Outcome
            do throws(TransportError) {
                let response = try await transport.send(request)
                if (200...299).contains(response.status) { return response }
                let asked = RetryPolicy.seconds(response.headers["retry-after"])
                let problem = LogProblem(status: response.status, body: response.body, retryAfter: asked)
                failure = .refused(problem)
                outcome = .answered(status: response.status, retryAfter: problem.retryAfter)
            } catch {
                switch error {
                case .unreachable(let reason):
                    failure = .unreachable(url: url, reason: reason)
                    outcome = .unreachable
                case .timedOut:
                    failure = .timedOut(url: url)
                    outcome = .timedOut
                case .tooLarge(let limit):
                    throw .answerTooLarge(path: request.path, limit: limit)
                }
            }
            let jitter = Double.random(in: 0...1)
            guard let wait = retry.wait(after: outcome, attempt: attempt, jitter: jitter) else { throw failure }
            do { try await Task.sleep(for: wait) } catch { throw failure }
        }
    }

    /// Sends a GET; nil where the log answers 404.
    func find(_ request: ClientRequest) async throws(ClientError) -> ClientResponse? {
        do {
            return try await send(request)
        } catch .refused(let problem) where problem.status == 404 {
            return nil
        }
    }

    // MARK: Heads

    /// The newest published checkpoint: signed by the log with a key that has not ended, vouched for by the quorum of the
    /// trust file.
    public func checkpoint() async throws(ClientError) -> VerifiedCheckpoint {
        let answer = try await send(.get("checkpoint", maximumAnswerBytes: Limits.checkpoint))
        let signed: SignedCheckpoint
        do {
            signed = try SignedCheckpoint(parsing: answer.body)
        } catch {
            throw .answerMalformed(path: "checkpoint", reason: "\(error)")
        }
        do {
            return try trust.verify(signed)
        } catch {
            throw .notVerified(verifier.checkpoint(answer.body))
        }
    }

    // MARK: Registrations

    /// The registration of an entry, freshly proved: the statement itself and its receipt.
    ///
    /// - Parameter entry: which one, by index or by leaf hash.
    /// - Returns: nil if the log has no such entry.
    public func registration(of entry: EntryName) async throws(ClientError) -> VerifiedAnswer? {
        let path = "entries/\(entry.text)/statement"
        let request = ClientRequest.get(path, accept: MediaType.cose, maximumAnswerBytes: Limits.statement)
        guard let answer = try await find(request) else { return nil }
        let transparent: TransparentStatement
        do {
            transparent = try TransparentStatement(decoding: answer.body)
        } catch {
            throw .answerMalformed(path: path, reason: "\(error)")
        }
        guard let receipt = transparent.receipts.first else {
            throw .contradiction(path: path, reason: "the statement has no receipt")
        }
        let verified = try await verified(transparent.statement, receipt: receipt.encoded(), path: path)
        guard entry.isName(of: verified) else {
            throw .contradiction(
                path: path, reason: "the log answered with entry \(verified.index), \(verified.statement.leafHash)")
        }
        return verified
    }

    /// Verifies a receipt; of an issuer that was enrolled after the genesis, with the state that shows it.
    private func verified(
        _ statement: SignedStatement, receipt: [UInt8], path: String
    ) async throws(ClientError) -> VerifiedAnswer {
        do {
            return try VerifiedAnswer(
                to: statement, receipt: receipt, claimedIndex: nil, isDuplicate: true, path: path, verifier: verifier)
        } catch .notVerified(let report) where report.lacksOnlySigner {
            guard let state = try await signerState(of: statement) else { throw .notVerified(report) }
            let informed = Verifier(
                trust: trust, knownIssuers: knownIssuers, stateProofs: [state.encoded()],
                isWithoutStateQuorum: isWithoutStateQuorum)
            return try VerifiedAnswer(
                to: statement, receipt: receipt, claimedIndex: nil, isDuplicate: true, path: path,
                verifier: informed, signerState: state)
        }
    }

    /// Sizes that no answer of a log exceeds.
    enum Limits {
        static let checkpoint = 1 << 17
        static let statement = TransparentStatement.byteLimit
        static let receipt = Receipt.byteLimit
        static let tile = 256 * 32
        static let bundle = EntryBundle.fullWidth * (2 + EntryBundle.maxEntryByteCount)
        static let stream = 1 << 19
        /// A page of a thousand records, each as long as an entry can make one.
        static let governance = 160 << 20
    }
}

/// Media types of the submission interface.
enum MediaType {
    static let cose = "application/cose"
    static let sequence = "application/cbor-seq"
}

/// How an entry is named: by its index, or by its leaf hash.
public enum EntryName: Sendable, Hashable {
    case index(UInt64)
    case leafHash(Hash)

    /// A decimal number, or 64 lowercase hex digits.
    public init?(_ text: String) {
        if let hash = Hash(hex: text) {
            self = .leafHash(hash)
        } else if let index = UInt64(text), String(index) == text {
            self = .index(index)
        } else {
            return nil
        }
    }

    public var text: String {
        switch self {
        case .index(let index): String(index)
        case .leafHash(let hash): hash.hex
        }
    }

    func isName(of answer: VerifiedAnswer) -> Bool {
        switch self {
        case .index(let index): answer.index == index
        case .leafHash(let hash): answer.statement.leafHash == hash
        }
    }
}
