internal import Governance
internal import Verification

/// Verifies offline: reads bytes, asks nobody. What it says is what the program `holdfast-verify` says.
public struct HoldfastVerifier: Sendable {
    private let verifier: Verifier

    /// - Parameters:
    ///   - trust: the bytes of a trust file.
    ///   - signerStates: state proofs (``HoldfastLog/state(of:at:)``) of the keys of signers that the log enrolled after
    ///     its first entry, which alone the trust file has.
    ///   - isWithoutStateQuorum: whether states will do that nobody but the log vouches for, where the trust file names
    ///     no quorum of state witnesses.
    ///   - successor: a newer checkpoint, and consistency proofs that lead to it, for what keys of the log have signed that
    ///     the trust file says have ended since.
    public init(
        trust: [UInt8], signerStates: [[UInt8]] = [], isWithoutStateQuorum: Bool = false,
        successor: (checkpoint: [UInt8], consistency: [[UInt8]])? = nil
    ) throws(HoldfastError) {
        verifier = Verifier(
            trust: try HoldfastError.trustFile(trust), stateProofs: signerStates,
            isWithoutStateQuorum: isWithoutStateQuorum,
            successor: successor.map { Successor(checkpoint: $0.checkpoint, proofs: $0.consistency) })
    }

    /// A statement and its tlog-proof.
    public func statement(_ statement: [UInt8], proof: [UInt8]) -> VerificationResult {
        VerificationResult(verifier.statement(statement, proof: proof))
    }

    /// A statement with its receipt inside.
    public func transparentStatement(_ bytes: [UInt8]) -> VerificationResult {
        VerificationResult(verifier.transparentStatement(bytes))
    }

    /// A checkpoint alone.
    public func checkpoint(_ bytes: [UInt8]) -> VerificationResult {
        VerificationResult(verifier.checkpoint(bytes))
    }

    /// A state proof.
    ///
    /// - Parameters:
    ///   - bytes: the content of a `.state-proof` file.
    ///   - key: the key that it must be of, in text form.
    public func state(_ bytes: [UInt8], of key: String) throws(HoldfastError) -> VerificationResult {
        let question = StateQuestion(
            key: try HoldfastError.stateKey(key), isWithoutStateQuorum: verifier.isWithoutStateQuorum)
        return VerificationResult(verifier.state(bytes, question))
    }

    /// An evidence bundle: how an execution, a grant or a model stands in the log, and all that it comes from.
    ///
    /// - Parameters:
    ///   - bytes: the content of an `.evidence` file.
    ///   - key: what it must be about, in text form.
    public func evidence(_ bytes: [UInt8], about key: String) throws(HoldfastError) -> VerificationResult {
        VerificationResult(verifier.bundle(bytes, about: try HoldfastError.stateKey(key)))
    }
}

/// What a verification came to.
public struct VerificationResult: Sendable, Hashable {
    /// Nothing failed, and nothing that the answer needs was left out.
    public let isVerified: Bool
    /// The stable name of the check that decided against it, such as `inclusion`; nil if it is verified.
    public let decidedBy: String?
    /// The report for people, one line a check.
    public let text: String
    /// The report for programs: one JSON object; `spec/verification.md` has its schema.
    public let json: String

    init(_ report: VerificationReport) {
        isVerified = report.verdict == .verified
        decidedBy = isVerified ? nil : report.decidingCheck?.name.rawValue
        text = report.text()
        json = report.json.text()
    }
}
