import ArgumentParser
import COSE
import Foundation
import Gate
import Governance
import LMDBLogStore
import LogClient
import LogStore
import Logging
import Tlog
import Verification

/// Whose gate it is, which log it follows, and where it keeps what it has verified.
struct GateFlags: ParsableArguments {
    @OptionGroup(title: "Log") var log: LogOptions

    @Option(help: ArgumentHelp("The secret key of the gate, an identity with the role gate.", valueName: "keyfile"))
    var key: String

    @Option(
        help: ArgumentHelp(
            "The gate's name. Default: the issuer that the log's genesis enrols with this key.", valueName: "uri"))
    var issuer: String?

    @Option(
        help: ArgumentHelp(
            "Where the gate keeps what it has verified; made if it is not there. Of one gate alone.",
            valueName: "dir"))
    var state = "holdfast-gate"

    @Option(help: ArgumentHelp("From one look at the log to the next.", valueName: "ms"))
    var interval: UInt64 = 500

    @Option(
        name: .customLong("model"),
        help: ArgumentHelp(
            "Compare the files of a model with what was registered, at each decision. May be repeated.",
            valueName: "name@version=dir"))
    var models: [String] = []

    @Option(help: ArgumentHelp("The most that is kept of the log.", valueName: "GiB"))
    var mapSize = 16

    @Flag(name: .customLong("no-pulse"), help: "Register nothing to have an idle log make new heads.")
    var noPulse = false

    func validate() throws {
        guard (50...3_600_000).contains(interval) else {
            throw ValidationError("--interval takes 50 to 3600000 ms, not \(interval).")
        }
        guard (1...1 << 20).contains(mapSize) else {
            throw ValidationError("--map-size takes 1 to 1048576 GiB, not \(mapSize).")
        }
    }

    /// Opens the gate. The caller closes it.
    func open(_ change: (inout GateOptions) -> Void = { _ in }, logger: Logger) async throws -> OpenGate {
        let trust = try log.trustFile()
        let signer = try signer(trust)
        let url = try await log.logURL(trust)
        var options = GateOptions()
        options.interval = interval
        options.keepsFresh = !noPulse
        try addModels(to: &options)
        change(&options)
        let store: LMDBLogStore
        do {
            try FileManager.default.createDirectory(
                atPath: state, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            var storeOptions = LMDBLogStore.Options()
            storeOptions.mapSize = mapSize << 30
            storeOptions.retainedSeals = 1
            store = try LMDBLogStore(directory: state + "/replica", options: storeOptions)
        } catch let error as StoreError {
            throw Failure(
                .refused, "What the gate keeps in \(state) can't be used: \(Terminal.visible(error.detail))",
                hint: "A directory is of one gate, and one process. Name another: --state DIR")
        } catch {
            throw Failure(.refused, "The directory \(state) can't be made: \(SystemReason.text(error))")
        }
        var client = LogClient(
            url: url, trust: trust, timeout: .seconds(min(log.timeout, 10)), certificates: log.ca)
        // A gate asks again by itself.
        client.retry.attempts = 1
        do {
            let gate = try Gate(
                directory: state, client: client, store: store, signer: signer, options: options, logger: logger)
            return OpenGate(gate: gate, client: client, store: store)
        } catch {
            await client.shutdown()
            store.close()
            throw Failure(.refused, "The gate can't go on from \(state): \(Terminal.visible("\(error)"))")
        }
    }

    private func signer(_ trust: TrustFile) throws -> GateSigner {
        let secret = try KeyFile.read(key)
        if let issuer { return GateSigner(issuer: issuer, key: secret) }
        let enrolled = trust.genesis?.policy?.issuers.filter { $0.key == secret.publicKey } ?? []
        guard let only = enrolled.first, enrolled.count == 1 else {
            throw Failure(
                .usage, "The log's genesis enrols no issuer with the key in \(key)",
                hint: "If the log does know this key, say under which name: --issuer URI")
        }
        return GateSigner(issuer: only.issuer, key: secret)
    }

    private func addModels(to options: inout GateOptions) throws {
        for text in models {
            guard let equals = text.firstIndex(of: "="), let at = text[..<equals].lastIndex(of: "@") else {
                throw Failure(
                    .usage, "--model \(Terminal.visible(text)) names no version and directory",
                    hint: "It is like minilm@1=/srv/models/minilm.")
            }
            let model = ModelVersion(
                name: String(text[..<at]), version: String(text[text.index(after: at)..<equals]))
            let path = String(text[text.index(after: equals)...])
            let attributes = try? FileManager.default.attributesOfItem(atPath: path)
            guard attributes?[.type] as? FileAttributeType == .typeDirectory else {
                throw Failure(.usage, "\(path) is no directory")
            }
            options.models[model] = .init(path)
        }
    }
}

/// A gate with what it stands on.
struct OpenGate: Sendable {
    let gate: Gate
    let client: LogClient
    let store: LMDBLogStore

    func close() async {
        await gate.end()
        await client.shutdown()
        store.close()
    }
}
