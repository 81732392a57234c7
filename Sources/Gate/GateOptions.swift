public import Governance

/// How a gate works. Every value has a default.
public struct GateOptions: Sendable {
    /// ms from one look at the log to the next.
    public var interval: UInt64 = 500
    /// How long a statement may take from its answer to a verified head that covers it, in ms.
    public var patience: UInt64 = 10_000
    /// How long an execution may wait to start under a permit, in ms; at most half of what the policy allows, because
    /// the gate's clock is not the log's.
    public var permitLifetime: UInt64 = 60_000
    /// How often a request is judged, if the log refuses the record each time.
    public var attempts = 4
    /// How long the leases are that the gate asks for, in ms; 0 for none. At most half of what the policy allows.
    public var leaseLifetime: UInt64 = 0
    /// Whether the gate has the log make a new head when the newest gets old.
    public var keepsFresh = true
    /// Whether executions that were permitted here are judged again at every new head, and at least every `recheck` of
    /// the policy, and contained when they fail.
    public var watches = true
    /// Where the files of models are that the gate compares itself.
    public var models: [ModelVersion: ModelDirectory] = [:]

    public init() {}
}

/// Why a gate does not start.
public enum GateOpeningError: Error, Sendable, Hashable {
    /// What it keeps can't be read.
    case file(String, String)
    /// What it followed before can't be used.
    case follower(String)
}

extension GateOpeningError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .file(let path, let why): "\(path): \(why)"
        case .follower(let why): why
        }
    }
}
