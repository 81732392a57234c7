internal import Governance
internal import Logging
internal import Synchronization
internal import Tlog

/// The sixth step: witnesses vouch that the head continues what they saw before.
///
/// All witnesses are asked at once; the head is cosigned as soon as the policy is satisfied.
final class WitnessPanel: Sendable {
    let witnessing: Witnessing
    private let desks: [WitnessDesk]
    private let metrics: EngineMetrics
    private let standing: WitnessStanding
    private let lines: Mutex<CosignedLines>

    /// What comes after the quorum, or outside of any round.
    enum Late: Sendable {
        /// The head is to be shown again, with more cosignatures.
        case surplus(CosignedHead)
        /// A witness shows that this log's key has signed another history. Never dropped, however late it is.
        case signedElsewhere(String)
    }

    let late: AsyncStream<Late>
    private let lateInput: AsyncStream<Late>.Continuation

    private struct Report: Sendable {
        /// Nil: time is up.
        let witness: TlogPolicy.Name?
        let outcome: WitnessOutcome
    }

    init(
        _ witnessing: Witnessing, tree: SignedTree, rules: CurrentRules, clock: any WallClock, metrics: EngineMetrics,
        logger: Logger
    ) {
        self.witnessing = witnessing
        self.metrics = metrics
        standing = WitnessStanding(
            .witness, patience: witnessing.silence, metrics: metrics, clock: clock, logger: logger)
        let latestTime: @Sendable () -> UInt64 = {
            (clock.now() + rules.newest.policy.limits.maxSkew) / 1000
        }
        desks = witnessing.policy.witnesses.filter(witnessing.isAskedBeforePublication).map {
            WitnessDesk($0, witnessing, tree: tree, latestTime: latestTime)
        }
        lines = Mutex(CosignedLines(policy: witnessing.policy, head: .empty))
        (late, lateInput) = AsyncStream.makeStream()
        let names = desks.map(\.witness.name.description)
        let stateNames = witnessing.policy.witnesses.filter(witnessing.isAskedAfterPublication).map(\.name.description)
        metrics.update { $0.cosigning = EngineMetrics.Cosigning(witnesses: names, stateWitnesses: stateNames) }
    }

    /// One round: asks all witnesses for their cosignatures and returns when the policy is satisfied. What comes within
    /// the grace after that goes to ``late``.
    func cosign(_ head: SignedHead) async throws(CosigningFault) -> CosignedHead {
        let started = ContinuousClock.now
        let treeHead = head.checkpoint.checkpoint.treeHead
        lines.withLock { lines in
            if lines.head != treeHead { lines = CosignedLines(policy: witnessing.policy, head: treeHead) }
        }
        let (reports, inbox) = AsyncStream.makeStream(of: Report.self)
        for desk in desks {
            let name = desk.witness.name
            await desk.ask(
                WitnessDesk.Request(checkpoint: head.checkpoint) { [lateInput, standing] outcome in
                    standing.note(outcome, of: name, size: treeHead.size)
                    inbox.yield(Report(witness: name, outcome: outcome))
                    if case .signedElsewhere(let why) = outcome { lateInput.yield(.signedElsewhere(why)) }
                })
        }
        let timer = Task { [timeout = witnessing.timeout] in
            try? await Task.sleep(for: timeout)
            inbox.yield(Report(witness: nil, outcome: .failed("time is up")))
        }
        defer { timer.cancel() }
        var open = Set(desks.map(\.witness.name))
        var failures: [String] = []
        var quorum = lines.withLock { $0.takeQuorum() }
        if quorum == nil, !open.isEmpty {
            for await report in reports {
                guard let name = report.witness else { break }
                open.remove(name)
                if case .signedElsewhere(let why) = report.outcome { throw .signedElsewhere(why) }
                if let failure = report.outcome.failure { failures.append("\(name): \(failure)") }
                if case .cosigned(let line) = report.outcome { add(line, of: name, on: treeHead) }
                quorum = lines.withLock { $0.takeQuorum() }
                if quorum != nil || open.isEmpty { break }
            }
        }
        metrics.record(round: ContinuousClock.now - started, cosigned: quorum != nil)
        guard let quorum else {
            inbox.finish()
            failures += open.map { "\($0): no answer yet" }.sorted()
            throw .noQuorum(failures.joined(separator: "; "))
        }
        if !open.isEmpty { collectSurplus(reports, inbox, open, head) }
        return CosignedHead(head, quorum)
    }

    /// The cosignatures there are on a head, be they enough or not.
    func cosignatures(on head: SignedHead) -> [NoteSignature] {
        lines.withLock { $0.head == head.checkpoint.checkpoint.treeHead ? $0.all : [] }
    }

    /// No more of ``late``.
    func end() {
        standing.end()
        lateInput.finish()
    }

    private func add(_ line: NoteSignature, of name: TlogPolicy.Name, on head: TreeHead) {
        lines.withLock { if $0.head == head { $0.add(line, of: name) } }
    }

    private func collectSurplus(
        _ reports: AsyncStream<Report>, _ inbox: AsyncStream<Report>.Continuation, _ missing: Set<TlogPolicy.Name>,
        _ head: SignedHead
    ) {
        let timer = Task { [grace = witnessing.grace] in
            try? await Task.sleep(for: grace)
            inbox.finish()
        }
        Task {
            defer { timer.cancel() }
            var open = missing
            for await report in reports {
                guard let name = report.witness else { continue }
                open.remove(name)
                if case .cosigned(let line) = report.outcome, let more = addSurplus(line, of: name, on: head) {
                    lateInput.yield(.surplus(CosignedHead(head, more)))
                }
                if open.isEmpty { inbox.finish() }
            }
        }
    }

    private func addSurplus(
        _ line: NoteSignature, of name: TlogPolicy.Name, on head: SignedHead
    ) -> QuorumReached? {
        lines.withLock {
            $0.head == head.checkpoint.checkpoint.treeHead ? $0.addSurplus(line, of: name) : nil
        }
    }
}
