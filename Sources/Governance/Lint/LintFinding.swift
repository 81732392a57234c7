/// A mistake, or something worth knowing, that was found in a policy or in the state under it.
public struct LintFinding: Sendable, Hashable {
    /// How bad it is.
    public enum Severity: String, Sendable, Hashable, CaseIterable, Comparable {
        /// Something cannot work, or does not protect from what it is there to protect from.
        case error
        /// It works now, and one ordinary event (a lost key, a dishonest party) ends that.
        case warning
        /// Worth knowing; may be meant.
        case note

        private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
        public static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }
    }

    public let code: LintCode
    /// What it is about: a field of the policy, a grant, a route, an issuer.
    public let subject: String
    /// What was found, with the values.
    public let explanation: String

    public init(_ code: LintCode, _ subject: String, _ explanation: String) {
        self.code = code
        self.subject = subject
        self.explanation = explanation
    }

    public var severity: Severity { code.severity }
    /// What to do about it.
    public var remedy: String { code.remedy }
}

extension LintFinding: CustomStringConvertible {
    public var description: String { "\(severity.rawValue) \(code.rawValue): \(subject): \(explanation)" }
}

/// What lint looks for. The raw value is the stable code.
public enum LintCode: String, Sendable, Hashable, CaseIterable {
    // The quorum of witnesses, in a trust file or a tlog-policy.
    case quorumNone = "quorum-none"
    case quorumSplit = "quorum-split"
    case quorumOneBreaks = "quorum-one-breaks"
    case quorumOneBlocks = "quorum-one-blocks"
    case quorumUnused = "quorum-unused-witness"
    case stateQuorumMissing = "state-quorum-missing"

    // Who may change the policy.
    case thresholdOne = "threshold-one"
    case thresholdMinority = "threshold-minority"
    case thresholdAll = "threshold-all"

    // The policy by itself.
    case unwitnessedPermits = "unwitnessed-permits"
    case liftersNobody = "lifters-nobody"
    case noGate = "no-gate"
    case noRuntime = "no-runtime"
    case issuerWithoutRole = "issuer-without-role"
    case roleUnused = "role-unused"
    case dutiesTogether = "duties-together"
    case permitBelowSkew = "permit-below-skew"
    case leaseBelowSkew = "lease-below-skew"
    case permitLong = "permit-long"
    case leaseLong = "lease-long"
    case skewLong = "skew-long"
    case recheckLate = "recheck-late"
    case policyTooLarge = "policy-too-large"
    case ratesCross = "rates-cross"

    // The state under it.
    case grantSubjectUnknown = "grant-subject-unknown"
    case grantSubjectEnded = "grant-subject-ended"
    case grantSubjectRole = "grant-subject-role"
    case grantSubjectContained = "grant-subject-contained"
    case grantExpired = "grant-expired"
    case grantUsedUp = "grant-used-up"
    case grantParentRevoked = "grant-parent-revoked"
    case grantParentExpired = "grant-parent-expired"
    case grantModelUnknown = "grant-model-unknown"
    case grantModelEnded = "grant-model-ended"
    case grantModelUnapproved = "grant-model-unapproved"
    case grantModelScope = "grant-model-scope"
    case grantRouteClosed = "grant-route-closed"
    case grantRouteActions = "grant-route-actions"
    case routePeerExpelled = "route-peer-expelled"
    case routePeerSilent = "route-peer-silent"
    case routePeerUnvouched = "route-peer-unvouched"
    case containmentStuck = "containment-stuck"
    case domainContained = "domain-contained"
    case approvalsWaiting = "approvals-waiting"
}

extension LintCode {
    public var severity: LintFinding.Severity {
        switch self {
        case .quorumSplit, .unwitnessedPermits, .thresholdMinority, .liftersNobody, .policyTooLarge,
            .grantSubjectUnknown, .grantSubjectEnded, .grantModelUnknown,
            .grantModelEnded, .grantRouteActions, .grantModelScope, .routePeerExpelled, .containmentStuck:
            .error
        case .quorumNone, .quorumOneBlocks, .thresholdOne, .thresholdAll, .noGate, .dutiesTogether,
            .permitBelowSkew, .leaseBelowSkew, .permitLong, .leaseLong, .skewLong, .grantSubjectRole,
            .grantSubjectContained, .grantExpired,
            .grantUsedUp, .grantParentRevoked, .grantParentExpired, .grantModelUnapproved, .grantRouteClosed,
            .routePeerSilent, .routePeerUnvouched, .recheckLate, .domainContained, .stateQuorumMissing:
            .warning
        case .quorumOneBreaks, .quorumUnused, .noRuntime, .issuerWithoutRole, .roleUnused, .ratesCross,
            .approvalsWaiting:
            .note
        }
    }

    /// What to do about it.
    public var remedy: String {
        switch self {
        case .quorumNone: "Name witnesses of other operators, and a quorum of them."
        case .quorumSplit: "Ask for more than half of each group: 'group W 2 A B C', not 'any A B C'."
        case .quorumOneBreaks: "Ask for more witnesses, so that more of them would have to be dishonest."
        case .quorumOneBlocks: "Add witnesses, or ask for fewer than all of them."
        case .quorumUnused: "Put the witness into a group of the quorum, or take its line out."
        case .stateQuorumMissing:
            "Name state witnesses and a 'state-quorum' line, so that state proofs can be believed."
        case .thresholdOne: "Name three authorities with a threshold of two."
        case .thresholdMinority: "Raise the threshold above half of the authorities."
        case .thresholdAll: "Name one more authority, or lower the threshold by one."
        case .unwitnessedPermits: "Set allowUnwitnessed to false and serve with witnesses."
        case .liftersNobody:
            "Enrol an identity with that role, or name a role in governance.lifters that somebody holds."
        case .noGate: "Enrol a gate: holdfast identity enroll URI GATE.pub --role gate"
        case .noRuntime: "Enrol one: holdfast identity enroll URI KEY.pub --role runtime"
        case .issuerWithoutRole: "Give it a role, or leave it so if it only registers events of its own types."
        case .roleUnused: "Take the role away, or admit a peer."
        case .dutiesTogether: "Give each duty to an identity and a key of its own."
        case .permitBelowSkew: "Raise governance.maxPermit above limits.maxSkew, or lower maxSkew."
        case .leaseBelowSkew: "Raise governance.maxLease above limits.maxSkew, lower maxSkew, or set maxLease to 0."
        case .permitLong: "Lower governance.maxPermit: minutes are enough to start an execution."
        case .leaseLong: "Lower governance.maxLease: a revocation has to reach every decision in time."
        case .skewLong: "Lower limits.maxSkew to minutes."
        case .policyTooLarge: "Raise limits.maxEntryBytes, or list fewer issuers: enrol them by statements."
        case .ratesCross: "Raise rates.perAddress to what one issuer may send, or lower rates.perIssuer."
        case .grantSubjectUnknown: "Enrol the subject, or revoke the grant."
        case .grantSubjectEnded: "Enrol another key for the subject, or revoke the grant."
        case .grantSubjectRole: "Enrol a key of the subject with the role runtime, or revoke the grant."
        case .grantSubjectContained: "Recover and lift the containment, or revoke the grant."
        case .grantExpired: "Revoke it, or issue another one."
        case .grantUsedUp: "Issue another one."
        case .grantParentRevoked: "Revoke it; hand on another grant."
        case .grantParentExpired: "Revoke it; hand on another grant."
        case .grantModelUnknown: "Register the model: holdfast model register DIR --model NAME@VERSION"
        case .grantModelEnded: "Revoke the grant, and issue one for another version."
        case .grantModelUnapproved: "Approve it under the policy in force: holdfast model approve NAME@VERSION"
        case .grantModelScope: "Issue a grant for actions in the model's scope, or register a version for these."
        case .grantRouteClosed: "Open the route, or revoke the grant."
        case .grantRouteActions: "Open a route for these actions, or revoke the grant."
        case .routePeerExpelled: "Close the route."
        case .routePeerSilent: "Record a newer head: holdfast peer head ORIGIN"
        case .routePeerUnvouched:
            "A peer is admitted once: expel it, and close the route, unless only its heads are wanted."
        case .recheckLate: "Lower bounds.recheck below the ages that a gate has to notice."
        case .containmentStuck:
            "Name a role that somebody holds in governance.lifters; authorities may lift in any case."
        case .domainContained: "Recover and lift it when the checks pass again."
        case .approvalsWaiting:
            "The other authorities approve it (holdfast policy approve DIGEST), or approve another one."
        }
    }
}
