import COSE
public import Governance
public import LogClient
public import LogStore
import StoredState
public import Tlog
public import Verification

/// Fills an empty store with a log that is copied somewhere else: entries, tiles, state, map, streams and lists, batch by
/// batch, as the log itself wrote them.
///
/// Every entry is verified under the root, every batch is replayed by the log's rules, and the state root that the store
/// comes to must be the one in the batch's seal. So a store that is complete is the log's, and a mirror that lies makes
/// none.
public struct StoreRebuild {
    private let store: any LogStore
    private let source: any LogFiles
    private let checkpoint: VerifiedCheckpoint
    private var replay: LogReplay
    private var tip: StoredTip?
    /// Statements whose seal has not come yet.
    private var pending: [SignedStatement] = []

    private static let bundlesInGroup: UInt64 = 8

    /// - Parameters:
    ///   - store: empty.
    ///   - checkpoint: of the copy, verified by the caller.
    public init(
        _ store: any LogStore, from source: any LogFiles, under checkpoint: VerifiedCheckpoint, trust: TrustFile
    ) {
        self.store = store
        self.source = source
        self.checkpoint = checkpoint
        replay = LogReplay(pins: LogReplay.Pins(genesis: trust.genesis?.leafHash, authorities: trust.authorities))
    }

    /// Fills the store.
    ///
    /// - Returns: the policy in force at the head.
    public mutating func run(progress: (_ done: UInt64, _ of: UInt64) -> Void = { _, _ in }) async throws -> Policy {
        let head = checkpoint.treeHead
        guard let truth = try await TileTruth(head: head, files: source, mirror: nil) else {
            throw MirrorError.mismatch(path: "tile", why: "its tiles do not make the root of \(head.size) entries")
        }
        let bundles = TreeTop.bundleCount(size: head.size)
        var start: UInt64 = 0
        while start < bundles {
            let end = min(start + Self.bundlesInGroup, bundles)
            for index in start..<end {
                let bundle = try await BundleCheck(index, of: truth, in: source, mirror: nil)
                guard let entries = bundle.entries else {
                    throw MirrorError.mismatch(
                        path: bundle.damage.first?.place ?? "bundle \(index)",
                        why: bundle.damage.first?.values ?? "it is not what the root demands")
                }
                try await append(entries, from: index * UInt64(EntryBundle.fullWidth))
            }
            start = end
            progress(replay.size, head.size)
        }
        try replay.finish()
        if let why = ReplayedLogKeys(replay)?.fault(of: checkpoint.signed) {
            throw MirrorError.noCheckpoint(why: why)
        }
        guard let tip, let rules = replay.rules, tip.head.treeHead == head else {
            throw MirrorError.mismatch(path: "checkpoint", why: "the copy does not end with a seal")
        }
        try store.commit(
            .checkpointOnly(size: head.size, bytes: checkpoint.signed.bytes, head: tip.head), expecting: head)
        return rules.policy
    }

    private mutating func append(_ entries: [[UInt8]], from first: UInt64) async throws {
        for entry in await FollowedEntry.verified(entries, from: first, keys: replay.rules?.keys) {
            try replay.append(entry.entry)
            guard let statement = entry.statement else { continue }
            pending.append(statement)
            if replay.isAtSeal, let seal = replay.lastSeal { try write(seal) }
        }
    }

    /// Writes the batch that a seal ends.
    private mutating func write(_ seal: Seal) throws {
        guard let sealStatement = pending.popLast() else { return }
        let statements = pending
        pending = []
        let base = tip
        let (batch, next) = try store.read { snapshot in
            let state = RecordedState(snapshot, at: base?.head.size ?? 0)
            var rest = statements[...]
            var fold: GovernanceState<RecordedState>
            if let base {
                fold = GovernanceState(base: state, rules: base.rules)
            } else {
                fold = try GovernanceState(base: state, genesis: rest.removeFirst())
            }
            let start = base ?? .empty(rules: fold.rules)
            for (offset, statement) in rest.enumerated() {
                let index = start.head.size + UInt64(rest.startIndex + offset)
                try Self.add(statement, index, to: &fold, start.rules.statementKey, seal)
            }
            let folded = FoldedBatch(
                base: start, entries: statements.map { FoldedBatch.Entry($0) }, changes: fold.changes,
                reads: base == nil ? [] : state.reads, rules: fold.rules)
            let rooted = try folded.rooted(reading: snapshot)
            guard rooted.stateRoot == seal.stateRoot else {
                throw MirrorError.mismatch(
                    path: "entry \(start.head.size + UInt64(statements.count))",
                    why: "its seal has the state root \(seal.stateRoot), the stored state comes to \(rooted.stateRoot)")
            }
            return rooted.sealed(by: sealStatement, seal)
        }
        try store.commit(batch, expecting: base?.head.treeHead ?? .empty)
        tip = next
    }

    /// Folds what the replay has found in order already: a statement, or the log's own record of refusals.
    private static func add(
        _ statement: SignedStatement, _ index: UInt64, to fold: inout GovernanceState<RecordedState>, _ logKey: COSEKey,
        _ seal: Seal
    ) throws {
        if statement.header.thumbprint == logKey.thumbprint {
            let refusals = try LogRefusals(statement, origin: fold.rules.policy.origin)
            try fold.apply(refusals, of: statement, index: index, batchTime: seal.time)
        } else {
            try fold.admit(statement, index: index, batchTime: seal.time)
        }
    }
}

extension LogFiles {
    /// The copy's own checkpoint, verified under a trust file.
    public func checkpoint(under trust: TrustFile) async throws -> VerifiedCheckpoint {
        guard let bytes = try await read("checkpoint") else {
            throw MirrorError.noCheckpoint(why: "there is no file \"checkpoint\"")
        }
        do {
            return try trust.verify(try SignedCheckpoint(parsing: bytes))
        } catch {
            let check = Verifier(trust: trust).checkpoint(bytes).decidingCheck
            throw MirrorError.noCheckpoint(why: check?.detail ?? "\(error)")
        }
    }
}
