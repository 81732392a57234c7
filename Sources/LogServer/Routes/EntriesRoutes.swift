internal import COSE
internal import Governance
internal import HTTPServing
internal import HTTPTypes
internal import Hummingbird
internal import LogEngine
internal import LogStore
internal import NIOCore
internal import Tlog

/// `POST /entries`, `GET /entries/{id}`, and the same proof in other forms below it.
extension LogResponder {
    // MARK: Registration

    func register(_ incoming: inout IncomingRequest) async throws -> Response {
        let contentType = incoming.request.headers[.contentType] ?? ""
        if MediaType.cose.isNamed(by: contentType) {
            try incoming.acceptsCOSE()
            return try await registerOne(&incoming)
        }
        if MediaType.cborSequence.isNamed(by: contentType) {
            _ = try incoming.preferred(.cborSequence)
            return try await registerMany(&incoming)
        }
        throw Problem(
            .unsupportedMediaType,
            "Send a signed statement as application/cose, or many one after another as application/cbor-seq.")
    }

    private func registerOne(_ incoming: inout IncomingRequest) async throws -> Response {
        let body = try await receive(&incoming, limit: statementLimit)
        defer { bodyBytes.giveBack(body.count) }
        let results = await log.submit([body], timeout: options.submissionTimeout)
        guard let result = results.first else { throw Problem(.internal, "The log gave no answer; try again.") }
        switch result {
        case .success(let registration): return registered(registration)
        case .failure(let rejection): throw Problem(rejection)
        }
    }

    /// Bytes of a body that is one statement. The unprotected header is dropped before the policy's limit counts, so
    /// there is some room for it: a transparent statement may come back with its receipt.
    private var statementLimit: Int {
        options.maxStatementBytes ?? Int(clamping: log.policy.limits.maxEntryBytes) + (16 << 10)
    }

    /// SCRAPI: "If the Transparency Service is able to produce a Receipt within a reasonable time, it MAY return it
    /// directly. Along with the receipt the Transparency Service MAY return a locator in the HTTP response Location
    /// header". A statement that was there before gets its old index, a fresh receipt and the status 200.
    private func registered(_ registration: Registration) -> Response {
        var response = Response(
            registration.duplicate ? .ok : .created, .cose, .never, registration.receipt().encoded())
        response.headers[.location] = location(registration.leafHash)
        response.headers[.holdfastIndex] = String(registration.index)
        return response
    }

    private func location(_ leafHash: Hash) -> String {
        "\(options.baseURL ?? "")/entries/\(leafHash.hex)"
    }

    private func registerMany(_ incoming: inout IncomingRequest) async throws -> Response {
        let body = try await receive(&incoming, limit: options.maxSequenceBytes)
        defer { bodyBytes.giveBack(body.count) }
        let statements = try split(body)
        // The request has paid for one.
        if statements.count > 1 { try charge(submissions, statements.count - 1, for: incoming) }
        let results = await log.submit(statements, timeout: options.submissionTimeout)
        var answer: [UInt8] = []
        answer.reserveCapacity(results.count * 1024)
        for result in results { Self.append(result, to: &answer) }
        return Response(.ok, .cborSequence, .never, answer)
    }

    /// Takes a sequence apart. One that does not hold together is refused whole, and nothing of it is registered.
    private func split(_ body: [UInt8]) throws(Problem) -> [[UInt8]] {
        let count = min(options.maxSequenceCount, log.options.maxSubmission)
        let ranges: [Range<Int>]
        do {
            ranges = try CBORSequence.ranges(in: body, count: count)
        } catch .tooManyItems {
            throw Problem(
                .tooLarge, "The sequence has more than \(count) statements, or too many items; send it in parts.")
        } catch {
            throw Problem(.malformed, "The body is not a sequence of CBOR items: \(error). Nothing was registered.")
        }
        return ranges.map { Array(body[$0]) }
    }

    /// One result: `[status, index or null, receipt or problem]`, the last one a byte string.
    private static func append(_ result: Result<Registration, Rejection>, to answer: inout [UInt8]) {
        let item: CBOR
        switch result {
        case .success(let registration):
            let status: CBOR = registration.duplicate ? 200 : 201
            item = [status, .unsigned(registration.index), .bytes(registration.receipt().encoded())]
        case .failure(let rejection):
            let problem = Problem(rejection)
            item = [CBOR(problem.code.status.code), nil, .bytes(problem.concise)]
        }
        answer.append(contentsOf: item.encoded())
    }

    // MARK: Registrations

    /// SCRAPI: "The response contains the Receipt for the Signed Statement. Fresh Receipts may be requested through the
    /// resource identified in the Location header."
    func receipt(of id: String, _ incoming: IncomingRequest) throws -> Response {
        try incoming.acceptsCOSE()
        let registration = try registration(id)
        var response = Response(.ok, .cose, .revalidate, registration.receipt().encoded())
        response.headers[.location] = location(registration.leafHash)
        response.headers[.holdfastIndex] = String(registration.index)
        return response
    }

    /// The statement with its receipt in the unprotected header (RFC 9943, transparent statement).
    func transparentStatement(of id: String, _ incoming: IncomingRequest) throws -> Response {
        try incoming.acceptsCOSE()
        let registration = try registration(id)
        let entry = try log.read { snapshot, _ in try snapshot.entry(registration.index) }
        guard let entry else { throw Self.unknownEntry(id) }
        let statement = try SignedStatement(decoding: entry)
        let transparent = TransparentStatement(statement: statement, receipts: [registration.receipt()])
        var response = Response(.ok, .cose, .revalidate, transparent.encoded())
        response.headers[.holdfastIndex] = String(registration.index)
        return response
    }

    /// The proof as c2sp.org/tlog-proof writes it.
    func proof(of id: String, _ incoming: IncomingRequest) throws -> Response {
        _ = try incoming.preferred(.plainText)
        let registration = try registration(id)
        var response = Response(.ok, .plainText, .revalidate, registration.tlogProof().bytes)
        response.headers[.holdfastIndex] = String(registration.index)
        return response
    }

    /// - Parameter id: a leaf hash in lowercase hexadecimal, or an index in decimal.
    private func registration(_ id: String) throws -> Registration {
        let found: Registration?
        if let leafHash = Hash(hex: id) {
            found = try log.registration(leafHash: leafHash)
        } else if let index = UInt64(canonical: id) {
            found = try log.registration(index: index)
        } else {
            throw Problem(
                .badParameter,
                "An entry is named by its leaf hash, 64 lowercase hexadecimal digits, or by its index in decimal.")
        }
        guard let found else { throw Self.unknownEntry(id) }
        return found
    }

    /// SCRAPI: "Receipt with entry ID <id> not known to this Transparency Service".
    private static func unknownEntry(_ id: String) -> Problem {
        Problem(.notFound, "Receipt with entry ID \(id) not known to this log; it may not be published yet.")
    }

    // MARK: Bodies

    /// Reads a body whole. Whoever calls this gives its bytes back to `bodyBytes`.
    private func receive(_ incoming: inout IncomingRequest, limit: Int) async throws -> [UInt8] {
        if let announced = incoming.request.headers[.contentLength].flatMap({ Int($0) }), announced > limit {
            throw Self.tooLarge(limit)
        }
        let deadline = NIODeadline.now() + TimeAmount(options.bodyTimeout)
        var body: [UInt8] = []
        do {
            for try await chunk in incoming.request.body {
                let count = chunk.readableBytes
                guard body.count + count <= limit else { throw Self.tooLarge(limit) }
                guard bodyBytes.take(count) else {
                    var problem = Problem.overloaded(
                        "The server holds as many bytes of submissions as it can; try again.")
                    problem.endsConnection = true
                    throw problem
                }
                body.append(contentsOf: chunk.readableBytesView)
                guard NIODeadline.now() <= deadline else { throw Self.tooSlow }
            }
        } catch {
            bodyBytes.giveBack(body.count)
            throw error is Problem ? error : BrokenBody(error: error)
        }
        incoming.endsConnection = false
        incoming.hasUnreadBody = false
        return body
    }

    private static func tooLarge(_ limit: Int) -> Problem {
        var problem = Problem(
            .tooLarge,
            "The body has more than \(limit) bytes. For large content register a hash envelope (COSE headers 258 to "
                + "260): the statement then holds the content's SHA-256, and the content stays with you. Send a long "
                + "sequence of statements in parts.")
        problem.endsConnection = true
        return problem
    }

    private static var tooSlow: Problem {
        var problem = Problem(.requestTimeout, "The body did not arrive in time; send it faster, or in parts.")
        problem.endsConnection = true
        return problem
    }
}
