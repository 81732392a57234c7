public import COSE
public import Tlog

/// The `data` of one type of statement. Unknown fields are refused.
public protocol StatementData: Sendable, Hashable {
    static var type: StatementType { get }
    init(_ data: CBOR) throws(FieldError)
    /// The same item again.
    var cbor: CBOR { get }
}

/// What a statement of an enforced type says.
public enum GovernanceStatement: Sendable, Hashable {
    case policy(Policy)
    case identityEnroll(IdentityEnroll)
    case identityRotate(IdentityRotate)
    case identityRevoke(IdentityRevoke)
    case grantIssue(GrantIssue)
    case grantRevoke(GrantRevoke)
    case modelRegister(ModelRegister)
    case modelApprove(ModelApprove)
    case modelRetire(ModelRetire)
    case modelRevoke(ModelRevoke)
    case runtimeAttest(RuntimeAttest)
    case runtimeHeartbeat(RuntimeHeartbeat)
    case telemetryDigest(TelemetryDigest)
    case executionStart(ExecutionStart)
    case executionStep(ExecutionStep)
    case executionFinish(ExecutionFinish)
    case peerAdmit(PeerAdmit)
    case peerHead(PeerHead)
    case peerExpel(PeerExpel)
    case routeOpen(RouteOpen)
    case routeClose(RouteClose)
    case containmentEnter(ContainmentEnter)
    case containmentRecover(ContainmentRecover)
    case containmentLift(ContainmentLift)
    case trustRevoke(TrustRevoke)
    case decision(DecisionRecord)
    case lease(LeaseRecord)
    case logRotate(LogRotate)
    case logFreeze(LogFreeze)

    /// Reads the data of a statement.
    public init(_ type: StatementType, _ data: CBOR) throws(StatementDataError) {
        if type == .policySet {
            do { self = .policy(try Policy(decoding: data)) } catch { throw .policy(error) }
            return
        }
        do { self = try GovernanceStatement.read(type, data) } catch { throw .field(type, error) }
    }

    private static func read(_ type: StatementType, _ data: CBOR) throws(FieldError) -> GovernanceStatement {
        switch type {
        case .policySet: preconditionFailure("policies are read by themselves")
        case .identityEnroll: .identityEnroll(try IdentityEnroll(data))
        case .identityRotate: .identityRotate(try IdentityRotate(data))
        case .identityRevoke: .identityRevoke(try IdentityRevoke(data))
        case .grantIssue: .grantIssue(try GrantIssue(data))
        case .grantRevoke: .grantRevoke(try GrantRevoke(data))
        case .modelRegister: .modelRegister(try ModelRegister(data))
        case .modelApprove: .modelApprove(try ModelApprove(data))
        case .modelRetire: .modelRetire(try ModelRetire(data))
        case .modelRevoke: .modelRevoke(try ModelRevoke(data))
        case .runtimeAttest: .runtimeAttest(try RuntimeAttest(data))
        case .runtimeHeartbeat: .runtimeHeartbeat(try RuntimeHeartbeat(data))
        case .telemetryDigest: .telemetryDigest(try TelemetryDigest(data))
        case .executionStart: .executionStart(try ExecutionStart(data))
        case .executionStep: .executionStep(try ExecutionStep(data))
        case .executionFinish: .executionFinish(try ExecutionFinish(data))
        case .peerAdmit: .peerAdmit(try PeerAdmit(data))
        case .peerHead: .peerHead(try PeerHead(data))
        case .peerExpel: .peerExpel(try PeerExpel(data))
        case .routeOpen: .routeOpen(try RouteOpen(data))
        case .routeClose: .routeClose(try RouteClose(data))
        case .containmentEnter: .containmentEnter(try ContainmentEnter(data))
        case .containmentRecover: .containmentRecover(try ContainmentRecover(data))
        case .containmentLift: .containmentLift(try ContainmentLift(data))
        case .trustRevoke: .trustRevoke(try TrustRevoke(data))
        case .decisionRecord: .decision(try DecisionRecord(data))
        case .leaseRecord: .lease(try LeaseRecord(data))
        case .logRotate: .logRotate(try LogRotate(data))
        case .logFreeze: .logFreeze(try LogFreeze(data))
        }
    }
}

/// Why the data of a statement is not that of its type.
public enum StatementDataError: NamedFailure, Hashable {
    case field(StatementType, FieldError)
    case policy(PolicyError)

    public var reason: String {
        switch self {
        case .field(_, let error): error.reason
        case .policy(let error): error.reason
        }
    }
}

extension StatementDataError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .field(let type, let error): "the data of \(type.rawValue): \(error)"
        case .policy(let error): "\(error)"
        }
    }
}
