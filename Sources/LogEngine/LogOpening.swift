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
        _ = try LogKeyRing(keys, next: nil).keys(namedBy: batch.rules.policy)
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
    ///   - next: the keys that a `log.rotate` may put in the place of `keys`, or has put there already. Without them the log
    ///     takes no rotation.
    ///   - onStop: called once when the log stops after a fault, on any thread: it must not wait for the log. After
    ///     ``StopReason/syncFailed(_:)`` the process should end: only a new one reads from the disk.
    /// - Throws: ``LogError``, which says what to do. Nothing was signed then.
    public static func open(
        store: any LogStore, keys: LogKeys, next: LogKeys? = nil, anchor: any Anchor,
        options: EngineOptions = EngineOptions(), clock: any WallClock = SystemClock(), logger: Logger,
        onStop: @escaping @Sendable (StopReason) -> Void = { _ in }
    ) throws(LogError) -> Log {
        let start = try Start(
            store: store, keys: LogKeyRing(keys, next: next), anchor: anchor, options: options, clock: clock,
            logger: logger, onStop: onStop)
        return start.log()
    }

    /// Opens a log that has witnesses, and waits until it runs: ``begin(store:keys:next:anchor:options:witnessing:clock:logger:onStop:)``
    /// and ``waitForQuorum()``.
    public static func open(
        store: any LogStore, keys: LogKeys, next: LogKeys? = nil, anchor: any Anchor,
        options: EngineOptions = EngineOptions(), witnessing: Witnessing, clock: any WallClock = SystemClock(),
        logger: Logger, onStop: @escaping @Sendable (StopReason) -> Void = { _ in }
    ) async throws(LogError) -> Log {
        let log = try begin(
            store: store, keys: keys, next: next, anchor: anchor, options: options, witnessing: witnessing,
            clock: clock, logger: logger, onStop: onStop)
        try await log.waitForQuorum()
        return log
    }

    /// Opens a log that has witnesses, and returns at once. It awaits their quorum (``EngineStatus/awaitingQuorum``):
    /// before that no new statement is taken, sealed or signed. What can be read meanwhile is what an earlier run
    /// published last, if the store has kept that head under a quorum of these witnesses; else nothing.
    ///
    /// - Parameter witnessing: the witnesses, and how they are asked. Without a quorum nothing is published;
    ///   submissions wait for it until their deadlines.
    /// - Throws: ``LogError``. No new head was signed then.
    public static func begin(
        store: any LogStore, keys: LogKeys, next: LogKeys? = nil, anchor: any Anchor,
        options: EngineOptions = EngineOptions(), witnessing: Witnessing, clock: any WallClock = SystemClock(),
        logger: Logger, onStop: @escaping @Sendable (StopReason) -> Void = { _ in }
    ) throws(LogError) -> Log {
        let start = try Start(
            store: store, keys: LogKeyRing(keys, next: next), anchor: anchor, options: options, clock: clock,
            logger: logger, onStop: onStop)
        let panel = WitnessPanel(
            witnessing, tree: start.tree, rules: start.rules, clock: clock, metrics: start.metrics, logger: logger)
        return start.log(awaiting: panel, showing: try start.keptHead(under: witnessing.policy))
    }
}

/// A log that was checked, and whose stored head is signed: the writer has not begun.
private struct Start {
    let store: any LogStore
    let keys: LogKeyRing
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
        store: any LogStore, keys: LogKeyRing, anchor: any Anchor, options: EngineOptions, clock: any WallClock,
        logger: Logger, onStop: @escaping @Sendable (StopReason) -> Void
    ) throws(LogError) {
        let recovered = try Recovery(store: store, anchor: anchor, reAnchor: options.reAnchor).run()
        let policy = recovered.tip.rules.policy
        var signing = Signing(
            store: store, anchor: anchor, keys: try keys.keys(namedBy: policy), origin: policy.origin,
            frontier: recovered.frontier, anchored: recovered.anchored)
        do {
            signed = try signing.sign(try Commit(store: store).storedTree())
        } catch StopReason.readBackDiffers(let detail) {
            throw .damaged(detail)
        } catch {
            throw .store("\(error)")
        }
        (self.store, self.keys, self.options, self.clock) = (store, keys, options, clock)
        (self.logger, self.onStop, self.signing) = (logger, onStop, signing)
        if recovered.anchored == nil {
            logger.notice(
                "the anchor was missing; a new one was made at the stored head, as --re-anchor asks",
                metadata: [
                    "size": "\(recovered.tip.head.size)", "root": "\(recovered.tip.head.treeHead.root.hex)",
                ])
        }
        tip = recovered.tip
        tree = SignedTree(
            store: store, origin: policy.origin,
            keys: keys.checkpointKeys + recovered.tip.rules.formerLogKeys.filter { $0.use == .checkpoint }.map(\.key),
            newest: recovered.tip.head.treeHead)
        rules = CurrentRules(recovered.tip.rules)
        queue = SubmissionQueue(options: options)
        metrics = EngineMetrics(queue: queue, clock: clock)
    }

    /// Starts the writer of a log without witnesses.
    func log() -> Log {
        let publication = Publication(.withoutWitnesses(signed), at: clock.now())
        let parts = parts(publication, .running)
        show(publication.current)
        logger.info("the log is open", metadata: metadata)
        Writer(parts: parts, keys: keys, publisher: nil, tip: tip, signing: signing).start()
        return Log(parts, publisher: nil, opening: nil)
    }

    /// Asks the witnesses; publisher and writer start when their quorum has answered.
    func log(awaiting panel: WitnessPanel, showing kept: PublishedHead?) -> Log {
        let publication = Publication(kept: kept, stateKeys: panel.witnessing.stateKeys)
        let parts = parts(publication, .awaitingQuorum)
        if let kept { show(kept) }
        metrics.update { $0.cosigning?.withoutQuorum = "no quorum has answered since the start" }
        let publisher = Publisher(parts, panel: panel, first: signed)
        let opening = Task.detached { await self.open(parts, panel, publisher) }
        return Log(parts, publisher: publisher, opening: opening)
    }

    private func open(
        _ parts: EngineParts, _ panel: WitnessPanel, _ publisher: Publisher
    ) async -> Result<Void, LogError> {
        do throws(LogError) {
            let first = try await firstQuorum(panel)
            do throws(StopReason) {
                show(try parts.publication.publish(first, at: clock.now()))
            } catch {
                throw .damaged("\(error)")
            }
        } catch {
            let reason: StopReason =
                if case .signedElsewhere(let why) = error { .signedElsewhere(why) } else { .shutdown }
            parts.queue.close(reason)
            _ = parts.lifecycle.stop(reason)
            if reason != .shutdown {
                metrics.update { $0.stopped = true }
                logger.critical("the log does not start", metadata: metadata.merging(["why": "\(error)"]) { $1 })
            }
            parts.lifecycle.end()
            return .failure(error)
        }
        metrics.update { $0.cosigning?.withoutQuorum = nil }
        logger.info("the log is open", metadata: metadata)
        parts.lifecycle.run()
        publisher.start()
        Writer(parts: parts, keys: keys, publisher: publisher, tip: tip, signing: signing).start()
        return .success(())
    }

    private func parts(_ publication: Publication, _ status: EngineStatus) -> EngineParts {
        EngineParts(
            store: store, options: options, clock: clock, logger: logger, queue: queue, publication: publication,
            rules: rules, metrics: metrics, lifecycle: Lifecycle(status), tree: tree, onStop: onStop)
    }

    private func show(_ head: PublishedHead) {
        metrics.update {
            $0.treeSize = head.size
            $0.publishedAt = head.publishedAt
        }
    }

    private var metadata: Logger.Metadata { ["origin": "\(tree.origin)", "size": "\(tip.head.size)"] }
}

// MARK: The first quorum

extension Start {
    /// "With a quorum configured, nothing is signed after a start until a quorum has answered for the stored head": the
    /// witnesses know whether this is the newest copy of the log.
    private func firstQuorum(_ panel: WitnessPanel) async throws(LogError) -> CosignedHead {
        if Mutant.firstQuorum.isOff { return .failingOpen(signed, []) }
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
            metrics.update { $0.cosigning?.withoutQuorum = why }
            logger.warning(
                "the log waits for a quorum of its witnesses before it takes anything",
                metadata: ["size": "\(tip.head.size)", "why": "\(why)"])
            do { try await Task.sleep(for: pause) } catch { throw .store("the start was cancelled") }
            pause = min(pause * 2, panel.witnessing.retry.upperBound)
        }
    }

    /// The head that an earlier run published last, if the store has kept it, this log's key has signed it, this log
    /// contains it, and its cosignatures are a quorum. To show it signs nothing that was not signed before: the
    /// receipts' signature over a head is always the same.
    fileprivate func keptHead(under policy: TlogPolicy) throws(LogError) -> PublishedHead? {
        do {
            guard let bytes = try store.read({ try $0.checkpoint(atMost: $0.head.size) }) else { return nil }
            let kept = try SignedCheckpoint(parsing: bytes)
            let verified = try? policy.verify(kept, logKeys: tree.keys)
            guard tree.hasSigned(kept), verified != nil || Mutant.keptQuorum.isOff else {
                return nil
            }
            if let contradiction = try tree.contradiction(in: kept) { throw LogError.damaged(contradiction) }
            guard let entry = try store.read({ try $0.entry(kept.checkpoint.size - 1) }) else {
                throw LogError.damaged("the seal that ends the published tree of \(kept.checkpoint.size) is not there")
            }
            let seal = try Seal(SignedStatement(decoding: entry), origin: tree.origin)
            let time = verified?.headTime(notAfter: (clock.now() + tip.rules.policy.limits.maxSkew) / 1000)
            return PublishedHead(
                checkpoint: kept, sealTime: seal.time,
                signedRoot: SignedRoot(
                    head: kept.checkpoint.treeHead, origin: tree.origin, key: signing.keys.receipt, checkpoint: kept),
                publishedAt: time.map { $0 * 1000 } ?? seal.time)
        } catch let error as LogError {
            throw error
        } catch {
            throw .damaged("the published head that was kept cannot be used: \(error)")
        }
    }
}
