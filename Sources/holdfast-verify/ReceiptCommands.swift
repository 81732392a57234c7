import ArgumentParser
import Verification

/// `holdfast-verify transparent`
struct TransparentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transparent",
        abstract: "Verify statements that carry their receipts.",
        discussion: """
            Checks the statement's signature, and for each receipt of the trusted log: its place in the tree, the \
            receipt's signature by the key that the genesis names or a later one of the trust file, and the checkpoint \
            that the receipt carries: signed by the log, vouched for by the quorum, and of the same root. Receipts of \
            other logs are left aside; one of the trusted log there must be.

            What a key signed that the trust file says has ended counts with --successor, a newer checkpoint, and \
            --consistency, the proof that leads to it.

            Examples:
              holdfast-verify transparent event.transparent --trust log.trust
              holdfast-verify transparent --quiet --trust log.trust answers/*.transparent
            """)

    @Argument(help: ArgumentHelp("Transparent statements (COSE with receipts).", valueName: "file"))
    var files: [String]

    @OptionGroup var trust: TrustOption
    @OptionGroup var signer: SignerOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let verifier = try signer.verifier(trust: trust.trust)
        try output.finish(files: files) { verifier.transparentStatement(try read($0)) }
    }
}

/// `holdfast-verify receipt`
struct ReceiptCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receipt",
        abstract: "Verify a receipt for a statement in another file.",
        discussion: """
            The same checks as "transparent", for a receipt (COSE, RFC 9942) that is not inside its statement.

            Example:
              holdfast-verify receipt event.receipt --statement event.cose --trust log.trust
            """)

    @Argument(help: ArgumentHelp("The receipt.", valueName: "file"))
    var file: String

    @Option(help: ArgumentHelp("The signed statement that it is for.", valueName: "file"))
    var statement: String

    @OptionGroup var trust: TrustOption
    @OptionGroup var signer: SignerOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let verifier = try signer.verifier(trust: trust.trust)
        try output.finish(verifier.receipt(try read(file), statement: try read(statement)))
    }
}
