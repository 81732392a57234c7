import ArgumentParser
import Governance
import Verification

/// `holdfast-verify state`
struct StateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "state",
        abstract: "Verify a state proof: what the log's governance state says about one key.",
        discussion: """
            Checks the checkpoint in the proof, the quorums of witnesses and of state witnesses, the seal in its tree \
            and its signature, and that key and value (or the key's absence) lead to the root that the seal carries. \
            The value is shown, in JSON with --json.

            A seal says what the log computed; only who replays the log knows that it did so by the rules. So the \
            trust file has to name a quorum of state witnesses. Without one the answer is "not verified", unless \
            --without-state-quorum asks for what the log alone vouches for.

            KEY is written as in the log's URLs: policy, grant/<hex>, stream/<issuer>/<name>, texts percent-encoded.

            Examples:
              holdfast-verify state grant.state-proof --trust log.trust --expect-value '{"revoked": false}'
              holdfast-verify state run.state-proof --trust log.trust --key execution/log.example/run-1 --expect-present
              holdfast-verify state c.state-proof --trust log.trust --key containment/route/out --expect-absent
            """)

    @Argument(help: ArgumentHelp("The state proof.", valueName: "file"))
    var file: String

    @OptionGroup var trust: TrustOption

    @Option(help: ArgumentHelp("The key that it must be of.", valueName: "key"))
    var key: String?

    @Option(
        help: ArgumentHelp(
            "What the value must say: of a JSON object, the members named.", valueName: "json"))
    var expectValue: String?

    @Flag(help: "The key must have a value.")
    var expectPresent = false

    @Flag(help: "The key must have no value.")
    var expectAbsent = false

    @Option(help: ArgumentHelp("The state must be at this size of the log or later.", valueName: "n"))
    var atLeastSize: UInt64?

    @OptionGroup var quorum: StateQuorumOption
    @OptionGroup var successor: SuccessorOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        let expectations = [expectValue != nil, expectPresent, expectAbsent].count { $0 }
        guard expectations <= 1 else {
            throw ValidationError("Only one of --expect-value, --expect-present and --expect-absent can be asked for.")
        }
        _ = try question()
    }

    func run() throws {
        let question = try question()
        let verifier = Verifier(trust: try readTrustFile(trust.trust), successor: try successor.read())
        try output.finish(verifier.state(try read(file), question))
    }

    private func question() throws -> StateQuestion {
        var question = StateQuestion(leastSize: atLeastSize, isWithoutStateQuorum: quorum.withoutStateQuorum)
        do {
            question.key = try key.map { try StateKey(text: $0) }
        } catch {
            throw ValidationError("--key: \(error).")
        }
        if expectPresent { question.expectation = .present }
        if expectAbsent { question.expectation = .absent }
        if let expectValue {
            do {
                question.expectation = .value(try JSON(parsing: Array(expectValue.utf8)))
            } catch {
                throw ValidationError("--expect-value is not JSON: \(error).")
            }
        }
        return question
    }
}

/// Whether the log's own word is enough.
struct StateQuorumOption: ParsableArguments {
    @Flag(help: "Where the trust file names no state quorum: take what the log alone vouches for.")
    var withoutStateQuorum = false
}

/// State proofs that show who signed.
struct SignerOptions: ParsableArguments {
    @Option(
        name: .customLong("state"),
        help: ArgumentHelp(
            "A state proof of the signer's key, where it was enrolled after the genesis; may be repeated.",
            valueName: "proof"))
    var stateProofs: [String] = []

    @OptionGroup var quorum: StateQuorumOption
    @OptionGroup var successor: SuccessorOptions

    /// A verifier that knows of these proofs.
    func verifier(trust path: String) throws -> Verifier {
        Verifier(
            trust: try readTrustFile(path), stateProofs: try stateProofs.map { try read($0) },
            isWithoutStateQuorum: quorum.withoutStateQuorum, successor: try successor.read())
    }
}
