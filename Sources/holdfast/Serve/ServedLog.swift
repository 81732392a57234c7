import Foundation
import Governance
import HTTPServing
import LMDBLogStore
import LogClient
import LogEngine
import LogServer
import LogStore
import Logging
import Tlog

/// A log opened from its directory as the configuration says: store, anchor, keys, engine.
struct ServedLog {
    let log: Log
    private let store: LMDBLogStore
    private let anchor: FileAnchor
    private let witnesses: Witnesses?

    /// A log with witnesses may still await their quorum.
    ///
    /// - Parameters:
    ///   - isPublishing: whether heads are to be shown to others: then the witnesses are asked first, if there are any.
    ///   - onStop: called when the log stops for any reason.
    init(
        _ configuration: ServeConfiguration, reAnchor: Bool, isPublishing: Bool = true, logger: Logger,
        onStop: @escaping @Sendable (StopReason) -> Void
    ) async throws {
        let (keys, next) = try Self.keys(configuration)
        var options = LMDBLogStore.Options()
        options.createsMissing = false
        options.mapSize = try configuration.number(.mapSize, 1...65_536) << 30
        options.retainedSeals = try configuration.number(.retainState, 1...1_000_000_000)
        let data = try configuration.requiredPath(.data)
        let engine = try Self.engineOptions(configuration, reAnchor: reAnchor)
        let anchorPath = try configuration.requiredPath(.anchor)
        store = try LMDBLogStore(directory: data, options: options)
        if let reason = store.remadeIndex {
            logger.notice("the index of leaf hashes was made anew", metadata: ["reason": "\(reason)"])
        }
        do {
            try FileManager.default.createDirectory(
                at: URL(filePath: anchorPath).deletingLastPathComponent(), withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            anchor = try FileAnchor(path: anchorPath)
        } catch {
            store.close()
            throw error
        }
        var asked: Witnesses?
        do {
            let witnessing =
                isPublishing
                ? try Self.witnessing(
                    configuration, keys: [keys.checkpoint.publicKey] + (next.map { [$0.checkpoint.publicKey] } ?? []),
                    logger: logger) : nil
            asked = witnessing?.cosigners as? Witnesses
            log =
                if let witnessing {
                    try Log.begin(
                        store: store, keys: keys, next: next, anchor: anchor, options: engine, witnessing: witnessing,
                        logger: logger, onStop: onStop)
                } else {
                    try Log.open(
                        store: store, keys: keys, next: next, anchor: anchor, options: engine, logger: logger,
                        onStop: onStop)
                }
            witnesses = asked
        } catch {
            await asked?.shutdown()
            anchor.close()
            store.close()
            throw error
        }
    }

    /// Answers what was accepted, then closes everything.
    func shutdown() async {
        await log.shutdown()
        await witnesses?.shutdown()
        anchor.close()
        store.close()
    }

    private static func keys(_ configuration: ServeConfiguration) throws -> (keys: LogKeys, next: LogKeys?) {
        let files = try LogKeyFiles(configuration)
        // Keys that this process does not read are held to the rule too: a log whose authority key lies open is not
        // to be served as if nothing were wrong.
        let directory = URL(filePath: files[.checkpoint]).deletingLastPathComponent().path(percentEncoded: false)
        let beside = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        for file in beside.sorted() where file.hasSuffix(".key") {
            try KeyFile.checkPrivacy(of: directory.hasSuffix("/") ? directory + file : "\(directory)/\(file)")
        }
        return try files.read()
    }

    /// The witnesses that the settings name, if they name any.
    private static func witnessing(
        _ configuration: ServeConfiguration, keys: [Ed25519.PublicKey], logger: Logger
    ) throws -> Witnessing? {
        let timeout = Duration.seconds(try configuration.number(.witnessTimeout, 1...300))
        let interval = Duration.seconds(try configuration.number(.recosignInterval, 1...86_400))
        let failOpen = try configuration.flag(.failOpen)
        guard let path = try configuration.path(.witnesses) else {
            if failOpen { throw Failure(.usage, "The setting fail-open is about witnesses, and none are set") }
            return nil
        }
        let stateTimeout = Duration.seconds(try configuration.number(.stateWitnessTimeout, 1...3600))
        let witnesses = try Witnesses(
            file: path, log: keys, timeout: timeout, stateTimeout: stateTimeout, logger: logger)
        var witnessing = Witnessing(policy: witnesses.policy, cosigners: witnesses)
        witnessing.timeout = timeout
        witnessing.stateWitnesses = witnesses.stateWitnesses
        witnessing.stateTimeout = stateTimeout
        witnessing.recosignInterval = interval
        witnessing.failOpen = failOpen
        if failOpen {
            logger.warning("fail-open is set: where there is no quorum of witnesses, heads are published without one")
        }
        return witnessing
    }

    private static func engineOptions(
        _ configuration: ServeConfiguration, reAnchor: Bool
    ) throws -> EngineOptions {
        var options = EngineOptions()
        options.maxBatch = try configuration.number(.maxBatch, 1...65_536)
        options.maxBatchBytes = try configuration.number(.maxBatchBytes, 65_536...(1 << 30))
        options.maxInFlight = try configuration.number(.maxInFlight, 1...10_000_000)
        options.maxInFlightBytes = try configuration.number(.maxInFlightBytes, 65_536...(1 << 36))
        options.maxSubmission = max(options.maxSubmission, try configuration.number(.maxSequenceCount, 1...65_536))
        options.timeout = .seconds(try configuration.number(.submissionTimeout, 1...3600))
        options.retryAfter = try configuration.number(.retryAfter, 1...3600)
        options.reAnchor = reAnchor
        return options
    }
}

extension ServerOptions {
    /// The server's options, as the configuration says.
    init(_ configuration: ServeConfiguration) throws {
        self.init()
        let count = 1...1_000_000_000
        host = try configuration.text(.host)
        port = try configuration.number(.port, 0...65_535)
        let base = try configuration.text(.baseURL)
        baseURL = base.isEmpty ? nil : base.hasSuffix("/") ? String(base.dropLast()) : base
        tls = try Self.tlsFiles(configuration)
        allowPlainHTTP = try configuration.flag(.allowPlainHTTP)
        trustedProxies = try configuration.list(.trustedProxies).map { text in
            guard let range = AddressRange(text) else {
                throw Failure(
                    .usage, "The setting trusted-proxies has \(Terminal.visible(text)), which is no address or range",
                    hint: "An address or range is like 10.0.0.7, 10.0.0.0/8 or fd00::/8.")
            }
            return range
        }
        let rate = try configuration.number(.submissionRate, 0...1_000_000_000)
        let burst = try configuration.number(.submissionBurst, 0...1_000_000_000)
        if rate > 0 || burst > 0 {
            submissionRate = RequestRate(perSecond: Double(max(rate, 1)), burst: max(burst, rate, 1))
        }
        readRate = RequestRate(
            perSecond: Double(try configuration.number(.readRate, count)),
            burst: try configuration.number(.readBurst, count))
        let statement = try configuration.number(.maxStatementBytes, 0...(1 << 24))
        maxStatementBytes = statement == 0 ? nil : statement
        maxSequenceBytes = try configuration.number(.maxSequenceBytes, 1024...(1 << 30))
        maxSequenceCount = try configuration.number(.maxSequenceCount, 1...65_536)
        maxBodyBytesInFlight = try configuration.number(.maxBodyBytesInFlight, 65_536...(1 << 40))
        maxHeaderBytes = try configuration.number(.maxHeaderBytes, 1024...(1 << 20))
        maxHeaderCount = try configuration.number(.maxHeaderCount, 10...10_000)
        maxConcurrentRequests = try configuration.number(.maxConcurrentRequests, count)
        maxConnections = try configuration.number(.maxConnections, count)
        maxConnectionsPerClient = try configuration.number(.maxConnectionsPerClient, count)
        idleTimeout = .seconds(try configuration.number(.idleTimeout, 1...86_400))
        bodyTimeout = .seconds(try configuration.number(.bodyTimeout, 1...86_400))
        writeTimeout = .seconds(try configuration.number(.writeTimeout, 1...86_400))
        submissionTimeout = .seconds(try configuration.number(.submissionTimeout, 1...3600))
        stallTimeout = .seconds(try configuration.number(.stallTimeout, 1...3600))
    }

    private static func tlsFiles(_ configuration: ServeConfiguration) throws -> TLSFiles? {
        switch (try configuration.path(.tlsCertificate), try configuration.path(.tlsKey)) {
        case (nil, nil): return nil
        case (let certificate?, let key?): return TLSFiles(certificateChain: certificate, privateKey: key)
        default:
            throw Failure(.usage, "The settings tls-certificate and tls-key are needed both, or neither")
        }
    }
}
