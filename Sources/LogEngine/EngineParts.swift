internal import LogStore
internal import Logging
internal import Tlog

/// What the submitters, the readers and the writer share.
struct EngineParts: Sendable {
    let store: any LogStore
    let options: EngineOptions
    let clock: any WallClock
    let logger: Logger
    let queue: SubmissionQueue
    let publication: Publication
    let rules: CurrentRules
    let metrics: EngineMetrics
    let lifecycle: Lifecycle
    let tree: SignedTree
    let onStop: @Sendable (StopReason) -> Void

    /// Stops the log for good: nothing more is signed, nothing more is taken. The first reason counts.
    func stop(_ reason: StopReason, metadata: Logger.Metadata) {
        guard lifecycle.stop(reason) else { return }
        queue.close(reason)
        metrics.update { $0.stopped = true }
        logger.critical("the log has stopped", metadata: metadata.merging(["why": "\(reason)"]) { $1 })
        onStop(reason)
    }

    /// Stops the log where its store has found, beside commits, that it can't go on: a log to which nobody submits would look
    /// alive, and could not be read any more where LMDB refuses that too.
    func stopIfStoreFailed() {
        guard let failure = store.failure, case .fatal(let reason) = BatchFault(commit: failure),
            !Mutant.stopUnasked.isOff
        else { return }
        stop(reason, metadata: ["size": "\(tree.head.size)"])
    }
}
