internal import Governance
internal import Tlog

/// An access evaluations request: several at once ("boxcarring", AuthZEN section 7).
struct EvaluationsRequest: Sendable {
    /// AuthZEN 7.1.2: which of the requests are executed.
    enum Semantic: String, Sendable, CaseIterable {
        case executeAll = "execute_all"
        case denyOnFirstDeny = "deny_on_first_deny"
        case permitOnFirstPermit = "permit_on_first_permit"
    }

    /// In order; what can't be read is denied by itself.
    let evaluations: [Result<EvaluationRequest, RequestFault>]
    let semantic: Semantic

    /// Requests that one message may have.
    static let limit = 100

    /// Nil if there is no array of evaluations, or an empty one: "If an `evaluations` array is NOT present, the Access
    /// Evaluations Request behaves in a backwards-compatible manner with the (single) Access Evaluation API Request".
    init?(_ members: [String: RequestValue], home: Origin) throws(RequestFault) {
        let items: [RequestValue]
        switch members["evaluations"] {
        case nil: return nil
        case .array(let values)?: items = values
        default: throw RequestFault("evaluations is no array")
        }
        guard !items.isEmpty else { return nil }
        guard items.count <= Self.limit else {
            throw RequestFault("there are \(items.count) evaluations; one message may have \(Self.limit)")
        }
        semantic = try Self.semantic(members["options"])
        let defaults = members.filter { EvaluationRequest.keys.contains($0.key) }
        evaluations = items.map { item in
            Result { () throws(RequestFault) in
                guard let own = item.members else { throw RequestFault("an evaluation is not an object") }
                // "If a top-level key is specified in the 4-tuples present in the `evaluations` array then the value of
                // that will take precedence over these default values."
                return try EvaluationRequest(defaults.merging(own) { $1 }, home: home)
            }
        }
    }

    private static func semantic(_ options: RequestValue?) throws(RequestFault) -> Semantic {
        switch options {
        case nil, .null?: return .executeAll
        case .object(let members)?:
            // "`execute_all` is the default semantic"
            guard let value = members["evaluations_semantic"] else { return .executeAll }
            guard let text = value.text, let semantic = Semantic(rawValue: text) else {
                throw RequestFault(
                    "options.evaluations_semantic is none of "
                        + Semantic.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return semantic
        default: throw RequestFault("options is not an object")
        }
    }
}
