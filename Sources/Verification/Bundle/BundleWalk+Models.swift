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
            guard tellChange(entry, of: model, key, record) else {
                return disagree("other-statement", "entry \(entry.index) does not make \(key.text) what the state has")
            }
            before = record.index
        }
    }

    private mutating func tellChange(
        _ entry: BundleContent.Entry, of model: ModelVersion, _ key: StateKey, _ record: ModelRecord
    ) -> Bool {
        guard let event = entry.event else { return false }
        let name = "\(model.name) \(model.version)"
        leaveOpen("whether one batch had more than one change of a model: the last of each batch is shown")
        switch (StatementType(rawValue: event.type), record.status) {
        case (.modelApprove, .approved):
            guard let data = try? ModelApprove(event.data), data.model == model, data.policy == record.policy else {
                return false
            }
            tell(.model, key, entry, "\(name) approved under policy \(data.policy)")
        case (.modelRetire, .retired):
            guard let data = try? ModelRetire(event.data), data.model == model else { return false }
            tell(.stopped, key, entry, "\(name) retired")
        case (.modelRevoke, .revoked):
            guard let data = try? ModelRevoke(event.data), data.model == model else { return false }
            tell(.stopped, key, entry, "\(name) revoked: \(data.reason)")
        default: return false
        }
        return true
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
                guard tellContainment(entry, of: scope, key, record) else {
                    return disagree(
                        "other-statement",
                        "entry \(entry.index) does not make the containment of \(scope) what the state has")
                }
                before = record.index
            }
        }
    }

    private mutating func tellContainment(
        _ entry: BundleContent.Entry, of scope: Scope, _ key: StateKey, _ record: ContainmentRecord
    ) -> Bool {
        guard let event = entry.event else { return false }
        leaveOpen("whether one batch had more than one change of a containment: the last of each batch is shown")
        switch (StatementType(rawValue: event.type), record.phase) {
        case (.containmentEnter, .contained):
            guard let data = try? ContainmentEnter(event.data), data.scope == scope, data.reason == record.reason
            else { return false }
            tell(.stopped, key, entry, "\(scope) contained: \(data.reason.rawValue)")
        case (.containmentRecover, .recovering):
            guard let data = try? ContainmentRecover(event.data), data.scope == scope else { return false }
            tell(.stopped, key, entry, "\(scope) recovering")
        case (.decisionRecord, .revalidated):
            guard let data = try? DecisionRecord(event.data), data.outcome == .revalidate, data.scope == scope else {
                return false
            }
            tell(.stopped, key, entry, "\(scope) passes its checks again")
        case (.containmentLift, .baseline):
            guard let data = try? ContainmentLift(event.data), data.scope == scope else { return false }
            tell(.stopped, key, entry, "containment of \(scope) lifted")
        case (.trustRevoke, .revoked):
            guard let data = try? TrustRevoke(event.data), data.scope == scope, data.reason == record.reason else {
                return false
            }
            tell(.stopped, key, entry, "trust in \(scope) revoked for good: \(data.reason.rawValue)")
        default: return false
        }
        return true
    }
}

extension ModelRecord {
    /// What the model is for, as one item to compare.
    fileprivate var scope: CBOR? { cbor.mapValue?["scope"] }
}
