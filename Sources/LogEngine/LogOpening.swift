public import COSE
internal import Governance
public import LogStore
public import Logging
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
            let sealed = Sealing(key: keys.statement).seal(batch)
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
    /// publishes it, and starts the writer.
    ///
    /// - Parameters:
    ///   - cosigners: where cosignatures come from before a head is published.
    ///   - onStop: called once, on the writer's thread, when the log stops after a fault. After
    ///     ``StopReason/syncFailed(_:)`` the process should end: only a new one reads from the disk.
    /// - Throws: ``LogError``, which says what to do. Nothing was signed then.
    public static func open(
        store: any LogStore, keys: LogKeys, anchor: any Anchor, options: EngineOptions = EngineOptions(),
        cosigners: any Cosigners = NoCosigners(), clock: any WallClock = SystemClock(), logger: Logger,
        onStop: @escaping @Sendable (StopReason) -> Void = { _ in }
    ) throws(LogError) -> Log {
        let recovered = try Recovery(store: store, anchor: anchor, reAnchor: options.reAnchor).run()
        let policy = recovered.tip.rules.policy
        try check(keys, against: policy)
        var signing = Signing(
            store: store, anchor: anchor, keys: keys, origin: policy.origin, frontier: recovered.frontier,
            anchored: recovered.anchored)
        let cosigning = Cosigning(cosigners: cosigners)
        let first: CosignedHead
        do {
            first = try cosigning.cosign(try signing.sign(try Commit(store: store).storedTree()))
        } catch StopReason.readBackDiffers(let detail) {
            throw .damaged(detail)
        } catch {
            throw .store("\(error)")
        }
        let queue = SubmissionQueue(options: options)
        let parts = EngineParts(
            store: store, options: options, clock: clock, logger: logger, queue: queue,
            publication: Publication(first, at: clock.now()), rules: CurrentRules(recovered.tip.rules),
            metrics: EngineMetrics(queue: queue), lifecycle: Lifecycle(), onStop: onStop)
        let head = parts.publication.current
        parts.metrics.update {
            $0.treeSize = head.size
            $0.publishedAt = head.publishedAt
        }
        logger.info(
            "the log is open", metadata: ["origin": "\(policy.origin)", "size": "\(head.size)"])
        Writer(parts: parts, signingKeys: keys, cosigning: cosigning, tip: recovered.tip, signing: signing).start()
        return Log(parts)
    }

    /// The log's keys are those that its policy names, each for its use.
    private static func check(_ keys: LogKeys, against policy: Policy) throws(LogError) {
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
