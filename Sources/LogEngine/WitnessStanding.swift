internal import Logging
internal import Synchronization
internal import Tlog

/// What has become of asking each witness: counted for the metrics, and said to the operator where it matters.
///
/// A quorum hides a witness that is gone, until the next one is. So one that has not cosigned for long is named in the log, once,
/// and again when it is back.
final class WitnessStanding: Sendable {
    enum Kind: String, Sendable {
        case witness = "witness"
        case stateWitness = "state witness"
    }

    private struct State {
        var silences: [TlogPolicy.Name: WitnessSilence] = [:]
        var hasEnded = false
    }

    private let kind: Kind
    private let patience: Duration
    private let metrics: EngineMetrics
    private let clock: any WallClock
    private let logger: Logger
    private let begun = ContinuousClock.now
    private let state = Mutex(State())

    /// - Parameter patience: how long one may be without a cosignature before it is named.
    init(_ kind: Kind, patience: Duration, metrics: EngineMetrics, clock: any WallClock, logger: Logger) {
        self.kind = kind
        self.patience = patience
        self.metrics = metrics
        self.clock = clock
        self.logger = logger
    }

    /// Takes what has become of asking one witness for a head of a size, however late that is known.
    func note(_ outcome: WitnessOutcome, of witness: TlogPolicy.Name, size: UInt64) {
        // It was not asked: a newer head took this one's place.
        if case .overtaken = outcome { return }
        guard !state.withLock({ $0.hasEnded }) else { return }
        let failure = outcome.failure
        let isNew = metrics.record(
            witness: witness.description, cosignedAt: failure == nil ? clock.now() : nil,
            quarantined: outcome.isQuarantined)
        guard let failure else { return end(of: witness, size: size) }
        if isNew, case .quarantined = outcome {
            logger.error(
                "a \(kind.rawValue) is left out",
                metadata: ["witness": "\(witness)", "size": "\(size)", "why": "\(failure)"])
        } else {
            logger.debug(
                "a \(kind.rawValue) did not cosign",
                metadata: ["witness": "\(witness)", "size": "\(size)", "why": "\(failure)"])
        }
        if let silence = silence(of: witness) {
            logger.warning(
                "a \(kind.rawValue) has not cosigned for long",
                metadata: [
                    "witness": "\(witness)", "size": "\(size)", "why": "\(failure)",
                    "seconds": "\(silence.components.seconds)",
                ])
        }
    }

    /// What comes from now on is of a log that ends, and says nothing of the witnesses.
    func end() {
        state.withLock { $0.hasEnded = true }
    }

    private func silence(of witness: TlogPolicy.Name) -> Duration? {
        state.withLock { state in
            state.silences[witness, default: WitnessSilence(since: begun)].fail(at: .now, patience: patience)
        }
    }

    private func end(of witness: TlogPolicy.Name, size: UInt64) {
        let wasNamed = state.withLock { $0.silences.updateValue(WitnessSilence(since: .now), forKey: witness) }?.isNamed
        guard wasNamed == true else { return }
        logger.notice(
            "a \(kind.rawValue) cosigns again", metadata: ["witness": "\(witness)", "size": "\(size)"])
    }
}

/// The time since a witness cosigned last, or since the log began to ask it.
struct WitnessSilence {
    private let since: ContinuousClock.Instant
    private var failures = 0

    /// Whether it was said that this is long.
    private(set) var isNamed = false

    init(since: ContinuousClock.Instant) {
        self.since = since
    }

    /// It was asked, and has not cosigned. One failure is none: a quiet log asks once a minute.
    ///
    /// - Returns: how long it has been silent, the first time that this is long.
    mutating func fail(at now: ContinuousClock.Instant, patience: Duration) -> Duration? {
        failures += 1
        guard !isNamed, failures > 1, now - since >= patience else { return nil }
        isNamed = true
        return now - since
    }
}

extension WitnessOutcome {
    /// Why there is no cosignature; nil where there is one.
    var failure: String? {
        switch self {
        case .cosigned: nil
        case .failed(let why), .quarantined(let why), .signedElsewhere(let why): why
        case .overtaken: "it is busy"
        }
    }

    var isQuarantined: Bool {
        switch self {
        case .quarantined, .signedElsewhere: true
        case .cosigned, .failed, .overtaken: false
        }
    }
}
