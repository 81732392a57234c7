import Foundation
import Governance
import LMDBLogStore
import LogClient
import LogStore
import Logging
import Monitor
import ServiceLifecycle
import Synchronization
import Tlog
import UnixSignals
import Verification
import Witness
import WitnessServer

/// One run of `holdfast monitor`: opens what is kept of each log, watches all of them side by side, and serves what is
/// asked for.
struct MonitorRun {
    private let settings: MonitorSettings
    private let printer: EventPrinter
    private let evidence: EvidenceFiles
    private let watched = WatchedLogs()
    /// By URL: logs have witnesses in common.
    private let witnessClients: [LogURL: WitnessClient]
    private let logger: Logger

    init(_ settings: MonitorSettings, printer: EventPrinter) throws {
        self.settings = settings
        self.printer = printer
        evidence = EvidenceFiles(directory: settings.directory + "/evidence")
        logger = Logger(label: "holdfast.monitor") {
            LineLogHandler(label: $0, format: Terminal.errors.isTerminal ? .text : .json, logLevel: .notice)
        }
        var clients: [LogURL: WitnessClient] = [:]
        let all = settings.logs.flatMap { $0.trust.policy.witnesses } + settings.witnesses
        for witness in all {
            guard let text = witness.url?.description else { continue }
            guard let url = LogURL(text) else {
                throw Failure(.usage, "The URL of the witness \(witness.name) is \(Terminal.visible(text))")
            }
            if clients[url] == nil { clients[url] = WitnessClient(url: url, timeout: settings.timeout) }
        }
        witnessClients = clients
        try Self.checkOpenFiles(logs: settings.logs.count, witnesses: clients.count)
    }

    /// Each log has its store (seven files) and a connection. Said at the start, not when the last of them fail.
    private static func checkOpenFiles(logs: Int, witnesses: Int) throws {
        let (needed, limit) = (64 + 8 * logs + witnesses, sysconf(Int32(_SC_OPEN_MAX)))
        guard limit >= 0, needed > limit else { return }
        throw Failure(
            .usage, "\(logs) logs need \(needed) open files, and this process may have \(limit)",
            hint: "Raise the limit: 'ulimit -n \(needed)', or LimitNOFILE= in a unit of systemd.")
    }

    /// Runs until it is told to end, or until a log has lied; with `--once`, until each log was looked at.
    func run() async throws -> ExitStatus {
        do {
            try FileManager.default.createDirectory(
                atPath: settings.directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw Failure(.refused, "The directory \(settings.directory) can't be made: \(SystemReason.text(error))")
        }
        let outcomes = Mutex<[ExitStatus]>([])
        let watch = WatchService(isOnce: settings.isOnce, keepsGoing: settings.keepsGoing, logs: settings.logs) {
            place in
            let status = await self.watch(place)
            outcomes.withLock { $0.append(status) }
            return status
        }
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: watch, successTerminationBehavior: .gracefullyShutdownGroup, serviceName: "watch")
        ]
        if let listening = settings.listening {
            do {
                services.append(.init(service: try server(at: listening), serviceName: "server"))
            } catch WitnessServerError.plainHTTP(let host) {
                throw Failure(
                    .usage, "The monitor does not listen on \(host), which other machines can reach, with plain HTTP",
                    hints: [
                        "On this machine alone: --listen 127.0.0.1:\(listening.port)",
                        "Behind a proxy that speaks TLS: --allow-plain-http",
                    ])
            } catch {
                throw Wording.witness(error, host: listening.host, port: listening.port)
            }
        }
        var configuration = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = .seconds(30)
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch {
            await close()
            throw Wording.witness(error, host: settings.listening?.host ?? "", port: settings.listening?.port ?? 0)
        }
        await close()
        return outcomes.withLock { MonitorRun.worst($0) }
    }

    private func close() async {
        for client in witnessClients.values { await client.shutdown() }
    }

    /// What the exit status says of several logs: the worst.
    static func worst(_ statuses: [ExitStatus]) -> ExitStatus {
        let order: [ExitStatus] = [.forked, .violated, .refused, .usage, .unreachable]
        return order.first(where: statuses.contains) ?? .done
    }

    // MARK: One log

    /// Opens what is kept of a log and watches it to the end of this run.
    private func watch(_ place: MonitorSettings.LogPlace) async -> ExitStatus {
        var client = LogClient(
            url: place.url, trust: place.trust, timeout: settings.timeout, certificates: settings.certificates)
        // Whoever watches looks again anyway.
        client.retry.attempts = 2
        client.retry.longestWait = .seconds(2)
        let status = await watch(place, client)
        await client.shutdown()
        return status
    }

    private func watch(_ place: MonitorSettings.LogPlace, _ client: LogClient) async -> ExitStatus {
        let directory =
            settings.directory + "/logs/" + Hash.sha256(Array(place.origin.text.utf8)).hex
        let store: LMDBLogStore
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            var options = LMDBLogStore.Options()
            options.mapSize = settings.mapSize
            options.retainedSeals = 1
            store = try LMDBLogStore(directory: directory + "/data", options: options)
        } catch {
            return unusable(place, "\((error as? StoreError)?.detail ?? SystemReason.text(error))")
        }
        defer { store.close() }
        let log: WatchedLog
        do {
            let follower = try await Self.offThePool {
                try LogFollower(client: client, store: store, headPath: directory + "/head", now: { Moment.now() })
            }
            log = WatchedLog(
                follower, witnesses: witnesses(of: place), options: settings.options, evidence: evidence,
                report: printer.print)
            await start(log, follower, place)
        } catch {
            return unusable(place, "\(error)")
        }
        guard settings.isOnce else { return await log.run().map(ExitStatus.init) ?? .done }
        await log.round()
        await log.reportChecked()
        if let finding = await log.finding { return ExitStatus(finding) }
        let names = Set(await log.conditions.map(\.name)).subtracting([.witnessUnreachable])
        return names.isEmpty ? .done : names == [.unreachable] ? .unreachable : .refused
    }

    /// Runs what takes a while without a pause, such as reading again what was kept of a long log, where nobody else
    /// waits for the thread.
    private static func offThePool<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Result(catching: body)) }
        }
    }

    private func start(_ log: WatchedLog, _ follower: LogFollower, _ place: MonitorSettings.LogPlace) async {
        let size = await follower.verifiedSize
        printer.print(
            MonitorEvent(
                .started, place.origin, at: Moment.now(),
                [.init("url", .string(place.url.text)), .init("size", .init(size))],
                sentence: "\(place.url), \(size) entries are verified"))
        watched.add(log)
    }

    private func unusable(_ place: MonitorSettings.LogPlace, _ why: String) -> ExitStatus {
        printer.print(
            MonitorEvent(
                .storage, place.origin, at: Moment.now(), [.init("detail", .string(why))],
                sentence: "it is not watched: \(why)"))
        return .refused
    }

    private func witnesses(of place: MonitorSettings.LogPlace) -> [WatchedWitness] {
        var seen: Set<String> = []
        return (place.trust.policy.witnesses + settings.witnesses).compactMap { witness in
            guard let url = witness.url.flatMap({ LogURL($0.description) }), let client = witnessClients[url],
                seen.insert(witness.key.text).inserted
            else { return nil }
            return WatchedWitness(name: witness.name.description, client: client)
        }
    }

    // MARK: Serving

    private func server(at listening: MonitorSettings.Listening) throws -> any Service {
        var options = WitnessOptions()
        options.host = listening.host
        options.port = listening.port
        options.allowPlainHTTP = settings.allowPlainHTTP
        options.moreMetrics = { [watched] in WatchMetrics.text(watched.numbers) }
        options.onBound = { Terminal.errors.line("Listening at \($0)") }
        guard let state = settings.stateWitness else { return try OperatorServer(options: options, logger: logger) }
        let directory = settings.directory + "/state-witness"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let keys = settings.logs.flatMap { $0.trust.policy.logs }.map { "\($0.key)\n" }.joined()
        try AtomicFile.write(Array(keys.utf8), to: directory + "/logs")
        options.permission = { [watched] signed in
            let verdict = await ReplayedHeads(watched.all, patience: state.patience).verdict(on: signed)
            switch verdict {
            case .replayed: return .granted
            case .notYet(let why): return .notYet(why, retryAfter: 5)
            case .refused(let why): return .denied(why)
            }
        }
        return try WitnessServer(
            directory: directory, cosigners: [try cosigner(state)], logs: directory + "/logs", options: options,
            logger: logger)
    }

    /// The key with its name: the one given, or that of the `.vkey` file beside the key file.
    private func cosigner(_ state: MonitorSettings.StateWitnessKey) throws -> Ed25519Cosigner {
        let key = try KeyFile.read(state.keyFile)
        let path = (state.keyFile.hasSuffix(".key") ? String(state.keyFile.dropLast(4)) : state.keyFile) + ".vkey"
        guard FileManager.default.fileExists(atPath: path) else {
            guard let name = state.name else {
                throw Failure(
                    .usage, "The state witness's name is not known: there is no \(path)", hint: "Give it with --name.")
            }
            return Ed25519Cosigner(name: try Wording.keyName(name), key: key)
        }
        let text = String(decoding: try FileBytes.read(path, limit: 4096), as: UTF8.self)
        guard let known = try? VerifierKey(parsing: text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw Failure(.refused, "\(path) is not a verifier key")
        }
        let cosigner = Ed25519Cosigner(name: try state.name.map(Wording.keyName) ?? known.name, key: key)
        guard cosigner.verifierKey == known else {
            throw Failure(
                .refused, "Name and key give the verifier key \(cosigner.verifierKey), and \(path) has \(known)",
                hint: "A witness keeps its name and its key. For another one make another key.")
        }
        return cosigner
    }
}

/// The logs that are watched, or were until they lied.
private final class WatchedLogs: Sendable {
    private let logs = Mutex<[WatchedLog]>([])

    var all: [WatchedLog] { logs.withLock { $0 } }

    var numbers: [WatchNumbers] { all.map(\.numbers) }

    func add(_ log: WatchedLog) { logs.withLock { $0.append(log) } }
}

/// Watches all logs, each in a task of its own.
private struct WatchService: Service {
    let isOnce: Bool
    let keepsGoing: Bool
    let logs: [MonitorSettings.LogPlace]
    let watch: @Sendable (MonitorSettings.LogPlace) async -> ExitStatus

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: ExitStatus.self) { group in
                for place in logs {
                    group.addTask { await watch(place) }
                }
                for await status in group where status != .done && !isOnce && !keepsGoing {
                    // One log that can't be watched is no reason to leave the others alone; one that lied is.
                    if status == .forked || status == .violated { group.cancelAll() }
                }
            }
            // Metrics and refusals tell of logs that lied until somebody ends the monitor.
            guard keepsGoing, !isOnce else { return }
            while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
        }
    }
}

extension ExitStatus {
    fileprivate init(_ finding: FinalFinding) {
        switch finding {
        case .fork: self = .forked
        case .violation: self = .violated
        }
    }
}
