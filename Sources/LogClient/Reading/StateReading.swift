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
    /// What the log's state says about a key, with its proof. Where state witnesses are needed that have not cosigned the
    /// newest head yet, it waits for them for some seconds: they are asked after a head is published.
    ///
    /// - Parameters:
    ///   - size: as of which size of the log; the newest if nil.
    ///   - isWithoutStateQuorum: whether the log's own word is enough, where the trust file names no state quorum.
    public func state(
        of key: StateKey, at size: UInt64? = nil, isWithoutStateQuorum: Bool = false
    ) async throws(ClientError) -> VerifiedState {
        try await state(StateQuestion(key: key, isWithoutStateQuorum: isWithoutStateQuorum), of: key, at: size)
    }

    /// As ``state(of:at:isWithoutStateQuorum:)``.
    func state(
        _ question: StateQuestion, of key: StateKey, at size: UInt64? = nil
    ) async throws(ClientError) -> VerifiedState {
        var size = size
        var attempt = 0
        while true {
            attempt += 1
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
            let report = verifier.state(answer.body, question)
            if report.verdict == .verified, let proven = report.state {
                return VerifiedState(proof: proof, proven: proven)
            }
            guard report.lacksOnlyStateQuorum, await pause(round: attempt, asked: nil) else {
                throw .notVerified(report)
            }
            // The same state again: a busy log has always a newer one that nobody has cosigned yet.
            size = proof.sealedSize
        }
    }

    /// As ``state(of:at:isWithoutStateQuorum:)``; nil if the server has no state proofs.
    func stateIfServed(_ question: StateQuestion, of key: StateKey) async throws(ClientError) -> VerifiedState? {
        do {
            return try await state(question, of: key)
        } catch .refused(let problem) where problem.status == 404 {
            return nil
        }
    }
}
