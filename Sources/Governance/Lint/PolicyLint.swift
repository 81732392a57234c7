public import Tlog

/// Finds mistakes in a policy, in the quorum of those who verify its log, and in the state under it.
///
/// Pure: the same input gives the same findings in the same order, worst first.
public struct PolicyLint: Sendable {
    public let policy: Policy
    /// The tlog-policy of those who verify: a trust file's. Nil if it is not known.
    public var trust: TlogPolicy?
    /// What its `state-quorum` line says, if there is one.
    public var stateQuorum: TlogPolicy.Quorum?
    /// The state that the policy is in force in. Nil if it is not known: grants and routes are not looked at then.
    public var state: LintState?

    public init(
        policy: Policy, trust: TlogPolicy? = nil, stateQuorum: TlogPolicy.Quorum? = nil, state: LintState? = nil
    ) {
        self.policy = policy
        self.trust = trust
        self.stateQuorum = stateQuorum
        self.state = state
    }

    /// A day, in ms: longer windows are worth a word.
    static let day: UInt64 = 86_400_000
    /// An hour, in ms.
    static let hour: UInt64 = 3_600_000

    public func findings() -> [LintFinding] {
        var findings = quorum() + authorities() + unwitnessed() + roles() + times() + sizes()
        if let state { findings += StateLint(policy: policy, state: state).findings() }
        // Stable: findings of one severity stay in the order in which they were made.
        return findings.enumerated().sorted {
            ($0.element.severity, $0.offset) < ($1.element.severity, $1.offset)
        }.map(\.element)
    }

    // MARK: Witnesses

    private func quorum() -> [LintFinding] {
        guard let trust else { return [] }
        guard let analysis = QuorumAnalysis(trust) else {
            return [LintFinding(.quorumNone, "quorum", "nobody but the log vouches for its heads")]
        }
        var findings = Self.findings(analysis, subject: "quorum")
        if let stateQuorum, let state = QuorumAnalysis(trust, quorum: stateQuorum) {
            findings += Self.findings(state, subject: "state-quorum")
        } else {
            findings.append(
                LintFinding(
                    .stateQuorumMissing, "state-quorum",
                    "nobody is named who cosigns only what was replayed, so that no proof of the state can be believed")
            )
        }
        let reached = stateQuorum.flatMap { QuorumAnalysis(trust, quorum: $0) }
        let unused = analysis.unused.filter { reached?.unused.contains($0) ?? true }
        findings += unused.map { LintFinding(.quorumUnused, "witness \($0)", "no quorum reaches it") }
        return findings
    }

    private static func findings(_ analysis: QuorumAnalysis, subject: String) -> [LintFinding] {
        var findings: [LintFinding] = []
        func names(_ set: [TlogPolicy.Name]) -> String { set.map(\.description).joined(separator: ", ") }
        if analysis.overlap == 0 {
            findings.append(
                LintFinding(
                    .quorumSplit, subject,
                    "\(names(analysis.first)) satisfy it, and so do \(names(analysis.second)): the log can show each of "
                        + "them another history, and no witness has to be dishonest"))
        } else if analysis.overlap == 1, analysis.smallest > 1 {
            findings.append(
                LintFinding(
                    .quorumOneBreaks, subject,
                    "\(names(analysis.first)) and \(names(analysis.second)) satisfy it and share one witness: if that "
                        + "one is dishonest, the log can show two histories"))
        }
        if analysis.blocking == 1 {
            findings.append(
                LintFinding(.quorumOneBlocks, subject, "the loss of one witness puts it out of reach"))
        }
        return findings
    }

    // MARK: Authorities

    private func authorities() -> [LintFinding] {
        let (threshold, count) = (policy.threshold, policy.authorities.count)
        var findings: [LintFinding] = []
        let state = "\(threshold) of \(count)"
        if threshold == 1 {
            findings.append(
                LintFinding(
                    .thresholdOne, "threshold",
                    count == 1
                        ? "one key alone changes the policy, and if it is lost nobody can"
                        : "each of \(count) keys alone changes the policy: whoever steals one has the log"))
        } else if 2 * threshold <= count {
            findings.append(
                LintFinding(
                    .thresholdMinority, "threshold",
                    "\(state) is no majority: two groups that have no key in common can each change the policy"))
        }
        if threshold == count, count > 1 {
            findings.append(
                LintFinding(
                    .thresholdAll, "threshold", "\(state): if one key is lost, the policy can never be changed again"))
        }
        return findings
    }

    private func unwitnessed() -> [LintFinding] {
        guard policy.allowUnwitnessed else { return [] }
        let permit = policy.rulesOfGovernance.maxPermit
        let lease = policy.rulesOfGovernance.maxLease
        return [
            LintFinding(
                .unwitnessedPermits, "allowUnwitnessed",
                "permits of up to \(permit) ms" + (lease > 0 ? " and leases of up to \(lease) ms" : "")
                    + " may rest on a head that nobody but the log has seen: it can show a gate a history of its own")
        ]
    }

    // MARK: Roles

    private func roles() -> [LintFinding] {
        let holders = holders
        var findings: [LintFinding] = []
        let lifters = policy.rulesOfGovernance.lifters
        if !lifters.isEmpty, !lifters.contains(where: { holders[$0]?.isEmpty == false }) {
            findings.append(
                LintFinding(
                    .liftersNobody, "governance.lifters",
                    "nobody holds \(lifters.map(\.rawValue).joined(separator: " or ")): only authorities can lift a "
                        + "containment"))
        }
        if holders[.gate]?.isEmpty != false {
            findings.append(
                LintFinding(.noGate, "roles", "nobody holds the role gate: nothing can be permitted, so nothing starts")
            )
        }
        if holders[.runtime]?.isEmpty != false {
            findings.append(LintFinding(.noRuntime, "roles", "nobody holds the role runtime: nothing can be executed"))
        }
        findings += duties(holders)
        for issuer in withoutRole {
            findings.append(
                LintFinding(
                    .issuerWithoutRole, issuer,
                    "it has no role: of the log's own types it can sign nothing but a change of its own key and what "
                        + "was granted to it"))
        }
        return findings
    }

    /// Pairs of duties of which one is there to check the other.
    private static let apart: [(Role, Role, String)] = [
        (.runtime, .gate, "it permits what it runs itself"),
        (.operator, .gate, "it permits what it grants itself"),
        (.operator, .registrar, "it approves the models that it registers itself"),
    ]

    private func duties(_ holders: [Role: Set<String>]) -> [LintFinding] {
        var findings: [LintFinding] = []
        for (one, other, why) in Self.apart {
            for issuer in holders[one, default: []].intersection(holders[other, default: []]).sorted() {
                findings.append(
                    LintFinding(.dutiesTogether, issuer, "it is \(one.rawValue) and \(other.rawValue): \(why)"))
            }
        }
        if let state, state.peers.isEmpty {
            for issuer in holders[.observer, default: []].sorted() where onlyRole(of: issuer, is: .observer) {
                findings.append(
                    LintFinding(
                        .roleUnused, issuer,
                        "its only role is observer, which signs heads of peers, and no peer is admitted"))
            }
        }
        return findings
    }

    /// The identities that count: the state's where it is known, else the policy's.
    private var active: [(issuer: String, roles: [Role])] {
        state?.activeIdentities.map { ($0.issuer, $0.record.roles) } ?? policy.issuers.map { ($0.issuer, $0.roles) }
    }

    private var holders: [Role: Set<String>] {
        var holders: [Role: Set<String>] = [:]
        for identity in active { for role in identity.roles { holders[role, default: []].insert(identity.issuer) } }
        return holders
    }

    private func onlyRole(of issuer: String, is role: Role) -> Bool {
        active.filter { $0.issuer == issuer }.allSatisfy { $0.roles == [role] }
    }

    private var withoutRole: [String] {
        let byIssuer = Dictionary(grouping: active) { $0.issuer }
        return byIssuer.filter { $0.value.allSatisfy(\.roles.isEmpty) }.keys.sorted()
    }

    // MARK: Numbers

    private func times() -> [LintFinding] {
        let rules = policy.rulesOfGovernance
        let skew = policy.limits.maxSkew
        var findings: [LintFinding] = []
        if rules.maxPermit < skew {
            findings.append(
                LintFinding(
                    .permitBelowSkew, "governance.maxPermit",
                    "\(rules.maxPermit) ms is less than limits.maxSkew, \(skew) ms: a gate whose clock is off by what "
                        + "is allowed makes permits that have expired, or that are refused for lasting too long"))
        }
        if rules.maxLease > 0, rules.maxLease < skew {
            findings.append(
                LintFinding(
                    .leaseBelowSkew, "governance.maxLease",
                    "\(rules.maxLease) ms is less than limits.maxSkew, \(skew) ms: leases expire before they come, or "
                        + "are refused for lasting too long"))
        }
        if rules.maxPermit > Self.day {
            findings.append(
                LintFinding(
                    .permitLong, "governance.maxPermit",
                    "\(rules.maxPermit) ms is more than a day: what was found out about a runtime is old by then"))
        }
        if rules.maxLease > Self.day {
            findings.append(
                LintFinding(
                    .leaseLong, "governance.maxLease",
                    "\(rules.maxLease) ms is more than a day: until then executions are decided on without the log"))
        }
        let bounds = policy.boundsOfEvaluation
        let shortest = min(bounds.maxSilence, bounds.maxTelemetryAge, bounds.maxHeadAge)
        if bounds.recheck > shortest {
            findings.append(
                LintFinding(
                    .recheckLate, "bounds.recheck",
                    "a gate looks at what runs every \(bounds.recheck) ms, and \(shortest) ms of silence are too many: "
                        + "it is found late"))
        }
        if skew > Self.hour {
            findings.append(
                LintFinding(
                    .skewLong, "limits.maxSkew",
                    "\(skew) ms is more than an hour: statements can be dated back by that much"))
        }
        return findings
    }

    /// What a statement needs beside its policy: headers, signature, the event's own fields.
    private static let statementOverhead: UInt64 = 768

    private func sizes() -> [LintFinding] {
        var findings: [LintFinding] = []
        let size = UInt64(policy.encoded().count)
        let limit = policy.limits.maxEntryBytes
        if size + Self.statementOverhead > limit {
            findings.append(
                LintFinding(
                    .policyTooLarge, "limits.maxEntryBytes",
                    "the policy itself has \(size) bytes, an entry \(limit) at most: a policy of this size, which "
                        + "names the one before it too, cannot take its place"))
        }
        let (issuer, address) = (policy.rates.perIssuer, policy.rates.perAddress)
        if address.perSecond < issuer.perSecond || address.burst < issuer.burst {
            findings.append(
                LintFinding(
                    .ratesCross, "rates",
                    "an address may send \(address.perSecond) a second and \(address.burst) at once, an issuer "
                        + "\(issuer.perSecond) and \(issuer.burst): an issuer behind one address never gets its rate"))
        }
        return findings
    }
}
