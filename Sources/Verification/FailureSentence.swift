import Tlog

/// A failure in one line for people: its stable name, then the values that were wrong.
///
/// - Parameter label: a value that is not repeated here, because what stands around the sentence says it already.
func describe(_ failure: any NamedFailure, omitting label: String? = nil) -> String {
    if let own = failure as? any CustomStringConvertible { return "\(failure.reason): \(own.description)" }
    guard let payload = Mirror(reflecting: failure).children.first else { return failure.reason }
    let tuple = Mirror(reflecting: payload.value)
    let isTuple = tuple.displayStyle == .tuple
    let fields = isTuple ? Array(tuple.children) : [(label: nil, value: payload.value)]
    let values = fields.filter { label == nil || $0.label != label }.map { field in
        let text = (field.value as? any NamedFailure).map { describe($0) } ?? "\(field.value)"
        // A value without a label is the tuple's ".0".
        guard let label = field.label, !label.hasPrefix(".") else { return text }
        return "\(label) \(text)"
    }
    return values.isEmpty ? failure.reason : "\(failure.reason): \(values.joined(separator: ", "))"
}
