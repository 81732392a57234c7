import ArgumentParser
import Governance
import Verification

/// `holdfast-verify stream`
struct StreamCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stream",
        abstract: "Verify that a stream's statements are all there.",
        discussion: """
            The state proof of the stream's key says which statement is the stream's newest at a head, and each \
            statement names the one before it. Checks every statement's signature, and that they are exactly those \
            from the first to the newest: the first that is missing, forked or of another stream is named.

            Of a directory, the files ending in .cose and .transparent are read.

            Examples:
              holdfast-verify stream answers --state work.state-proof --trust log.trust
              holdfast-verify stream *.cose --state work.state-proof --state agent.state-proof --trust log.trust
            """)

    @Argument(help: ArgumentHelp("Statements, or directories with them.", valueName: "file"))
    var files: [String]

    @Option(
        name: .customLong("state"),
        help: ArgumentHelp(
            "The state proof of the stream's key; further ones are of keys of its issuer's, where those were enrolled "
                + "after the genesis.", valueName: "proof"))
    var stateProofs: [String]

    @OptionGroup var trust: TrustOption
    @OptionGroup var quorum: StateQuorumOption
    @OptionGroup var successor: SuccessorOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        var stream: [[UInt8]] = []
        var others: [[UInt8]] = []
        for path in stateProofs {
            let bytes = try read(path)
            if (try? StateProof(decoding: bytes))?.key.stream != nil {
                stream.append(bytes)
            } else {
                others.append(bytes)
            }
        }
        guard stream.count <= 1 else {
            throw ValidationError("One stream at a time: \(stream.count) of the state proofs are of streams.")
        }
        // Without one of a stream, the report says what was there in its place.
        if stream.isEmpty && !others.isEmpty { stream.append(others.removeFirst()) }
        let verifier = Verifier(
            trust: try readTrustFile(trust.trust), stateProofs: others,
            isWithoutStateQuorum: quorum.withoutStateQuorum, successor: try successor.read())
        let statements = try files.flatMap { try statementFiles($0) }.map { path in
            StreamFile(name: path, bytes: try read(path))
        }
        try output.finish(verifier.stream(statements, state: stream.first ?? []))
    }
}
