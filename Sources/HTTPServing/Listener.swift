package import Hummingbird
internal import HummingbirdCore
internal import HummingbirdTLS
package import Logging
internal import NIOCore
package import NIOSSL
package import ServiceLifecycle

/// One HTTP/1.1 server on one port, plain or with TLS, and what bounds its connections.
package struct Listener: Sendable {
    package var host: String
    /// 0 lets the system choose.
    package var port: Int
    /// Nil is plain HTTP.
    package var tls: TLSConfiguration?

    /// Open connections, and which of them a client may have.
    package var maxConnections: Int
    package var connections: ConnectionTable
    package var identification = ClientIdentification(trustedProxies: [])
    /// Of all header fields of a request.
    package var maxHeaderBytes = 16 << 10
    package var maxHeaderCount = 100
    /// How long a connection may be silent before, between and inside requests.
    package var idleTimeout: Duration
    /// How long a client may leave an answer unread.
    package var writeTimeout: Duration

    /// Called once, when the server has begun to listen.
    package var onBound: @Sendable (BoundAddress) -> Void = { _ in }

    package init(
        host: String, port: Int, maxConnections: Int, connections: ConnectionTable, idleTimeout: Duration,
        writeTimeout: Duration
    ) {
        (self.host, self.port) = (host, port)
        (self.maxConnections, self.connections) = (maxConnections, connections)
        (self.idleTimeout, self.writeTimeout) = (idleTimeout, writeTimeout)
    }

    /// The server as Hummingbird knows it.
    ///
    /// - Parameter direct: serves what it takes before Hummingbird's responder sees it.
    package func application<Responder: HTTPResponder>(
        _ responder: Responder, direct: (any DirectResponder)? = nil, services: [any Service] = [], logger: Logger
    ) throws -> Application<Responder>
    where Responder.Context: InitializableFromSource<ApplicationRequestContextSource> {
        var configuration = ApplicationConfiguration(
            address: .hostname(host, port: port),
            availableConnectionsDelegate: .maximum(maxConnections, logger: logger))
        configuration.backlog = 1024
        let http1 = HTTPServerBuilder { [self] responder in
            ServedChannel(base: HTTP1Channel(responder: responder, configuration: channelConfiguration)) {
                ConnectionGuard(
                    table: connections, writeTimeout: TimeAmount(writeTimeout), identification: identification)
            } requests: {
                DirectHandler(direct, silence: SilenceWatch(timeout: TimeAmount(idleTimeout)))
            }
        }
        return Application(
            responder: responder,
            server: try tls.map { try .tls(http1, tlsConfiguration: $0) } ?? http1,
            configuration: configuration,
            services: services,
            onServerRunning: { [host, port, isTLS = tls != nil, onBound] channel in
                let address = channel.localAddress
                onBound(
                    BoundAddress(host: address?.ipAddress ?? host, port: address?.port ?? port, isTLS: isTLS))
            },
            logger: logger)
    }

    /// Without Hummingbird's own watch over idle connections: it does not see what is served before it.
    private var channelConfiguration: HTTP1Channel.Configuration {
        HTTP1Channel.Configuration(
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: maxHeaderBytes, maxHeaderListSize: maxHeaderBytes,
                maxHeaderFieldCount: maxHeaderCount))
    }
}
