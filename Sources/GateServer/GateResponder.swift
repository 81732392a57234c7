internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Synchronization
internal import Tlog

/// Answers requests: reads them whole, within limits, and lets the API answer.
struct GateResponder: HTTPResponder {
    private let api: AccessAPI
    private let options: GateServerOptions
    private let tokens: [Hash]
    private let inFlight = InFlight()

    init(_ api: AccessAPI, options: GateServerOptions) {
        self.api = api
        self.options = options
        // Digests are compared, so that the time it takes says nothing about a token.
        tokens = options.tokens.map { Hash.sha256(Array($0.utf8)) }
    }

    func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
        var response = await answer(request)
        // AuthZEN 10.1.11: "If the PEP specified a request identifier in the request, the PDP MUST include the same
        // identifier in the response to that request."
        if let name = HTTPField.Name("X-Request-ID"), let id = request.headers[name] { response.headers[name] = id }
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func answer(_ request: Request) async -> Response {
        let path = request.uri.path
        guard !AccessAPI.needsToken(path) || isKnown(request) else {
            var response = Self.text(.unauthorized, "a bearer token is missing, or is not known")
            response.headers[.wwwAuthenticate] = "Bearer"
            return response
        }
        guard inFlight.enter(limit: options.maxConcurrentRequests) else {
            var response = Self.text(.serviceUnavailable, "this gate is answering as many requests as it can")
            response.headers[.retryAfter] = "1"
            return response
        }
        defer { inFlight.leave() }
        let method: AccessAPI.Method =
            switch request.method {
            case .get, .head: .get
            case .post: .post
            default: .other
            }
        var body: [UInt8] = []
        if method == .post {
            let type = request.headers[.contentType]?.split(separator: ";").first.map { $0.lowercased() }
            guard type == nil || type?.trimmingSpaces == "application/json" else {
                return Self.text(.badRequest, "the body of a request is application/json")
            }
            do throws(BodyRefused) { body = try await receive(request) } catch { return error.response }
        }
        let answer = await api.answer(method, path, body: body)
        var headers: HTTPFields = [.contentType: answer.contentType, .cacheControl: "no-store"]
        if let allow = answer.allow { headers[.allow] = allow }
        return Response(
            status: .init(code: answer.status), headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body)))
    }

    /// "a `401` HTTPS status code indicates that the caller (policy enforcement point) did not properly authenticate".
    private func isKnown(_ request: Request) -> Bool {
        guard !tokens.isEmpty else { return true }
        guard let field = request.headers[.authorization], field.lowercased().hasPrefix("bearer ") else { return false }
        return tokens.contains(Hash.sha256(Array(field.dropFirst(7).utf8)))
    }

    private struct BodyRefused: Error {
        let response: Response
    }

    private func receive(_ request: Request) async throws(BodyRefused) -> [UInt8] {
        let limit = options.maxBodyBytes
        let tooLarge = BodyRefused(response: Self.text(.contentTooLarge, "a body may have \(limit) bytes"))
        if let announced = request.headers[.contentLength].flatMap({ Int($0) }), announced > limit { throw tooLarge }
        let deadline = ContinuousClock.now + options.bodyTimeout
        var body: [UInt8] = []
        do {
            for try await chunk in request.body {
                body.append(contentsOf: chunk.readableBytesView)
                guard body.count <= limit else { throw tooLarge }
                guard ContinuousClock.now <= deadline else {
                    throw BodyRefused(response: Self.text(.requestTimeout, "the body comes too slowly"))
                }
            }
        } catch let refused as BodyRefused {
            throw refused
        } catch {
            throw BodyRefused(response: Self.text(.badRequest, "the body could not be read"))
        }
        return body
    }

    private static func text(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(
            status: status, headers: [.contentType: "text/plain; charset=utf-8", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text + "\n")))
    }
}

extension String {
    fileprivate var trimmingSpaces: String { String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
}

/// Requests that are being answered.
private final class InFlight: Sendable {
    private let count = Atomic<Int>(0)

    func enter(limit: Int) -> Bool {
        guard count.wrappingAdd(1, ordering: .relaxed).newValue <= limit else {
            leave()
            return false
        }
        return true
    }

    func leave() { count.wrappingSubtract(1, ordering: .relaxed) }
}
