internal import Governance

/// The limits of a running log. Each bounds something that a client could otherwise make grow.
public struct EngineOptions: Sendable, Hashable {
    /// The most statements that go into one batch (the seal comes on top).
    public var maxBatch = 4096

    /// The most bytes of statements that go into one batch.
    public var maxBatchBytes = 16 << 20

    /// The most statements in one call of ``Log/submit(_:timeout:)``.
    public var maxSubmission = 1024

    /// The most statements that are in flight: received and not yet answered.
    public var maxInFlight = 16_384

    /// The most bytes of statements in flight.
    public var maxInFlightBytes = 128 << 20

    /// How long a submission may take where the caller names no time.
    public var timeout: Duration = .seconds(30)

    /// How many statements a core verifies in one go, at the least: below that a batch is not split.
    public var verificationChunk = 16

    /// How long refusals of enrolled issuers' statements are gathered before they are recorded in the log. The rules of
    /// the log hold besides: there are never two records within a minute of batch time.
    public var refusalsInterval: Duration = .milliseconds(Int64(LogRefusals.interval))

    /// What an overloaded log asks its clients to wait, in seconds.
    public var retryAfter = 1

    /// Accept that there is no anchor although the store has a head: read the whole log again, check it, and start a
    /// new anchor at its head. Only for an anchor that was lost: who restores an old copy of the data directory with
    /// this option forks the log.
    public var reAnchor = false

    public init() {}
}
