import ArgumentParser
import Governance
import LogClient
import Tlog

struct ExecutionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "execution", abstract: "Start, continue and finish what was permitted, and show it.",
        discussion: "Signed by the runtime's own key (--key). Inputs and outputs are registered as digests.",
        subcommands: [
            ExecutionStartCommand.self, ExecutionStepCommand.self, ExecutionFinishCommand.self,
            ExecutionListCommand.self, ExecutionShowCommand.self, ExecutionLineageCommand.self,
        ])
}

struct ExecutionStartCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Begin an execution under a permit, which is used up by it, or under a lease.",
        discussion: """
              holdfast execution start run-7 --permit 0123… --model sorter@1.2 --input question.txt --key agent.key
              holdfast execution start run-8 --lease 5e88… --parent run-7 --input question.txt --key agent.key
            """)

    @Argument(help: "The execution's id: unique in this log.")
    var id: String

    @Option(
        help: ArgumentHelp("The nonce of the decision that permits it.", valueName: "hex"), transform: HexArgument.nonce
    )
    var permit: [UInt8]?

    @Option(help: ArgumentHelp("The lease that permits it: id, index or file.", valueName: "lease"))
    var lease: String?

    @Option(
        help: ArgumentHelp("The model that the permit names.", valueName: "name@version"),
        transform: ModelArgument.parse)
    var model: ModelVersion?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "An execution that this one goes on from: ID, or ORIGIN,ID for another domain's. Repeat for more.",
            valueName: "id"))
    var parent: [String] = []

    @Option(help: ArgumentHelp("What goes in: its SHA-256 is registered; - is standard input.", valueName: "file"))
    var input: String?

    @Option(help: ArgumentHelp("Its SHA-256, in the place of a file.", valueName: "hex"), transform: HexArgument.digest)
    var inputDigest: Hash?

    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func validate() throws {
        guard (permit == nil) != (lease == nil) else {
            throw ValidationError("Name what permits it: --permit NONCE, or --lease ID.")
        }
    }

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        let permission: Permission
        if let permit {
            permission = .permit(permit)
        } else {
            permission = .lease(try await session.statementID(lease ?? ""))
        }
        let origin = session.origin.text
        let execution = ExecutionID(home: origin, id: id)
        return StatementDraft(
            ExecutionStart(
                execution: execution, permission: permission, parents: parent.map { Self.parent($0, in: origin) },
                model: model, input: try DigestOption.required(input, inputDigest, "input")),
            about: execution.about)
    }

    /// `ORIGIN,ID`: an origin of a log hardly ever has a comma.
    private static func parent(_ text: String, in origin: String) -> ExecutionID {
        guard let cut = text.firstIndex(of: ",") else { return ExecutionID(home: origin, id: text) }
        return ExecutionID(home: String(text[..<cut]), id: String(text[text.index(after: cut)...]))
    }
}

struct ExecutionStepCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "step", abstract: "Register what the execution did next.",
        discussion: "  holdfast execution step run-7 --input prompt.txt --output reply.txt --key agent.key")

    @OptionGroup var execution: ExecutionArguments

    @Option(help: ArgumentHelp("The step's number, from 0. Default: the next one.", valueName: "n"))
    var step: UInt64?

    @Option(help: ArgumentHelp("What went in: its SHA-256 is registered.", valueName: "file"))
    var input: String?

    @Option(help: ArgumentHelp("Its SHA-256, in the place of a file.", valueName: "hex"), transform: HexArgument.digest)
    var inputDigest: Hash?

    @Option(help: ArgumentHelp("What came out: its SHA-256 is registered.", valueName: "file"))
    var output: String?

    @Option(help: ArgumentHelp("Its SHA-256, in the place of a file.", valueName: "hex"), transform: HexArgument.digest)
    var outputDigest: Hash?

    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        let execution = execution.execution(in: session.origin.text)
        let input = try DigestOption.required(input, inputDigest, "input")
        let output = try DigestOption.required(output, outputDigest, "output")
        var number = step
        if number == nil { number = try await session.execution(execution).steps }
        return StatementDraft(
            ExecutionStep(execution: execution, step: number ?? 0, input: input, output: output),
            about: execution.about)
    }
}

struct ExecutionFinishCommand: StatementCommand {
    static let configuration = CommandConfiguration(
        commandName: "finish", abstract: "Register how the execution ended.",
        discussion: "  holdfast execution finish run-7 --outcome executed --output answer.txt --key agent.key")

    @OptionGroup var execution: ExecutionArguments

    @Option(help: "executed, blocked, failed or timed-out.")
    var outcome: ExecutionOutcome

    @Option(help: ArgumentHelp("What came out: its SHA-256 is registered.", valueName: "file"))
    var output: String?

    @Option(help: ArgumentHelp("Its SHA-256, in the place of a file.", valueName: "hex"), transform: HexArgument.digest)
    var outputDigest: Hash?

    @OptionGroup var statement: StatementOptions
    @OptionGroup var log: LogOptions

    func validate() throws {
        if outcome == .executed, output == nil, outputDigest == nil {
            throw ValidationError("What was executed has an output: --output FILE, or --output-digest HEX.")
        }
    }

    func make(_ session: inout GovernanceSession) async throws -> StatementDraft {
        let execution = execution.execution(in: session.origin.text)
        return StatementDraft(
            ExecutionFinish(
                execution: execution, outcome: outcome,
                output: try DigestOption.digest(output, outputDigest, "output")), about: execution.about)
    }
}

extension ExecutionID {
    /// What a statement about it has as its subject.
    var about: String { "\(home) \(id)" }
}

extension GovernanceSession {
    mutating func execution(_ execution: ExecutionID) async throws -> ExecutionRecord {
        guard let record = try await record(.execution(execution), ExecutionRecord.self) else {
            throw Failure(
                .refused, "The log has no execution \(Terminal.visible(execution.about))",
                hint: "holdfast execution list shows those there are.")
        }
        return record
    }
}
