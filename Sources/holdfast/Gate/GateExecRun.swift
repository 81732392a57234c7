import Foundation
import Gate
import Glibc
import Governance
import LogClient
import Logging
import Synchronization
import Tlog
import UnixSignals
import Verification

/// One run of `holdfast gate exec`.
struct GateExecRun {
    private let command: GateExecCommand

    init(_ command: GateExecCommand) {
        self.command = command
    }

    /// Runs it to the end; the exit status.
    func run() async throws -> Int32 {
        // Before anything is asked for or registered: whether the command can be confined at all.
        let space: CellSpace
        do throws(CellError) { space = try await CellSpace.available() } catch { return Self.fault("\(error)") }
        let runtime = try signer()
        // A reader of the output that went away is the command's affair.
        signal(SIGPIPE, SIG_IGN)
        let logger = Logger(label: "holdfast.gate") {
            LineLogHandler(label: $0, format: Terminal.errors.isTerminal ? .text : .json, logLevel: .error)
        }
        let open = try await command.gate.open(
            { options in
                // The supervisor watches its own execution, with its files and its telemetry.
                options.watches = false
                options.interval = min(options.interval, 250)
            }, logger: logger)
        let following = Task { await open.gate.run() }
        let run: SupervisedRun
        do {
            run = try await supervise(open.gate, as: runtime, in: space)
        } catch {
            following.cancel()
            await open.close()
            throw error
        }
        following.cancel()
        await open.close()
        return run.report.status
    }

    private func supervise(_ gate: Gate, as runtime: GateSigner, in space: CellSpace) async throws -> SupervisedRun {
        let head = try await firstHead(of: gate)
        let book = try await settled(gate, as: runtime)
        let execution = ExecutionID(
            home: gate.origin.text, id: command.asked.id ?? "run-\(UUID().uuidString.lowercased())")
        let task = SupervisedTask(
            request: request(runtime, policy: head.policy, home: gate.origin.text), execution: execution,
            runtime: runtime,
            input: SupervisedTask.input(command: command.command, files: try inputs()),
            files: try await files(gate), peerEvidence: peerEvidence(),
            timeLimit: command.timeLimit.map { .seconds(Int64($0)) },
            interval: command.telemetry.map { .seconds(Int64($0)) })
        let program = try Self.program()
        let voice = GateExecVoice(quiet: command.quiet, execution: execution)
        let words = command.command
        let supervisor = Supervisor(
            gate, task: task, book: book,
            confine: { leash in Cell(program: program, command: words, space: space, leash: leash) },
            output: { stream, bytes in GateExecOutput.write(bytes, to: stream) },
            observe: voice.say, now: { Moment.now() })
        let run = await supervisor.run(signals: await Self.signals())
        voice.end(run)
        if let report = command.report {
            let json = GateExecReport.json(run, execution: execution)
            try AtomicFile.write(Array((json.text(.pretty) + "\n").utf8), to: report)
        }
        return run
    }

    /// What earlier runs with this directory have begun, and did not live to put the end of on record.
    private func settled(_ gate: Gate, as runtime: GateSigner) async throws -> ExecutionBook {
        let book: ExecutionBook
        let left: [ExecutionBook.Open]
        do throws(GateOpeningError) {
            book = try ExecutionBook(directory: command.gate.state + "/executions")
            left = try book.left()
        } catch {
            throw Failure(.refused, "The gate can't go on from \(command.gate.state): \(Terminal.visible("\(error)"))")
        }
        for open in left where open.runtime == runtime.issuer {
            let voice = GateExecVoice(quiet: command.quiet, execution: open.execution)
            do throws(GateError) {
                voice.settled(try await book.settle(open, through: gate, as: runtime))
            } catch {
                voice.unsettled(error)
            }
        }
        return book
    }

    // MARK: What it is given

    private func signer() throws -> GateSigner {
        let secret = try KeyFile.read(command.runtimeKey)
        if let runtime = command.runtime { return GateSigner(issuer: runtime, key: secret) }
        let trust = try command.gate.log.trustFile()
        let enrolled = trust.genesis?.policy?.issuers.filter { $0.key == secret.publicKey } ?? []
        guard let only = enrolled.first, enrolled.count == 1 else {
            throw Failure(
                .usage, "The log's genesis enrols no issuer with the key in \(command.runtimeKey)",
                hint: "If the log does know this key, say under which name: --runtime URI")
        }
        return GateSigner(issuer: only.issuer, key: secret)
    }

    private func request(_ runtime: GateSigner, policy: Hash, home: String) -> AccessRequest {
        let asked = command.asked
        return AccessRequest(
            access: Access(subject: runtime.issuer, action: asked.action, resource: asked.resource),
            grant: asked.grant, policy: asked.policy ?? policy,
            model: asked.uses.map {
                AccessRequest.ModelUse(model: $0, purpose: asked.purpose ?? "", loaded: nil)
            },
            route: asked.route, parents: asked.parent.map { ExecutionID(home: home, id: $0) })
    }

    /// What can't be read shows nothing, and the checks that need it fail.
    private func peerEvidence() -> (@Sendable () -> PeerEvidence)? {
        guard let path = command.asked.peerEvidence else { return nil }
        return {
            do {
                return PeerEvidence(reading: [UInt8](try Data(contentsOf: URL(filePath: path))))
            } catch {
                return PeerEvidence(unreadable: "\(path): \(SystemReason.text(error))")
            }
        }
    }

    private func inputs() throws -> [(path: String, digest: Hash)] {
        try command.asked.input.map { ($0, try FileDigest.sha256($0)) }
    }

    /// How the model's files are compared; nil without a model or a directory of its files.
    private func files(_ gate: Gate) async throws -> (@Sendable () async -> ModelFiles)? {
        guard let model = command.asked.uses, let directory = gate.options.models[model] else { return nil }
        guard let registered = await gate.registered(model) else {
            throw Failure(.refused, "The log has no model \(Terminal.visible(ModelArgument.text(model)))")
        }
        return {
            do {
                return try await directory.compare(with: registered)
            } catch {
                // What can't be read is not what was registered.
                return ModelFiles(found: [], unreadable: ["\(error)"], registered: registered)
            }
        }
    }

    /// The first head that the gate has verified; it is given a while.
    private func firstHead(of gate: Gate) async throws -> GateHead {
        let limit = Task { try await Task.sleep(for: .seconds(60)) }
        defer { limit.cancel() }
        let search = Task { () -> GateHead? in
            for await standing in gate.standing {
                if let head = standing.head { return head }
                // No later look makes it good.
                if standing.troubles.contains(where: \.isFinal) { return nil }
            }
            return nil
        }
        let timer = Task {
            try? await limit.value
            search.cancel()
        }
        defer { timer.cancel() }
        guard let head = await search.value else {
            let why = gate.currentStanding.troubles.map(\.detail).joined(separator: "; ")
            throw Failure(.unreachable, "The gate has verified no head of the log: \(Terminal.visible(why))")
        }
        return head
    }

    /// The file of this program: what the cell's first process runs.
    private static func program() throws -> String {
        do {
            return try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        } catch {
            throw Failure(.refused, "This program's own file is not known: \(SystemReason.text(error))")
        }
    }

    /// Signals that are passed on to the command. A terminal sends SIGINT to the command itself.
    private static func signals() async -> AsyncStream<Int32> {
        var numbers: [UnixSignal] = [.sigterm, .sighup, .sigusr1, .sigusr2]
        numbers.append(.sigint)
        let fromTerminal = isatty(STDIN_FILENO) == 1
        let incoming = await UnixSignalsSequence(trapping: numbers)
        let (stream, continuation) = AsyncStream<Int32>.makeStream()
        let task = Task {
            for await signal in incoming {
                if signal == .sigint, fromTerminal { continue }
                continuation.yield(Self.number(signal))
            }
        }
        continuation.onTermination = { _ in task.cancel() }
        return stream
    }

    private static func number(_ signal: UnixSignal) -> Int32 {
        switch signal {
        case .sighup: SIGHUP
        case .sigint: SIGINT
        case .sigusr1: SIGUSR1
        case .sigusr2: SIGUSR2
        default: SIGTERM
        }
    }

    private static func fault(_ words: String) -> Int32 {
        Terminal.errors.line("holdfast: the command is not started: \(words)")
        return SupervisionReport.Status.fault
    }
}

/// Passing on what the command writes.
enum GateExecOutput {
    /// What nobody reads any more is still counted and digested.
    static func write(_ bytes: [UInt8], to stream: CommandStream) {
        let handle: FileHandle = stream == .standardOutput ? .standardOutput : .standardError
        try? handle.write(contentsOf: Data(bytes))
    }
}
