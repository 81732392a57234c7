internal import Foundation
internal import HTTPServing
package import Hummingbird
public import Logging
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
    private let listener: Listener
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
        let listener = try options.listener()
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
            identification: listener.identification, logger: logger)
        watch = LogListWatch(list: list, interval: options.reloadInterval, metrics: metrics, logger: logger)
        self.listener = listener
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
        get throws { try listener.application(responder, services: [watch, faults], logger: logger) }
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
