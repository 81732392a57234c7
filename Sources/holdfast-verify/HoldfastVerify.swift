import ArgumentParser
import Glibc

/// The standalone verifier: reads files, asks nobody, and says by its exit code whether to believe them.
@main
struct HoldfastVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "holdfast-verify",
        abstract: "Verify statements, proofs, receipts, checkpoints, state, evidence and whole logs offline.",
        discussion: """
            Everything is held to a trust file (.trust): the log's key, the witnesses and their quorum, and the log's \
            first entry, from which all other keys follow. The program reads files and nothing else: no network, no \
            clock, no configuration.

            Each check is shown with its outcome: ✓ passed, ✗ failed, – not checked. The last line is the verdict.

            Exit codes: 0 verified; 1 not verified; 2 wrong usage, or a file that can't be read.

            Examples:
              holdfast-verify statement event.cose --trust log.trust
              holdfast-verify transparent event.transparent --trust log.trust
              holdfast-verify state grant.state-proof --trust log.trust
              holdfast-verify bundle run-1.evidence --trust log.trust
              holdfast-verify log copy-of-the-log --trust log.trust
            """,
        version: "0.1.0",
        subcommands: [
            StatementCommand.self, TransparentCommand.self, ReceiptCommand.self, CheckpointCommand.self,
            ConsistencyCommand.self, ForkCommand.self, StateCommand.self, StreamCommand.self, BundleCommand.self,
            LogCommand.self,
        ])

    /// Without a subcommand nothing is verified, and that must not look like success.
    func run() throws {
        throw ValidationError(
            "Say what to verify: statement, transparent, receipt, checkpoint, consistency, fork, state, stream, "
                + "bundle or log.")
    }

    /// Runs the command of the command line.
    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let code as ExitCode {
            Self.exit(withError: code)
        } catch {
            if exitCode(for: error) != .success {
                // Help and version leave with 0. All else that arrives here is a wrong command line (which the
                // argument parser would leave with 64) or an unreadable file: 2, once the message has been printed.
                atexit { _exit(2) }
            }
            Self.exit(withError: error)
        }
    }
}

extension ExitCode {
    /// The files are not what they should be.
    static let notVerified = ExitCode(1)
}
