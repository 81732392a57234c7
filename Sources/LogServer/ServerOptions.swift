internal import Governance
public import HTTPServing

/// How a log is served. Every value has a default with which it serves on this machine alone.
public struct ServerOptions: Sendable {
    /// Name or address to listen on.
    public var host = "127.0.0.1"
    /// Port to listen on; 0 lets the system choose, and `onBound` tells which it was.
    public var port = 8080
    /// Certificate and key; without them the server speaks plain HTTP.
    public var tls: TLSFiles?
    /// Serve plain HTTP on other addresses than loopback: for a server behind a proxy that speaks TLS.
    public var allowPlainHTTP = false
    /// Where clients find the server, such as `https://log.example.com`; locations begin with it. Without it they are
    /// paths.
    public var baseURL: String?
    /// Proxies whose X-Forwarded-For field is believed. None by default: anyone can write that field.
    public var trustedProxies: [AddressRange] = []

    /// Submissions of one client; each statement of a sequence counts. Nil takes the rate of the log's policy.
    public var submissionRate: RequestRate?
    /// Reads of one client.
    public var readRate = RequestRate(perSecond: 2000, burst: 10_000)

    /// Bytes of one submitted statement, with what is dropped from it before it is registered. Nil takes what the log's
    /// policy accepts and some room.
    public var maxStatementBytes: Int?
    /// Bytes of a sequence of statements.
    public var maxSequenceBytes = 8 << 20
    /// Statements in a sequence.
    public var maxSequenceCount = 1000
    /// Bytes of all bodies that are being received or answered.
    public var maxBodyBytesInFlight = 256 << 20
    /// Bytes of all header fields of a request.
    public var maxHeaderBytes = 16 << 10
    /// Header fields of a request.
    public var maxHeaderCount = 100

    /// Requests that are being answered.
    public var maxConcurrentRequests = 4096
    /// Open connections.
    public var maxConnections = 8192
    /// Open connections of one client.
    public var maxConnectionsPerClient = 1024
    /// How long a connection may be silent before, between and inside requests.
    public var idleTimeout: Duration = .seconds(30)
    /// How long a body may take to arrive.
    public var bodyTimeout: Duration = .seconds(30)
    /// How long a client may leave an answer unread.
    public var writeTimeout: Duration = .seconds(30)
    /// How long a submission may wait for its answer.
    public var submissionTimeout: Duration = .seconds(30)
    /// How long statements may be in flight without any being answered until the server says that it is not ready.
    public var stallTimeout: Duration = .seconds(15)

    /// Called once, when the server has begun to listen.
    public var onBound: @Sendable (BoundAddress) -> Void = { _ in }

    public init() {}
}

/// Why a server does not start.
public enum ServerError: Error, Sendable, Hashable {
    /// Plain HTTP on an address that others can reach.
    case plainHTTP(host: String)
    /// A certificate or key that cannot be read.
    case tls(file: String, detail: String)
    /// An option whose value makes no sense.
    case option(String, detail: String)
    /// The log cannot be read.
    case log(String)
}

extension ServerError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .plainHTTP(let host):
            "refusing to serve plain HTTP on \(host), which other machines can reach. Give the server a certificate "
                + "and its key, listen on 127.0.0.1, or, behind a proxy that speaks TLS, allow plain HTTP explicitly"
        case .tls(let file, let detail): "the TLS file \(file) cannot be used: \(detail)"
        case .option(let name, let detail): "the option \(name) cannot be used: \(detail)"
        case .log(let detail): "the log cannot be served: \(detail)"
        }
    }
}

extension ServerOptions {
    func check() throws(ServerError) {
        if tls == nil, !allowPlainHTTP, !ClientAddress.isLoopback(host: host) { throw .plainHTTP(host: host) }
        guard (0...65_535).contains(port) else { throw .option("port", detail: "\(port) is not in 0 ... 65535") }
        if let baseURL {
            guard baseURL.hasPrefix("https://") || baseURL.hasPrefix("http://"), !baseURL.hasSuffix("/") else {
                throw .option("baseURL", detail: "\(baseURL) is not an http or https URL without a slash at its end")
            }
        }
        for (name, value) in [
            ("maxSequenceBytes", maxSequenceBytes), ("maxSequenceCount", maxSequenceCount),
            ("maxBodyBytesInFlight", maxBodyBytesInFlight), ("maxHeaderBytes", maxHeaderBytes),
            ("maxHeaderCount", maxHeaderCount), ("maxConcurrentRequests", maxConcurrentRequests),
            ("maxConnections", maxConnections), ("maxConnectionsPerClient", maxConnectionsPerClient),
            ("maxStatementBytes", maxStatementBytes ?? 1),
        ] where value < 1 {
            throw .option(name, detail: "\(value) is less than 1")
        }
        for (name, rate) in [("submissionRate", submissionRate), ("readRate", readRate)] {
            if let rate, !(rate.perSecond > 0 && rate.perSecond.isFinite && rate.burst >= 1) {
                throw .option(
                    name, detail: "\(rate.perSecond) a second with a burst of \(rate.burst) lets nothing through")
            }
        }
    }
}

extension RequestRate {
    /// The rate that a policy names.
    init(_ rate: Rate) {
        self.init(perSecond: Double(rate.perSecond), burst: Int(clamping: rate.burst))
    }
}
