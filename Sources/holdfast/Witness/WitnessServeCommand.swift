import ArgumentParser
import Foundation
import HTTPServing
import LogClient
import Logging
import ServiceLifecycle
import Tlog
import UnixSignals
import Witness
import WitnessServer

struct WitnessServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve a witness over HTTP until it is told to stop.",
        discussion: """
            POST /add-checkpoint is where logs submit (c2sp.org/tlog-witness), GET /<origin hash>/checkpoint where \
            monitors look, and /metrics and /healthz are for operators. The list of logs is read again when it \
            changes, and on SIGHUP; a list with a mistake in it changes nothing.

            What the witness has cosigned is in DIR/data. Never go back to an older copy of it: the witness could \
            then be made to cosign a second history. If it is lost, make a new witness with a new key. Proofs that a \
            log signed two histories are put into DIR/evidence.

            For other machines the server speaks TLS, with --tls-certificate and --tls-key, or a proxy in front of it \
            does.
            """)

    @Argument(help: ArgumentHelp("The witness's directory, as 'holdfast witness init' made it.", valueName: "dir"))
    var directory: String

    @Option(help: "The witness's name. Default: the one in DIR/witness.vkey.")
    var name: String?

    @Option(help: ArgumentHelp("The witness's secret key. Default: DIR/witness.key.", valueName: "keyfile"))
    var key: String?

    @Option(help: ArgumentHelp("The list of logs, or a policy file. Default: DIR/logs.", valueName: "file"))
    var logs: String?

    @Option(help: "Name or address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "Port to listen on; 0 lets the system choose.")
    var port = 8090

    @Option(help: ArgumentHelp("The certificate chain for HTTPS, in PEM.", valueName: "file"))
    var tlsCertificate: String?

    @Option(help: ArgumentHelp("The certificate's private key, in PEM.", valueName: "file"))
    var tlsKey: String?

    @Flag(name: .customLong("allow-plain-http"), help: "Listen where other machines can reach it, behind a proxy.")
    var allowPlainHTTP = false

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "A proxy whose X-Forwarded-For field is believed, or a range of them. Repeat for more.",
            valueName: "address"))
    var trustedProxy: [String] = []

    @Option(help: ArgumentHelp("Requests a second of one client; four times as many at once.", valueName: "count"))
    var requestRate: Double = 500

    @Option(help: ArgumentHelp("Cosignatures a second for one log whose tree grows.", valueName: "count"))
    var rate: Double = 100

    @Option(help: ArgumentHelp("Cosignatures a second for one log whose tree stays the same.", valueName: "count"))
    var refreshRate: Double = 10

    @Option(help: ArgumentHelp("trace, debug, info, notice, warning, error or critical.", valueName: "level"))
    var logLevel = "info"

    @Option(help: ArgumentHelp("text, json, or auto: text on a terminal, else JSON.", valueName: "format"))
    var logFormat = "auto"

    func run() async throws {
        let logger = try logger()
        let cosigner = try cosigner()
        let (listPath, place) = (logs ?? WitnessLayout(directory).logs, directory)
        var options = WitnessOptions()
        options.host = host
        options.port = port
        options.allowPlainHTTP = allowPlainHTTP
        options.tls = try tlsFiles()
        options.trustedProxies = try trustedProxy.map { text in
            guard let range = AddressRange(text) else {
                throw Failure(
                    .usage, "--trusted-proxy takes an address or a range, not \(Terminal.visible(text))",
                    hint: "An address or range is like 10.0.0.7, 10.0.0.0/8 or fd00::/8.")
            }
            return range
        }
        options.requestRate = RequestRate(
            perSecond: requestRate, burst: Int(min(max(1, requestRate * 4), 1e6)))
        options.growthRate = CosigningRate(perSecond: rate, burst: Int(min(max(1, rate * 2), 1e6)))
        options.refreshRate = CosigningRate(perSecond: refreshRate, burst: Int(min(max(1, refreshRate * 5), 1e6)))
        let name = cosigner.verifierKey.name
        options.onBound = { url in
            Terminal.output.line("Witness \(name) at \(Terminal.output.styled(url, .bold)), list of logs: \(listPath)")
        }
        do {
            let server = try WitnessServer(
                directory: place, cosigners: [cosigner], logs: listPath, options: options, logger: logger)
            logger.info("The witness starts", metadata: ["name": "\(name)", "logs": "\(server.logCount)"])
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [.init(service: server, serviceName: "witness")],
                    gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
            try await group.run()
        } catch {
            throw Wording.witness(error, host: host, port: port)
        }
        logger.info("The witness has ended")
    }

    private func tlsFiles() throws -> TLSFiles? {
        switch (tlsCertificate, tlsKey) {
        case (nil, nil): return nil
        case (let certificate?, let key?): return TLSFiles(certificateChain: certificate, privateKey: key)
        default: throw Failure(.usage, "--tls-certificate and --tls-key are needed both, or neither")
        }
    }

    /// The key, with its name; they must be those that `witness init` put down, where it did.
    private func cosigner() throws -> Ed25519Cosigner {
        let layout = WitnessLayout(directory)
        guard FileManager.default.fileExists(atPath: key ?? layout.key) else {
            throw Failure(
                .usage, "There is no witness in \(directory): no file \(key ?? layout.key)",
                hint: "Make one: holdfast witness init \(directory) --name witness.example.com/w1")
        }
        let signingKey = try KeyFile.read(key ?? layout.key)
        guard FileManager.default.fileExists(atPath: layout.verifierKey) else {
            guard let name else {
                throw Failure(
                    .usage, "The witness's name is not known: there is no \(layout.verifierKey)",
                    hint: "Give it with --name.")
            }
            return Ed25519Cosigner(name: try Wording.keyName(name), key: signingKey)
        }
        let text = String(decoding: try FileBytes.read(layout.verifierKey, limit: 4096), as: UTF8.self)
        guard let known = try? VerifierKey(parsing: text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw Failure(.refused, "\(layout.verifierKey) is not a verifier key")
        }
        let cosigner = Ed25519Cosigner(name: try name.map(Wording.keyName) ?? known.name, key: signingKey)
        guard cosigner.verifierKey == known else {
            throw Failure(
                .refused,
                "Name and key give the verifier key \(cosigner.verifierKey), and \(layout.verifierKey) has \(known)",
                hint: "A witness keeps its name and its key. For another one make another directory.")
        }
        return cosigner
    }

    private func logger() throws -> Logger {
        guard let level = Logger.Level(rawValue: logLevel) else {
            throw Failure(
                .usage, "--log-level is \(Terminal.visible(logLevel))",
                hint: "It is one of: " + Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))
        }
        let format: LineLogHandler.Format
        switch logFormat {
        case "text": format = .text
        case "json": format = .json
        case "auto": format = Terminal.errors.isTerminal ? .text : .json
        default:
            throw Failure(
                .usage, "--log-format is \(Terminal.visible(logFormat))", hint: "It is text, json or auto.")
        }
        return Logger(label: "holdfast.witness") { LineLogHandler(label: $0, format: format, logLevel: level) }
    }
}
