internal import HTTPServing
package import Hummingbird
public import LogEngine
public import Logging
internal import NIOSSL
public import ServiceLifecycle

/// Serves a log over HTTP: SCRAPI (draft-ietf-scitt-scrapi), c2sp.org/tlog-tiles, proofs, streams, health and metrics.
///
/// `spec/http.md` says what each resource is, `spec/openapi.yaml` says it to machines.
///
/// It is a service: ``run()`` returns after a graceful shutdown was asked for, when the server no longer accepts
/// connections and whatever had been submitted is answered. The log itself is shut down by whoever opened it,
/// afterwards.
public struct LogServer: Service {
    private let responder: LogResponder
    private let options: ServerOptions
    private let tls: TLSConfiguration?
    private let logger: Logger

    /// - Throws: ``ServerError`` if the options contradict each other, plain HTTP could be reached by others, the TLS
    ///   files
    ///   cannot be read, or the log has no genesis. Nothing listens yet.
    public init(log: Log, options: ServerOptions = ServerOptions(), logger: Logger) throws(ServerError) {
        try options.check()
        responder = try LogResponder(log: log, options: options, logger: logger)
        tls = try options.tls.map { files throws(ServerError) in
            do throws(TLSFileFault) { return try files.configuration() } catch {
                throw .tls(file: error.file, detail: error.detail)
            }
        }
        self.options = options
        self.logger = logger
    }

    /// Listens and serves until a graceful shutdown, or until the task is cancelled.
    public func run() async throws {
        try await application.run()
    }

    /// The server as Hummingbird knows it; tests ask it without a socket.
    package var application: some ApplicationProtocol {
        get throws {
            var listener = Listener(
                host: options.host, port: options.port, maxConnections: options.maxConnections,
                connections: responder.connections, idleTimeout: options.idleTimeout, writeTimeout: options.writeTimeout
            )
            listener.tls = tls
            listener.identification = responder.identification
            (listener.maxHeaderBytes, listener.maxHeaderCount) = (options.maxHeaderBytes, options.maxHeaderCount)
            listener.onBound = options.onBound
            return try listener.application(
                responder, direct: DirectRoutes(responder), logger: logger)
        }
    }
}
