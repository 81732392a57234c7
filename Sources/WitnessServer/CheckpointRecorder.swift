internal import Dispatch
internal import Foundation
internal import LMDB
internal import Logging
internal import Synchronization
internal import Tlog
internal import Witness

/// What became of an authenticated request.
enum Verdict: Sendable {
    /// Recorded, durably; may be answered.
    case cosigned(CosignedCheckpoint)
    case refused(Refusal)
    /// It would have been cosigned, but the log has had as many as it may; how many seconds to wait.
    case rateLimited(retryAfter: Int)
    /// Not done: the store failed, the clock is not set, or the recorder has stopped.
    case failed
}

/// Decides and records, one request after the other.
///
/// "checking the old size against the latest checkpoint and persisting the new checkpoint must be performed atomically":
/// the record is read, the decision made, the cosignature made, and the new record written in one write transaction of
/// the store, and there is one at a time. The requests that wait meanwhile share the next one, so that a slow disk costs
/// one sync for all of them; each of them sees what those before it in the transaction wrote.
final class CheckpointRecorder: Sendable {
    private struct Job {
        let request: AuthenticatedRequest
        let answer: CheckedContinuation<Verdict, Never>
    }

    private struct State {
        var waiting: [Job] = []
        var isWorking = false
        var fault: String?
    }

    /// Requests that one transaction takes.
    private static let maxBatch = 256

    private let store: WitnessStore
    private let cosigners: [any Cosigner]
    private let limiter: CosigningLimiter
    private let evidence: EvidenceDirectory
    private let now: @Sendable () -> UInt64
    private let metrics: WitnessMetrics
    private let logger: Logger
    /// Called when nothing can be cosigned any more.
    private let onFault: @Sendable (String) -> Void
    private let state = Mutex(State())
    /// A block runs from its beginning to its end on one thread, as LMDB demands of a transaction, and not on one of
    /// those that Swift's tasks share.
    private let queue = DispatchQueue(label: "holdfast.witness.recorder")

    init(
        store: WitnessStore, cosigners: [any Cosigner], limiter: CosigningLimiter, evidence: EvidenceDirectory,
        now: @escaping @Sendable () -> UInt64, metrics: WitnessMetrics, logger: Logger,
        onFault: @escaping @Sendable (String) -> Void
    ) {
        self.store = store
        self.cosigners = cosigners
        self.limiter = limiter
        self.evidence = evidence
        self.now = now
        self.metrics = metrics
        self.logger = logger
        self.onFault = onFault
    }

    /// Why nothing is cosigned any more; nil as long as all is well.
    var fault: String? { state.withLock { $0.fault } }

    /// Returns when the request is refused, or its checkpoint recorded and on the disk.
    func decide(_ request: AuthenticatedRequest) async -> Verdict {
        await withCheckedContinuation { continuation in
            let mustStart = state.withLock { state in
                state.waiting.append(Job(request: request, answer: continuation))
                defer { state.isWorking = true }
                return !state.isWorking
            }
            if mustStart { queue.async { self.work() } }
        }
    }

    private func work() {
        while true {
            let batch = state.withLock { state in
                let batch = Array(state.waiting.prefix(Self.maxBatch))
                state.waiting.removeFirst(batch.count)
                state.isWorking = !batch.isEmpty
                return batch
            }
            if batch.isEmpty { return }
            for (job, verdict) in zip(batch, verdicts(on: batch.map(\.request))) {
                job.answer.resume(returning: verdict)
            }
        }
    }

    /// One transaction. A verdict of `cosigned` leaves here only after the commit.
    private func verdicts(on requests: [AuthenticatedRequest]) -> [Verdict] {
        guard fault == nil else { return requests.map { _ in .failed } }
        let verdicts: [Verdict]
        do {
            verdicts = try store.write { recording in requests.map { verdict(on: $0, in: recording) } }
        } catch {
            fail(error)
            return requests.map { _ in .failed }
        }
        return verdicts
    }

    private func verdict(on request: AuthenticatedRequest, in recording: WitnessStore.Recording) -> Verdict {
        do {
            let recorded = try recording.latest(OriginHash(request.origin))
            switch WitnessDecision(request, recorded: recorded?.signed) {
            case .refuse(let refusal, let misbehaviour):
                if let misbehaviour { keep(misbehaviour, of: request.origin) }
                return .refused(refusal)
            case .cosign(let cosignable):
                let kind: CosigningLimiter.Kind = cosignable.grows || recorded == nil ? .growth : .refresh
                if let wait = limiter.take(kind, for: request.origin) { return .rateLimited(retryAfter: wait) }
                return try record(cosignable, after: recorded, in: recording)
            }
        } catch {
            logger.error(
                "A log's record can't be used", metadata: ["origin": "\(request.origin)", "error": "\(error)"])
            return .failed
        }
    }

    private func record(
        _ cosignable: CosignableCheckpoint, after recorded: CosignedCheckpoint?, in recording: WitnessStore.Recording
    ) throws -> Verdict {
        let seconds = now()
        if let recorded, seconds < recorded.seconds {
            logger.warning(
                "The clock is behind the last cosignature; its time is used again",
                metadata: ["now": "\(seconds)", "last": "\(recorded.seconds)"])
        }
        guard let cosigned = CosignedCheckpoint(cosignable, by: cosigners, at: seconds, after: recorded) else {
            logger.critical("The clock is not set; nothing is cosigned", metadata: ["now": "\(seconds)"])
            return .failed
        }
        // "the witness MUST update its record of the latest cosigned checkpoint"
        try recording.record(cosigned)
        return .cosigned(cosigned)
    }

    private func keep(_ misbehaviour: Misbehaviour, of origin: Origin) {
        do {
            switch try evidence.keep(misbehaviour, of: origin, seen: now()) {
            case .written(let file):
                metrics.evidence(.written)
                logger.critical(
                    "A log signed what can't be true; the proof is kept",
                    metadata: ["origin": "\(origin)", "file": "\(file)"])
            case .known: metrics.evidence(.known)
            case .full:
                metrics.evidence(.dropped)
                logger.error(
                    "There is evidence enough against a log; no more is kept", metadata: ["origin": "\(origin)"])
            }
        } catch {
            metrics.evidence(.dropped)
            logger.error("Evidence can't be written", metadata: ["origin": "\(origin)", "error": "\(error)"])
        }
    }

    /// After a failed commit it is open what the disk holds, so nothing more may rest on it until the store was opened
    /// again and read from the disk. A disk or map that is full is known to have changed nothing.
    private func fail(_ error: any Error) {
        switch (error as? LMDBError)?.kind {
        case .mapFull, .transactionFull, .readersFull, .badTransaction, .system(POSIXErrorCode.ENOSPC.rawValue):
            logger.error("A checkpoint can't be recorded", metadata: ["error": "\(error)"])
        default:
            logger.critical("The store failed; nothing is cosigned until a restart", metadata: ["error": "\(error)"])
            state.withLock { $0.fault = "\(error)" }
            onFault("\(error)")
        }
    }
}
