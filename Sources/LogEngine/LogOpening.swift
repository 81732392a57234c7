public import COSE
internal import Governance
public import LogStore
public import Logging
internal import StoredState
internal import Tlog

extension Log {
    /// Makes a new log: entry 0, the genesis, and its seal. Open it afterwards.
    ///
    /// - Parameters:
    ///   - store: an empty store.
    ///   - genesis: the first policy, signed by one of the authorities it names.
    ///   - keys: those that the policy names.
    ///   - anchor: an anchor that has no head.
    public static func create(
        store: any LogStore, genesis: SignedStatement, keys: LogKeys, anchor: any Anchor,
        clock: any WallClock = SystemClock()
    ) throws(LogError) {
        let batch: AdmittedBatch
        do { batch = try .genesis(genesis, now: clock.now()) } catch { throw .badGenesis("\(error)") }
        try check(keys, against: batch.rules.policy)
        do {
            // The store first: an anchor that was lost must not come back as that of an empty log.
            let found = try store.read { try $0.head }
            guard found == .empty else { throw LogError.alreadyCreated(found: found.treeHead) }
            try prepare(anchor)
            let sealed = try store.read { try Sealing(key: keys.statement).seal(batch, reading: $0) }
            let tree = try Commit(store: store).commit(sealed, published: nil)
            var signing = Signing(
                store: store, anchor: anchor, keys: keys, origin: batch.rules.policy.origin, frontier: Frontier(),
                anchored: .empty)
            _ = try signing.sign(tree)
        } catch let error as LogError {
            throw error
        } catch BatchFault.refused(let detail) {
            throw .store(detail)
        } catch BatchFault.fatal(let reason) {
            throw .store("\(reason)")
        } catch {
            throw .store("\(error)")
        }
    }

    /// An anchor at the empty tree: whatever the store gets first, the anchor was there before it.
    private static func prepare(_ anchor: any Anchor) throws(LogError) {
        do {
            let found = try anchor.read()
            if let found, found != .empty { throw LogError.alreadyCreated(found: found) }
            if found == nil { try anchor.advance(from: nil, to: .empty) }
        } catch let error as LogError {
            throw error
        } catch let error as AnchorError {
            throw .anchor(error)
        } catch {
            throw .store("\(error)")
        }
    }

    /// Opens a log that was created: checks the store against itself and against the anchor, signs the stored head and
    /// publishes it, and starts the writer. It has no witnesses.
    ///
    /// - Parameters:
    ///   - onStop: called once when the log stops after a fault, on a thread of the log's. After
    ///     ``StopReason/syncFailed(_:)`` the process should end: only a new one reads from the disk.
    /// - Throws: ``LogError``, which says what to do. Nothing was signed then.
    public static func open(
        store: any LogStore, keys: LogKeys, anchor: any Anchor, options: EngineOptions = EngineOptions(),
        clock: any WallClock = SystemClock(), logger: Logger,
        onStop: @escaping @Sendable (StopReason) -> Void = { _ in }
    ) throws(LogError) -> Log {
        let start = try Start(
            store: store, keys: keys, anchor: anchor, options: options, clock: clock, logger: logger, onStop: onStop)
        return start.log(publishing: .withoutWitnesses(start.signed), panel: nil)
    }

    /// Opens a log that has witnesses: returns when a quorum of them has cosigned the stored head. Before that no new
    /// statement is taken, sealed or signed. The wait has no end of its own; cancelling the task ends it.
    ///
    /// - Parameter witnessing: the witnesses, and how they are asked. Without a quorum nothing is published;
    ///   submissions wait for it until their deadlines.
    /// - Throws: ``LogError``. No new head was signed then. ``LogError/signedElsewhere(_:)`` where a witness shows that
    ///   this log's key has signed more than this log has.
    public static func open(
        store: any LogStore, keys: LogKeys, anchor: any Anchor, options: EngineOptions = EngineOptions(),
        witnessing: Witnessing, clock: any WallClock = SystemClock(), logger: Logger,
        onStop: @escaping @Sendable (StopReason) -> Void = { _ in }
    ) async throws(LogError) -> Log {
        let start = try Start(
            store: store, keys: keys, anchor: anchor, options: options, clock: clock, logger: logger, onStop: onStop)
        let panel = WitnessPanel(
            witnessing, tree: start.tree, rules: start.rules, clock: clock, metrics: start.metrics, logger: logger)
        return start.log(publishing: try await start.firstQuorum(panel), panel: panel)
    }

    /// The log's keys are those that its policy names, each for its use.
    fileprivate static func check(_ keys: LogKeys, against policy: Policy) throws(LogError) {
        let uses = [
            ("checkpoint", keys.checkpoint.publicKey, policy.logKeys.checkpoint),
            ("receipt", keys.receipt.publicKey, policy.logKeys.receipt),
            ("statement", keys.statement.publicKey, policy.logKeys.statement),
        ]
        for (use, found, expected) in uses where found != expected {
            throw .wrongKey(use: use, found: found.description, expected: expected.description)
        }
    }
}

/// A log that was checked, and whose stored head is signed: the writer has not begun.
private struct Start {
    let store: any LogStore
    let keys: LogKeys
    let options: EngineOptions
    let clock: any WallClock
    let logger: Logger
    let onStop: @Sendable (StopReason) -> Void
    let tip: StoredTip
    let signing: Signing
    let signed: SignedHead
    let tree: SignedTree
    let rules: CurrentRules
    let queue: SubmissionQueue
    let metrics: EngineMetrics

    init(
        store: any LogStore, keys: LogKeys, anchor: any Anchor, options: EngineOptions, clock: any WallClock,
        logger: Logger, onStop: @escaping @Sendable (StopReason) -> Void
    ) throws(LogError) {
        let recovered = try Recovery(store: store, anchor: anchor, reAnchor: options.reAnchor).run()
        let policy = recovered.tip.rules.policy
        try Log.check(keys, against: policy)
        var signing = Signing(
            store: store, anchor: anchor, keys: keys, origin: policy.origin, frontier: recovered.frontier,
            anchored: recovered.anchored)
        do {
            signed = try signing.sign(try Commit(store: store).storedTree())
        } catch StopReason.readBackDiffers(let detail) {
            throw .damaged(detail)
        } catch {
            throw .store("\(error)")
        }
        (self.store, self.keys, self.options, self.clock) = (store, keys, options, clock)
        (self.logger, self.onStop, self.signing) = (logger, onStop, signing)
        tip = recovered.tip
        tree = SignedTree(
            store: store, origin: policy.origin, key: keys.checkpoint.publicKey, newest: recovered.tip.head.treeHead)
        rules = CurrentRules(recovered.tip.rules)
        queue = SubmissionQueue(options: options)
        metrics = EngineMetrics(queue: queue, clock: clock)
    }

    /// "With a quorum configured, nothing is signed after a start until a quorum has answered for the stored head": the
    /// witnesses know whether this is the newest copy of the log.
    func firstQuorum(_ panel: WitnessPanel) async throws(LogError) -> CosignedHead {
        var pause = panel.witnessing.retry.lowerBound
        while true {
            let why: String
            do throws(CosigningFault) {
                return try await panel.cosign(signed)
            } catch {
                switch error {
                case .signedElsewhere(let detail): throw .signedElsewhere(detail)
                case .noQuorum(let detail): why = detail
                }
            }
            logger.warning(
                "the log waits for a quorum of its witnesses before it starts",
                metadata: ["size": "\(tip.head.size)", "why": "\(why)"])
            do { try await Task.sleep(for: pause) } catch { throw .store("the start was cancelled") }
            pause = min(pause * 2, panel.witnessing.retry.upperBound)
        }
    }

    /// Starts the writer, and with witnesses the publisher.
    func log(publishing first: CosignedHead, panel: WitnessPanel?) -> Log {
        let parts = EngineParts(
            store: store, options: options, clock: clock, logger: logger, queue: queue,
            publication: Publication(first, at: clock.now(), stateKeys: panel?.witnessing.stateKeys ?? []),
            rules: rules, metrics: metrics, lifecycle: Lifecycle(),
            tree: tree, onStop: onStop)
        let head = parts.publication.current
        metrics.update {
            $0.treeSize = head.size
            $0.publishedAt = head.publishedAt
        }
        logger.info("the log is open", metadata: ["origin": "\(tree.origin)", "size": "\(head.size)"])
        let publisher = panel.map { Publisher(parts, panel: $0, first: signed) }
        publisher?.start()
        Writer(parts: parts, signingKeys: keys, publisher: publisher, tip: tip, signing: signing).start()
        return Log(parts, publisher: publisher)
    }
}
