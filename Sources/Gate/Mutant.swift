#if HOLDFAST_MUTANTS
    internal import Foundation
#endif

/// The checks of a gate and its supervisor that a test build can switch off, one at a time, to show that a test notices.
///
/// Only a build with `-D HOLDFAST_MUTANTS` reads the environment variable `HOLDFAST_MUTANT`; in every other build
/// ``isOff`` is the constant `false`, and the checks can't be switched off at all.
enum Mutant: String, CaseIterable {
    /// Answer permits whatever the fold says of their record.
    case permitInState = "gate/permit-in-state"

    /// Answer statements before they are under a verified head.
    case underHead = "gate/under-head"

    /// Take the log's refusal of a permit for the end of it.
    case judgedAgain = "gate/judged-again"

    /// Check nothing again that runs.
    case recheck = "gate/recheck"

    /// Check again at new heads only, however long there is none.
    case recheckInterval = "gate/recheck-interval"

    /// Remember what is watched only as long as the process lives.
    case watchKept = "gate/watch-kept"

    /// Leave what was started under leases unwatched.
    case watchLeased = "gate/watch-leased"

    /// Watch of what runs under leases only what was started while the gate ran.
    case searchLeased = "gate/search-leased"

    /// Judge what was revalidated under what it was permitted under before.
    case revalidatedRequest = "gate/revalidated-request"

    /// Contain what only asks as if it ran.
    case containRunning = "gate/contain-running"

    /// Contain what fails its checks for whatever reason but the one that was found.
    case containReason = "gate/contain-reason"

    /// Contain the execution alone where its runtime was modified.
    case containRuntime = "gate/contain-runtime"

    /// Contain what is recovering again.
    case containRecovering = "gate/contain-recovering"

    /// Leave the domain uncontained where its log has lied.
    case containDomain = "gate/contain-domain"

    /// Forget containments that could not be registered.
    case owed = "gate/owed"

    /// Judge on a head below the high-water mark.
    case highWaterMark = "gate/high-water-mark"

    /// Forget the evidence of two histories at a restart.
    case forkRemembered = "gate/fork-remembered"

    /// Believe a wall clock that went back.
    case clockBack = "gate/clock-back"

    /// Believe a wall clock that went ahead.
    case clockAhead = "gate/clock-ahead"

    /// Believe a wall clock that is before what a quorum has vouched for.
    case clockVouched = "gate/clock-vouched"

    /// Use a lease after it has expired.
    case leaseExpiry = "gate/lease-expiry"

    /// Let a request through by its lease alone.
    case leaseJudged = "gate/lease-judged"

    /// Take a lease for whatever resource, once there is one.
    case leaseName = "gate/lease-name"

    /// Put what was decided under leases on no record.
    case leaseDigest = "gate/lease-digest"

    /// Take a file of a model that is no plain one.
    case modelLinks = "gate/model-links"

    /// Launch the command although the checks after the start did not pass.
    case checkedAfterStart = "exec/checked-after-start"

    /// Launch the command although the start was refused.
    case started = "exec/started"

    /// Let what fails its checks run on.
    case stopped = "exec/stopped"

    /// Wait for ever for what minds no SIGTERM.
    case killed = "exec/killed"

    /// Stop what fails its checks and contain nothing.
    case contained = "exec/contained"

    /// Leave what was contained at its end without an end on record.
    case finishBlocked = "exec/finish-blocked"

    /// Launch although a signal came before.
    case interrupted = "exec/interrupted"

    /// Tell the log of the end once, whether it answers or not.
    case finishAgain = "exec/finish-again"

    /// Go on from telemetry that somebody else sent under the runtime's name.
    case foreignTelemetry = "exec/foreign-telemetry"

    /// Sign new telemetry before what is owed was sent.
    case owedTelemetry = "exec/owed-telemetry"

    /// Give the last claim's reason where neither claim about the telemetry passes.
    case lostTelemetry = "exec/lost-telemetry"

    /// Send the start of an execution that no later run would know of.
    case book = "exec/book"

    /// Take a cell's own end for the command's.
    case unheard = "exec/unheard"

    #if HOLDFAST_MUTANTS
        private static let switchedOff = ProcessInfo.processInfo.environment["HOLDFAST_MUTANT"]

        var isOff: Bool { Self.switchedOff == rawValue }
    #else
        @inline(__always) var isOff: Bool { false }
    #endif
}
