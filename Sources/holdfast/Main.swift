import ArgumentParser
import Foundation

/// The program. `holdfast --help` lists its commands.
@main
struct Holdfast: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "holdfast",
        abstract: "A transparency log for signed governance events.",
        discussion: """
            A first try, in an empty directory:

              holdfast serve &
              echo '{"type":"hello.world","data":{"n":1}}' > event.json
              holdfast submit --dir holdfast-log event.json

            Exit status: 0 done and verified; 1 refused or not verified; 2 wrong usage or configuration; 3 the log \
            was not reached, or is overloaded.
            """,
        version: version,
        groupedSubcommands: [
            CommandGroup(
                name: "Run a log:",
                subcommands: [
                    InitCommand.self, ServeCommand.self, RestoreCommand.self, KeyCommand.self, RotateCommand.self,
                    FreezeCommand.self,
                ]),
            CommandGroup(
                name: "Watch logs:", subcommands: [WitnessCommand.self, MonitorCommand.self, MirrorCommand.self]),
            CommandGroup(name: "Register:", subcommands: [SubmitCommand.self]),
            CommandGroup(
                name: "Govern:",
                subcommands: [
                    PolicyCommand.self, IdentityCommand.self, GrantCommand.self, ModelCommand.self,
                    RuntimeCommand.self, DecisionCommand.self, LeaseCommand.self, ExecutionCommand.self,
                    ContainmentCommand.self, TrustCommand.self, PeerCommand.self, RouteCommand.self,
                ]),
            CommandGroup(name: "Enforce:", subcommands: [GateCommand.self]),
            CommandGroup(
                name: "Read and verify:",
                subcommands: [
                    ProveCommand.self, EvidenceCommand.self, TreeCommand.self, ShowCommand.self, TailCommand.self,
                    ExportCommand.self, AuditCommand.self,
                ]),
            CommandGroup(name: "Measure:", subcommands: [BenchCommand.self]),
        ])

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            finish(after: error)
        }
    }

    /// Says what went wrong and ends the process with the status that the documentation promises.
    private static func finish(after error: any Error) -> Never {
        if let failure = Wording.failure(for: error) {
            Wording.print(failure)
            Foundation.exit(failure.status.rawValue)
        }
        // A command that has said everything already.
        if let code = error as? ExitCode { Foundation.exit(code.rawValue) }
        // What is left is ArgumentParser's: help and version (to standard output), or a wrong command line.
        let text = fullMessage(for: error)
        if exitCode(for: error).isSuccess {
            Terminal.output.line(text)
            Foundation.exit(ExitStatus.done.rawValue)
        }
        Terminal.errors.line(text)
        Foundation.exit(ExitStatus.usage.rawValue)
    }
}
