internal import HTTPTypes
internal import Hummingbird
internal import HummingbirdCore
public import Logging
internal import NIOCore
public import ServiceLifecycle

/// `/metrics` and `/healthz` of a program that serves nothing else.
///
/// It is a service, as ``WitnessServer`` is.
public struct OperatorServer: Service {
    private let options: WitnessOptions
    private let logger: Logger

    /// - Parameter options: of these host, port, limits, `moreMetrics` (all that `/metrics` answers) and `onBound` count.
    public init(options: WitnessOptions, logger: Logger) throws(WitnessServerError) {
        try options.check()
        self.options = options
        self.logger = logger
    }

    /// Listens and serves until a graceful shutdown, or until the task is cancelled.
    public func run() async throws {
        let options = options
        var configuration = ApplicationConfiguration(
            address: .hostname(options.host, port: options.port),
            availableConnectionsDelegate: .maximum(options.maxConnections, logger: logger))
        configuration.backlog = 256
        let application = Application(
            responder: CallbackResponder { (request: Request, _: BasicRequestContext) in
                Self.respond(to: request, metrics: options.moreMetrics)
            },
            server: HTTPServerBuilder.http1(
                configuration: HTTP1Channel.Configuration(idleTimeout: TimeAmount(options.idleTimeout))),
            configuration: configuration,
            onServerRunning: { channel in
                let host = channel.localAddress?.ipAddress ?? options.host
                let name = host.contains(":") ? "[\(host)]" : host
                options.onBound("http://\(name):\(channel.localAddress?.port ?? options.port)")
            },
            logger: logger)
        try await application.run()
    }

    private static func respond(to request: Request, metrics: @Sendable () -> String) -> Response {
        guard request.method == .get || request.method == .head else {
            return response(.methodNotAllowed, "use GET, HEAD here\n")
        }
        let answer: Response =
            switch request.uri.path {
            case "/metrics": response(.ok, metrics(), type: "text/plain; version=0.0.4; charset=utf-8")
            case "/healthz": response(.ok, "alive\n")
            default: response(.notFound, "there is nothing at this path\n")
            }
        return request.method == .head ? answer.createHeadResponse() : answer
    }

    private static func response(
        _ status: HTTPResponse.Status, _ text: String, type: String = "text/plain; charset=utf-8"
    ) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = type
        headers[.cacheControl] = "no-store"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
