internal import Governance
internal import Tlog

/// A containment that a failed decision demands: what, why, and the digest of the decision that shows it.
struct ContainmentDemand: Hashable {
    let scope: Scope
    let reason: ContainmentReason
    let evidence: Hash

    /// What is to be contained after a decision. A request that may not be is refused, and that is all: otherwise
    /// whoever asks for what he has no right to could have others contained. Contained is
    ///
    /// - an execution that runs and fails its checks, for whatever reason;
    /// - the runtime, where the log or the files say (and not the request) that it was modified;
    /// - the domain, where the log has lied.
    static func demands(of decision: Decision, in state: some StateReading) -> [ContainmentDemand] {
        guard let reason = decision.reason else { return [] }
        var demands: [ContainmentDemand] = []
        func demand(_ scope: Scope, _ reason: ContainmentReason) {
            let record = (try? state.value(.containment(scope))).flatMap { $0 }.flatMap {
                try? ContainmentRecord(decoding: $0)
            }
            // What is recovering is in somebody's hands, and not free before it is lifted.
            guard record == nil || record?.phase == .baseline || Mutant.containRecovering.isOff else { return }
            demands.append(ContainmentDemand(scope: scope, reason: reason, evidence: decision.digest))
        }
        if let execution = decision.request.execution,
            Self.isRunning(execution, in: state) || Mutant.containRunning.isOff
        {
            demand(.execution(execution), Mutant.containReason.isOff ? .unverifiableTransition : reason)
        }
        for failure in decision.failures {
            guard case .failed(let reason) = failure.outcome else { continue }
            switch (failure.check, reason) {
            case (.p4, .unauthorizedModification), (.m5, .unauthorizedModification):
                if Mutant.containRuntime.isOff { continue }
                demand(.runtime(decision.request.access.subject), reason)
            default: continue
            }
        }
        return demands
    }

    private static func isRunning(_ execution: ExecutionID, in state: some StateReading) -> Bool {
        guard let bytes = (try? state.value(.execution(execution))).flatMap({ $0 }),
            let record = try? ExecutionRecord(decoding: bytes)
        else { return false }
        return record.outcome == nil && record.phase != .revoked
    }
}
