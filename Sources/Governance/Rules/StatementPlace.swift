internal import COSE
internal import Tlog

/// A statement where it lands.
struct StatementPlace {
    let statement: SignedStatement
    let signer: KeyDirectory.Entry
    let index: UInt64
    /// ms since 1970, as all times.
    let batchTime: UInt64
    /// The event's own time.
    let time: UInt64

    var issuer: String { signer.issuer }
    var leafHash: Hash { statement.leafHash }
}

extension KeyDirectory.Entry {
    func `is`(_ signer: Signer, _ policy: Policy) -> Bool {
        switch signer {
        case .authority: isAuthority
        case .role(let role): roles.contains(role)
        case .lifter: roles.contains { policy.rulesOfGovernance.lifters.contains($0) }
        case .enrolled: true
        }
    }

    /// Whether the key decides on what operators do.
    var isOperator: Bool { isAuthority || roles.contains(.operator) }
}

/// The changes of one statement. There are few: they are looked through one by one.
struct StagedChanges {
    private(set) var values: [(key: StateKey, value: [UInt8]?)] = []
    /// The newest link of the statement's stream.
    var link: StreamLink?
    /// Keys that the rules get, or get anew.
    var keys: [KeyDirectory.Entry] = []
    /// The policy that is in force after the statement, if it is another one.
    var policy: PolicyRecord?

    /// Nil if the statement doesn't change the key; a nil inside if it takes it out.
    func value(_ key: StateKey) -> [UInt8]?? {
        values.last { $0.key == key }.map(\.value)
    }

    mutating func set(_ key: StateKey, _ value: [UInt8]?) {
        values.append((key, value))
    }
}

extension AdmissionError {
    static func rule(_ rule: Rule, _ subject: String, setBy: UInt64?) -> AdmissionError {
        .rule(RuleViolation(rule, subject, setBy: setBy))
    }
}

extension GovernanceState {
    /// Applies a statement whose form, key, signer, time and place in its stream are in order.
    mutating func apply(_ statement: GovernanceStatement, _ place: StatementPlace) throws(AdmissionError) {
        switch statement {
        case .policy(let policy): try apply(policy, place)
        case .identityEnroll(let data): try apply(data, place)
        case .identityRotate(let data): try apply(data, place)
        case .identityRevoke(let data): try apply(data, place)
        case .grantIssue(let data): try apply(data, place)
        case .grantRevoke(let data): try apply(data, place)
        case .modelRegister(let data): try apply(data, place)
        case .modelApprove(let data): try apply(data, place)
        case .modelRetire(let data): try apply(data, place)
        case .modelRevoke(let data): try apply(data, place)
        case .runtimeAttest(let data): try apply(data, place)
        case .runtimeHeartbeat(let data): try apply(data, place)
        case .telemetryDigest(let data): try apply(data, place)
        case .executionStart(let data): try apply(data, place)
        case .executionStep(let data): try apply(data, place)
        case .executionFinish(let data): try apply(data, place)
        case .peerAdmit(let data): try apply(data, place)
        case .peerHead(let data): try apply(data, place)
        case .peerExpel(let data): try apply(data, place)
        case .routeOpen(let data): try apply(data, place)
        case .routeClose(let data): try apply(data, place)
        case .containmentEnter(let data): try apply(data, place)
        case .containmentRecover(let data): try apply(data, place)
        case .containmentLift(let data): try apply(data, place)
        case .trustRevoke(let data): try apply(data, place)
        case .decision(let data): try apply(data, place)
        case .lease(let data): try apply(data, place)
        case .logRotate(let data): try apply(data, place)
        case .logFreeze(let data): try apply(data, place)
        }
    }
}
