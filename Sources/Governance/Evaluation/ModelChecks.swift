internal import COSE
internal import Tlog

/// Profile `model`, EG-MODEL-001.
extension Evaluator {
    /// M1: "the model version is registered and active, and the digest the runtime loaded is the registered one".
    func modelContinuity() throws(Finding) -> String {
        let (use, record) = try model()
        guard record.status == .approved else {
            throw .failed(
                .governanceMismatch, "\(use.model.text) is \(record.status.rawValue)",
                mend: "use a version that is approved")
        }
        guard let loaded = use.loaded else {
            throw .notEvaluable("nobody says what the runtime has loaded", mend: "give the digest of its manifest")
        }
        guard loaded == record.digest else {
            throw .failed(
                .unauthorizedModification, "the runtime has loaded \(loaded); registered is \(record.digest)",
                mend: "load the registered files")
        }
        return "\(use.model.text), \(loaded)"
    }

    /// M2: "the model's approval names the policy in force".
    func modelPolicy() throws(Finding) -> String {
        let (use, record) = try model()
        guard let policy = record.policy else {
            throw .failed(
                .governanceMismatch, "\(use.model.text) has never been approved", mend: "approve it: model.approve")
        }
        guard policy == rules.policy.digest else {
            throw .failed(
                .governanceMismatch,
                "\(use.model.text) was approved under \(policy); in force is \(rules.policy.digest)",
                mend: "approve it under the policy in force: model.approve")
        }
        return "\(policy)"
    }

    /// M4: "the action and purpose asked are inside the model's registered scope".
    func modelScope() throws(Finding) -> String {
        let (use, record) = try model()
        guard record.actions.contains(where: request.access.action.hasSameUTF8) else {
            throw .failed(
                .governanceMismatch, "the action \(request.access.action) is not in the scope of \(use.model.text)",
                mend: "ask for one of \(record.actions.joined(separator: ", "))")
        }
        guard record.purposes.contains(where: use.purpose.hasSameUTF8) else {
            throw .failed(
                .governanceMismatch, "the purpose \(use.purpose) is not in the scope of \(use.model.text)",
                mend: "ask for one of \(record.purposes.joined(separator: ", "))")
        }
        return "\(request.access.action), \(use.purpose)"
    }

    /// M5: "the model record was signed by an identity that holds the registrar role, and the artifact manifest's digests
    /// match when files are given". Nobody else's `model.register` is admitted, so a record is a registrar's.
    func modelSignatures() throws(Finding) -> String {
        let (use, record) = try model()
        if let file = evidence.differingFiles?.first {
            throw .failed(
                .unauthorizedModification,
                "\(evidence.differingFiles?.count ?? 0) files are not as \(use.model.text) has them, the first \(file)",
                mend: "load the registered files")
        }
        return "entry \(record.entry)"
    }

    /// M8: X7 "within one log".
    func lineage() throws(Finding) -> String {
        for parent in request.parents {
            guard parent.home.hasSameUTF8(as: origin) else {
                // Without a route nothing of another log counts.
                if request.route != nil { continue }
                throw .failed(
                    .auditDiscontinuity, "the parent \(parent.id) is of \(parent.home), and no route leads there",
                    mend: "ask with the route")
            }
            try checkParent(parent, in: state)
        }
        return "\(request.parents.count) parents"
    }

    func checkParent(
        _ parent: ExecutionID, in state: TrackedState<some StateReading>
    ) throws(Finding) {
        guard try state.record(.execution(parent), ExecutionRecord.self) != nil else {
            throw .failed(
                .auditDiscontinuity, "the parent \(parent.id) was never started at \(parent.home)",
                mend: "name the executions that it goes on from")
        }
    }

    private func model() throws(Finding) -> (AccessRequest.ModelUse, ModelRecord) {
        guard let use = request.model else {
            throw .notEvaluable("the request names no model", mend: "name the model")
        }
        guard let record = try state.record(.model(use.model), ModelRecord.self) else {
            throw .failed(
                .governanceMismatch, "\(use.model.text) is not registered", mend: "register it: model.register")
        }
        return (use, record)
    }
}
