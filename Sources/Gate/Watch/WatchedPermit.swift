internal import COSE
internal import Governance
internal import LogClient
internal import LogStore
internal import Logging
internal import Monitor
internal import Tlog

/// A permit that was given here, or a lease that something was started under, whose execution is judged again while it
/// runs.
struct WatchedPermit {
    var request: AccessRequest
    /// The lease that it was started under; nil for a permit of its own.
    var lease: Hash?
    let expires: UInt64
    /// What the last check was at: the size of the log, and when by the clock that only goes on.
    var checkedSize: UInt64 = 0
    var checkedAt: UInt64 = 0
}

/// "While an execution runs, all of it is checked again at every new head and at least every `recheck` interval: that is
/// drift detection" (requirements, section 4).
extension Gate {
    /// More than one gate watches; a gate that forgets the oldest refuses nothing and permits nothing by it.
    private static var maxWatched: Int { 100_000 }
    /// Of those whose requests carry evidence of a peer's, which has its bytes.
    private static var maxWatchedWithEvidence: Int { 1000 }

    func watch(_ permit: RecordedPermit, nonce: [UInt8]) throws {
        guard options.watches, watched.count < Self.maxWatched else { return }
        if permit.decision.request.peerEvidence != nil {
            if permit.decision.request.execution != nil { try renew(permit.decision.request) }
            let others = watched.permits.values.count(where: { $0.request.peerEvidence != nil })
            guard others < Self.maxWatchedWithEvidence else { return }
        }
        try watched.keep(WatchedPermit(request: permit.decision.request, expires: permit.expires), nonce)
    }

    /// An execution that was revalidated goes on under what was judged then, and is judged by that from here on: its first
    /// grant may be the very reason why it was contained.
    func watch(_ id: ExecutionID, under request: AccessRequest) throws {
        var request = request
        request.execution = id
        for (nonce, var permit) in watched.permits where permit.request.execution == id {
            if !Mutant.revalidatedRequest.isOff { permit.request = request }
            try watched.keep(permit, nonce)
        }
    }

    /// What was carried with a newer request for an execution is what it is judged by from now on: evidence of an older
    /// head of the peer's shows nothing once a newer one is recorded.
    private func renew(_ request: AccessRequest) throws {
        for (nonce, var permit) in watched.permits
        where permit.request.execution == request.execution && permit.request.grant == request.grant {
            permit.request.peerEvidence = request.peerEvidence
            try watched.keep(permit, nonce)
        }
    }

    func recheckWatched() async {
        guard finding == nil, !Mutant.recheck.isOff else { return }
        let now = await now()
        for nonce in watched.permits.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            await recheck(nonce, now)
        }
        numbers.watching(watched.count)
    }

    private func recheck(_ nonce: [UInt8], _ now: UInt64) async {
        guard var permit = watched[nonce], let head = board.current.head else { return }
        let isOverdue = time.elapsed() - permit.checkedAt >= head.bounds.recheck && !Mutant.recheckInterval.isOff
        let isDue = permit.checkedSize != head.treeHead.size || isOverdue
        guard isDue else { return }
        if permit.lease == nil {
            guard let record = await state(.decision(nonce), PermitRecord.self) else { return }
            guard let startedBy = record.usedBy else {
                // Nothing was started under it, and soon nothing can be.
                if now > permit.expires, fault == nil { watched.end(nonce) }
                return
            }
            learnExecution(&permit, nonce, startedBy)
        }
        guard let id = permit.request.execution, let running = await state(.execution(id), ExecutionRecord.self),
            running.outcome == nil, running.phase != .revoked
        else {
            watched.end(nonce)
            return
        }
        watched.note(nonce, size: head.treeHead.size, at: time.elapsed())
        let containment = await state(.containment(.execution(id)), ContainmentRecord.self)?.phase ?? .baseline
        guard containment == .baseline, !owed.contains(where: { $0.scope == .execution(id) }) else { return }
        let decision = await judge(permit.request, files: nil)
        numbers.rechecked()
        guard !decision.permits else { return }
        _ = await refuse(decision)
    }

    /// A permit may have been asked for without a name for what is to run under it.
    private func learnExecution(_ permit: inout WatchedPermit, _ nonce: [UInt8], _ startedBy: UInt64) {
        guard permit.request.execution == nil, let id = execution(startedBy: startedBy) else { return }
        permit.request.execution = id
        do { try watched.keep(permit, nonce) } catch {
            logger.error("What is watched can't be kept", metadata: ["why": "\(SystemReason.text(error))"])
        }
    }

    private func execution(startedBy index: UInt64) -> ExecutionID? {
        let found = try? store.read { (bytes: try $0.entry(index), leafHash: try $0.leafHash(at: index)) }
        guard let bytes = found?.bytes, let statement = try? SignedStatement(decoding: bytes),
            statement.leafHash == found?.leafHash, let event = try? Event(decoding: statement.payload)
        else { return nil }
        return (try? ExecutionStart(event.data))?.execution
    }
}
