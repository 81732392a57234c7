/// The types of statements whose rules the fold enforces.
public enum StatementType: String, Sendable, Hashable, CaseIterable {
    case policySet = "policy.set"
    case identityEnroll = "identity.enroll"
    case identityRotate = "identity.rotate"
    case identityRevoke = "identity.revoke"
    case grantIssue = "grant.issue"
    case grantRevoke = "grant.revoke"
    case modelRegister = "model.register"
    case modelApprove = "model.approve"
    case modelRetire = "model.retire"
    case modelRevoke = "model.revoke"
    case runtimeAttest = "runtime.attest"
    case runtimeHeartbeat = "runtime.heartbeat"
    case telemetryDigest = "telemetry.digest"
    case executionStart = "execution.start"
    case executionStep = "execution.step"
    case executionFinish = "execution.finish"
    case peerAdmit = "peer.admit"
    case peerHead = "peer.head"
    case peerExpel = "peer.expel"
    case routeOpen = "route.open"
    case routeClose = "route.close"
    case containmentEnter = "containment.enter"
    case containmentRecover = "containment.recover"
    case containmentLift = "containment.lift"
    case trustRevoke = "trust.revoke"
    case decisionRecord = "decision.record"
    case leaseRecord = "lease.record"
    case logRotate = "log.rotate"
    case logFreeze = "log.freeze"
}

/// What lets a key sign statements of a type.
public enum Signer: Sendable, Hashable {
    /// One of the authorities that the policy in force names.
    case authority
    /// An identity with this role.
    case role(Role)
    /// An identity with one of the roles that the policy in force lets lift containments.
    case lifter
    /// Any enrolled identity: the statement's own rule says whose it must be.
    case enrolled

    /// How the table of the specification writes it.
    public var text: String {
        switch self {
        case .authority: "authority"
        case .role(let role): role.rawValue
        case .lifter: "lifter"
        case .enrolled: "enrolled"
        }
    }
}

extension StatementType {
    /// Who may sign statements of this type. One of them is enough.
    public var signers: [Signer] {
        switch self {
        case .policySet, .logRotate, .logFreeze: [.authority]
        case .identityEnroll, .identityRevoke: [.authority, .role(.operator)]
        // An identity may rotate its own key.
        case .identityRotate: [.authority, .role(.operator), .enrolled]
        // The subject of a grant may delegate it; who issued one may revoke it.
        case .grantIssue, .grantRevoke: [.authority, .role(.operator), .enrolled]
        case .modelRegister: [.role(.registrar)]
        case .modelApprove: [.authority, .role(.operator)]
        case .modelRetire, .modelRevoke: [.authority, .role(.operator), .role(.registrar)]
        case .runtimeAttest, .runtimeHeartbeat, .telemetryDigest: [.role(.runtime)]
        case .executionStart, .executionStep, .executionFinish: [.role(.runtime)]
        case .peerAdmit, .peerExpel, .routeOpen, .routeClose: [.authority, .role(.operator)]
        case .peerHead: [.role(.operator), .role(.gate), .role(.observer)]
        case .containmentEnter, .containmentRecover: [.authority, .role(.operator), .role(.gate)]
        case .containmentLift: [.authority, .lifter]
        case .trustRevoke: [.authority, .role(.operator)]
        case .decisionRecord, .leaseRecord: [.role(.gate)]
        }
    }
}
