internal import LogStore
internal import Logging

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
}
