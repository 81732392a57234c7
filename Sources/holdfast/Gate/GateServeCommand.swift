import ArgumentParser
import Foundation
import Gate
import GateServer
import HTTPServing
import LogClient
import Logging
import ServiceLifecycle
import UnixSignals

struct GateServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Answer who asks whether something may run: permit or contain.",
        discussion: """
            The gate follows the log and verifies all of it by the trust file: heads, entries, admissions, seals. It \
            answers OpenID AuthZEN Authorization API 1.0. A permit is answered when it is on record in the log, under a \
            head that the gate has verified; whatever can't be decided is refused.

              holdfast gate serve --dir holdfast-log --key gate.key
              curl -d '{"subject":{"type":"runtime","id":"spiffe://example.org/agent"},"action":{"name":"embed"},
                "resource":{"type":"document","id":"doc:1"},"context":{"grant":"5891…","policy":"0263…"}}' \
            http://127.0.0.1:8092/access/v1/evaluation

            POST /access/v1/evaluation and /access/v1/evaluations decide, POST /gate/v1/revalidation puts on record that \
            something contained passes again; GET /gate/v1/standing, /metrics, /healthz and /readyz are for operators. \
            spec/gate.md describes them.

            Never go back to an older copy of the gate's directory (--state): it remembers the newest head that it has \
            seen, and every place in its streams that it has signed.
            """)

    @OptionGroup(title: "Gate") var gate: GateFlags

    @Option(help: "Name or address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "Port to listen on; 0 lets the system choose.")
    var port = 8092

    @Option(help: ArgumentHelp("The certificate and its chain (PEM): serve HTTPS.", valueName: "file"))
    var tlsCertificate: String?

    @Option(help: ArgumentHelp("The key of the certificate (PEM).", valueName: "file"))
    var tlsKey: String?

    @Flag(name: .customLong("allow-plain-http"), help: "Listen where other machines can reach it, behind a proxy.")
    var allowPlainHTTP = false

    @Option(
        name: .customLong("public-url"),
        help: ArgumentHelp("How callers reach it, for the metadata. Default: where it listens.", valueName: "url"))
    var publicURL: String?

    @Option(
        help: ArgumentHelp(
            "Bearer tokens of the callers, one a line, in a file that only its owner may read. Default: any caller.",
            valueName: "file"))
    var tokenFile: String?

    @Option(help: ArgumentHelp("How long a permit may wait for its start.", valueName: "seconds"))
    var permitLifetime: UInt64 = 60

    @Option(
        help: ArgumentHelp(
            "How long the leases are that callers may ask for; 0 for none. The policy has to allow them too.",
            valueName: "seconds"))
    var lease: UInt64 = 0

    @Flag(name: .customLong("no-watch"), help: "Do not check again what was permitted here while it runs.")
    var noWatch = false

    @Option(help: ArgumentHelp("trace, debug, info, notice, warning, error or critical.", valueName: "level"))
    var logLevel = "info"

    @Option(help: ArgumentHelp("text, json, or auto: text on a terminal, else JSON.", valueName: "format"))
    var logFormat = "auto"

    func validate() throws {
        guard (1...86_400).contains(permitLifetime) else {
            throw ValidationError("--permit-lifetime takes 1 to 86400 seconds, not \(permitLifetime).")
        }
        guard (tlsCertificate == nil) == (tlsKey == nil) else {
            throw ValidationError("--tls-certificate and --tls-key are needed both, or neither.")
        }
        guard lease <= 86_400 else { throw ValidationError("--lease takes 0 to 86400 seconds, not \(lease).") }
    }

    func run() async throws {
        let logger = try GateLogging.logger("holdfast.gate", level: logLevel, format: logFormat)
        var options = GateServerOptions()
        options.host = host
        options.port = port
        options.allowPlainHTTP = allowPlainHTTP
        if let tlsCertificate, let tlsKey {
            options.tls = TLSFiles(certificateChain: tlsCertificate, privateKey: tlsKey)
        }
        options.publicURL = publicURL
        options.tokens = try tokens()
        let (lifetime, leaseLifetime, watches) = (permitLifetime * 1000, lease * 1000, !noWatch)
        let open = try await gate.open(
            { options in
                options.permitLifetime = lifetime
                options.leaseLifetime = leaseLifetime
                options.watches = watches
            }, logger: logger)
        let name = open.gate.signer.issuer
        options.onBound = { url in
            Terminal.output.line("Gate \(name) at \(Terminal.output.styled(url, .bold))")
        }
        do {
            let server = try GateServer(open.gate, options: options, logger: logger)
            var configuration = ServiceGroupConfiguration(
                services: [
                    .init(service: FollowService(gate: open.gate), serviceName: "follow"),
                    .init(service: server, serviceName: "gate"),
                ], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
            configuration.maximumGracefulShutdownDuration = .seconds(30)
            try await ServiceGroup(configuration: configuration).run()
        } catch {
            await open.close()
            throw wording(error)
        }
        await open.close()
        logger.info("The gate has ended")
    }

    private func tokens() throws -> [String] {
        guard let tokenFile else { return [] }
        try KeyFile.checkPrivacy(of: tokenFile)
        let text = String(decoding: try FileBytes.read(tokenFile, limit: 1 << 20), as: UTF8.self)
        let tokens = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty && !$0.hasPrefix("#") }
        guard !tokens.isEmpty else { throw Failure(.usage, "There is no token in \(tokenFile)") }
        return tokens
    }

    private func wording(_ error: any Error) -> any Error {
        guard let error = error as? GateServerError else { return Wording.serving(error, host: host, port: port) }
        switch error {
        case .plainHTTP(let host):
            return Failure(
                .usage, "The gate is not served over plain HTTP on \(host), which other machines can reach",
                hints: [
                    "With a certificate: --tls-certificate FILE --tls-key FILE",
                    "On this machine alone: --host 127.0.0.1", "Behind a proxy that speaks TLS: --allow-plain-http",
                ])
        case .tls(let file, let detail):
            return Failure(.usage, "The TLS file \(file) can't be used: \(Terminal.visible(detail))")
        case .option: return Failure(.usage, Wording.sentence(error.description))
        }
    }
}

/// Follows the log until the server ends.
private struct FollowService: Service {
    let gate: Gate

    func run() async throws {
        await cancelWhenGracefulShutdown { await gate.run() }
    }
}

/// The log events of a gate.
enum GateLogging {
    static func logger(_ label: String, level: String, format: String) throws -> Logger {
        guard let logLevel = Logger.Level(rawValue: level) else {
            throw Failure(
                .usage, "--log-level is \(Terminal.visible(level))",
                hint: "It is one of: " + Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))
        }
        let lines: LineLogHandler.Format
        switch format {
        case "text": lines = .text
        case "json": lines = .json
        case "auto": lines = Terminal.errors.isTerminal ? .text : .json
        default:
            throw Failure(
                .usage, "--log-format is \(Terminal.visible(format))", hint: "It is text, json or auto.")
        }
        return Logger(label: label) { LineLogHandler(label: $0, format: lines, logLevel: logLevel) }
    }
}
