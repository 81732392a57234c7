public import Gate
internal import HTTPServing
internal import Hummingbird
public import Logging
internal import NIOSSL
public import ServiceLifecycle
internal import Synchronization

/// A gate over HTTP: OpenID AuthZEN Authorization API 1.0, and what its operator asks. `spec/gate.md` describes it.
///
/// It is a service: ``run()`` returns after a graceful shutdown was asked for and every request it had is answered.
public struct GateServer: Service {
    private let gate: Gate
    private let options: GateServerOptions
    private let tls: TLSConfiguration?
    private let logger: Logger

    public init(_ gate: Gate, options: GateServerOptions = GateServerOptions(), logger: Logger) throws(GateServerError)
    {
        try options.check()
        tls = try options.tls.map { files throws(GateServerError) in
            do throws(TLSFileFault) { return try files.configuration() } catch {
                throw .tls(file: error.file, detail: error.detail)
            }
        }
        self.gate = gate
        self.options = options
        self.logger = logger
    }

    /// Listens and serves until a graceful shutdown, or until the task is cancelled.
    public func run() async throws {
        let bound = BoundURL(options.publicURL)
        var listener = Listener(
            host: options.host, port: options.port, maxConnections: options.maxConnections,
            connections: ConnectionTable(perClient: options.maxConnections), idleTimeout: options.idleTimeout,
            writeTimeout: options.writeTimeout)
        listener.tls = tls
        listener.onBound = { [onBound = options.onBound] address in
            bound.listens(at: address.url)
            onBound(address.url)
        }
        let responder = GateResponder(AccessAPI(gate) { bound.text }, options: options)
        try await listener.application(responder, logger: logger).run()
    }
}

/// How callers reach the gate.
private final class BoundURL: Sendable {
    private let url: Mutex<String>
    private let isFixed: Bool

    init(_ fixed: String?) {
        isFixed = fixed != nil
        let text = fixed ?? ""
        url = Mutex(text.hasSuffix("/") ? String(text.dropLast()) : text)
    }

    var text: String { url.withLock { $0 } }

    func listens(at text: String) {
        if !isFixed { url.withLock { $0 = text } }
    }
}
