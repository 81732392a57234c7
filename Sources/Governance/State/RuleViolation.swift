public import Tlog

/// A rule of an enforced statement type that a statement breaks.
public struct RuleViolation: NamedFailure, Hashable {
    public let rule: Rule
    /// What the rule was applied to: a name, an identifier, or a value and what it should be.
    public let subject: String
    /// The index of the entry that set the rule, or made what the statement runs against; nil where there is none.
    public let setBy: UInt64?

    public init(_ rule: Rule, _ subject: String, setBy: UInt64?) {
        self.rule = rule
        self.subject = subject
        self.setBy = setBy
    }

    public var reason: String { rule.rawValue }
}

extension RuleViolation: CustomStringConvertible {
    public var description: String {
        let source = setBy.map { " (entry \($0))" } ?? ""
        return "\(rule.sentence): \(subject)\(source)"
    }
}

/// The rules of the enforced types. The raw value is the name in the specification.
public enum Rule: String, Sendable, Hashable, CaseIterable {
    case notPermitted = "not-permitted"

    case policyPredecessor = "policy-predecessor"
    case policyFixed = "policy-fixed"
    case alreadyApproved = "already-approved"

    case keyKnown = "key-known"
    case unknownIdentity = "unknown-identity"
    case identityEnded = "identity-ended"
    case roleReserved = "role-reserved"

    case unknownGrant = "unknown-grant"
    case grantRevoked = "grant-revoked"
    case grantIssuer = "grant-issuer"
    case delegationNotAllowed = "delegation-not-allowed"
    case delegationWidens = "delegation-widens"
    case grantWindow = "grant-window"
    case grantUses = "grant-uses"
    case grantCover = "grant-cover"

    case modelKnown = "model-known"
    case unknownModel = "unknown-model"
    case modelEnded = "model-ended"
    case modelApproval = "model-approval"
    case modelScope = "model-scope"

    case measurementChain = "measurement-chain"
    case telemetryChain = "telemetry-chain"

    case contained = "contained"
    case trustRevoked = "trust-revoked"
    case transition = "transition"

    case headUnknown = "head-unknown"
    case stateMoved = "state-moved"
    case reliesOnNothing = "relies-on-nothing"
    case nonceSeen = "nonce-seen"
    case expired = "expired"
    case expiryTooLate = "expiry-too-late"
    case leaseNotAllowed = "lease-not-allowed"
    case leaseCounted = "lease-counted"

    case unknownPermit = "unknown-permit"
    case permitUsed = "permit-used"
    case permitMismatch = "permit-mismatch"
    case notHome = "not-home"
    case executionKnown = "execution-known"
    case unknownExecution = "unknown-execution"
    case executionSubject = "execution-subject"
    case unknownParent = "unknown-parent"
    case stepOrder = "step-order"

    case peerKnown = "peer-known"
    case unknownPeer = "unknown-peer"
    case peerHead = "peer-head"
    case peerFork = "peer-fork"
    case peerProof = "peer-proof"
    case peerAge = "peer-age"
    case peerMoved = "peer-moved"
    case routeKnown = "route-known"
    case unknownRoute = "unknown-route"
    case routeEnds = "route-ends"

    case frozen = "frozen"
    case successor = "successor"
    case refusals = "refusals"

    var sentence: String {
        switch self {
        case .notPermitted: "the key holds nothing that lets it sign this"
        case .policyPredecessor: "the policy names another predecessor than the policy in force"
        case .policyFixed: "a policy cannot change this"
        case .alreadyApproved: "the authority has approved this policy already"
        case .keyKnown: "the key has a use already, or had one"
        case .unknownIdentity: "no such key is enrolled"
        case .identityEnded: "the key has ended"
        case .roleReserved: "only authorities decide on keys with the role operator"
        case .unknownGrant: "there is no such grant"
        case .grantRevoked: "the grant, or one that it comes from, is revoked"
        case .grantIssuer: "only who issued the grant, an operator or an authority may revoke it"
        case .delegationNotAllowed: "the grant may not be handed on by this identity"
        case .delegationWidens: "a grant that is handed on can only be narrower"
        case .grantWindow: "the batch is outside the grant's time"
        case .grantUses: "the grant's uses are used up"
        case .grantCover: "the grant does not cover this"
        case .modelKnown: "the version of the model is registered already"
        case .unknownModel: "the version of the model is not registered"
        case .modelEnded: "the version of the model is retired or revoked"
        case .modelApproval: "the model has no approval under the policy in force"
        case .modelScope: "the model's scope does not have this"
        case .measurementChain: "the runtime's newest measurement is another one"
        case .telemetryChain: "the runtime's newest telemetry digest is another one"
        case .contained: "nothing is permitted in what is contained"
        case .trustRevoked: "the trust is revoked, for good"
        case .transition: "the table of phases has no such transition"
        case .headUnknown: "the log had no such head before this batch"
        case .stateMoved: "the state that the decision rests on has changed since its head: evaluate again"
        case .reliesOnNothing: "a permit rests on its grant at least"
        case .nonceSeen: "a decision has had this nonce"
        case .expired: "it has expired"
        case .expiryTooLate: "it expires later than the policy allows"
        case .leaseNotAllowed: "the policy allows no leases"
        case .leaseCounted: "there are no leases on grants whose uses are counted"
        case .unknownPermit: "there is no such permit"
        case .permitUsed: "an execution was started under the permit"
        case .permitMismatch: "the permit is for another"
        case .notHome: "executions start in the log of their home only"
        case .executionKnown: "the execution has been started"
        case .unknownExecution: "there is no such execution"
        case .executionSubject: "only who started the execution goes on with it"
        case .unknownParent: "there is no such parent"
        case .stepOrder: "the steps of an execution are counted without gaps"
        case .peerKnown: "the peer is admitted already, or was"
        case .unknownPeer: "there is no such peer"
        case .peerHead: "the head of the peer does not count"
        case .peerFork: "the head of the peer does not extend the recorded one"
        case .peerProof: "what the permit carries does not show the peer's state"
        case .peerAge: "the peer's newest recorded head is older than the route allows"
        case .peerMoved: "the grant was shown under an older head of the peer's than the recorded one: evaluate again"
        case .routeKnown: "the route is open already"
        case .unknownRoute: "there is no such open route"
        case .routeEnds: "a route has this domain at one end and an admitted peer at the other"
        case .frozen: "the log is frozen and another one goes on"
        case .successor: "a log is not its own successor"
        case .refusals: "the log's record of refusals is not as it must be"
        }
    }
}
