internal import Foundation
internal import Governance
internal import LogStore
internal import Logging
internal import StoredState
internal import Tlog

/// The one writer: takes what has come, makes a batch of it, and sees it through to the signature, then the next.
/// Without witnesses it publishes too; with them the ``Publisher`` does, beside the next batch.
///
/// It has a thread of its own, because a commit blocks until the disk has it, and the threads that tasks run on must
/// not wait for disks. A batch closes as soon as the one before it is done, so an idle log answers in two syncs, the
/// store's and the anchor's, and a busy one spreads them over all that came in the meantime.
struct Writer: Sendable {
    let parts: EngineParts
    let keys: LogKeyRing
    /// Where heads go on their way to the witnesses; nil where there are none.
    let publisher: Publisher?
    var tip: StoredTip
    var signing: Signing
    /// What was refused and stands in no record yet.
    var refusals = RefusalTally()

    /// Starts the thread; it ends when the queue is closed and empty.
    func start() {
        let thread = Thread {
            // A name that Foundation is given does not reach the system, or not surely. At most 15 bytes.
            try? Data("holdfast-writer".utf8).write(to: URL(filePath: "/proc/thread-self/comm"))
            var writer = self
            writer.run()
        }
        thread.start()
    }

    private mutating func run() {
        let interval = max(parts.options.refusalsInterval, .milliseconds(20))
        while let groups = parts.queue.nextBatch(
            limit: tip.rules.policy.limits.maxBatch, within: refusals.isEmpty ? nil : interval)
        {
            guard case .stopped(let reason) = parts.lifecycle.status else {
                process(groups)
                continue
            }
            answer(groups, with: SubmissionQueue.stopped(reason))
        }
        publisher?.end(.shutdown)
        publisher?.settle()
        parts.store.close()
        signing.anchor.close()
        if parts.lifecycle.stop(.shutdown) { parts.logger.info("the log has ended", metadata: metadata) }
        parts.lifecycle.end()
    }

    /// Takes the groups through all steps, or answers why not.
    private mutating func process(_ groups: [PendingGroup]) {
        let started = ContinuousClock.now
        do throws(BatchFault) {
            let admitted = try admit(groups)
            var signed: SignedHead?
            if admitted.folded.entries.isEmpty {
                try check(admitted)
            } else {
                signed = try write(admitted, started: started)
            }
            refusals = admitted.refusals
            guard let publisher else { return try publish(signed, groups, admitted.outcomes) }
            publisher.take(signed, groups, admitted.outcomes)
        } catch {
            switch error {
            case .refused(let detail): refuse(groups, detail)
            case .fatal(let reason): stop(groups, reason)
            }
        }
    }

    private func admit(_ groups: [PendingGroup]) throws(BatchFault) -> AdmittedBatch {
        do {
            return try parts.store.read { snapshot in
                try Admission(base: tip, snapshot: snapshot, now: parts.clock.now(), refusals: refusals)
                    .admit(
                        groups, of: parts.store, key: signing.keys.statement, ring: keys,
                        interval: parts.options.refusalsInterval.milliseconds)
            }
        } catch let reason as StopReason {
            throw .fatal(reason)
        } catch let fault as BatchFault {
            throw fault
        } catch {
            throw BatchFault(read: error)
        }
    }

    /// Where nothing was admitted, nothing is sealed: what the refusals stand on is held to the map all the same.
    private func check(_ batch: AdmittedBatch) throws(BatchFault) {
        guard !batch.folded.reads.isEmpty else { return }
        do {
            _ = try parts.store.read { try batch.folded.rooted(reading: $0) }
        } catch {
            throw BatchFault(read: error)
        }
    }

    private func seal(_ batch: AdmittedBatch) throws(BatchFault) -> SealedBatch {
        do {
            return try parts.store.read { try Sealing(key: signing.keys.statement).seal(batch, reading: $0) }
        } catch let fault as BatchFault {
            throw fault
        } catch {
            throw BatchFault(read: error)
        }
    }

    /// From the admitted batch to the signed head.
    private mutating func write(
        _ admitted: AdmittedBatch, started: ContinuousClock.Instant
    ) throws(BatchFault) -> SignedHead? {
        let sealed = try seal(admitted)
        let commitStarted = ContinuousClock.now
        let committed = try Commit(store: parts.store).commit(sealed, published: parts.publication.current)
        let commitTime = ContinuousClock.now - commitStarted
        tip = sealed.tip
        parts.rules.replace(with: tip.rules)
        try changeKeys()
        if Mutant.answerBeforePublication.isOff { return nil }
        // A witness may have shown in the meantime that this is not the only history.
        if case .stopped(let reason) = parts.lifecycle.status { throw .fatal(reason) }

        let signed: SignedHead
        do throws(StopReason) { signed = try signing.sign(committed) } catch { throw .fatal(error) }
        parts.tree.advance(to: committed.head.treeHead)
        record(admitted, commit: commitTime, batch: ContinuousClock.now - started)
        return signed
    }

    /// "A head that covers the rotation is signed with the new checkpoint key, and its receipts with the new receipt key"
    /// (spec/governance.md).
    private mutating func changeKeys() throws(BatchFault) {
        let named = tip.rules.policy.logKeys
        guard named != signing.keys.publicKeys else { return }
        guard let next = keys.keys(for: named) else {
            throw .fatal(.brokenInvariant("the log was to name keys that this server does not hold"))
        }
        signing.keys = next
        parts.logger.notice(
            "the log's keys were rotated: what is signed from here on is signed with the next ones",
            metadata: ["size": "\(tip.head.size)", "entry": "\(tip.rules.policyIndex)"])
    }

    /// Without witnesses: the head is published at once, and everyone answered.
    private func publish(
        _ signed: SignedHead?, _ groups: [PendingGroup], _ outcomes: [[Result<Placement, Rejection>]]
    ) throws(BatchFault) {
        var head = parts.publication.current
        if let signed {
            do throws(StopReason) {
                head = try parts.publication.publish(.withoutWitnesses(signed), at: parts.clock.now())
            } catch {
                throw .fatal(error)
            }
            parts.metrics.update { numbers in
                numbers.treeSize = head.size
                numbers.publishedAt = head.publishedAt
            }
        }
        for (group, outcomes) in zip(groups, outcomes) { group.answer(.decided(outcomes, under: head)) }
    }

    private func record(_ batch: AdmittedBatch, commit: Duration, batch time: Duration) {
        parts.metrics.update { numbers in
            numbers.batches += 1
            numbers.batchSize.record(Double(batch.folded.entries.count))
            numbers.commitSeconds.record(commit.seconds)
            numbers.batchSeconds.record(time.seconds)
        }
        parts.logger.debug(
            "signed",
            metadata: [
                "size": "\(tip.head.size)", "statements": "\(batch.folded.entries.count)", "seconds": "\(time.seconds)",
            ])
    }

    /// The store kept nothing of the batch. It must still be where this writer left it.
    private mutating func refuse(_ groups: [PendingGroup], _ detail: String) {
        parts.metrics.update { $0.failedBatches += 1 }
        parts.logger.error("a batch was not stored", metadata: metadata.merging(["why": "\(detail)"]) { $1 })
        let found = try? parts.store.read { try $0.head }
        guard found == tip.head || Mutant.stopAfterSync.isOff else {
            return stop(
                groups,
                .headMoved(
                    "after a batch was refused (\(detail)) the store is at \(AnchorError.name(found?.treeHead)), not at "
                        + "\(AnchorError.name(tip.head.treeHead))"))
        }
        answer(
            groups,
            with: Rejection(
                .storageFailed, "the log could not store this; nothing of it was kept: send it again", retryAfter: 5))
    }

    private func stop(_ groups: [PendingGroup], _ reason: StopReason) {
        parts.stop(reason, metadata: metadata)
        answer(groups, with: SubmissionQueue.stopped(reason))
    }

    private func answer(_ groups: [PendingGroup], with rejection: Rejection) {
        for group in groups { group.reject(rejection) }
    }

    private var metadata: Logger.Metadata {
        ["size": "\(tip.head.size)", "root": "\(tip.head.treeHead.root)"]
    }
}

extension Duration {
    var milliseconds: UInt64 {
        UInt64(max(0, components.seconds)) * 1000 + UInt64(max(0, components.attoseconds)) / 1_000_000_000_000_000
    }

    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
