import ArgumentParser
import Gate

/// What `gate exec` starts as the first process of the command's PID namespace; nobody else does.
struct GateCellCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cell", abstract: "The first process of a command's PID namespace.", shouldDisplay: false)

    @Option(help: "The pipe from the gate.")
    var control: String

    @Option(help: "For how many ms the gate may say nothing.")
    var leash: UInt32

    @Option(help: "The folder of the cgroup to run in.")
    var cgroup: String?

    @Argument(parsing: .postTerminator, help: "The command.")
    var command: [String]

    func run() async throws {
        await CellInit(control: control, leash: .milliseconds(leash), cgroup: cgroup, command: command).run()
    }
}
