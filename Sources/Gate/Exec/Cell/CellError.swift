/// Why there is no cell.
public enum CellError: Error, Hashable {
    /// The system gives this process no PID namespace, neither as it is nor in a user namespace of its own; what
    /// `unshare` said.
    case noNamespace(String)
    /// There is no `unshare` (util-linux) to make one with.
    case noUnshare
    /// The pipe to the cell could not be made.
    case noControl(String)
    /// The cell could not be started, or not be waited for.
    case failed(String)

    /// Stable, for programs.
    public var reason: String {
        switch self {
        case .noNamespace: "no-pid-namespace"
        case .noUnshare: "no-unshare"
        case .noControl: "no-control-pipe"
        case .failed: "cell-failed"
        }
    }
}

extension CellError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noNamespace(let said): "this system gives no PID namespace to run the command in: \(said)"
        case .noUnshare: "there is no program `unshare` (util-linux), which makes the command's PID namespace"
        case .noControl(let why): "the pipe to the command's cell could not be made: \(why)"
        case .failed(let why): "the command's cell: \(why)"
        }
    }
}
