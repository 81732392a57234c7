import Tlog

/// Why a check failed: a stable name for programs, and a sentence with the values that do not agree.
struct CheckFailure: Error, Sendable, Hashable {
    /// It never contains values.
    let code: String
    let sentence: String

    init(_ code: String, _ sentence: String) {
        self.code = code
        // Some codes say it all.
        self.sentence = sentence.isEmpty ? code : sentence
    }

    /// A failure of a parser or a proof.
    init(_ failure: any NamedFailure) {
        self.init(failure.reason, failure.sentence())
    }
}

extension NamedFailure {
    /// The failure in words, or its values where it has no words of its own.
    ///
    /// - Parameter label: a value that is left out, because what stands around the sentence says it already.
    func sentence(omitting label: String? = nil) -> String {
        // By way of Any: the compiler takes a cast of `Self` for one that always succeeds, in some builds.
        let value: Any = self
        if let own = value as? any CustomStringConvertible { return own.description }
        guard let payload = Mirror(reflecting: self).children.first else { return "" }
        let tuple = Mirror(reflecting: payload.value)
        let isTuple = tuple.displayStyle == .tuple
        let fields = isTuple ? Array(tuple.children) : [(label: nil, value: payload.value)]
        let values = fields.filter { label == nil || $0.label != label }.map { field in
            let text = (field.value as? any NamedFailure)?.described ?? "\(field.value)"
            // A value without a label is the tuple's ".0".
            guard let label = field.label, !label.hasPrefix(".") else { return text }
            return "\(label) \(text)"
        }
        return values.joined(separator: ", ")
    }

    /// Name and sentence in one line.
    var described: String { described() }

    func described(omitting label: String? = nil) -> String {
        let sentence = sentence(omitting: label)
        return sentence.isEmpty ? reason : "\(reason): \(sentence)"
    }
}
