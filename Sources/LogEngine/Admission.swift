internal import COSE
internal import Governance
internal import LogStore
internal import StoredState
internal import Tlog

/// The statements that become entries, in order, and what they change. Only ``Admission`` makes one.
struct AdmittedBatch {
    /// The statements and what they change, with the log that they continue.
    let folded: FoldedBatch

    /// The batch's time, in milliseconds since 1970: the only clock of the fold.
    let time: UInt64

    /// What became of each statement, by submission, in order.
    let outcomes: [[Result<Placement, Rejection>]]

    /// What was refused and stands in no record yet, once the batch is committed.
    let refusals: RefusalTally

    fileprivate init(
        folded: FoldedBatch, time: UInt64, outcomes: [[Result<Placement, Rejection>]],
        refusals: RefusalTally = RefusalTally()
    ) {
        self.folded = folded
        self.time = time
        self.outcomes = outcomes
        self.refusals = refusals
    }

    /// The log that the batch continues.
    var base: StoredTip { folded.base }

    /// The rules in force after the batch.
    var rules: Rules { folded.rules }
}

/// The second step: dedup, then the policy and the streams, one statement after the other, on the state exactly below.
struct Admission {
    private let base: StoredTip
    private let snapshot: any LogSnapshot
    private let time: UInt64

    /// Set when the clock is so far behind the newest seal that new statements can't be judged by it.
    private let clockBehind: Rejection?

    /// The state below the batch, and what was read of it.
    private let state: RecordedState
    private var fold: GovernanceState<RecordedState>
    private var entries: [FoldedBatch.Entry] = []

    /// Where the statements of this very batch stand.
    private var placed: [Hash: UInt64] = [:]

    /// Whether any of the batch's statements may stand in the snapshot.
    private var mayBeThere = true

    private var refusals: RefusalTally

    /// - Parameters:
    ///   - snapshot: of the committed log that `base` describes.
    ///   - now: the clock, in milliseconds since 1970.
    ///   - refusals: what was refused and stands in no record yet.
    init(
        base: StoredTip, snapshot: any LogSnapshot, now: UInt64, refusals: RefusalTally = RefusalTally()
    ) throws(StopReason) {
        let found: StoredHead?
        do { found = try snapshot.head } catch { found = nil }
        guard found == base.head else {
            throw .headMoved(
                "the store is at \(AnchorError.name(found?.treeHead)), "
                    + "this writer left it at \(AnchorError.name(base.head.treeHead))")
        }
        self.base = base
        self.snapshot = snapshot
        self.refusals = refusals
        // Seals never go back in time: a clock that did is overruled, up to the skew that statements may have too.
        time = max(now, base.head.sealTime)
        clockBehind = Self.clockBehind(by: time - now, limit: base.rules.policy.limits.maxSkew)
        state = RecordedState(snapshot, at: base.head.size)
        fold = GovernanceState(base: state, rules: base.rules)
    }

    private static func clockBehind(by distance: UInt64, limit: UInt64) -> Rejection? {
        guard distance > limit else { return nil }
        return Rejection(
            .clockBehind,
            "the clock of the log's machine is \(distance) ms behind the newest seal, more than the \(limit) that the "
                + "policy in force allows: its operator has to set it",
            retryAfter: 60)
    }

    /// Decides on every statement of the groups, in order, and ends with the record of refusals if one is due.
    ///
    /// - Parameters:
    ///   - store: what the snapshot is of.
    ///   - key: what the log's own statements are signed with.
    ///   - ring: the keys that the server holds.
    ///   - interval: how long refusals are gathered before a record of them is due, in ms.
    consuming func admit(
        _ groups: [PendingGroup], of store: any LogStore, key: Ed25519.SigningKey, ring: LogKeyRing, interval: UInt64
    ) throws(BatchFault) -> AdmittedBatch {
        mayBeThere = try mayHave(groups, store)
        var outcomes: [[Result<Placement, Rejection>]] = []
        outcomes.reserveCapacity(groups.count)
        let count = groups.reduce(0) { $0 + $1.statements.count }
        entries.reserveCapacity(count)
        placed.reserveCapacity(count)
        for group in groups {
            var answers: [Result<Placement, Rejection>] = []
            answers.reserveCapacity(group.statements.count)
            for submission in group.statements { answers.append(try decide(submission, ring)) }
            outcomes.append(answers)
        }
        try recordRefusals(key: key, interval: interval)
        let folded = FoldedBatch(
            base: base, entries: entries, changes: fold.changes,
            reads: Mutant.stateReads.isOff ? [] : state.reads, rules: fold.rules)
        return AdmittedBatch(folded: folded, time: time, outcomes: outcomes, refusals: refusals)
    }

    private mutating func decide(
        _ submission: VerifiedSubmission, _ ring: LogKeyRing
    ) throws(BatchFault) -> Result<Placement, Rejection> {
        let statement = submission.statement
        // Before any policy is asked: the same statement gets the same index for ever.
        if !Mutant.dedupFirst.isOff, let index = try index(of: statement.leafHash) {
            return .success(Placement(index: index, duplicate: true))
        }
        if let clockBehind { return .failure(clockBehind) }
        let limit = base.rules.policy.limits.maxBatch
        guard entries.count < limit else {
            return .failure(
                Rejection(
                    .overloaded, "the policy in force allows \(limit) statements in a batch: send the rest again",
                    retryAfter: 1))
        }
        if let refusal = Self.refusal(ofRotation: submission.event, ring) { return .failure(refusal) }
        let index = base.head.size + UInt64(entries.count)
        do {
            try fold.admit(statement, event: submission.event, index: index, batchTime: time)
        } catch .storage(let detail) {
            throw .refused(detail)
        } catch {
            refusals.note(error, keyID: statement.header.thumbprint, at: time)
            return .failure(Rejection(error))
        }
        entries.append(submission.entry)
        placed[statement.leafHash] = index
        return .success(Placement(index: index, duplicate: false))
    }

    /// The rules would allow it, but the log would then name keys that this server does not sign with. Each approval of a
    /// rotation is held to that, also one that others have to follow.
    private static func refusal(ofRotation event: Event?, _ ring: LogKeyRing) -> Rejection? {
        guard let event, event.type == StatementType.logRotate.rawValue, !Mutant.rotationHeld.isOff,
            let rotation = try? LogRotate(event.data), ring.keys(for: rotation.logKeys) == nil
        else { return nil }
        return Rejection(
            .notAllowed,
            "this server does not hold these keys, so it takes no log.rotate to them: its operator gives them to it first "
                + "(next-keys)")
    }

    /// "It stands directly before a seal": nothing is admitted after it.
    private mutating func recordRefusals(key: Ed25519.SigningKey, interval: UInt64) throws(BatchFault) {
        guard !refusals.isEmpty, !Mutant.refusalsRecorded.isOff else { return }
        do {
            // The last statement of a frozen log is the one that ends it.
            guard try fold.value(.frozen) == nil else { return }
            let newest = try fold.value(.refusals).map(RefusalsRecord.init(decoding:))
            let keys = fold.rules.keys
            let due = refusals.due(at: time, interval: interval, after: newest) { keyID in
                keys[keyID].map { $0.ending == nil } ?? false
            }
            guard let due else { return }
            let statement = due.statement(origin: fold.rules.policy.origin, key: key)
            try fold.apply(due, of: statement, index: base.head.size + UInt64(entries.count), batchTime: time)
            entries.append(FoldedBatch.Entry(statement))
            refusals = RefusalTally()
        } catch {
            throw BatchFault(read: error)
        }
    }

    /// Whether any of the statements may be an entry of the snapshot; the store knows of all that is in that.
    private func mayHave(_ groups: [PendingGroup], _ store: any LogStore) throws(BatchFault) -> Bool {
        var leafHashes: [Hash] = []
        leafHashes.reserveCapacity(groups.reduce(0) { $0 + $1.statements.count })
        for group in groups { for submission in group.statements { leafHashes.append(submission.statement.leafHash) } }
        do {
            return try store.mayHave(anyOf: leafHashes)
        } catch {
            throw BatchFault(read: error)
        }
    }

    private func index(of leafHash: Hash) throws(BatchFault) -> UInt64? {
        if let index = placed[leafHash] { return index }
        guard mayBeThere else { return nil }
        do {
            return try snapshot.index(ofLeaf: leafHash)
        } catch {
            throw BatchFault(read: error)
        }
    }
}

extension AdmittedBatch {
    /// The batch that begins a log: the genesis alone, over nothing.
    static func genesis(_ genesis: SignedStatement, now: UInt64) throws(GenesisError) -> AdmittedBatch {
        let fold = try GovernanceState(base: MemoryState(), genesis: genesis)
        let folded = FoldedBatch(
            base: .empty(rules: fold.rules), entries: [FoldedBatch.Entry(genesis)], changes: fold.changes, reads: [],
            rules: fold.rules)
        return AdmittedBatch(folded: folded, time: now, outcomes: [])
    }
}

extension AdmissionError {
    /// The name of the check of admission; nil where the store failed.
    fileprivate var rule: String? {
        if case .storage = self { nil } else { reason }
    }
}

extension Rejection {
    /// Why the policy in force, or the state, does not admit a statement.
    init(_ error: AdmissionError) {
        let code: RejectionCode
        var existing: UInt64?
        switch error {
        case .tooLarge: code = .tooLarge
        case .unknownKey, .keyOfAnotherIssuer, .keyEnded: code = .unknownIssuer
        case .rule(let violation) where violation.rule == .frozen: code = .frozen
        case .contentTypeNotAllowed, .reservedType, .tooManyStreams, .rule: code = .notAllowed
        case .malformedEvent, .malformedData: code = .malformed
        case .timeSkew: code = .timeSkew
        case .streamGap: code = .streamGap
        case .streamFork(_, let seq, let newest):
            code = .streamFork
            existing = newest.seq == seq ? newest.index : nil
        case .storage: code = .storageFailed
        }
        self.init(
            code, "\(error)", rule: error.rule, setBy: error.setBy,
            expected: error.expectedPlace.map { ExpectedLink(seq: $0.seq, prev: $0.prev) },
            existingIndex: existing)
    }
}
