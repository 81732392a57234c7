import ArgumentParser
import Verification

/// `holdfast-verify log`
struct LogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Verify a whole log in a directory.",
        discussion: """
            DIR has the files of a tiled log (c2sp.org/tlog-tiles): "checkpoint", "tile/…" and "tile/entries/…", as \
            "holdfast export" writes them. Checks the checkpoint, every entry, every tile of every level, the root, \
            all signatures, that each entry was to be admitted by the log's own rules, that no stream has a gap or a \
            fork, and that every seal states the right time, count and state. The first difference is named. \
            With --governance the report also says what the entries fold into: the policy in force, how much of what \
            the state has, its root; and of a log that has changed its keys the lines that the trust file of its \
            genesis lacks.

            On a terminal, progress is shown on standard error. With --resume, where the verification stands is kept in \
            a file now and then and at the end, and the next run goes on there: after an interruption, or when the copy \
            has grown. The file is worth nothing to others: it is sealed with a key of yours.

            Examples:
              holdfast export --dir mylog copy
              holdfast-verify log copy --trust mylog/log.trust
              holdfast-verify log copy --trust mylog/log.trust --governance --resume copy.resume
            """)

    @Argument(help: ArgumentHelp("The directory.", valueName: "dir"))
    var directory: String

    @OptionGroup var trust: TrustOption

    @Flag(help: "Say what the entries fold into, and the rule behind the first difference.")
    var governance = false

    @Option(help: ArgumentHelp("Go on where this file says, and keep in it where the run stands.", valueName: "file"))
    var resume: String?

    @Option(
        help: ArgumentHelp(
            "The key that the file is sealed with; made if it is not there. Default: resume.key in "
                + "$XDG_STATE_HOME/holdfast-verify (~/.local/state/holdfast-verify).", valueName: "file"))
    var resumeKey: String?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard resume != nil || resumeKey == nil else { throw ValidationError("--resume-key is for --resume.") }
    }

    func run() async throws {
        let verifier = try trust.verifier()
        let source = try DirectorySource(directory)
        let file = try resume.map { try ResumeFile($0, keyPath: resumeKey) }
        let resumption = try file?.resumption()
        var progress = Progress(from: resumption?.start?.size ?? 0)
        let report = try await verifier.log(in: source, resumption: resumption, isGovernance: governance) {
            done, total in
            progress.show(done, of: total)
        }
        progress.finish()
        try output.finish(report)
    }
}
