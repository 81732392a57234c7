import COSE
public import Governance
import Tlog
public import Verification

/// A key of a log's governance state that was verified under a trust file: value or absence, seal, head, quorums.
public struct VerifiedState: Sendable {
    public let proof: StateProof
    public let proven: ProvenState
}

extension LogClient {
    /// What the log's state says about a key, with its proof.
    ///
    /// - Parameters:
    ///   - size: as of which size of the log; the newest if nil.
    ///   - isWithoutStateQuorum: whether the log's own word is enough, where the trust file names no state quorum.
    public func state(
        of key: StateKey, at size: UInt64? = nil, isWithoutStateQuorum: Bool = false
    ) async throws(ClientError) -> VerifiedState {
        let path = "state/\(key.text)" + (size.map { "?size=\($0)" } ?? "")
        let answer = try await send(
            .get(path, accept: StateProof.mediaType, maximumAnswerBytes: StateProof.maxByteCount))
        let proof: StateProof
        do {
            proof = try StateProof(decoding: answer.body)
        } catch {
            throw .answerMalformed(path: path, reason: "\(error)")
        }
        if let size, proof.sealedSize != size {
            throw .contradiction(path: path, reason: "the log answers with the state at size \(proof.sealedSize)")
        }
        let question = StateQuestion(key: key, isWithoutStateQuorum: isWithoutStateQuorum)
        let report = verifier.state(answer.body, question)
        guard report.verdict == .verified, let proven = report.state else { throw .notVerified(report) }
        return VerifiedState(proof: proof, proven: proven)
    }
}
