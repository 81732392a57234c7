import ArgumentParser
import Verification

/// `holdfast-verify checkpoint`
struct CheckpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint",
        abstract: "Verify a checkpoint: the log's signature and the quorum of witnesses.",
        discussion: """
            One checkpoint says what the tree is, not that it kept what it had before: for that, keep an older \
            checkpoint and use "consistency".

            Example:
              holdfast-verify checkpoint checkpoint --trust log.trust
            """)

    @Argument(help: ArgumentHelp("The checkpoint (a signed note).", valueName: "file"))
    var file: String

    @OptionGroup var trust: TrustOption
    @OptionGroup var successor: SuccessorOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let verifier = Verifier(trust: try readTrustFile(trust.trust), successor: try successor.read())
        try output.finish(verifier.checkpoint(try read(file)))
    }
}

/// `holdfast-verify consistency`
struct ConsistencyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "consistency",
        abstract: "Verify that a newer checkpoint extends an older one.",
        discussion: """
            Both checkpoints are verified, and the proof must lead to both roots: then nothing that was in the older \
            tree has changed. PROOF is what the log answers to GET /proof/consistency?from=…&to=…, or a file with one \
            base64 hash a line (an empty file between equal sizes).

            Example:
              holdfast-verify consistency old.checkpoint new.checkpoint proof.json --trust log.trust
            """)

    @Argument(help: ArgumentHelp("The older checkpoint.", valueName: "old"))
    var old: String

    @Argument(help: ArgumentHelp("The newer checkpoint.", valueName: "new"))
    var new: String

    @Argument(help: ArgumentHelp("The consistency proof.", valueName: "proof"))
    var proof: String

    @OptionGroup var trust: TrustOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        let verifier = try trust.verifier()
        try output.finish(verifier.consistency(old: read(old), new: read(new), proof: read(proof)))
    }
}
