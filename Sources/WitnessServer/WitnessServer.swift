internal import Foundation
package import Hummingbird
internal import HummingbirdCore
public import Logging
internal import NIOCore
internal import NIOHTTP1
public import ServiceLifecycle
public import Witness

/// A witness (c2sp.org/tlog-witness) over HTTP. `spec/witness.md` says which sentence of the specification is obeyed
/// where.
///
/// It is a service: ``run()`` returns after a graceful shutdown was asked for, when the server no longer accepts
/// connections and every request it had is answered.
public struct WitnessServer: Service {
    private let responder: WitnessResponder
    private let watch: LogListWatch
    private let faults: FaultWatch
    private let options: WitnessOptions
    private let logger: Logger

    /// Opens the state and reads the list of logs. Nothing listens yet.
    ///
    /// - Parameters:
    ///   - directory: holds the state (`data`) and the evidence (`evidence`); it exists.
    ///   - cosigners: the witness's keys, at least one. All of them cosign.
    ///   - logs: the path of the list of logs, see `KnownLogs`.
    public init(
        directory: String, cosigners: [any Cosigner], logs: String, options: WitnessOptions = WitnessOptions(),
        logger: Logger
    ) throws(WitnessServerError) {
        guard (1...8).contains(cosigners.count) else {
            throw .option("cosigners", detail: "a witness has 1 to 8 keys, not \(cosigners.count)")
        }
        try options.check()
        let metrics = WitnessMetrics()
        let list = try LogList(path: logs)
        let store = try WitnessStore(directory: directory + "/data")
        let (faults, fault) = AsyncStream.makeStream(of: String.self)
        self.faults = FaultWatch(faults: faults)
        let recorder = CheckpointRecorder(
            store: store, cosigners: cosigners,
            limiter: CosigningLimiter(growth: options.growthRate, refresh: options.refreshRate),
            evidence: try EvidenceDirectory(directory + "/evidence", maxPerLog: options.maxEvidencePerLog),
            now: options.now, metrics: metrics, logger: logger, onFault: { fault.yield($0) })
        responder = WitnessResponder(
            cosigners: cosigners, options: options, store: store, recorder: recorder, logs: list, metrics: metrics,
            logger: logger)
        watch = LogListWatch(list: list, interval: options.reloadInterval, metrics: metrics, logger: logger)
        self.options = options
        self.logger = logger
        if list.current.isEmpty {
            logger.warning("The list of logs is empty; nothing is cosigned yet", metadata: ["file": "\(logs)"])
        }
    }

    /// Number of logs in the list.
    public var logCount: Int { responder.logs.current.logCount }

    /// Listens and serves until a graceful shutdown, or until the task is cancelled.
    public func run() async throws {
        try await application.run()
    }

    /// The server as Hummingbird knows it, for tests.
    package var application: some ApplicationProtocol {
        let options = options
        var configuration = ApplicationConfiguration(
            address: .hostname(options.host, port: options.port),
            availableConnectionsDelegate: .maximum(options.maxConnections, logger: logger))
        configuration.backlog = 1024
        let idleTimeout = TimeAmount(options.idleTimeout)
        return Application(
            responder: responder,
            server: HTTPServerBuilder.http1(
                configuration: HTTP1Channel.Configuration(
                    idleTimeout: idleTimeout,
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: options.maxHeaderBytes, maxHeaderListSize: options.maxHeaderBytes,
                        maxHeaderFieldCount: 100))),
            configuration: configuration,
            services: [watch, faults],
            onServerRunning: { channel in
                let host = channel.localAddress?.ipAddress ?? options.host
                let name = host.contains(":") ? "[\(host)]" : host
                options.onBound("http://\(name):\(channel.localAddress?.port ?? options.port)")
            },
            logger: logger)
    }
}

/// Ends the server when the store failed: a witness that can't record any more is not to look alive, and the next start
/// reads the store from the disk.
private struct FaultWatch: Service {
    let faults: AsyncStream<String>

    func run() async throws {
        for await fault in faults.cancelOnGracefulShutdown() { throw WitnessServerError.store(fault) }
    }
}

extension WitnessOptions {
    /// The clock of the machine.
    public static let machineTime: @Sendable () -> UInt64 = { UInt64(max(0, Date().timeIntervalSince1970)) }
}
