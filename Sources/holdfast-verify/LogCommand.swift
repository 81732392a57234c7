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
            all signatures, that each entry was to be admitted by the log's own policy, that no stream has a gap or a \
            fork, and that every seal states the right time, count and state. The first difference is named.

            On a terminal, progress is shown on standard error.

            Example:
              holdfast export --dir mylog copy
              holdfast-verify log copy --trust mylog/log.trust
            """)

    @Argument(help: ArgumentHelp("The directory.", valueName: "dir"))
    var directory: String

    @OptionGroup var trust: TrustOption
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let verifier = try trust.verifier()
        let source = try DirectorySource(directory)
        var progress = Progress()
        let report = try await verifier.log(in: source) { done, total in progress.show(done, of: total) }
        progress.finish()
        try output.finish(report)
    }
}
