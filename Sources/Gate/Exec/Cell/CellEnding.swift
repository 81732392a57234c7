/// How a command in a cell ended.
public enum CellEnding: Sendable, Hashable {
    /// It ended by itself, with this status; 128 and the signal's number if a signal ended it.
    case exited(Int32)
    /// The cell was taken down with everything in it.
    case killed
    /// The cell took itself down with everything in it: the gate had said nothing for the length of the leash.
    case unheard

    /// Exit statuses of the cell's own, in the custom of `env` and `timeout`.
    package enum Status {
        /// The cell itself could not do its work.
        package static let fault: Int32 = 125
        /// The command is there and cannot be run.
        package static let notRunnable: Int32 = 126
        /// There is no such command.
        package static let notFound: Int32 = 127
        /// A signal ended the command: this and the signal's number.
        package static let signalBase: Int32 = 128
    }

    /// The status as a shell would say it.
    public var status: Int32 {
        switch self {
        case .exited(let status): status
        case .killed, .unheard: Status.signalBase + 9
        }
    }
}
