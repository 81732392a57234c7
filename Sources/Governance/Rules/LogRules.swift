public import COSE
internal import Tlog

extension GovernanceState {
    /// An authority's approval of other keys for the log; with the last one that it takes, they are the log's.
    mutating func apply(_ data: LogRotate, _ place: StatementPlace) throws(AdmissionError) {
        let inForce = rules.policy
        guard data.previous == inForce.digest else {
            throw .rule(.policyPredecessor, "\(data.previous), not \(inForce.digest)", setBy: rules.policyIndex)
        }
        for (before, next) in zip(inForce.logKeys.all, data.logKeys.all) where before != next {
            try checkUnused(next)
        }
        let policy: Policy
        do {
            policy = try inForce.with(data.logKeys)
        } catch {
            throw .rule(.keyKnown, "policy: \(error)", setBy: rules.policyIndex)
        }
        guard data.logKeys != inForce.logKeys else {
            throw .rule(.keyKnown, "all of them are the log's", setBy: rules.policyIndex)
        }
        guard try approve(policy.digest, place) else { return }
        for ended in inForce.logKeys.ended(by: data.logKeys, at: place.index) {
            set(.logKey(COSEKey(ended.key).thumbprint), ended)
        }
        set(PolicyRecord(policy: policy, index: place.index))
    }

    /// An authority's approval of the log's end.
    mutating func apply(_ data: LogFreeze, _ place: StatementPlace) throws(AdmissionError) {
        guard !data.successor.hasSameUTF8(as: rules.policy.origin.text) else {
            throw .rule(.successor, data.successor, setBy: rules.policyIndex)
        }
        guard try approve(data.digest, place) else { return }
        set(.frozen, FrozenRecord(index: place.index, freeze: data))
    }

    /// Applies the log's own record of refusals, which stands directly before a seal; or throws and changes nothing. Its
    /// signature and its place in the batch are the caller's to check.
    public mutating func apply(
        _ refusals: LogRefusals, of statement: SignedStatement, index: UInt64, batchTime: UInt64
    ) throws(AdmissionError) {
        if batchStart == nil { begin(at: index) }
        let type = EventType.refusals
        do {
            try check(refusals, batchTime: batchTime)
        } catch {
            guard Mutant.isOff(error, type: type) else { throw error }
        }
        set(
            .refusals,
            RefusalsRecord(index: index, entry: statement.leafHash, seq: refusals.seq, time: batchTime))
        commitStaged()
    }

    private mutating func check(_ refusals: LogRefusals, batchTime: UInt64) throws(AdmissionError) {
        try checkNotFrozen()
        guard refusals.time == batchTime else {
            throw .rule(.refusals, "time \(refusals.time), not the batch's, \(batchTime)", setBy: nil)
        }
        let newest = try record(.refusals, RefusalsRecord.self)
        guard refusals.seq == newest.map({ $0.seq + 1 }) ?? 0, refusals.prev == newest?.entry else {
            throw .rule(.refusals, "chain: seq \(refusals.seq)", setBy: newest?.index)
        }
        if let newest, batchTime - min(batchTime, newest.time) < LogRefusals.interval {
            throw .rule(.refusals, "interval: \(newest.time) was the last one's", setBy: newest.index)
        }
        for (row, next) in zip(refusals.rows, refusals.rows.dropFirst()) where !LogRefusals.Row.precedes(row, next) {
            throw .rule(.refusals, "order: \(next.keyID) \(next.reason)", setBy: nil)
        }
        for row in refusals.rows {
            guard let entry = rules.keys[row.keyID], entry.ending == nil else {
                throw .rule(.refusals, "key \(row.keyID) is not enrolled", setBy: rules.keys[row.keyID]?.index)
            }
        }
    }
}

extension Policy {
    /// The policy that follows this one and differs in the log's keys only.
    func with(_ logKeys: LogPublicKeys) throws(PolicyError) -> Policy {
        try Policy(
            origin: origin, logKeys: logKeys, authorities: authorities, threshold: threshold, issuers: issuers,
            contentTypes: contentTypes, limits: limits, rates: rates, allowUnwitnessed: allowUnwitnessed,
            governance: governance, bounds: bounds, previous: digest)
    }
}
