import ArgumentParser
import Verification

/// What carries over heads and receipts under a key of the log that has ended.
struct SuccessorOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A newer checkpoint, where a key of the log has ended that the files are signed with (GET /checkpoint).",
            valueName: "checkpoint"))
    var successor: String?

    @Option(
        help: ArgumentHelp(
            "The consistency proof from their tree to the successor (GET /proof/consistency?from=…&to=…); may be "
                + "repeated.", valueName: "proof"))
    var consistency: [String] = []

    func validate() throws {
        guard successor != nil || consistency.isEmpty else {
            throw ValidationError("--consistency leads to a --successor, and there is none.")
        }
    }

    /// Nil if there is none.
    func read() throws -> Successor? {
        guard let successor else { return nil }
        return Successor(
            checkpoint: try holdfast_verify.read(successor),
            proofs: try consistency.map { try holdfast_verify.read($0) })
    }
}
