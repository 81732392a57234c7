internal import Governance
internal import LogClient
internal import Logging
internal import Monitor
internal import Synchronization
internal import Tlog

/// An execution that was started under a lease: its start names no decision of its own.
struct LeasedStart: Hashable {
    let execution: ExecutionID
    let lease: Hash
    /// The leaf hash of the start.
    let entry: Hash

    init?(_ execution: ExecutionID, _ permission: Permission, entry: Hash) {
        guard case .lease(let lease) = permission else { return nil }
        (self.execution, self.lease, self.entry) = (execution, lease, entry)
    }

    /// Collects those among the entries of a look at the log.
    final class Collection: Sendable {
        private let starts = Mutex<[LeasedStart]>([])

        func note(_ entries: [FollowedEntry]) {
            for entry in entries {
                guard let event = entry.event, event.type == ExecutionStart.type.rawValue,
                    let start = try? ExecutionStart(event.data),
                    let leased = LeasedStart(start.execution, start.permission, entry: entry.leafHash)
                else { continue }
                starts.withLock { $0.append(leased) }
            }
        }

        func take() -> [LeasedStart] {
            starts.withLock { starts in
                defer { starts = [] }
                return starts
            }
        }
    }
}

extension Gate {
    /// Watches what was started under leases of this gate, by the request that was permitted last under each.
    ///
    /// - Parameter starts: what a look at the log has found; what was there before it is looked for once.
    func watchLeased(_ starts: [LeasedStart]) async {
        guard options.watches, !Mutant.watchLeased.isOff else { return }
        var starts = starts
        if !hasSearchedLeased {
            hasSearchedLeased = true
            if !Mutant.searchLeased.isOff { starts += await runningLeased() }
        }
        for start in starts where leases.isOwn(start.lease) && watched[start.entry.bytes] == nil {
            guard let record = await state(.lease(start.lease), LeaseState.self)?.lease else { continue }
            // Without a decision it may not run: nothing says which policy it is under, so the check that follows contains it.
            var request =
                leases.lastPermitted(under: start.lease) ?? AccessRequest(access: record.access, grant: record.grant)
            request.execution = start.execution
            let permit = WatchedPermit(request: request, lease: start.lease, expires: record.expires)
            do { try watched.keep(permit, start.entry.bytes) } catch {
                logger.error("What is watched can't be kept", metadata: ["why": "\(SystemReason.text(error))"])
            }
        }
    }

    /// What runs under leases, in the state at the newest folded head.
    private func runningLeased() async -> [LeasedStart] {
        await follower.withFolded { log in
            log.state.values.compactMap { key, value in
                guard key.kind == ExecutionRecord.kind, let record = try? ExecutionRecord(decoding: value),
                    record.outcome == nil
                else { return nil }
                return LeasedStart(record.start.execution, record.start.permission, entry: record.entry)
            }
        } ?? []
    }
}
