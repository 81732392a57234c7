/// Which event types mean something to the log.
public enum EventType {
    /// The type of policies; entry 0 is one.
    public static let policySet = "policy.set"
    /// The type of the log's own batch ends.
    public static let seal = "log.seal"
    /// The type of the log's own records of what it refused.
    public static let refusals = "log.refusals"

    /// First words whose types are the log's. Of these, the fold admits from outside only those of ``StatementType``: an
    /// event whose rules a log does not enforce must not look as if it had.
    public static let reservedFirstWords: Set<String> = [
        "policy", "identity", "grant", "model", "route", "peer", "containment", "trust", "decision", "lease", "log",
    ]

    /// What a type means to the log.
    enum Meaning: Hashable {
        /// Its rules are enforced.
        case enforced(StatementType)
        /// Refused from outside.
        case reserved
        /// Any other.
        case generic
    }

    static func meaning(of type: String) -> Meaning {
        let first = firstWord(of: type)
        // Most types begin with none of these words, and need no more than this.
        guard knownFirstWords.contains(first) else { return .generic }
        if let enforced = StatementType(rawValue: type) { return .enforced(enforced) }
        return reservedFirstWords.contains(first) ? .reserved : .generic
    }

    /// Whether events of this type are refused from outside.
    public static func isReserved(_ type: String) -> Bool { meaning(of: type) == .reserved }

    private static let knownFirstWords = reservedFirstWords.union(
        StatementType.allCases.map { firstWord(of: $0.rawValue) })

    /// Types are ASCII, so equal words have equal bytes.
    private static func firstWord(of type: String) -> String {
        String(decoding: type.utf8.prefix { $0 != UInt8(ascii: ".") }, as: UTF8.self)
    }
}
