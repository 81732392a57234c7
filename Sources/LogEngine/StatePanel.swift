internal import Governance
internal import Logging
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
    private let logger: Logger

    init(_ witnessing: Witnessing, _ parts: EngineParts) {
        (metrics, logger) = (parts.metrics, parts.logger)
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
        let name = desk.witness.name.description
        let (failure, isQuarantined): (String?, Bool) =
            switch outcome {
            case .cosigned: (nil, false)
            case .failed(let why): (why, false)
            case .quarantined(let why), .signedElsewhere(let why): (why, true)
            case .overtaken: ("it is busy", false)
            }
        let isNew = metrics.record(witness: name, failed: failure != nil, quarantined: isQuarantined)
        if let failure {
            logger.log(
                level: isNew && isQuarantined ? .error : .debug, "a state witness did not cosign",
                metadata: ["witness": "\(name)", "size": "\(head.checkpoint.size)", "why": "\(failure)"])
        } else {
            metrics.update { $0.cosigning?.stateSizes[name] = head.checkpoint.size }
        }
        return outcome
    }
}
