import Governance
public import Tlog
public import Verification

/// What keeps a follower from the end of a log, and how bad that is.
public enum FollowFault: NamedFailure, Hashable {
    /// No answer, or one that says "later": nothing is known about the log by it.
    case unreachable(String)
    /// The checkpoint shown is not one that the trust file vouches for.
    case unverified(reason: String, String)
    /// The log shows a head and not what is under it.
    case missing(path: String)
    /// The head is signed with a key that was the log's before it changed its keys, and covers that change: whoever has the
    /// former key signed it.
    case formerKey(VerifierKey, cutoff: UInt64, shown: TreeHead)
    /// What the log serves under a path is not what is under the head. It proves nothing to others: nobody signed it.
    case mismatch(path: String, String)
    /// The log shows an older head of the same history.
    case behind(shown: TreeHead, accepted: TreeHead)
    /// The log contains an entry that its own rules don't allow.
    case violation(LogViolation)
    /// The log signed two histories.
    case fork(ForkEvidence)
    /// What the follower keeps can't be used.
    case store(String)

    public var reason: String {
        switch self {
        case .unreachable: "unreachable"
        case .unverified(let reason, _): reason
        case .missing: "missing"
        case .formerKey: "former-key"
        case .mismatch: "mismatch"
        case .behind: "behind"
        case .violation(let violation): violation.reason
        case .fork: "fork"
        case .store: "store"
        }
    }

    /// Whether the log itself is shown to have lied: nothing that comes later makes it good.
    public var isFinal: Bool {
        switch self {
        case .violation, .fork: true
        default: false
        }
    }
}

extension FollowFault: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreachable(let why): why
        case .unverified(_, let why): "the checkpoint shown is not vouched for: \(why)"
        case .missing(let path): "the log shows a head and has no \(path) under it"
        case .formerKey(let key, let cutoff, let shown):
            "a head of \(shown.size) entries is signed with \(key), which was the log's up to size \(cutoff) and is no more"
        case .mismatch(let path, let why): "\(path) is not what is under the head: \(why)"
        case .behind(let shown, let accepted):
            "the log shows \(shown.size) entries, and has shown \(accepted.size) before"
        case .violation(let violation): violation.detail
        case .fork(let evidence):
            "the log signed two histories: "
                + evidence.checkpoints.map { "\($0.checkpoint.size) entries with root \($0.checkpoint.root)" }
                .joined(separator: " and ")
        case .store(let why): "what was kept of the log can't be used: \(why)"
        }
    }
}

/// The first entry of a log that its own rules don't allow.
public struct LogViolation: Sendable, Hashable {
    /// Nil if an entry is missing at the end.
    public let index: UInt64?
    /// A stable name.
    public let reason: String
    public let detail: String

    public init(index: UInt64?, reason: String, detail: String) {
        self.index = index
        self.reason = reason
        self.detail = detail
    }

    init(_ error: ReplayError) {
        self.init(index: error.index, reason: error.reason, detail: "\(error)")
    }
}
