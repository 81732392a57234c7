public import COSE
public import Tlog

/// Folds a whole log, entry by entry, and finds the first entry that is not as the log's own rules have it.
///
/// The time of a batch stands in its seal, so a batch's statements are kept until its seal comes and are admitted
/// then; how many that can be is bounded by the policy. A replay that has thrown throws the same error ever after.
public struct LogReplay: Sendable {
    /// What is known about the log from elsewhere.
    public struct Pins: Sendable, Hashable {
        /// The leaf hash of entry 0.
        public var genesis: Hash?
        /// Thumbprints of authorities, of which one must have signed entry 0; any if empty.
        public var authorities: [Hash]

        public init(genesis: Hash? = nil, authorities: [Hash] = []) {
            self.genesis = genesis
            self.authorities = authorities
        }
    }

    private struct Pending {
        let statement: SignedStatement
        /// The event in it, where the caller has read it.
        var event: Event?
        let signatureVerified: Bool
        /// There if it is the log's own record of refusals.
        var refusals: LogRefusals?
    }

    private let pins: Pins
    private var pending: [Pending] = []
    private var failure: ReplayError?
    /// There if the log has ended.
    private var frozen: FrozenRecord?
    /// The right edge of the tree.
    private(set) var frontier = Frontier()

    /// How many entries were appended.
    public private(set) var size: UInt64 = 0
    /// The size with the newest seal as last entry, 0 if there is none: what ``state``, ``map`` and ``rules`` are at.
    public private(set) var sealedSize: UInt64 = 0
    /// The newest seal.
    public private(set) var lastSeal: Seal?
    /// Its leaf hash.
    public private(set) var lastSealHash: Hash?
    /// Its entry.
    private(set) var lastSealEntry: [UInt8] = []
    /// Where opaque evidence is, by leaf hash. A log never enters a statement twice: an event's second entry would fork
    /// its stream, of other statements only this tells.
    private(set) var evidence: [Hash: UInt64] = [:]
    /// The state at ``sealedSize``.
    public private(set) var state = MemoryState()
    /// Its Merkle map.
    public private(set) var map = MerkleMap()
    /// The rules in force; nil before entry 0.
    public private(set) var rules: Rules?
    /// Whether ``changes`` are remembered, for whoever keeps the state elsewhere too.
    public var remembersChanges = false
    private var changed: [StateKey: [UInt8]?] = [:]

    /// A replay of a log from its entry 0.
    public init(pins: Pins = Pins()) {
        self.pins = pins
    }

    /// A replay that goes on where another one was: see ``Standstill``.
    init(pins: Pins, standstill: Standstill, seal: Seal, sealHash: Hash, map: MerkleMap, rules: Rules) {
        self.pins = pins
        size = standstill.size
        sealedSize = standstill.size
        lastSeal = seal
        lastSealHash = sealHash
        lastSealEntry = standstill.sealEntry
        evidence = standstill.evidence
        frontier = standstill.frontier
        state = standstill.state
        self.map = map
        self.rules = rules
    }

    /// The tree of all entries so far; of one that has thrown too.
    public var treeHead: TreeHead { frontier.treeHead }

    /// Whether every entry so far is as it should be, and the last one is a seal.
    public var isAtSeal: Bool { failure == nil && size > 0 && sealedSize == size }

    /// What sealed batches have changed of the state since ``forgetChanges()``; nothing unless ``remembersChanges``.
    public var changes: [StateChange] {
        changed.map { StateChange(key: $0.key, value: $0.value) }.sorted { $0.key < $1.key }
    }

    public mutating func forgetChanges() { changed = [:] }

    /// Appends the next entry.
    ///
    /// - Parameters:
    ///   - entry: its bytes as they are in the log.
    ///   - signatureVerified: whether the caller has verified the statement's signature already, with the key that
    ///     the rules have for it. Entry 0 and seals are verified in any case.
    public mutating func append(_ entry: [UInt8], signatureVerified: Bool = false) throws(ReplayError) {
        try guarded { replay throws(ReplayError) in
            try replay.take(replay.statement(entry), nil, signatureVerified)
        }
    }

    /// Appends the next entry, of which the caller knows that these are its bytes in the log.
    ///
    /// - Parameter event: the event in the statement's payload, where the caller has read it from there already.
    public mutating func append(
        _ statement: SignedStatement, event: Event? = nil, signatureVerified: Bool = false
    ) throws(ReplayError) {
        try guarded { replay throws(ReplayError) in try replay.take(statement, event, signatureVerified) }
    }

    /// Throws unless the last entry is a seal.
    public func finish() throws(ReplayError) {
        if let failure { throw failure }
        guard sealedSize == size || Mutant.isOff("replay/unsealed") else {
            throw .unsealed(sealedSize: sealedSize, size: size)
        }
    }

    private mutating func guarded(
        _ body: (inout LogReplay) throws(ReplayError) -> Void
    ) throws(ReplayError) {
        if let failure { throw failure }
        do {
            try body(&self)
        } catch {
            failure = error
            throw error
        }
    }

    private func statement(_ entry: [UInt8]) throws(ReplayError) -> SignedStatement {
        let statement: SignedStatement
        do { statement = try SignedStatement(decoding: entry) } catch { throw .notAStatement(index: size, error) }
        guard statement.entryBytes == entry || Mutant.isOff("replay/not-canonical") else {
            throw .notCanonical(index: size)
        }
        return statement
    }

    private mutating func take(
        _ statement: SignedStatement, _ event: Event?, _ signatureVerified: Bool
    ) throws(ReplayError) {
        frontier.append(statement.leafHash)
        // Not all of the rules: to copy them for each entry costs more than what is asked of them.
        guard let ownKey = rules?.statementKey.thumbprint, let limit = rules?.policy.limits.maxBatch else {
            return try takeGenesis(statement)
        }
        if let frozen, !Mutant.isOff("replay/frozen") { throw .afterFreeze(index: size, frozenBy: frozen.index) }
        if statement.header.thumbprint == ownKey, let rules {
            try takeOwn(statement, rules)
        } else {
            try checkNoRefusalsBefore()
            guard pending.count < limit || Mutant.isOff("replay/batch-too-large") else {
                throw .batchTooLarge(index: size, limit: limit)
            }
            if !statement.header.isEvent {
                if let first = evidence[statement.leafHash], !Mutant.isOff("replay/duplicate-entry") {
                    throw .duplicate(index: size, first: first)
                }
                evidence[statement.leafHash] = size
            }
            pending.append(Pending(statement: statement, event: event, signatureVerified: signatureVerified))
        }
        size += 1
    }

    /// A seal, or a record of refusals that waits for the seal after it.
    private mutating func takeOwn(_ statement: SignedStatement, _ rules: Rules) throws(ReplayError) {
        do { try statement.verify(rules.statementKey) } catch {
            guard Mutant.isOff("replay/seal-signature") else { throw .badSignature(index: size, error) }
        }
        guard let event = try? Event(decoding: statement.payload), event.type == EventType.refusals else {
            return try takeSeal(statement, rules)
        }
        try checkNoRefusalsBefore()
        let refusals: LogRefusals
        do { refusals = try LogRefusals(statement, origin: rules.policy.origin) } catch {
            throw .notASeal(index: size, error)
        }
        pending.append(Pending(statement: statement, signatureVerified: true, refusals: refusals))
    }

    /// "It stands directly before a seal."
    private func checkNoRefusalsBefore() throws(ReplayError) {
        guard pending.last?.refusals == nil || Mutant.isOff("replay/refusals-place") else {
            throw .refusalsPlace(index: size - 1)
        }
    }

    private mutating func takeGenesis(_ statement: SignedStatement) throws(ReplayError) {
        if let pinned = pins.genesis, pinned != statement.leafHash, !Mutant.isOff("replay/other-genesis") {
            throw .otherGenesis(expected: pinned, found: statement.leafHash)
        }
        let policy: Policy
        do { policy = try Genesis.policy(of: statement) } catch { throw .genesis(error) }
        let signer = statement.header.thumbprint
        if !pins.authorities.isEmpty, !pins.authorities.contains(signer) {
            throw .otherAuthority(thumbprint: signer)
        }
        rules = Rules(PolicyRecord(policy: policy, index: 0))
        pending.append(Pending(statement: statement, signatureVerified: true))
        size = 1
    }

    private mutating func takeSeal(_ statement: SignedStatement, _ rules: Rules) throws(ReplayError) {
        let seal: Seal
        do { seal = try Seal(statement, origin: rules.policy.origin) } catch { throw .notASeal(index: size, error) }
        try checkPlace(of: seal)
        var fold = try folded(rules, batchTime: seal.time)
        let changes = fold.changes
        var newMap = map
        newMap.apply(changes)
        guard newMap.root == seal.stateRoot || Mutant.isOff("replay/state-root") else {
            throw .stateRoot(index: size, stated: seal.stateRoot, computed: newMap.root)
        }
        self.rules = fold.rules
        // Let go of the fold's copy, so that the state is changed in place.
        fold = GovernanceState(base: MemoryState(), rules: fold.rules)
        state.apply(changes)
        if remembersChanges { for change in changes { changed.updateValue(change.value, forKey: change.key) } }
        map = newMap
        pending.removeAll(keepingCapacity: true)
        lastSeal = seal
        lastSealHash = statement.leafHash
        lastSealEntry = statement.entryBytes
        sealedSize = size + 1
        frozen = state.value(.frozen).flatMap { try? FrozenRecord(decoding: $0) }
        state.keep(frontier.treeHead)
    }

    private func checkPlace(of seal: Seal) throws(ReplayError) {
        let expectedSeq = lastSeal.map { $0.seq + 1 } ?? 0
        guard seal.seq == expectedSeq && seal.prev == lastSealHash || Mutant.isOff("replay/seal-chain") else {
            throw .sealChain(
                index: size, seq: seal.seq, prev: seal.prev, expectedSeq: expectedSeq, expectedPrev: lastSealHash)
        }
        guard seal.statements == pending.count || Mutant.isOff("replay/seal-count") else {
            throw .sealCount(index: size, stated: seal.statements, found: UInt64(pending.count))
        }
        if let before = lastSeal?.time, seal.time < before, !Mutant.isOff("replay/time-backwards") {
            throw .timeBackwards(index: size, time: seal.time, before: before)
        }
    }

    /// The state after the statements of the batch.
    private func folded(_ rules: Rules, batchTime: UInt64) throws(ReplayError) -> GovernanceState<MemoryState> {
        var statements = pending[...]
        var fold: GovernanceState<MemoryState>
        if sealedSize == 0, let genesis = statements.popFirst() {
            do { fold = try GovernanceState(base: state, genesis: genesis.statement) } catch { throw .genesis(error) }
        } else {
            fold = GovernanceState(base: state, rules: rules)
        }
        // Not one after the other by value, which counts the references of each.
        let span = statements.span
        for offset in span.indices {
            let index = sealedSize + UInt64(statements.startIndex + offset)
            if let refusals = span[offset].refusals {
                do {
                    try fold.apply(refusals, of: span[offset].statement, index: index, batchTime: batchTime)
                } catch {
                    throw .notAdmitted(index: index, error)
                }
                continue
            }
            if !span[offset].signatureVerified, let signer = fold.rules.keys.entry(for: span[offset].statement) {
                do { try span[offset].statement.verify(signer.key) } catch {
                    guard Mutant.isOff("replay/signature") else { throw .badSignature(index: index, error) }
                }
            }
            do {
                try fold.admit(span[offset].statement, event: span[offset].event, index: index, batchTime: batchTime)
            } catch {
                throw .notAdmitted(index: index, error)
            }
        }
        return fold
    }
}
