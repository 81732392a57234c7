import ArgumentParser

struct GateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gate",
        abstract: "Let nothing run before it is proved permitted, and stop what may run no longer.",
        subcommands: [GateServeCommand.self, GateExecCommand.self, GateCellCommand.self])
}
