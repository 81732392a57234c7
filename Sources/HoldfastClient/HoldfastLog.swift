internal import COSE
internal import Foundation
internal import Governance
internal import LogClient
internal import Tlog
internal import Verification

/// One log, to register events in and to ask for proofs.
///
/// Nothing that the log's server answers is believed before it is verified under the trust file; what can't be
/// verified is a ``HoldfastError``.
///
/// ```swift
/// let log = try HoldfastLog(url: "https://log.example.com", trust: trustFile)
/// let agent = try Identity(name: "spiffe://example.org/agent", keyFile: "agent.key")
/// let registration = try await log.submit(
///     Record(type: "task.done", subject: "task/7", data: ["items": 12]), by: agent, remembering: "state")
/// print(registration.index)
/// await log.close()
/// ```
public actor HoldfastLog {
    let client: LogClient
    private let origin: Origin
    let trust: TrustFile
    /// What was begun last: registrations go one after the other, because each names the one before it.
    private var last: Task<Void, Never>?

    /// - Parameters:
    ///   - url: the log's address, `http://…` or `https://…`.
    ///   - trust: the bytes of the trust file. Take it from the log's operator, not from its server.
    ///   - timeout: how long one request may take.
    ///   - certificates: a PEM file with the authorities to trust for HTTPS; nil for those of the system.
    public init(
        url: String, trust: [UInt8], timeout: Duration = .seconds(30), certificates: String? = nil
    ) throws(HoldfastError) {
        guard let address = LogURL(url) else {
            throw HoldfastError(code: "url", message: "'\(url)' is no http or https URL")
        }
        let file = try HoldfastError.trustFile(trust)
        guard let policy = file.genesis?.policy else {
            throw HoldfastError(
                code: "trust-file", message: "the trust file has no genesis entry, so receipts can't be verified")
        }
        self.trust = file
        origin = policy.origin
        client = LogClient(url: address, trust: file, timeout: timeout, certificates: certificates)
    }

    /// Closes the connections. Call it once, when nothing more is asked.
    public func close() async {
        await last?.value
        await client.shutdown()
    }

    // MARK: Submit

    /// Registers an event, and returns once it is durable, in the tree, and under a published, verified head.
    ///
    /// Registrations of one `HoldfastLog` go one after the other. What was signed and not answered is kept in
    /// `directory` and sent again, the same bytes, by the next call: so a program that was ended anywhere goes on with
    /// its stream, and no event is registered twice.
    ///
    /// - Parameters:
    ///   - record: what is registered.
    ///   - identity: who signs.
    ///   - directory: where the place of each stream is remembered. Not to be shared by machines.
    public func submit(
        _ record: Record, by identity: Identity, remembering directory: String
    ) async throws(HoldfastError) -> Registration {
        let before = last
        let work = Task { [client, origin] in
            await before?.value
            return await Self.register(record, identity, directory, client, origin)
        }
        last = Task { _ = await work.value }
        return try await work.value.get()
    }

    private static func register(
        _ record: Record, _ identity: Identity, _ directory: String, _ shared: LogClient, _ origin: Origin
    ) async -> Result<Registration, HoldfastError> {
        var client = shared
        // One's own key needs no word of the genesis: a log enrols issuers later too.
        client.knownIssuers = [EnrolledIssuer(issuer: identity.name, key: identity.key.publicKey, roles: [])]
        let name = StreamName(
            origin: origin, issuer: identity.name, stream: record.stream,
            key: COSEKey(identity.key.publicKey).thumbprint)
        do {
            let ledger = try StreamLedger(name, directory: directory)
            var writer = try await StreamWriter(client: client, key: identity.key, ledger: ledger) {
                UInt64(max(0, Date().timeIntervalSince1970 * 1000))
            }
            var answers: [VerifiedAnswer] = []
            var observer = StreamWriter.Observer()
            observer.registered = { _, answer in answers.append(answer) }
            let draft = EventDraft(type: record.type, stream: record.stream, data: try record.cbor())
            try await writer.register([.init(draft: draft, subject: record.subject)], observer: observer)
            guard let answer = answers.last else {
                return .failure(HoldfastError(code: "not-registered", message: "the log gave no answer"))
            }
            return .success(Registration(answer))
        } catch {
            return .failure(HoldfastError(error))
        }
    }

    // MARK: Verify

    /// A fresh proof that an entry is in the log, under the newest head; nil if the log has no such entry.
    ///
    /// - Parameter entry: an index, or an id (the leaf hash in 64 lowercase hex digits).
    public func registration(of entry: String) async throws(HoldfastError) -> Registration? {
        guard let name = EntryName(entry) else {
            throw HoldfastError(code: "entry", message: "'\(entry)' is neither an index nor an id")
        }
        do throws(ClientError) {
            return try await client.registration(of: name).map(Registration.init)
        } catch {
            throw HoldfastError(error)
        }
    }

    /// What the log's governance state says about a key, as a state proof that was verified.
    ///
    /// - Parameters:
    ///   - key: in text form, such as `policy` or `grant/<64 hex>`.
    ///   - size: as of which size of the log; the newest if nil.
    /// - Returns: the bytes of a `.state-proof` file, to keep and to verify again offline.
    public func state(of key: String, at size: UInt64? = nil) async throws(HoldfastError) -> [UInt8] {
        let key = try HoldfastError.stateKey(key)
        do throws(ClientError) {
            return try await client.state(of: key, at: size).proof.encoded()
        } catch {
            throw HoldfastError(error)
        }
    }

    /// All evidence about an execution, a grant or a model, gathered and verified.
    ///
    /// - Parameters:
    ///   - key: in text form, such as `execution/log.example/run-7`.
    ///   - patience: how long to wait until the state witnesses have cosigned the newest head.
    /// - Returns: the bytes of an `.evidence` file, which ``HoldfastVerifier/evidence(_:about:)`` verifies offline.
    public func evidence(
        about key: String, patience: Duration = .seconds(30)
    ) async throws(HoldfastError) -> [UInt8] {
        let key = try HoldfastError.stateKey(key)
        do throws(ClientError) {
            return try await client.evidence(of: key, patience: patience).bytes
        } catch {
            throw HoldfastError(error)
        }
    }
}

extension Registration {
    init(_ answer: VerifiedAnswer) {
        index = answer.index
        id = answer.statement.leafHash.hex
        isDuplicate = answer.isDuplicate
        size = answer.checkpoint.checkpoint.size
        statement = answer.statement.entryBytes
        transparentStatement = answer.transparentStatement.encoded()
        proof = answer.tlogProof.bytes
    }
}
