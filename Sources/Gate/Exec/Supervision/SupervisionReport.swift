public import Governance

/// What became of a supervised execution.
public struct SupervisionReport: Sendable {
    public enum Ending: Sendable, Hashable {
        /// There is no permit; the command was not started.
        case notPermitted(GateError)
        /// There was a permit and no start on record, as far as is known; the command was not started.
        case notStarted(GateError)
        /// The start is on record, and the checks after it did not pass; the command was not started.
        case notBegun(Decision)
        /// A signal came before the command was started, and it was not.
        case interrupted(Int32)
        /// It ended by itself.
        case ended(CellEnding)
        /// It was stopped; nil if how it ended is not known.
        case stopped(StopCause, CellEnding?)
        /// It could not be run.
        case noCell(CellError)
    }

    public var permit: RecordedPermit?
    public var start: RegisteredStatement?
    /// Nil until it has ended.
    public var ending: Ending?
    /// What the log was told; nil if there was nothing to tell.
    public var outcome: ExecutionOutcome?
    /// What became of telling it.
    public var finish: Result<RegisteredStatement, GateError>?
    /// How often the checks were made while the command ran.
    public var checks = 0

    public init() {}

    /// Exit statuses of a supervisor beside the command's own, in the custom of `timeout` and `env`.
    public enum Status {
        /// It ran and was stopped: a check no longer passed, or its time was over.
        public static let stopped: Int32 = 124
        /// It was not started; or it ended and that could not be put on record.
        public static let fault: Int32 = 125
    }

    /// How the supervisor ends.
    public var status: Int32 {
        switch ending {
        case .ended(let ending):
            guard case .success? = finish else { return Status.fault }
            return ending.status
        case .stopped: return Status.stopped
        case .interrupted(let number): return CellEnding.Status.signalBase + number
        case .notPermitted, .notStarted, .notBegun, .noCell, nil: return Status.fault
        }
    }
}
