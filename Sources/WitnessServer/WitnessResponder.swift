internal import HTTPServing
internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import NIOCore
internal import Tlog
internal import Witness

/// Answers requests: `POST /add-checkpoint`, `GET /<origin hash>/checkpoint`, and what operators ask.
struct WitnessResponder: HTTPResponder {
    let cosigners: [any Cosigner]
    let options: WitnessOptions
    let store: WitnessStore
    let recorder: CheckpointRecorder
    let logs: LogList
    let metrics: WitnessMetrics
    let logger: Logger
    private let identification: ClientIdentification
    private let clients: AddressRateLimiter
    private let inFlight: Allowance

    init(
        cosigners: [any Cosigner], options: WitnessOptions, store: WitnessStore, recorder: CheckpointRecorder,
        logs: LogList, metrics: WitnessMetrics, identification: ClientIdentification, logger: Logger
    ) {
        self.identification = identification
        clients = AddressRateLimiter(options.requestRate)
        inFlight = Allowance(options.maxConcurrentRequests)
        self.cosigners = cosigners
        self.options = options
        self.store = store
        self.recorder = recorder
        self.logs = logs
        self.metrics = metrics
        self.logger = logger
    }

    func respond(to request: Request, context: ConnectionContext) async throws -> Response {
        let segments = request.uri.path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        let isRead = request.method == .get || request.method == .head
        var response: Response
        switch (segments.count, segments.first ?? "") {
        case (1, "add-checkpoint"):
            guard request.method == .post else { return Self.notAllowed("POST") }
            return try await addCheckpoint(request, context)
        case (2, let origin) where segments[1] == "checkpoint":
            guard isRead else { return Self.notAllowed("GET, HEAD") }
            if let seconds = wait(request, context) {
                response = Response(.tooManyRequests, "this address asks too often; ask again in \(seconds) s\n")
                response.headers[.retryAfter] = String(seconds)
            } else {
                response = checkpoint(of: String(origin))
            }
        case (1, "healthz"), (1, "metrics"), (1, ""):
            guard isRead else { return Self.notAllowed("GET, HEAD") }
            response = operators(segments[0])
        default:
            response = Response(.notFound, "there is nothing at this path\n")
        }
        // Pages of any origin may read.
        response.headers[.accessControlAllowOrigin] = "*"
        return request.method == .head ? response.createHeadResponse() : response
    }

    /// The seconds that this client has to wait; nil if it may ask.
    private func wait(_ request: Request, _ context: ConnectionContext) -> Int? {
        let client = identification.address(
            connection: ClientAddress(context.channel.remoteAddress),
            forwardedFor: HTTPField.Name("X-Forwarded-For").flatMap { request.headers[$0] })
        return clients.take(from: client, at: NIODeadline.now().uptimeNanoseconds)
    }

    // MARK: add-checkpoint

    private func addCheckpoint(_ request: Request, _ context: ConnectionContext) async throws -> Response {
        let answer: AddCheckpointAnswer
        var isRead = false
        if let seconds = wait(request, context) {
            answer = .tooManyOfOneClient(retryAfter: seconds)
        } else if inFlight.take(1) {
            defer { inFlight.giveBack(1) }
            do {
                let body = try await receive(request)
                isRead = true
                answer = await self.answer(body)
            } catch let refused as BodyRefused {
                answer = refused.answer
            }
        } else {
            answer = .overloaded("this witness is answering as many requests as it can")
        }
        metrics.request(answer.result)
        logger.debug("add-checkpoint", metadata: ["result": "\(answer.result)", "status": "\(answer.status.code)"])
        var response = Response(answer.status, answer.body, type: answer.contentType)
        if let seconds = answer.retryAfter { response.headers[.retryAfter] = String(seconds) }
        return isRead ? response : response.ending(context.channel)
    }

    /// Authenticates here, with as many requests at once as there are threads; decides one after the other.
    private func answer(_ body: [UInt8]) async -> AddCheckpointAnswer {
        let request: AuthenticatedRequest
        do {
            request = try AuthenticatedRequest(parsing: body, knownLogs: logs.current)
        } catch {
            return AddCheckpointAnswer(error)
        }
        let answer =
            if let refused = await permissionRefused(request) {
                refused
            } else {
                AddCheckpointAnswer(await recorder.decide(request), cosigners: cosigners)
            }
        let head = request.checkpoint.checkpoint
        logger.info(
            answer.status == .ok ? "Cosigned" : "Not cosigned",
            metadata: [
                "origin": "\(head.origin)", "size": "\(head.size)", "old": "\(request.request.oldSize)",
                "result": "\(answer.result)",
            ])
        return answer
    }

    /// Asks for the permission that this witness needs, if it needs one. Only for what would be cosigned: whatever
    /// tlog-witness refuses is refused by its own rules, at once.
    private func permissionRefused(_ request: AuthenticatedRequest) async -> AddCheckpointAnswer? {
        guard let permission = options.permission else { return nil }
        let recorded: CosignedCheckpoint?
        do { recorded = try store.latest(OriginHash(request.origin)) } catch { return nil }
        guard case .cosign = WitnessDecision(request, recorded: recorded?.signed) else { return nil }
        switch await permission(request.checkpoint) {
        case .granted: return nil
        case .notYet(let why, let seconds): return .notYet(why, retryAfter: seconds)
        case .denied(let why): return .denied(why)
        }
    }

    private struct BodyRefused: Error {
        let answer: AddCheckpointAnswer
    }

    private func receive(_ request: Request) async throws -> [UInt8] {
        let limit = AuthenticatedRequest.maxByteCount
        func tooLarge(_ bytes: Int) -> BodyRefused {
            BodyRefused(answer: AddCheckpointAnswer(.malformed(.tooLarge(bytes: bytes, limit: limit))))
        }
        if let announced = request.headers[.contentLength].flatMap({ Int($0) }), announced > limit {
            throw tooLarge(announced)
        }
        let deadline = ContinuousClock.now + options.bodyTimeout
        var body: [UInt8] = []
        for try await chunk in request.body {
            body.append(contentsOf: chunk.readableBytesView)
            guard body.count <= limit else { throw tooLarge(body.count) }
            guard ContinuousClock.now <= deadline else { throw BodyRefused(answer: .tooSlow) }
        }
        return body
    }

    // MARK: Reads

    /// "The response body MUST be a checkpoint for the log identified by the origin, and it MUST include the
    /// cosignature(s) from the witness's key(s) that were returned from add-checkpoint and the cosignature from the log
    /// key(s) that the witness verified."
    private func checkpoint(of origin: String) -> Response {
        do {
            // "If the witness has never cosigned a checkpoint for that log, it MUST respond with a "404 Not Found" HTTP
            // status code instead."
            guard let hash = OriginHash(origin), let latest = try store.latest(hash) else {
                return Response(.notFound, "no checkpoint of such a log was cosigned here\n")
            }
            var response = Response(.ok, latest.signed.bytes, type: AddCheckpointAnswer.plainText)
            response.headers[.cacheControl] = "no-cache"
            return response
        } catch {
            logger.error("A record can't be read", metadata: ["error": "\(error)"])
            return Response(.serviceUnavailable, "this record can't be read now\n")
        }
    }

    private func operators(_ name: Substring) -> Response {
        switch name {
        case "healthz":
            guard recorder.fault == nil else {
                return Response(.serviceUnavailable, "stopped: the store failed; restart the witness\n")
            }
            return Response(.ok, "alive\n")
        case "metrics":
            let logs = logs.current
            let latest = Set(logs.keys.map(\.name)).sorted { $0.text < $1.text }.compactMap { name in
                (try? Origin(name.text)).flatMap { try? store.latest(OriginHash($0)) }
            }
            let text =
                metrics.text(logs: logs, latest: latest, isStopped: recorder.fault != nil) + options.moreMetrics()
            return Response(.ok, Array(text.utf8), type: Response.metricsText)
        default:
            let keys = cosigners.map { "witness \($0.verifierKey.name) \($0.verifierKey)\n" }.joined()
            let what = "A witness (c2sp.org/tlog-witness) of \(logs.current.logCount) logs.\n"
            return Response(.ok, what + "In a policy file:\n\n" + keys)
        }
    }

    private static func notAllowed(_ methods: String) -> Response {
        var response = Response(.methodNotAllowed, "use \(methods) here\n")
        response.headers[.allow] = methods
        return response
    }
}
