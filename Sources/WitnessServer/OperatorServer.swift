internal import HTTPServing
internal import HTTPTypes
internal import Hummingbird
public import Logging
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
        let metrics = options.moreMetrics
        let responder = CallbackResponder { (request: Request, _: BasicRequestContext) in
            Self.respond(to: request, metrics: metrics)
        }
        try await options.listener().application(responder, logger: logger).run()
    }

    private static func respond(to request: Request, metrics: @Sendable () -> String) -> Response {
        guard request.method == .get || request.method == .head else {
            return Response(.methodNotAllowed, "use GET, HEAD here\n")
        }
        let answer: Response =
            switch request.uri.path {
            case "/metrics": Response(.ok, Array(metrics().utf8), type: Response.metricsText)
            case "/healthz": Response(.ok, "alive\n")
            default: Response(.notFound, "there is nothing at this path\n")
            }
        return request.method == .head ? answer.createHeadResponse() : answer
    }
}
