/// The 24 checks of the three profiles, by their numbers in the requirements.
public enum CheckID: String, Sendable, Hashable, CaseIterable {
    case p1 = "P1"
    case p2 = "P2"
    case p3 = "P3"
    case p4 = "P4"
    case p5 = "P5"
    case p6 = "P6"
    case p7 = "P7"
    case p8 = "P8"
    case x1 = "X1"
    case x2 = "X2"
    case x3 = "X3"
    case x4 = "X4"
    case x5 = "X5"
    case x6 = "X6"
    case x7 = "X7"
    case x8 = "X8"
    case m1 = "M1"
    case m2 = "M2"
    case m3 = "M3"
    case m4 = "M4"
    case m5 = "M5"
    case m6 = "M6"
    case m7 = "M7"
    case m8 = "M8"
}

/// Which checks a request is held to: `synchronization` always, the others where it uses what they are about.
public enum CheckProfile: String, Sendable, Hashable, CaseIterable {
    case synchronization
    case crossCloud = "cross-cloud"
    case model
}

extension CheckID {
    public var profile: CheckProfile {
        switch self {
        case .p1, .p2, .p3, .p4, .p5, .p6, .p7, .p8: .synchronization
        case .x1, .x2, .x3, .x4, .x5, .x6, .x7, .x8: .crossCloud
        case .m1, .m2, .m3, .m4, .m5, .m6, .m7, .m8: .model
        }
    }

    /// The step of a decision that the check is part of.
    public var step: DecisionStep {
        switch self {
        case .p1, .p2, .p3, .p8, .x1, .x2, .x6, .x7, .x8, .m1, .m2, .m4, .m7, .m8: .coordination
        case .p4, .x4, .m3: .runtimeIntegrity
        case .p6, .p7, .x3, .x5, .m5, .m6: .cryptographicValidation
        case .p5: .telemetrySynchronization
        }
    }

    /// The clause of the specification, as it words it.
    public var clause: String {
        switch self {
        case .p1: "Runtime Synchronization Continuity"
        case .p2: "Governance Policy Coordination"
        case .p3: "Execution Routing Consistency"
        case .p4: "Runtime Integrity Verification"
        case .p5: "Telemetry Synchronization Continuity"
        case .p6: "Cryptographic Synchronization Validation"
        case .p7, .x5, .m6: "Immutable Audit Synchronization"
        case .p8, .m7: "Distributed Runtime Consistency"
        case .x1: "Cross-Cloud Synchronization Continuity"
        case .x2: "Governance Routing Consistency"
        case .x3: "Cryptographic Interoperability Verification"
        case .x4: "Runtime Integrity Continuity"
        case .x6: "Distributed Coordination Integrity"
        case .x7: "Execution Lineage Continuity"
        case .x8: "Runtime State Consistency"
        case .m1: "Model Runtime Continuity"
        case .m2: "Governance Policy Synchronization"
        case .m3: "Runtime Integrity Verification"
        case .m4: "Model Scope Continuity"
        case .m5: "Cryptographic Verification Validation"
        case .m8: "Execution Lineage Continuity"
        }
    }
}

/// The ten steps of a decision, in their order.
public enum DecisionStep: Int, Sendable, Hashable, CaseIterable {
    case initialization = 1
    case governanceAuthorization
    case coordination
    case runtimeIntegrity
    case cryptographicValidation
    case telemetrySynchronization
    case failClosedEvaluation
    case approval
    case immutablePersistence
    case auditContinuity

    public var name: String {
        switch self {
        case .initialization: "initialization"
        case .governanceAuthorization: "governance authorization"
        case .coordination: "coordination"
        case .runtimeIntegrity: "runtime integrity"
        case .cryptographicValidation: "cryptographic validation"
        case .telemetrySynchronization: "telemetry synchronization"
        case .failClosedEvaluation: "fail-closed evaluation"
        case .approval: "approval"
        case .immutablePersistence: "immutable persistence"
        case .auditContinuity: "audit continuity verification"
        }
    }
}
