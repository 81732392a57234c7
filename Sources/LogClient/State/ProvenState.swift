public import Governance
import Tlog
public import Verification

extension LogClient {
    /// What the log's state has under a key, proved: seal, map proof, and the quorums of the trust file.
    ///
    /// Where the trust file names no state quorum, nobody but the log vouches for its seals; a replay
    /// (``replayedState(progress:)``) finds out whether they are right.
    ///
    /// - Parameter size: the state has to be that of a log of this size at least, so that no old one is shown.
    /// - Returns: nil if the server has no such resource.
    public func provenState(_ key: StateKey, atLeast size: UInt64? = nil) async throws(ClientError) -> ProvenState? {
        let question = StateQuestion(
            key: key, leastSize: size, isWithoutStateQuorum: trust.stateQuorum == nil)
        return try await stateIfServed(question, of: key)?.proven
    }
}
