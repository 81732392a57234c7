import Tlog

/// Who vouches for the state that seals carry: an ordinary witness checks only that the log appends; a state witness
/// cosigns a head after it has replayed every admission and every seal below it.
extension Verifier {
    /// Holds a checkpoint to the trust file's state quorum, because the answer rests on a seal.
    ///
    /// - Parameter isWaived: the caller asked for an answer that only the log itself vouches for. A state quorum that
    ///   the trust file names is held to all the same.
    func checkStateQuorum(
        _ signed: SignedCheckpoint, of part: String?, isWaived: Bool, _ list: inout CheckList
    ) {
        guard let quorum = trust.stateQuorum else {
            let reason = "the trust file names no state quorum: nobody but the log vouches for the state in its seals"
            if isWaived {
                list.note(.stateQuorum, of: part, reason)
            } else {
                list.leaveOut(.stateQuorum, of: part, reason)
            }
            return
        }
        guard quorum != .none else {
            list.note(
                .stateQuorum, of: part,
                "the trust file says \"state-quorum none\": nobody but the log vouches for the state in its seals")
            return
        }
        let name = CheckValue("quorum", quorum.text)
        do {
            let verified = try trust.policy.verify(signed, quorum: quorum)
            list.pass(.stateQuorum, of: part, name, CheckValue("cosigned-by", verified.names))
        } catch .quorumNotReached(_, let cosigned) {
            if Mutant.stateQuorum.isOff { return list.note(.stateQuorum, of: part, "too few cosigned", name) }
            list.fail(
                .stateQuorum, of: part, "state-quorum-not-reached", "too few of the state witnesses cosigned", name,
                CheckValue("cosigned-by", cosigned.map(\.description).joined(separator: " ")))
        } catch {
            list.leaveOut(.stateQuorum, of: part, "the checkpoint's signatures are not good", name)
        }
    }

    /// Says whether the state quorum cosigned a checkpoint, where the answer does not rest on it.
    ///
    /// - Returns: the witnesses that cosigned, if the trust file names a state quorum and they reach it.
    @discardableResult
    func noteStateQuorum(
        _ signed: SignedCheckpoint, of part: String?, logKeys: [VerifierKey] = [], _ list: inout CheckList
    ) -> String? {
        guard let quorum = trust.stateQuorum, quorum != .none else { return nil }
        let name = CheckValue("quorum", quorum.text)
        do {
            let names = try trust.policy.verify(signed, logKeys: logKeys, quorum: quorum).names
            list.pass(.stateQuorum, of: part, name, CheckValue("cosigned-by", names))
            return names
        } catch {
            list.note(.stateQuorum, of: part, "too few of the state witnesses cosigned this checkpoint", name)
            return nil
        }
    }
}

extension VerifiedCheckpoint {
    /// The witnesses that cosigned, with spaces between.
    fileprivate var names: String {
        cosignatures.map(\.witness.description).joined(separator: " ")
    }
}
