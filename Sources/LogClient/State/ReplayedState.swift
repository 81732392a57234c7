public import Governance
public import Tlog
import Verification

/// The governance state of a log, derived from its entries alone: every admission and every seal was computed again.
public struct ReplayedState: Sendable {
    /// The head that the entries are under.
    public let head: VerifiedCheckpoint
    /// The last entry: it ends the head's newest batch.
    public let seal: Seal
    public let state: MemoryState
    public let rules: Rules
}

extension LogClient {
    /// Reads the whole log, verified under its newest checkpoint, and folds it.
    ///
    /// - Parameter progress: called with the number of entries that were folded, and that of all.
    /// - Throws: ``ClientError/contradiction(path:reason:)`` where the log does not keep its own rules.
    public func replayedState(
        progress: (_ done: UInt64, _ total: UInt64) -> Void = { _, _ in }
    ) async throws(ClientError) -> ReplayedState {
        var view = try await view()
        var replay = LogReplay(
            pins: LogReplay.Pins(genesis: trust.genesis?.leafHash, authorities: trust.authorities))
        var next: UInt64 = 0
        let size = view.size
        while next < size {
            let end = min(next / 256 * 256 + 256, size)
            let entries = try await view.entries(next..<end)
            for entry in entries {
                do { try replay.append(entry) } catch { throw Self.broken(error) }
            }
            next = end
            progress(next, size)
        }
        do { try replay.finish() } catch { throw Self.broken(error) }
        guard let seal = replay.lastSeal, let rules = replay.rules else {
            throw .contradiction(path: "checkpoint", reason: "the log is empty: it has no policy yet")
        }
        if let why = ReplayedLogKeys(replay)?.fault(of: view.head.signed) {
            throw .contradiction(path: "checkpoint", reason: why)
        }
        return ReplayedState(head: view.head, seal: seal, state: replay.state, rules: rules)
    }

    private static func broken(_ error: ReplayError) -> ClientError {
        .contradiction(path: "tile/entries", reason: "the log does not keep its own rules: \(error)")
    }
}
