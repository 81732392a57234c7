internal import Governance
internal import HTTPServing
internal import HTTPTypes
internal import Hummingbird
internal import LogEngine
internal import LogStore
internal import Logging
internal import NIOCore

/// Answers requests: finds the route, keeps the limits, calls what answers the route, turns problems into answers.
///
/// What answers the routes is in extensions, one file for each group of routes.
struct LogResponder: HTTPResponder {
    let log: Log
    let options: ServerOptions
    let facts: LogFacts
    let logger: Logger

    let identification: ClientIdentification
    let reads: AddressRateLimiter
    let submissions: AddressRateLimiter
    let requests: Allowance
    let bodyBytes: Allowance
    let connections: ConnectionTable
    let metrics = RequestMetrics()
    let progress = ProgressWatch()

    init(log: Log, options: ServerOptions, logger: Logger) throws(ServerError) {
        self.log = log
        self.options = options
        self.logger = logger
        facts = try LogFacts(log)
        identification = ClientIdentification(trustedProxies: options.trustedProxies)
        reads = AddressRateLimiter(options.readRate)
        submissions = AddressRateLimiter(options.submissionRate ?? RequestRate(log.policy.rates.perAddress))
        requests = Allowance(options.maxConcurrentRequests)
        bodyBytes = Allowance(options.maxBodyBytesInFlight)
        connections = ConnectionTable(perClient: options.maxConnectionsPerClient)
    }

    func respond(to request: Request, context: ConnectionContext) async throws -> Response {
        let started = NIODeadline.now().uptimeNanoseconds
        let target = RequestTarget(request.head.path ?? "")
        let match = RouteMatch(target)
        var incoming = IncomingRequest(request, target: target, context: context, arrival: started)
        let isJSON = match?.route.isJSON == true
        var response: Response
        do {
            response = try answer(incoming, match)
        } catch {
            let problem = problem(error, match?.route)
            response = Response(problem.answer(accept: incoming.accept, isJSON: isJSON))
            if problem.endsConnection { incoming.unwanted = .cutOff }
        }
        if match?.route != .entries {
            response.headers[.accessControlAllowOrigin] = "*"
            response.headers[.accessControlExposeHeaders] = Self.exposedFields
        }
        if request.method == .head { response = response.createHeadResponse() }
        record(match?.route, request.method, status: response.status, since: started)
        switch incoming.unwanted {
        case .none: return response
        case .dropped: return response.draining(request, context.channel, within: TimeAmount(options.bodyTimeout))
        case .cutOff: return response.ending(context.channel)
        }
    }

    /// What pages of other origins may see of an answer.
    static let exposedFields = "ETag, Holdfast-Index, Location, Retry-After"

    /// What a client is told of an error.
    func problem(_ error: any Error, _ route: Route?) -> Problem {
        switch error {
        case let problem as Problem: return problem
        case let error as StoreError where error.code == .closed:
            return Problem(Rejection(.stopped, "The log is shutting down; try again when it is back."))
        default:
            logger.error("A request failed", metadata: ["route": "\(route?.rawValue ?? "none")", "error": "\(error)"])
            return Problem(.internal, "The server failed; its log says how. Try again later.")
        }
    }

    /// Counts an answer.
    ///
    /// - Parameter arrival: of the request's head, in nanoseconds of the clock that limits go by.
    func record(
        _ route: Route?, _ method: HTTPRequest.Method, status: HTTPResponse.Status, since arrival: UInt64
    ) {
        let duration = NIODeadline.now().uptimeNanoseconds &- arrival
        metrics.record(route, status: status.code, nanoseconds: duration)
        logger.debug(
            "Answered",
            metadata: [
                "method": "\(method)", "route": "\(route?.rawValue ?? "none")", "status": "\(status.code)",
                "microseconds": "\(duration / 1000)",
            ])
    }

    /// RFC 9112 section 3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message
    /// that lacks a Host header field and to any request message that contains more than one Host header field line".
    /// Ours asks it of HTTP/1.0 too.
    ///
    /// - Parameter fields: how many Host fields the request has.
    static func checkHost(fields: Int) throws(Problem) {
        guard fields != 1 else { return }
        var problem = Problem(.badParameter, "The request does not have one Host field; send one, and only one.")
        problem.endsConnection = true
        throw problem
    }

    /// Keeps the limits around the route.
    private func answer(_ incoming: IncomingRequest, _ match: RouteMatch?) throws -> Response {
        try Self.checkHost(fields: incoming.hosts)
        guard let match else {
            try charge(reads, to: client(incoming), at: incoming.arrival)
            throw Problem(
                .notFound,
                "There is nothing at this path; GET / lists what there is. A slash inside a name is written %2F.")
        }
        if match.route.isProbe { return try dispatch(incoming, match) }
        try charge(
            match.route == .entries ? submissions : reads, to: client(incoming), at: incoming.arrival)
        try takeRequest()
        defer { requests.giveBack(1) }
        return try dispatch(incoming, match)
    }

    /// Takes its place from what may be answered at one time; to be given back to `requests`.
    func takeRequest() throws(Problem) {
        guard requests.take(1) else {
            throw Problem.overloaded("The server is answering as many requests as it can; try again in a second.")
        }
    }

    private func dispatch(_ incoming: IncomingRequest, _ match: RouteMatch) throws -> Response {
        let route = match.route
        if incoming.request.method == .options { return preflight(route) }
        guard route.methods.contains(incoming.request.method) else {
            var problem = Problem(
                .methodNotAllowed, "\(route.rawValue) allows \(route.allowed); use one of these methods.")
            problem.allowed = route.allowed
            throw problem
        }
        guard route.isOfOperators || log.latest != nil else { throw Self.notPublished }
        switch route {
        // `RegistrationService` has served it before it came here.
        case .entries: throw Problem(.internal, "A submission was taken for a read; try again.")
        case .entry: return try receipt(of: match.arguments[0], incoming)
        case .entryStatement: return try transparentStatement(of: match.arguments[0], incoming)
        case .entryProof: return try proof(of: match.arguments[0], incoming)
        case .keys: return try keySet(incoming)
        case .key: return try key(match.arguments[0], incoming)
        case .genesis: return try genesis(incoming)
        case .checkpoint: return try checkpoint()
        case .tile, .entryBundle: return try tile(match.arguments[0], incoming)
        case .inclusionProof: return try inclusionProof(incoming)
        case .consistencyProof: return try consistencyProof(incoming)
        case .stream: return try stream(issuer: match.arguments[0], name: match.arguments[1], incoming)
        case .state: return try stateProof(match.arguments[0], incoming)
        case .policy: return try policy(incoming)
        case .identities: return try list(.identity, incoming)
        case .identity: return try identities(of: match.arguments[0], incoming)
        case .grants: return try list(.grant, incoming)
        case .grant: return try grant(match.arguments[0], incoming)
        case .models: return try list(.model, incoming)
        case .model: return try model(match.arguments[0], match.arguments[1], incoming)
        case .executions: return try list(.execution, incoming)
        case .execution: return try execution(match.arguments[0], match.arguments[1], incoming)
        case .lineage: return try lineage(match.arguments[0], match.arguments[1], incoming)
        case .containments: return try list(.containment, incoming)
        case .peers: return try list(.peer, incoming)
        case .routes: return try list(.route, incoming)
        case .statements: return try statements(incoming)
        case .metrics: return metricsText()
        case .health: return health()
        case .readiness: return try readiness()
        case .home: return try home()
        }
    }

    /// After a start, until the witnesses have answered, of a log that has kept no published head.
    static var notPublished: Problem {
        var problem = Problem(
            .noQuorum, "The log was started and waits for a quorum of its witnesses; nothing of it is published yet.")
        problem.retryAfter = 5
        return problem
    }

    private func client(_ incoming: IncomingRequest) -> ClientAddress? {
        identification.address(
            connection: ClientAddress(incoming.context.channel.remoteAddress),
            forwardedFor: incoming.request.headers[.xForwardedFor])
    }

    /// Takes tokens from a client's bucket.
    ///
    /// - Parameter arrival: of the request, in nanoseconds of the clock that limits go by.
    func charge(
        _ limiter: AddressRateLimiter, _ cost: Int = 1, to client: ClientAddress?, at arrival: UInt64
    ) throws(Problem) {
        guard let wait = limiter.take(cost, from: client, at: arrival) else { return }
        var problem = Problem(
            .rateLimited,
            "This address asks more often than the server allows; try again in \(wait) s, and then slower.")
        problem.retryAfter = wait
        throw problem
    }

    /// The answer to OPTIONS, also to what browsers ask before a request from another origin (the Fetch standard's
    /// preflight). Reads are open to everyone's pages, submissions are not.
    private func preflight(_ route: Route) -> Response {
        var headers = HTTPFields()
        headers[.allow] = route.allowed
        if route != .entries {
            headers[.accessControlAllowMethods] = "GET, HEAD"
            headers[.accessControlAllowHeaders] = "Accept, If-None-Match"
            headers[.accessControlMaxAge] = "86400"
        }
        return Response(status: .noContent, headers: headers)
    }
}

/// A request on its way through the server.
struct IncomingRequest {
    let request: Request
    let target: RequestTarget
    let context: ConnectionContext
    /// Nanoseconds of the clock that limits go by.
    let arrival: UInt64
    /// No body is wanted here.
    var unwanted: UnwantedBody

    init(_ request: Request, target: RequestTarget, context: ConnectionContext, arrival: UInt64) {
        self.request = request
        self.target = target
        self.context = context
        self.arrival = arrival
        unwanted = UnwantedBody(
            contentLength: request.headers[.contentLength], isChunked: request.headers[.transferEncoding] != nil)
    }

    /// How many Host fields there are. The first one has become the authority.
    var hosts: Int {
        request.head.authority == nil ? 0 : 1 + request.headers[values: .host].count
    }

    var accept: Accept { Accept(request.headers[.accept]) }

    /// The type that the client wants most among those that a resource has.
    func preferred(_ first: MediaType, _ others: MediaType...) throws(Problem) -> MediaType {
        try accept.choose(first, others)
    }

    /// For answers in COSE: application/cbor is what COSE is made of, so whoever accepts that gets it too.
    func acceptsCOSE() throws(Problem) {
        try accept.requireCOSE()
    }
}

extension Problem {
    static func overloaded(_ detail: String) -> Problem {
        var problem = Problem(.overloaded, detail)
        problem.retryAfter = 1
        return problem
    }
}
