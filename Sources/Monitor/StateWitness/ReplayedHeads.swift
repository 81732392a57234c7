public import Tlog

/// Which heads a state witness may cosign: those of which it has replayed every entry, each admission and each seal.
///
/// design, section 4: "A state witness […] cosigns a head only after replaying every entry below it, every admission and
/// every seal."
public struct ReplayedHeads: Sendable {
    private let logs: [Origin: WatchedLog]
    private let patience: Duration

    public enum Verdict: Sendable, Hashable {
        /// Everything below the head is replayed, its last entry is a seal, and the root is the head's.
        case replayed
        /// Not yet: the log does not show it, or it was not read in time.
        case notYet(String)
        /// Never: the log broke its rules, or this is no head of the history that was replayed.
        case refused(String)
    }

    /// - Parameter patience: how long a head is waited for.
    public init(_ logs: [WatchedLog], patience: Duration) {
        self.logs = Dictionary(logs.map { ($0.origin, $0) }) { first, _ in first }
        self.patience = patience
    }

    /// Returns as soon as the head is replayed, or it is known that it won't be, or the patience ends.
    ///
    /// - Parameter signed: with the log's signatures, which are held to its keys by its own entries.
    public func verdict(on signed: SignedCheckpoint) async -> Verdict {
        let head = signed.checkpoint
        guard let log = logs[head.origin] else { return .refused("the log \(head.origin) is not replayed here") }
        let deadline = ContinuousClock.now + patience
        while true {
            do throws(FollowFault) {
                if let verdict = try await log.verdict(on: signed) { return verdict }
            } catch {
                return .notYet("\(error)")
            }
            guard .now < deadline else {
                return .notYet("it has replayed \(await log.follower.verifiedSize) of \(head.size) entries")
            }
            await log.nextRound(until: deadline)
        }
    }
}

extension WatchedLog {
    /// Nil where it depends on what is not read yet.
    fileprivate func verdict(on signed: SignedCheckpoint) async throws(FollowFault) -> ReplayedHeads.Verdict? {
        let head = signed.checkpoint.treeHead
        switch finding {
        case .fork: return .refused("the log signed two histories")
        case .violation(let violation): return .refused("the log broke its own rules: \(violation.detail)")
        case nil where knownEvidence != nil: return .refused("the log signed two histories")
        case nil: break
        }
        switch try await follower.hasReplayed(head) {
        case nil: return nil
        case true?: return await follower.fault(ofReplayed: signed).map { .refused($0) } ?? .replayed
        case false?:
            return .refused("what was replayed has another root at \(head.size) entries, or no seal at its end")
        }
    }
}
