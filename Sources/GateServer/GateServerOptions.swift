public import HTTPServing

/// How a gate is served. Every value has a default with which it serves on this machine alone.
public struct GateServerOptions: Sendable {
    /// Name or address to listen on.
    public var host = "127.0.0.1"
    /// Port to listen on; 0 lets the system choose, and `onBound` tells which it was.
    public var port = 8092
    /// Certificate and key; nil for plain HTTP.
    public var tls: TLSFiles?
    /// Serve plain HTTP on other addresses than loopback: behind a proxy that speaks TLS.
    public var allowPlainHTTP = false
    /// How callers reach it, for the metadata: `https://gate.example.com`. Nil for where it listens.
    public var publicURL: String?
    /// Bearer tokens (RFC 6750) of which a caller must have one; none is asked for if there are none.
    public var tokens: [String] = []
    /// Requests that are being answered.
    public var maxConcurrentRequests = 1024
    /// Open connections.
    public var maxConnections = 4096
    /// Bytes of a body.
    public var maxBodyBytes = 1 << 20
    /// How long a connection may be silent before, between and inside requests.
    public var idleTimeout: Duration = .seconds(60)
    /// How long a caller may leave an answer unread.
    public var writeTimeout: Duration = .seconds(30)
    /// How long a body may take to arrive.
    public var bodyTimeout: Duration = .seconds(15)
    /// Called once, when the server has begun to listen, with its URL.
    public var onBound: @Sendable (String) -> Void = { _ in }

    public init() {}

    func check() throws(GateServerError) {
        guard tls != nil || allowPlainHTTP || ["127.0.0.1", "::1", "localhost"].contains(host) else {
            throw .plainHTTP(host: host)
        }
        guard (0...65_535).contains(port) else { throw .option("port", detail: "\(port) is not in 0 ... 65535") }
        for (name, value) in [
            ("maxConcurrentRequests", maxConcurrentRequests), ("maxConnections", maxConnections),
            ("maxBodyBytes", maxBodyBytes),
        ] where value < 1 {
            throw .option(name, detail: "\(value) is less than 1")
        }
        if tokens.contains(where: { $0.utf8.count < 16 }) {
            throw .option("tokens", detail: "a token has 16 characters or more")
        }
    }
}

/// Why a gate is not served.
public enum GateServerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Plain HTTP on an address that others can reach.
    case plainHTTP(host: String)
    /// A certificate or a key that cannot be used.
    case tls(file: String, detail: String)
    /// An option whose value makes no sense.
    case option(String, detail: String)

    public var description: String {
        switch self {
        case .plainHTTP(let host):
            "refusing to serve plain HTTP on \(host), which other machines can reach; give a certificate and its "
                + "key, listen on 127.0.0.1, or, behind a proxy that speaks TLS, allow plain HTTP explicitly"
        case .tls(let file, let detail): "the TLS file \(file) cannot be used: \(detail)"
        case .option(let name, let detail): "the option \(name) cannot be used: \(detail)"
        }
    }
}
