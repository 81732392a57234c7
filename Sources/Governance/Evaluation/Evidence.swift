public import Tlog

/// What an evaluator knows besides the state: facts that it has established itself. What is nil is not known, and what
/// is not known contains.
public struct Evidence: Sendable, Hashable {
    /// The head that the state is at.
    public var head: HeadEvidence?
    /// Files of the model that are not as its manifest has them; empty if all were compared and are. Nil if no files
    /// were given.
    public var differingFiles: [String]?
    /// What the peer's log shows; there with a route.
    public var peer: PeerEvidence?
    /// What was found that lets nothing be permitted, whatever the state says.
    public var doubts: [Doubt]

    public init(
        head: HeadEvidence?, differingFiles: [String]? = nil, peer: PeerEvidence? = nil, doubts: [Doubt] = []
    ) {
        self.head = head
        self.differingFiles = differingFiles
        self.peer = peer
        self.doubts = doubts
    }
}

/// Something that an evaluator found out about itself or the log. The text says what, with values.
public enum Doubt: Sendable, Hashable {
    /// Its clock is not where it should be.
    case clock(String)
    /// What it keeps can't be used.
    case storage(String)
    /// The log signed two histories.
    case fork(String)
    /// The log has an entry that its own rules don't allow.
    case violation(String)
    /// A seal says another root of the state than the entries below it give.
    case stateRoot(String)
}

/// What an evaluator has found out about the head of its own domain's log.
public struct HeadEvidence: Sendable, Hashable {
    /// Who vouches for a head.
    public enum Vouched: Sendable, Hashable {
        /// A quorum, which saw it no earlier than this: ms since 1970 (the head time).
        case byQuorum(at: UInt64)
        /// The trust file demands nobody: `quorum none`. The time is the seal's.
        case byNobody(sealed: UInt64)
    }

    public var head: TreeHead
    /// Nil if the log's signature or the quorum does not verify.
    public var witnesses: Vouched?
    /// Whether the consistency proof from the last head that the evaluator accepted verifies; nil if it had none to try.
    public var extendsAccepted: Bool?
    /// The root in the seal that ends the head.
    public var sealRoot: Hash
    /// The root that the evaluator computed itself.
    public var computedRoot: Hash?
    /// The newest of this head and those that it extends that a quorum of state witnesses cosigned; nil if there is none.
    public var stateWitnesses: Vouched?

    public init(
        head: TreeHead, witnesses: Vouched?, extendsAccepted: Bool?, sealRoot: Hash, computedRoot: Hash?,
        stateWitnesses: Vouched?
    ) {
        self.head = head
        self.witnesses = witnesses
        self.extendsAccepted = extendsAccepted
        self.sealRoot = sealRoot
        self.computedRoot = computedRoot
        self.stateWitnesses = stateWitnesses
    }
}
