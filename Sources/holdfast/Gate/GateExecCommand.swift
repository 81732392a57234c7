import ArgumentParser
import Foundation
import Gate
import Governance
import LogClient
import Tlog

struct GateExecCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec", abstract: "Run a command under a permit, for as long as it is permitted.",
        discussion: """
            Asks for a permit and has it put on record, registers execution.start, makes all checks once more, and only \
            then starts the command: in a PID namespace of its own, with everything that it starts. While it runs its \
            telemetry and heartbeats are registered, and all checks are made again at each new head of the log and at \
            least as often as the policy says. When one no longer passes, the command and all that it started get \
            SIGTERM, and SIGKILL after the policy's grace. When this program ends, by SIGKILL too, they end with it. \
            At the end execution.finish is registered.

              holdfast gate exec --dir holdfast-log --key gate.key --runtime-key agent.key \\
                --action embed --resource texts --grant 5891… \\
                --uses minilm@1 --purpose search --model minilm@1=/srv/minilm -- python3 embed.py texts.txt

            Standard input, output and error are the command's. What this program says goes to standard error; --report \
            writes a file for programs. The gate's and the runtime's keys have to be enrolled, with the roles gate and \
            runtime; the runtime has to have attested itself (holdfast runtime attest).

            Exit status: the command's own, or 128 and the number of the signal that ended it; 124 it was stopped; 125 \
            it was not started, or its end could not be put on record; 126 it can't be run; 127 there is no such \
            command; 2 wrong usage. spec/gate-exec.md has all of it.
            """)

    @OptionGroup(title: "Gate") var gate: GateFlags
    @OptionGroup(title: "Request") var asked: GateExecRequest

    @Option(help: ArgumentHelp("The runtime's secret key, which signs start, telemetry and end.", valueName: "keyfile"))
    var runtimeKey: String

    @Option(
        help: ArgumentHelp(
            "The runtime's name: who the grant is for. Default: the issuer that the log's genesis enrols with its key.",
            valueName: "uri"))
    var runtime: String?

    @Option(help: ArgumentHelp("How long the command may take.", valueName: "seconds"))
    var timeLimit: UInt32?

    @Option(
        help: ArgumentHelp(
            "How often telemetry is registered. Default: three times as often as the policy asks.", valueName: "seconds"
        ))
    var telemetry: UInt32?

    @Option(help: ArgumentHelp("Write what became of it to this file, as JSON.", valueName: "file"))
    var report: String?

    @Flag(help: "Say nothing but what went wrong.")
    var quiet = false

    @Argument(parsing: .postTerminator, help: "The command.")
    var command: [String]

    func validate() throws {
        guard !command.isEmpty else { throw ValidationError("Name the command, after --.") }
        guard timeLimit != 0, telemetry != 0 else { throw ValidationError("A time has at least one second.") }
    }

    func run() async throws {
        let status = try await GateExecRun(self).run()
        Foundation.exit(status)
    }
}

/// What the permit is asked for.
struct GateExecRequest: ParsableArguments {
    @Option(help: "What is to be done.")
    var action: String

    @Option(help: "What it is to be done to.")
    var resource: String

    @Option(help: ArgumentHelp("The grant that covers it.", valueName: "hex"), transform: HexArgument.digest)
    var grant: Hash?

    @Option(
        help: ArgumentHelp(
            "The policy that it is believed to be under. Default: the one in force when this begins.", valueName: "hex"),
        transform: HexArgument.digest)
    var policy: Hash?

    @Option(
        help: ArgumentHelp("The model that it uses; its files are those of --model.", valueName: "name@version"),
        transform: ModelArgument.parse)
    var uses: ModelVersion?

    @Option(help: "What the model is used for.")
    var purpose: String?

    @Option(
        help: ArgumentHelp(
            "The route to or from the domain whose grant it is. Needs --peer-evidence.", valueName: "name"))
    var route: String?

    @Option(
        help: ArgumentHelp(
            "What shows the peer's grant: made by holdfast peer evidence. It is read again at each check.",
            valueName: "file"))
    var peerEvidence: String?

    @Option(help: ArgumentHelp("The execution's id, unique in the log. Default: one is made.", valueName: "id"))
    var id: String?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("An execution of this log that it goes on from. Repeat for more.", valueName: "id"))
    var parent: [String] = []

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("A file that goes in: its digest is registered. Repeat for more.", valueName: "file"))
    var input: [String] = []

    func validate() throws {
        guard (uses == nil) == (purpose == nil) else {
            throw ValidationError("A model is used for a purpose: --uses NAME@VERSION and --purpose TEXT.")
        }
        guard (route == nil) == (peerEvidence == nil) else {
            throw ValidationError("A grant of a peer's comes by a route, with evidence: --route and --peer-evidence.")
        }
        guard route == nil || id != nil else {
            throw ValidationError("Evidence of a peer's is for one execution: name it with --id.")
        }
    }
}
