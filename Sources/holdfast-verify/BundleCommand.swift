import ArgumentParser
import Governance
import Verification

/// `holdfast-verify bundle`
struct BundleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bundle",
        abstract: "Verify an evidence bundle: how one execution, grant or model stands in a log.",
        discussion: """
            Checks that everything in the bundle is under its one head, that the quorums of witnesses and of state \
            witnesses vouch for that head, that every statement is signed by whom the log's state names, and that \
            nothing is missing that another part of the bundle names: a parent, the permit, a grant that another was \
            handed on from, a revocation, a containment.

            Then it says what was authorized and by whom, what ran, what was stopped, each with the entry of the log \
            that shows it, and what the bundle can't show. With --json for programs (spec/evidence.md).

            Examples:
              holdfast-verify bundle run-1.evidence --trust log.trust
              holdfast-verify bundle run-1.evidence --trust log.trust --about execution/log.example/run-1
            """)

    @Argument(help: ArgumentHelp("The bundle.", valueName: "file"))
    var file: String

    @OptionGroup var trust: TrustOption

    @Option(
        help: ArgumentHelp(
            "What it must be about: a key as in the log's URLs, such as grant/<hex>.", valueName: "key"))
    var about: String?

    @OptionGroup var quorum: StateQuorumOption
    @OptionGroup var successor: SuccessorOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        _ = try key()
    }

    func run() throws {
        let verifier = Verifier(
            trust: try readTrustFile(trust.trust), isWithoutStateQuorum: quorum.withoutStateQuorum,
            successor: try successor.read())
        try output.finish(verifier.bundle(try read(file), about: try key()))
    }

    private func key() throws -> StateKey? {
        do {
            return try about.map { try StateKey(text: $0) }
        } catch {
            throw ValidationError("--about: \(error).")
        }
    }
}
