import ArgumentParser
import Tlog
import Verification

/// `holdfast-verify fork`
struct ForkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fork",
        abstract: "Confirm that a log signed two histories.",
        discussion: """
            FILE is evidence that a monitor or a witness wrote down: two checkpoints of one log that can't both be of \
            one append-only tree. VERIFIED means that they can't, and that the log signed both: the log has forked, \
            and nothing under either of them is to be relied on.

            Examples:
              holdfast-verify fork fork-0a1b2c3d.json --trust log.trust
              holdfast-verify fork fork-0a1b2c3d.json --key log.example/1+1a2b3c4d+AZ…
            """)

    @Argument(help: ArgumentHelp("The evidence (JSON).", valueName: "file"))
    var file: String

    @Option(help: ArgumentHelp("The trust file that names the log's key.", valueName: "file"))
    var trust: String?

    @Option(help: ArgumentHelp("The log's verifier key, instead of a trust file; may be repeated.", valueName: "vkey"))
    var key: [String] = []

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (trust == nil) != key.isEmpty else {
            throw ValidationError("Say whose checkpoints they must be: either --trust FILE or --key VKEY.")
        }
    }

    func run() throws {
        let evidence = try read(file)
        if let trust {
            return try output.finish(Verifier(trust: try readTrustFile(trust)).fork(evidence))
        }
        let keys = try key.map { text in
            do throws(NoteError) {
                return try VerifierKey(parsing: text)
            } catch {
                throw FileProblem(description: "--key \(text) is not a verifier key: \(error.reason)")
            }
        }
        try output.finish(Verifier.fork(evidence, logKeys: keys))
    }
}
