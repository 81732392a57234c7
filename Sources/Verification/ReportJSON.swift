public import Governance

/// The report for programs; `spec/verification.md` has its schema.
extension VerificationReport {
    /// An object with `subject`, `verdict`, `decided-by` (only when not verified), `state` (only of a verified state
    /// proof) and `checks`.
    public var json: JSON {
        var members = [
            JSONMember("subject", .string(subject.rawValue)),
            JSONMember("verdict", .string(verdict.rawValue)),
        ]
        if verdict == .notVerified {
            members.append(JSONMember("decided-by", decidingCheck.map { .string($0.name.rawValue) } ?? .null))
        }
        if verdict == .verified, let state { members.append(JSONMember("state", state.report)) }
        if verdict == .verified, let evidence { members.append(JSONMember("evidence", evidence.json)) }
        if let fold { members.append(JSONMember("governance", fold.json)) }
        members.append(JSONMember("checks", .array(checks.map(\.json))))
        return .object(members)
    }
}

extension Check {
    /// An object with `name`, `of` (where there are several parts), `outcome`, `code` (if failed), `reason` (unless
    /// passed), `required` and `values`.
    public var json: JSON {
        var members = [JSONMember("name", .string(name.rawValue))]
        if let part { members.append(JSONMember("of", .string(part))) }
        switch outcome {
        case .passed:
            members.append(JSONMember("outcome", "passed"))
        case .failed(let reason):
            members.append(JSONMember("outcome", "failed"))
            members.append(JSONMember("code", code.map { .string($0) } ?? .null))
            members.append(JSONMember("reason", .string(reason)))
        case .notChecked(let reason):
            members.append(JSONMember("outcome", "not-checked"))
            members.append(JSONMember("reason", .string(reason)))
        }
        members.append(JSONMember("required", .bool(isRequired)))
        members.append(JSONMember("values", .object(values.map { JSONMember($0.name, .string($0.text)) })))
        return .object(members)
    }
}

extension ProvenState {
    /// An object with `key`, `value` (null if the key is absent), `size` and `time`.
    fileprivate var report: JSON {
        .object([
            JSONMember("key", .string(key.text)), JSONMember("value", json), JSONMember("size", JSON(size)),
            JSONMember("time", JSON(time)),
        ])
    }
}
