internal import Tlog

/// What is wrong with grants, routes and containments under a policy.
struct StateLint {
    let policy: Policy
    let state: LintState

    func findings() -> [LintFinding] {
        let grants = state.grants.sorted { ($0.value.index, $0.key.hex) < ($1.value.index, $1.key.hex) }
        return grants.flatMap { findings(of: $0.key, $0.value) } + routes() + containments() + approvals()
    }

    // MARK: Grants

    /// Why nobody can use a grant that is in force. A revoked one is nobody's mistake.
    private func findings(of id: Hash, _ record: GrantRecord) -> [LintFinding] {
        guard !record.isRevoked else { return [] }
        let name = "grant \(id)"
        let grant = record.grant
        var findings = subject(grant, name) + window(record, name, id: id) + parents(grant, name)
        findings += model(grant, name)
        // A grant for another domain goes by that domain's routes.
        if let route = grant.conditions.route { findings += self.route(route, grant, name) }
        return findings
    }

    private func subject(_ grant: GrantIssue, _ name: String) -> [LintFinding] {
        var findings: [LintFinding] = []
        let isElsewhere = grant.conditions.domain.map { !$0.hasSameUTF8(as: policy.origin.text) } ?? false
        let keys = state.identities.filter { $0.issuer.hasSameUTF8(as: grant.subject) }.map(\.record)
        let active = keys.filter { $0.ending == nil }
        if isElsewhere {
            // The other domain enrols its own identities.
        } else if keys.isEmpty {
            findings.append(LintFinding(.grantSubjectUnknown, name, "its subject \(grant.subject) is not enrolled"))
        } else if active.isEmpty {
            let ending = keys.max { $0.index < $1.index }?.ending?.rawValue ?? "ended"
            findings.append(
                LintFinding(.grantSubjectEnded, name, "no key of its subject \(grant.subject) counts: \(ending)"))
        } else if !active.contains(where: { $0.roles.contains(.runtime) }), grant.delegations == 0 {
            findings.append(
                LintFinding(
                    .grantSubjectRole, name,
                    "its subject \(grant.subject) is no runtime, so it can start nothing, and may not hand it on"))
        }
        if let contained = state.containment(.runtime(grant.subject)) {
            findings.append(
                LintFinding(
                    .grantSubjectContained, name,
                    "its subject \(grant.subject) is \(contained.phase.rawValue) (entry \(contained.index), "
                        + "\(contained.reason.rawValue))"))
        }
        return findings
    }

    private func window(_ record: GrantRecord, _ name: String, id: Hash) -> [LintFinding] {
        let conditions = record.grant.conditions
        var findings: [LintFinding] = []
        if let notAfter = conditions.notAfter, notAfter < state.time {
            findings.append(
                LintFinding(.grantExpired, name, "its window ended at \(notAfter), and it is \(state.time)"))
        }
        if let uses = conditions.uses, state.uses[id, default: 0] >= uses {
            findings.append(LintFinding(.grantUsedUp, name, "all of its \(uses) uses are gone"))
        }
        return findings
    }

    private func parents(_ grant: GrantIssue, _ name: String) -> [LintFinding] {
        var next = grant.parent
        while let id = next, let parent = state.grants[id] {
            if parent.isRevoked {
                return [LintFinding(.grantParentRevoked, name, "it comes from grant \(id), which is revoked")]
            }
            if let notAfter = parent.grant.conditions.notAfter, notAfter < state.time {
                return [
                    LintFinding(
                        .grantParentExpired, name, "it comes from grant \(id), whose window ended at \(notAfter)")
                ]
            }
            if let uses = parent.grant.conditions.uses, state.uses[id, default: 0] >= uses {
                return [
                    LintFinding(.grantUsedUp, name, "all \(uses) uses of grant \(id), which it comes from, are gone")
                ]
            }
            next = parent.grant.parent
        }
        return []
    }

    private func model(_ grant: GrantIssue, _ name: String) -> [LintFinding] {
        guard let version = grant.conditions.model else { return [] }
        guard let record = state.models[version] else {
            return [LintFinding(.grantModelUnknown, name, "its model \(version.text) is not registered")]
        }
        switch record.status {
        case .retired, .revoked:
            return [LintFinding(.grantModelEnded, name, "its model \(version.text) is \(record.status.rawValue)")]
        case .registered:
            return [LintFinding(.grantModelUnapproved, name, "its model \(version.text) was never approved")]
        case .approved where record.policy != policy.digest:
            return [
                LintFinding(
                    .grantModelUnapproved, name,
                    "its model \(version.text) was approved under another policy than the one in force")
            ]
        case .approved: break
        }
        guard !record.actions.contains(where: { action in grant.actions.contains { $0.matches(action) } }) else {
            return []
        }
        return [
            LintFinding(
                .grantModelScope, name,
                "none of its actions is in the scope of its model \(version.text): \(list(record.actions))")
        ]
    }

    private func route(_ name: String, _ grant: GrantIssue, _ subject: String) -> [LintFinding] {
        guard let record = state.routes[name], record.phase == .activated else {
            return [LintFinding(.grantRouteClosed, subject, "its route \(name) is not open")]
        }
        guard !record.route.actions.contains(where: { action in grant.actions.contains { $0.matches(action) } })
        else { return [] }
        return [
            LintFinding(
                .grantRouteActions, subject,
                "none of its actions goes by its route \(name): \(list(record.route.actions))")
        ]
    }

    // MARK: Routes and containments

    private func routes() -> [LintFinding] {
        var findings: [LintFinding] = []
        for (name, record) in state.routes.sorted(by: { $0.key < $1.key }) where record.phase == .activated {
            let other = record.route.from.hasSameUTF8(as: policy.origin.text) ? record.route.to : record.route.from
            guard let peer = state.peers[other] else { continue }
            if peer.isExpelled {
                findings.append(
                    LintFinding(
                        .routePeerExpelled, "route \(name)", "it is open, and its peer \(other) is expelled"))
                continue
            }
            if peer.peer.stateQuorum == nil {
                findings.append(
                    LintFinding(
                        .routePeerUnvouched, "route \(name)",
                        "its peer \(other) was admitted without a state quorum, so nothing of that peer's state is "
                            + "honoured: no grant of its can be used here"))
            }
            if peer.head.size == 0 {
                findings.append(
                    LintFinding(.routePeerSilent, "route \(name)", "no head of its peer \(other) is recorded"))
            } else if state.time > peer.headTime, state.time - peer.headTime > record.route.maxPeerAge {
                findings.append(
                    LintFinding(
                        .routePeerSilent, "route \(name)",
                        "the newest head of its peer \(other) is \(state.time - peer.headTime) ms old, and may be "
                            + "\(record.route.maxPeerAge) ms"))
            }
        }
        return findings
    }

    private func containments() -> [LintFinding] {
        var findings: [LintFinding] = []
        let lifters = policy.rulesOfGovernance.lifters
        let canLift = state.activeIdentities.contains { identity in
            identity.record.roles.contains(where: lifters.contains)
        }
        let open = state.containments.filter { $0.value.phase != .baseline && $0.value.phase != .revoked }
        for (scope, record) in open.sorted(by: { $0.value.index < $1.value.index }) {
            let name = scope.joined(separator: " ")
            // A policy without lifters leaves it to its authorities on purpose.
            if !canLift, !lifters.isEmpty {
                findings.append(
                    LintFinding(
                        .containmentStuck, name,
                        "it is \(record.phase.rawValue), and nobody holds a role that may lift it: "
                            + list(lifters.map(\.rawValue))))
            }
        }
        if let record = state.containment(.domain(policy.origin.text)) {
            findings.append(
                LintFinding(
                    .domainContained, "domain \(policy.origin)",
                    "it is \(record.phase.rawValue) (entry \(record.index), \(record.reason.rawValue)): nothing is "
                        + "permitted"))
        }
        return findings
    }

    private func approvals() -> [LintFinding] {
        guard let approvals = state.approvals?.approvals, !approvals.isEmpty else { return [] }
        let byPolicy = Dictionary(grouping: approvals.values) { $0.policy }
        return byPolicy.sorted { $0.key.hex < $1.key.hex }.map { digest, given in
            LintFinding(
                .approvalsWaiting, "policy \(digest)",
                "\(given.count) of the \(policy.threshold) approvals that it takes are there (entry "
                    + "\(given.map { "\($0.entry)" }.sorted().joined(separator: ", ")))")
        }
    }

    private func list(_ names: [String]) -> String { names.joined(separator: ", ") }
}
