internal import COSE
internal import Tlog

extension GovernanceState {
    mutating func apply(_ data: ModelRegister, _ place: StatementPlace) throws(AdmissionError) {
        if let known = try record(.model(data.model), ModelRecord.self) {
            throw .rule(.modelKnown, data.model.text, setBy: known.index)
        }
        let record = ModelRecord(
            index: place.index, entry: place.leafHash, digest: data.digest, actions: data.actions,
            purposes: data.purposes)
        set(.model(data.model), record)
    }

    mutating func apply(_ data: ModelApprove, _ place: StatementPlace) throws(AdmissionError) {
        var record = try model(data.model)
        guard record.status == .registered || record.status == .approved else {
            throw .rule(.modelEnded, data.model.text, setBy: record.index)
        }
        guard data.policy == rules.policy.digest else {
            throw .rule(.modelApproval, "\(data.policy), not \(rules.policy.digest)", setBy: rules.policyIndex)
        }
        record.status = .approved
        record.policy = data.policy
        record.index = place.index
        set(.model(data.model), record)
    }

    mutating func apply(_ data: ModelRetire, _ place: StatementPlace) throws(AdmissionError) {
        var record = try model(data.model)
        guard record.status == .registered || record.status == .approved else {
            throw .rule(.modelEnded, data.model.text, setBy: record.index)
        }
        record.status = .retired
        record.index = place.index
        set(.model(data.model), record)
    }

    mutating func apply(_ data: ModelRevoke, _ place: StatementPlace) throws(AdmissionError) {
        var record = try model(data.model)
        guard record.status != .revoked else { throw .rule(.modelEnded, data.model.text, setBy: record.index) }
        record.status = .revoked
        record.index = place.index
        set(.model(data.model), record)
    }

    private func model(_ model: ModelVersion) throws(AdmissionError) -> ModelRecord {
        guard let record = try record(.model(model), ModelRecord.self) else {
            throw .rule(.unknownModel, model.text, setBy: nil)
        }
        return record
    }

    /// Whether a model may be used now, for this if it is said: registered, approved under the policy in force, and
    /// in its scope.
    func checkUsable(_ version: ModelVersion, action: String, purpose: String) throws(AdmissionError) {
        let record = try model(version)
        switch record.status {
        case .retired, .revoked: throw .rule(.modelEnded, version.text, setBy: record.index)
        case .registered: throw .rule(.modelApproval, version.text, setBy: record.index)
        case .approved: break
        }
        guard record.policy == rules.policy.digest else {
            throw .rule(.modelApproval, version.text, setBy: rules.policyIndex)
        }
        guard record.actions.contains(where: action.hasSameUTF8) else {
            throw .rule(.modelScope, "action \(action)", setBy: record.index)
        }
        guard record.purposes.contains(where: purpose.hasSameUTF8) else {
            throw .rule(.modelScope, "purpose \(purpose)", setBy: record.index)
        }
    }
}

extension ModelVersion {
    var text: String { "\(name) \(version)" }
}
