import ArgumentParser
import Verification

/// `holdfast-verify statement`
struct StatementCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "statement",
        abstract: "Verify signed statements with their .tlog-proof files.",
        discussion: """
            Checks the statement's signature by an issuer that the log's genesis enrols, the log's signature on the \
            checkpoint in the proof, the quorum of witnesses, and that the statement is in the tree. Of an issuer that \
            was enrolled later, --state shows that it was: a state proof of its key at a size that covers the statement.

            Without --proof, the proof of EVENT.cose is EVENT.tlog-proof beside it. Without --trust, only inclusion \
            under the proof's own root can be checked: nobody is shown to vouch for that root, so the verdict is "not \
            verified" unless --inclusion-only asks for just that.

            Examples:
              holdfast-verify statement event.cose --proof event.tlog-proof --trust log.trust
              holdfast-verify statement --trust log.trust answers/*.cose
              holdfast-verify statement event.cose --state agent.state-proof --trust log.trust
              holdfast-verify statement event.cose --inclusion-only
            """)

    @Argument(help: ArgumentHelp("Signed statements (COSE).", valueName: "file"))
    var files: [String]

    @Option(help: ArgumentHelp("The proof, if there is one statement.", valueName: "file"))
    var proof: String?

    @Option(help: ArgumentHelp("The trust file to hold everything to.", valueName: "file"))
    var trust: String?

    @Flag(help: "Without a trust file: check inclusion, and ask for no more.")
    var inclusionOnly = false

    @OptionGroup var signer: SignerOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard proof == nil || files.count == 1 else {
            throw ValidationError("--proof is of one statement; there are \(files.count) files.")
        }
        guard trust != nil || signer.stateProofs.isEmpty else {
            throw ValidationError("--state needs a --trust that it can be held to.")
        }
        guard trust != nil || signer.successor.successor == nil else {
            throw ValidationError("--successor needs a --trust that it can be held to.")
        }
        guard trust == nil || !inclusionOnly else {
            throw ValidationError("--inclusion-only is for when there is no --trust.")
        }
    }

    func run() throws {
        let verifier = try trust.map { try signer.verifier(trust: $0) }
        try output.finish(files: files) { file in
            let statement = try read(file)
            let proof = try read(proof ?? Self.proofPath(of: file))
            guard let verifier else {
                return Verifier.inclusion(of: statement, proof: proof, asked: inclusionOnly)
            }
            return verifier.statement(statement, proof: proof)
        }
    }

    /// `event.cose` → `event.tlog-proof`; the extension is what follows the last dot of the file's name.
    static func proofPath(of file: String) -> String {
        let name = file.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return file + ".tlog-proof" }
        return file[..<dot] + ".tlog-proof"
    }
}
