public import HTTPServing
public import Tlog
public import Witness

/// How a witness is served. Every value has a default with which it serves on this machine alone.
public struct WitnessOptions: Sendable {
    /// Name or address to listen on.
    public var host = "127.0.0.1"
    /// Port to listen on; 0 lets the system choose, and `onBound` tells which it was.
    public var port = 8090
    /// Certificate and key; without them the server speaks plain HTTP.
    public var tls: TLSFiles?
    /// Serve plain HTTP on other addresses than loopback: for a server behind a proxy that speaks TLS.
    public var allowPlainHTTP = false
    /// Proxies whose X-Forwarded-For field is believed. None by default: anyone can write that field.
    public var trustedProxies: [AddressRange] = []

    /// Cosignatures of trees that grew, for each log.
    public var growthRate = CosigningRate(perSecond: 100, burst: 200)
    /// Cosignatures of the tree that was cosigned last, with a later time, for each log. Counted apart from growth
    /// because anyone who has the log's newest checkpoint can ask for one: that must not use up what the log itself needs.
    public var refreshRate = CosigningRate(perSecond: 10, burst: 50)

    /// Requests of one client, whatever they ask.
    public var requestRate = RequestRate(perSecond: 500, burst: 2000)
    /// Requests that are being answered.
    public var maxConcurrentRequests = 1024
    /// Open connections.
    public var maxConnections = 4096
    /// Open connections of one client.
    public var maxConnectionsPerClient = 512
    /// Bytes of all header fields of a request.
    public var maxHeaderBytes = 16 << 10
    /// How long a connection may be silent before, between and inside requests.
    public var idleTimeout: Duration = .seconds(60)
    /// How long a body may take to arrive.
    public var bodyTimeout: Duration = .seconds(15)
    /// How long a client may leave an answer unread.
    public var writeTimeout: Duration = .seconds(30)
    /// How often the list of logs is looked at.
    public var reloadInterval: Duration = .seconds(5)
    /// Files of evidence that are kept of one log.
    public var maxEvidencePerLog = 16

    /// Asked about a checkpoint that would be cosigned, before it is: for a witness whose cosignature says more than that
    /// the tree has grown. It ends by itself, within the log's patience.
    public var permission: (@Sendable (SignedCheckpoint) async -> CosigningPermission)?
    /// What else `/metrics` answers.
    public var moreMetrics: @Sendable () -> String = { "" }

    /// Seconds since 1970. Injected, so that tests decide what time it is.
    public var now: @Sendable () -> UInt64 = WitnessOptions.machineTime
    /// Called once, when the server has begun to listen, with its URL.
    public var onBound: @Sendable (String) -> Void = { _ in }

    public init() {}

    func check() throws(WitnessServerError) {
        guard tls != nil || allowPlainHTTP || ClientAddress.isLoopback(host: host) else {
            throw .plainHTTP(host: host)
        }
        guard (0...65_535).contains(port) else { throw .option("port", detail: "\(port) is not in 0 ... 65535") }
        for (name, rate) in [("growthRate", growthRate), ("refreshRate", refreshRate)] {
            guard rate.perSecond > 0, rate.perSecond.isFinite, rate.burst >= 1 else {
                throw .option(
                    name, detail: "\(rate.perSecond) a second with a burst of \(rate.burst) lets nothing through")
            }
        }
        for (name, value) in [
            ("maxConcurrentRequests", maxConcurrentRequests), ("maxConnections", maxConnections),
            ("maxConnectionsPerClient", maxConnectionsPerClient), ("maxHeaderBytes", maxHeaderBytes),
            ("maxEvidencePerLog", maxEvidencePerLog),
        ] where value < 1 {
            throw .option(name, detail: "\(value) is less than 1")
        }
        guard requestRate.perSecond > 0, requestRate.perSecond.isFinite, requestRate.burst >= 1 else {
            throw .option("requestRate", detail: "\(requestRate.perSecond) a second lets nothing through")
        }
        guard reloadInterval > .zero else { throw .option("reloadInterval", detail: "\(reloadInterval) is no time") }
    }
}

extension WitnessOptions {
    /// The port with its limits.
    func listener() throws(WitnessServerError) -> Listener {
        var listener = Listener(
            host: host, port: port, maxConnections: maxConnections,
            connections: ConnectionTable(perClient: maxConnectionsPerClient), idleTimeout: idleTimeout,
            writeTimeout: writeTimeout)
        listener.tls = try tls.map { files throws(WitnessServerError) in
            do throws(TLSFileFault) { return try files.configuration() } catch {
                throw .tls(file: error.file, detail: error.detail)
            }
        }
        listener.identification = ClientIdentification(trustedProxies: trustedProxies)
        listener.maxHeaderBytes = maxHeaderBytes
        listener.onBound = { [onBound] in onBound($0.url) }
        return listener
    }
}

/// How often a log may have something cosigned.
public struct CosigningRate: Sendable, Hashable {
    /// In the long run.
    public var perSecond: Double
    /// At once, after a while of silence; at least 1.
    public var burst: Int

    public init(perSecond: Double, burst: Int) {
        self.perSecond = perSecond
        self.burst = burst
    }
}

/// Why a witness does not start.
public enum WitnessServerError: Error, Sendable, Hashable {
    /// Plain HTTP on an address that others can reach.
    case plainHTTP(host: String)
    /// A certificate or key that cannot be used.
    case tls(file: String, detail: String)
    /// An option whose value makes no sense.
    case option(String, detail: String)
    /// The list of logs cannot be used.
    case logs(file: String, detail: String)
    /// The store or the directory of evidence cannot be used.
    case store(String)
}

extension WitnessServerError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .plainHTTP(let host):
            "refusing to serve plain HTTP on \(host), which other machines can reach; listen on 127.0.0.1 behind a proxy "
                + "that speaks TLS, or allow plain HTTP explicitly"
        case .tls(let file, let detail): "the TLS file \(file) cannot be used: \(detail)"
        case .option(let name, let detail): "the option \(name) cannot be used: \(detail)"
        case .logs(let file, let detail): "the list of logs \(file) cannot be used: \(detail)"
        case .store(let detail): "the witness's state cannot be used: \(detail)"
        }
    }
}
