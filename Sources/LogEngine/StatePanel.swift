internal import Governance
internal import Tlog

/// A state witness's cosignature of a head, verified. Only ``StatePanel`` makes one.
struct StateCosignature: Sendable {
    let line: NoteSignature
    let head: TreeHead

    fileprivate init(line: NoteSignature, head: TreeHead) {
        self.line = line
        self.head = head
    }
}

/// The state witnesses: those that cosign a head only after they have replayed every entry below it.
///
/// They read the log as everybody does, so they can be asked only for heads that are published, and nothing waits for
/// them. Each has one request at a time, always for the newest published head; one that can't yet, or does not answer,
/// is asked again.
final class StatePanel: Sendable {
    /// What comes of it, in no particular order.
    enum Outcome: Sendable {
        case cosigned(StateCosignature)
        case signedElsewhere(String)
    }

    private let chases: [(desk: WitnessDesk, wanted: WantedHead)]
    private let metrics: EngineMetrics
    private let standing: WitnessStanding

    init(_ witnessing: Witnessing, _ parts: EngineParts) {
        metrics = parts.metrics
        standing = WitnessStanding(
            .stateWitness, patience: witnessing.silence, metrics: metrics, clock: parts.clock,
            logger: parts.logger)
        var patient = witnessing
        patient.timeout = witnessing.stateTimeout
        let latestTime: @Sendable () -> UInt64 = { [clock = parts.clock, rules = parts.rules] in
            (clock.now() + rules.newest.policy.limits.maxSkew) / 1000
        }
        chases = witnessing.policy.witnesses.filter { witnessing.isAskedAfterPublication($0) }.map { witness in
            (WitnessDesk(witness, patient, tree: parts.tree, latestTime: latestTime), WantedHead())
        }
    }

    /// Asks all of them for a head that is published, or published again with later cosignatures.
    func ask(_ published: SignedCheckpoint) {
        for chase in chases { chase.wanted.ask(published) }
    }

    /// Runs until it is ended or cancelled.
    func run(
        pauses: ClosedRange<Duration>, report: @escaping @Sendable (Outcome) -> Void
    ) async {
        await withTaskGroup(of: Void.self) { group in
            for chase in chases {
                group.addTask { await self.run(chase.desk, chase.wanted, pauses, report) }
            }
        }
    }

    /// Asks nobody any more.
    func end() {
        standing.end()
        for chase in chases { chase.wanted.end() }
    }

    private func run(
        _ desk: WitnessDesk, _ wanted: WantedHead, _ pauses: ClosedRange<Duration>,
        _ report: @escaping @Sendable (Outcome) -> Void
    ) async {
        var pause = pauses.lowerBound
        while let head = await wanted.next() {
            switch await outcome(desk, head) {
            case .cosigned(let line):
                pause = pauses.lowerBound
                report(.cosigned(StateCosignature(line: line, head: head.checkpoint.treeHead)))
            case .signedElsewhere(let why):
                report(.signedElsewhere(why))
            case .failed, .quarantined, .overtaken:
                try? await Task.sleep(for: pause)
                pause = min(pause * 2, pauses.upperBound)
                if Task.isCancelled { return }
                wanted.askAgain(head)
            }
        }
    }

    private func outcome(_ desk: WitnessDesk, _ head: SignedCheckpoint) async -> WitnessOutcome {
        let outcome = await withCheckedContinuation { continuation in
            Task { await desk.ask(WitnessDesk.Request(checkpoint: head) { continuation.resume(returning: $0) }) }
        }
        let size = head.checkpoint.size
        standing.note(outcome, of: desk.witness.name, size: size)
        if outcome.failure == nil {
            metrics.update { $0.cosigning?.stateSizes[desk.witness.name.description] = size }
        }
        return outcome
    }
}
