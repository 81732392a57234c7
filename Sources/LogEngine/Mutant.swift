#if HOLDFAST_MUTANTS
    internal import Foundation
#endif

/// The checks that a test build can switch off, one at a time, to show that a test notices.
///
/// Only a build with `-D HOLDFAST_MUTANTS` reads the environment variable `HOLDFAST_MUTANT`; in every other build
/// ``isOff`` is the constant `false`, and the checks can't be switched off at all.
enum Mutant: String, CaseIterable {
    /// Answer submitters before their head is published.
    case answerBeforePublication = "invariant-1-answer-before-publish"

    /// Sign without reading the committed entries back.
    case readBack = "invariant-2-readback"

    /// Open a log although its store is behind the anchor.
    case anchorAhead = "invariant-3-anchor-ahead"

    /// Ask the policy before looking whether the statement is in the log already.
    case dedupFirst = "invariant-5-dedup-first"

    /// Take more submissions than the limits allow.
    case bounds = "invariant-6-bounds"

    /// Go on after a failed sync.
    case stopAfterSync = "invariant-7-stop-after-sync"

    /// Go on after a failure beside commits until the next commit.
    case stopUnasked = "invariant-7-stop-unasked"

    /// Show readers what is committed and not yet published.
    case publishedView = "invariant-8-published-view"

    /// Count refusals without a bound on their kinds.
    case refusalsBounded = "refusals-bounded"

    /// Leave refusals unrecorded.
    case refusalsRecorded = "refusals-recorded"

    /// Seal batches without the root of the state after them.
    case sealRoot = "seal-state-root"

    /// Seal batches without holding what the fold read of the stored state to the map.
    case stateReads = "state-reads"

    /// Commit batches without the changed pages of the map.
    case mapInTransaction = "map-in-transaction"

    /// Open a log without holding the map's pages, policy and identities to the last seal.
    case openedState = "opened-state"

    /// Publish whatever head comes, also an older one.
    case monotonicPublication = "monotonic-publication"

    /// Publish heads before the quorum of witnesses has cosigned them.
    case witnessQuorum = "witness-quorum"

    /// Start without the quorum of witnesses for the stored head.
    case firstQuorum = "invariant-3-first-quorum"

    /// Show, before that quorum, a kept head that is under no quorum of the witnesses of today.
    case keptQuorum = "kept-quorum"

    /// Take a rotation to keys that the server does not hold.
    case rotationHeld = "rotation-held"

    #if HOLDFAST_MUTANTS
        private static let switchedOff = ProcessInfo.processInfo.environment["HOLDFAST_MUTANT"]

        var isOff: Bool { Self.switchedOff == rawValue }
    #else
        @inline(__always) var isOff: Bool { false }
    #endif
}
