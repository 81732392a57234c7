package import Hummingbird
internal import HummingbirdCore
internal import HummingbirdTLS
public import LogEngine
public import Logging
internal import NIOCore
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
        tls = try options.tls.map { files throws(ServerError) in try files.configuration() }
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
            let options = options
            let isTLS = tls != nil
            var configuration = ApplicationConfiguration(
                address: .hostname(options.host, port: options.port),
                availableConnectionsDelegate: .maximum(options.maxConnections, logger: logger))
            configuration.backlog = 1024
            let http1 = HTTPServerBuilder.http1(configuration: channelConfiguration)
            return Application(
                responder: responder,
                server: try tls.map { try .tls(http1, tlsConfiguration: $0) } ?? http1,
                configuration: configuration,
                onServerRunning: { channel in
                    let address = channel.localAddress
                    options.onBound(
                        BoundAddress(
                            host: address?.ipAddress ?? options.host, port: address?.port ?? options.port, isTLS: isTLS)
                    )
                },
                logger: logger)
        }
    }

    private var channelConfiguration: HTTP1Channel.Configuration {
        let (connections, identification) = (responder.connections, responder.identification)
        let writeTimeout = TimeAmount(options.writeTimeout)
        return HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                ConnectionGuard(table: connections, writeTimeout: writeTimeout, identification: identification)
            ],
            idleTimeout: TimeAmount(options.idleTimeout),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: options.maxHeaderBytes, maxHeaderListSize: options.maxHeaderBytes,
                maxHeaderFieldCount: options.maxHeaderCount))
    }
}

extension TLSFiles {
    fileprivate func configuration() throws(ServerError) -> TLSConfiguration {
        let chain: [NIOSSLCertificate]
        do {
            chain = try NIOSSLCertificate.fromPEMFile(certificateChain)
        } catch {
            throw .tls(file: certificateChain, detail: "\(error)")
        }
        guard !chain.isEmpty else { throw .tls(file: certificateChain, detail: "there is no certificate in it") }
        let key: NIOSSLPrivateKey
        do {
            key = try NIOSSLPrivateKey(file: privateKey, format: .pem)
        } catch {
            throw .tls(file: privateKey, detail: "\(error)")
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        // Finds out now, not at the first handshake, whether certificate and key belong together.
        do {
            _ = try NIOSSLContext(configuration: configuration)
        } catch {
            throw .tls(file: privateKey, detail: "certificate and key do not go together: \(error)")
        }
        return configuration
    }
}
