import ArgumentParser
import Foundation
import Governance
import LogClient
import Logging
import MirrorServer
import Monitor
import ServiceLifecycle
import Tlog
import UnixSignals

struct MirrorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mirror", abstract: "Keep a verified full copy of a log in a directory, and serve it.",
        discussion: """
            The directory has the files of c2sp.org/tlog-tiles: any web server or CDN can serve it, 'holdfast-verify \
            log' verifies it offline, 'holdfast audit --repair-from' and 'holdfast restore --from' read it. Every \
            entry and tile is verified under the log's signed checkpoint before it is visible there; the checkpoint \
            comes last; a crash leaves no half file. A run goes on where the one before it ended, and first verifies \
            what is there. A log that does not continue what was copied is refused, and the copy stays as it was.

            With --key the mirror cosigns what it has copied, as c2sp.org/tlog-mirror has it: whoever finds its line \
            on a checkpoint knows that every entry is in a second place. Give the key to nothing else.

              holdfast mirror copy --url https://log.example.com --trust log.trust
              holdfast key new --out mirror.key
              holdfast mirror copy --dir mylog --follow --listen 127.0.0.1:8095 \\
                --key mirror.key --name mirror.example.com/m1
              holdfast-verify log copy --trust log.trust
            """)

    @Argument(help: ArgumentHelp("The mirror's directory; it is made where there is none.", valueName: "dir"))
    var directory: String

    @Flag(help: "Go on copying as the log grows, until told to stop.")
    var follow = false

    @Option(help: ArgumentHelp("With --follow: how often the log is asked.", valueName: "seconds"))
    var interval = 5

    @Option(help: ArgumentHelp("Serve the directory over HTTP, until told to stop.", valueName: "host:port"))
    var listen: String?

    @Flag(name: .customLong("allow-plain-http"), help: "Listen where other machines can reach it, behind a proxy.")
    var allowPlainHTTP = false

    @Option(help: ArgumentHelp("Cosign what is copied with this secret key.", valueName: "keyfile"))
    var key: String?

    @Option(help: "The name that --key cosigns under, such as mirror.example.com/m1: unique, for ever.")
    var name: String?

    @Option(help: ArgumentHelp("Files that are asked for at one time.", valueName: "count"))
    var parallel = 8

    @OptionGroup var log: LogOptions

    func validate() throws {
        guard (1...86_400).contains(interval) else {
            throw ValidationError("--interval takes 1 to 86400 seconds, not \(interval).")
        }
        guard (1...256).contains(parallel) else {
            throw ValidationError("--parallel takes 1 to 256, not \(parallel).")
        }
        if (key == nil) != (name == nil) { throw ValidationError("--key and --name are needed both, or neither.") }
        if let listen { _ = try ListenAddress(listen, allowPlainHTTP: allowPlainHTTP) }
    }

    func run() async throws {
        let identity = try identity()
        let target = try MirrorDirectory(directory)
        try await log.withClient { client in
            let mirror = try Mirror(
                directory: target, client: client, identity: identity, parallel: parallel, now: { Moment.now() / 1000 })
            let run = MirrorRun(
                mirror: mirror, interval: follow ? .seconds(interval) : nil, servesOn: listen != nil, json: log.json)
            guard let listen else {
                return follow ? try await serve([run], mirror: mirror) : try await run.once()
            }
            let address = try ListenAddress(listen, allowPlainHTTP: allowPlainHTTP)
            let server = MirrorServer(
                directory: directory, status: mirror.status, host: address.host, port: address.port, logger: logger
            ) { url in
                Terminal.output.line(
                    log.json
                        ? JSON.object([JSONMember("url", .string(url))]).text()
                        : "Mirror at \(Terminal.output.styled(url, .bold))")
            }
            do {
                try await serve([server, run], mirror: mirror)
            } catch {
                throw Wording.serving(error, host: address.host, port: address.port)
            }
        }
    }

    private func serve(_ services: [any Service], mirror: Mirror) async throws {
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services.map { .init(service: $0) }, gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger))
        try await group.run()
    }

    private var logger: Logger {
        Logger(label: "holdfast.mirror") { label in
            LineLogHandler(
                label: label, format: Terminal.errors.isTerminal ? .text : .json, logLevel: .warning)
        }
    }

    private func identity() throws -> Mirror.Identity? {
        guard let key, let name else { return nil }
        return Mirror.Identity(name: try Wording.keyName(name), key: try KeyFile.read(key))
    }
}

/// `HOST:PORT` to listen on.
struct ListenAddress {
    let host: String
    let port: Int

    init(_ text: String, allowPlainHTTP: Bool) throws {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port), colon > text.startIndex
        else { throw ValidationError("--listen takes HOST:PORT, such as 127.0.0.1:8095, not '\(text)'.") }
        let name = text[..<colon]
        host = name.hasPrefix("[") && name.hasSuffix("]") ? String(name.dropFirst().dropLast()) : String(name)
        self.port = port
        guard allowPlainHTTP || ["127.0.0.1", "::1", "localhost"].contains(host) else {
            throw ValidationError(
                "\(host) can be reached by other machines, and this is plain HTTP. Behind a proxy that speaks TLS: "
                    + "--allow-plain-http.")
        }
    }
}
