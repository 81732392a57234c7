internal import HTTPServing
internal import Hummingbird
public import Logging
public import Monitor
public import ServiceLifecycle

/// Serves a mirror's directory over HTTP: the reads of c2sp.org/tlog-tiles, and what its operator asks.
///
/// The directory can as well be put on any web server; this one adds the media types, the caching headers, partial
/// tiles that were replaced by full ones, and metrics. It speaks plain HTTP: a proxy in front of it speaks TLS.
public struct MirrorServer: Service {
    private let responder: MirrorResponder
    private let host: String
    private let port: Int
    private let onBound: @Sendable (String) -> Void
    private let logger: Logger

    /// - Parameters:
    ///   - files: where the mirror's directory is read.
    ///   - port: 0 lets the system choose; `onBound` is told the URL.
    public init(
        directory: String, status: MirrorStatus, host: String, port: Int, logger: Logger,
        onBound: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        responder = MirrorResponder(directory: directory, status: status)
        self.host = host
        self.port = port
        self.onBound = onBound
        self.logger = logger
    }

    /// Listens and serves until a graceful shutdown.
    public func run() async throws {
        try await application.run()
    }

    private var application: some ApplicationProtocol {
        get throws {
            var listener = Listener(
                host: host, port: port, maxConnections: 4096, connections: ConnectionTable(perClient: 512),
                idleTimeout: .seconds(60), writeTimeout: .seconds(30))
            listener.onBound = { [onBound] in onBound($0.url) }
            return try listener.application(responder, logger: logger)
        }
    }
}
