import ArgumentParser
import Foundation
import HTTPServing
import LogClient
import LogEngine
import LogServer
import Logging
import ServiceLifecycle
import Tlog
import UnixSignals

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve a log over HTTP until it is told to stop.",
        discussion: """
            Without a directory it serves ./\(LogLayout.defaultDirectory), which it makes if it is not there: a log \
            for trying things out, on this machine alone.

            Every setting is a flag, an environment variable and a line of the configuration file: --max-batch, \
            HOLDFAST_MAX_BATCH, max-batch. Flags count before the environment, that before the file, that before the \
            defaults. Paths in the file are relative to it. SIGTERM and SIGINT end the server after everything that \
            was accepted is answered.
            """)

    @Argument(help: ArgumentHelp("The log's directory, as 'holdfast init' made it.", valueName: "dir"))
    var directory: String?

    @Option(help: ArgumentHelp("The configuration file. Default: holdfast.yaml in the directory.", valueName: "file"))
    var config: String?

    @Flag(
        help: """
            Go on although the anchor is lost: read the whole log, check it, and make a new anchor at its head. Only \
            if this data directory is the newest there is; after restoring an old copy this would fork the log.
            """)
    var reAnchor = false

    @Flag(help: "Print the commented configuration file with all settings and their defaults, and end.")
    var exampleConfig = false

    @OptionGroup(title: "Settings") var flags: ServeFlags

    func run() async throws {
        if exampleConfig { return Terminal.output.write(ExampleConfiguration.text()) }
        FreedMemory.keep()
        let layout = try place()
        let file = config ?? (FileManager.default.fileExists(atPath: layout.configuration) ? layout.configuration : nil)
        let settings = try await ServeConfiguration(
            flags: flags.given, environment: ProcessInfo.processInfo.environment, file: file,
            directory: layout.directory)
        let logger = try Self.logger(settings)
        let (stops, stop) = AsyncStream.makeStream(of: StopReason.self)
        var options = try ServerOptions(settings)
        let served = try await ServedLog(settings, reAnchor: reAnchor, logger: logger) { stop.yield($0) }
        let origin = served.log.origin
        options.onBound = { [log = served.log] address in
            Self.announce(address, origin: origin, size: log.latest?.size, isWaiting: log.isWaiting, in: layout)
        }
        do {
            let server = try LogServer(log: served.log, options: options, logger: logger)
            try await Self.run(server, served.log, stops: stops, logger: logger)
        } catch {
            try? FileManager.default.removeItem(atPath: layout.address)
            await served.shutdown()
            throw Wording.serving(error, host: options.host, port: options.port)
        }
        try? FileManager.default.removeItem(atPath: layout.address)
        await served.shutdown()
        logger.info("the server has ended", metadata: ["size": "\(served.log.latest?.size ?? 0)"])
    }

    /// The log's directory; makes the default one when no other is named.
    private func place() throws -> LogLayout {
        if let directory {
            let layout = LogLayout(directory)
            guard layout.exists || config != nil else {
                throw Failure(
                    .usage, "There is no log in \(directory)",
                    hint: "Make one: holdfast init \(directory) --origin log.example.com/prod")
            }
            return layout
        }
        if let config {
            return LogLayout(URL(filePath: config).deletingLastPathComponent().path(percentEncoded: false))
        }
        let layout = LogLayout(LogLayout.defaultDirectory)
        if !layout.exists {
            let origin = try InitCommand.origin("localhost/holdfast")
            let result = try LogCreation(origin: origin).make(in: layout.directory)
            Terminal.output.line("There was no log here, so one was made for trying things out.")
            InitCommand.print(result, authorityIsNew: true)
            Terminal.output.line()
        }
        return layout
    }

    private static func logger(_ settings: ServeConfiguration) throws -> Logger {
        let name = try settings.text(.logLevel)
        guard let level = Logger.Level(rawValue: name) else {
            throw Failure(
                .usage, "The setting log-level is \(Terminal.visible(name))",
                hint: "It is one of: " + Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))
        }
        let format: LineLogHandler.Format
        switch try settings.text(.logFormat) {
        case "text": format = .text
        case "json": format = .json
        case "auto": format = Terminal.errors.isTerminal ? .text : .json
        case let other:
            throw Failure(
                .usage, "The setting log-format is \(Terminal.visible(other))", hint: "It is text, json or auto.")
        }
        return Logger(label: "holdfast") { LineLogHandler(label: $0, format: format, logLevel: level) }
    }

    /// The one line that says that the log is served, and the file that tells the other commands where.
    private static func announce(
        _ address: BoundAddress, origin: Origin, size: UInt64?, isWaiting: Bool, in layout: LogLayout
    ) {
        let terminal = Terminal.output
        let entries = size.map { "\($0) entries" } ?? "nothing published yet"
        terminal.line("Serving \(origin), \(entries), at \(terminal.styled(address.url, .bold))")
        if isWaiting {
            terminal.line("Nothing is taken until a quorum of the witnesses has answered; /readyz says when.")
        }
        // Only a convenience: a directory that can't be written to is served all the same.
        try? AtomicFile.write(Array((address.url + "\n").utf8), to: layout.address)
    }

    private static func run(
        _ server: LogServer, _ log: Log, stops: AsyncStream<StopReason>, logger: Logger
    ) async throws {
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: server, serviceName: "server"),
                    .init(
                        service: StopWatch(log: log, stops: stops),
                        failureTerminationBehavior: .gracefullyShutdownGroup, serviceName: "log"),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        try await group.run()
    }
}

/// Ends the server when the log stops by itself, or never comes to run: a log that can't sign is not to look alive.
private struct StopWatch: Service {
    let log: Log
    let stops: AsyncStream<StopReason>

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await log.waitForQuorum() }
        } catch {
            if Task.isShuttingDownGracefully { return }
            throw error
        }
        for await reason in stops.cancelOnGracefulShutdown() where reason != .shutdown { throw reason }
    }
}

extension Log {
    fileprivate var isWaiting: Bool { status == .awaitingQuorum }
}
