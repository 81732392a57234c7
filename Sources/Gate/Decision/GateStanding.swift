public import Governance
public import Tlog

/// A head that a gate has verified, with everything below it, and what the policy in force there says.
public struct GateHead: Sendable, Hashable {
    public let treeHead: TreeHead
    /// When the quorum saw it, in ms since 1970 (design, section 4); where nobody has to vouch for it the time of its
    /// seal. Nil if the cosignatures that are believed do not make the quorum.
    public let time: UInt64?
    /// Whether the trust file demands no witness.
    public let isUnwitnessed: Bool
    /// When a quorum of state witnesses saw the newest head that they cosigned; nil if they never did.
    public let stateTime: UInt64?
    /// The domain.
    public let origin: String
    /// The digest of the policy in force.
    public let policy: Hash
    /// How old what a decision rests on may be, how often what runs is checked again, and its grace.
    public let bounds: PolicyBounds

    public init(
        treeHead: TreeHead, time: UInt64?, isUnwitnessed: Bool, stateTime: UInt64?, origin: String, policy: Hash,
        bounds: PolicyBounds
    ) {
        self.treeHead = treeHead
        self.time = time
        self.isUnwitnessed = isUnwitnessed
        self.stateTime = stateTime
        self.origin = origin
        self.policy = policy
        self.bounds = bounds
    }
}

/// What keeps a gate from permitting, or soon will.
public struct GateTrouble: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// Nothing is verified yet, or entries below the newest head are still being read.
        case catchingUp = "catching-up"
        /// The newest verified head is older than the policy's `maxHeadAge`.
        case staleHead = "stale-head"
        /// No quorum of state witnesses has cosigned a head within the policy's `maxStateLag`.
        case stateLag = "state-lag"
        /// The checkpoint that the log shows has no quorum, or no good signature.
        case noQuorum = "no-quorum"
        case unreachable
        /// The log shows less than it has shown, or serves what is not under its head.
        case inconsistent
        /// The log signed two histories.
        case fork
        /// The log has entries, or a state, that its own rules don't allow.
        case divergence
        /// The wall clock is not where it should be.
        case clock
        /// What the gate keeps can't be used.
        case storage
    }

    public let kind: Kind
    /// What was found, with values.
    public let detail: String

    public init(_ kind: Kind, _ detail: String) {
        self.kind = kind
        self.detail = detail
    }

    /// Whether nothing that the log does later makes it good.
    public var isFinal: Bool { kind == .fork || kind == .divergence }

    /// Whether no permit is given while it lasts. The others let a gate judge on the last verified head, until that is
    /// too old.
    public var contains: Bool {
        switch kind {
        case .catchingUp, .staleHead, .stateLag, .fork, .divergence, .clock, .storage: true
        case .noQuorum, .unreachable, .inconsistent: false
        }
    }
}

/// How a gate stands: the head that it judges on, and what troubles it.
public struct GateStanding: Sendable, Hashable {
    /// Nil before the first.
    public let head: GateHead?
    public let troubles: [GateTrouble]

    public init(head: GateHead?, troubles: [GateTrouble]) {
        self.head = head
        self.troubles = troubles
    }

    /// Whether requests are judged; none is permitted otherwise.
    public var isReady: Bool { head != nil && !troubles.contains(where: \.contains) }
}
