import COSE
import Governance
import Tlog

/// Models, and containments of whatever can be contained.
extension BundleWalk {
    mutating func follow(_ model: ModelVersion) {
        let key = StateKey.model(model)
        guard seen.insert(key).inserted else { return }
        let record: ModelRecord
        switch self.record(key, "the model", ModelRecord.self) {
        case .missing: return
        case .absent: return disagree("absent", "there is no \(key.text) in the state at size \(content.size)")
        case .record(let found): record = found
        }
        guard let entry = statement(record.entry, "the registration of \(key.text)"),
            let data = data(of: entry, "the registration of \(key.text)", ModelRegister.self)
        else { return }
        guard data.model == model, data.digest == record.digest,
            ModelRecord(
                index: record.index, entry: record.entry, digest: data.digest, actions: data.actions,
                purposes: data.purposes
            ).scope == record.scope
        else { return disagree("other-statement", "entry \(entry.index) is not the registration that the state has") }
        tell(
            .model, key, entry,
            "\(model.name) \(model.version) registered: \(data.manifest.count) files, digest \(data.digest), for "
                + data.purposes.joined(separator: ", "))
        tell(.model, key, at: content.size, "\(model.name) \(model.version) is \(record.status.rawValue)")
        followChanges(of: model, key, registered: entry.index)
        follow(.model(model), since: entry.index)
    }

    /// From the newest change of the model back to its registration: approvals and what ended it.
    private mutating func followChanges(of model: ModelVersion, _ key: StateKey, registered: UInt64) {
        var before = content.size
        while true {
            guard case .record(let bytes) = value(of: key, before: before, "how \(key.text) came to what it is"),
                let record = try? ModelRecord(decoding: bytes), record.index > registered
            else { return }
            guard let entry = entry(record.index, "a change of \(key.text)") else { return }
            guard let change = ModelChange(entry, model), change.status == record.status,
                change.policy == nil || change.policy == record.policy
            else {
                return disagree("other-statement", "entry \(entry.index) does not make \(key.text) what the state has")
            }
            tell(change.section, key, entry, change.text)
            let earlier = earlier(
                inBatchOf: record.index, since: registered + 1, "the same batch may have changed \(key.text) before")
            for entry in earlier {
                if let change = ModelChange(entry, model) { tell(change.section, key, entry, change.text) }
            }
            before = record.index
        }
    }

    // MARK: Containments

    /// What became of a scope from an entry on: each containment, recovery, revalidation, lifting and revocation.
    mutating func follow(_ scope: Scope, since: UInt64) {
        let key = StateKey.containment(scope)
        if let known = scopes[key], known <= since { return }
        scopes[key] = since
        var before = content.size
        while true {
            switch value(of: key, before: before, "whether \(scope) was contained") {
            case .missing: return
            case .absent:
                if before == content.size { tell(.stopped, key, at: content.size, "\(scope) was never contained") }
                return
            case .record(let bytes):
                guard let record = try? ContainmentRecord(decoding: bytes), record.index >= since else {
                    if before == content.size {
                        tell(.stopped, key, at: content.size, "\(scope) was not contained since entry \(since)")
                    }
                    return
                }
                guard let entry = entry(record.index, "it contained \(scope), or changed that") else { return }
                guard let change = ContainmentChange(entry, scope), change.phase == record.phase,
                    change.reason == nil || change.reason == record.reason
                else {
                    return disagree(
                        "other-statement",
                        "entry \(entry.index) does not make the containment of \(scope) what the state has")
                }
                tell(.stopped, key, entry, change.text)
                let earlier = earlier(
                    inBatchOf: record.index, since: since, "the same batch may have changed the containment of \(scope)"
                )
                for entry in earlier {
                    if let change = ContainmentChange(entry, scope) { tell(.stopped, key, entry, change.text) }
                }
                before = record.index
            }
        }
    }
}

/// What a statement made of a model after its registration.
private struct ModelChange {
    let status: ModelRecord.Status
    /// Of an approval.
    var policy: Hash?
    let section: EvidenceFact.Section
    let text: String

    /// Nil for a statement that changed no model, or another.
    init?(_ entry: BundleContent.Entry, _ model: ModelVersion) {
        guard let event = entry.event else { return nil }
        let name = "\(model.name) \(model.version)"
        switch StatementType(rawValue: event.type) {
        case .modelApprove?:
            guard let data = try? ModelApprove(event.data), data.model == model else { return nil }
            (status, policy, section) = (.approved, data.policy, .model)
            text = "\(name) approved under policy \(data.policy)"
        case .modelRetire?:
            guard let data = try? ModelRetire(event.data), data.model == model else { return nil }
            (status, section, text) = (.retired, .stopped, "\(name) retired")
        case .modelRevoke?:
            guard let data = try? ModelRevoke(event.data), data.model == model else { return nil }
            (status, section, text) = (.revoked, .stopped, "\(name) revoked: \(data.reason)")
        default: return nil
        }
    }
}

/// What a statement made of the containment of a scope.
private struct ContainmentChange {
    let phase: Phase
    /// Where the statement says one.
    var reason: ContainmentReason?
    let text: String

    /// Nil for a statement that changed no containment, or another scope's.
    init?(_ entry: BundleContent.Entry, _ scope: Scope) {
        guard let event = entry.event else { return nil }
        switch StatementType(rawValue: event.type) {
        case .containmentEnter?:
            guard let data = try? ContainmentEnter(event.data), data.scope == scope else { return nil }
            (phase, reason, text) = (.contained, data.reason, "\(scope) contained: \(data.reason.rawValue)")
        case .containmentRecover?:
            guard let data = try? ContainmentRecover(event.data), data.scope == scope else { return nil }
            (phase, text) = (.recovering, "\(scope) recovering")
        case .decisionRecord?:
            guard let data = try? DecisionRecord(event.data), data.outcome == .revalidate, data.scope == scope else {
                return nil
            }
            (phase, text) = (.revalidated, "\(scope) passes its checks again")
        case .containmentLift?:
            guard let data = try? ContainmentLift(event.data), data.scope == scope else { return nil }
            (phase, text) = (.baseline, "containment of \(scope) lifted")
        case .trustRevoke?:
            guard let data = try? TrustRevoke(event.data), data.scope == scope else { return nil }
            (phase, reason) = (.revoked, data.reason)
            text = "trust in \(scope) revoked for good: \(data.reason.rawValue)"
        default: return nil
        }
    }
}

extension ModelRecord {
    /// What the model is for, as one item to compare.
    fileprivate var scope: CBOR? { cbor.mapValue?["scope"] }
}
