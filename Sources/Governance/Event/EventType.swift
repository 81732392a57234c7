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

    /// Whether events of this type are refused from outside.
    public static func isReserved(_ type: String) -> Bool {
        StatementType(rawValue: type) == nil && hasReservedFirstWord(type)
    }

    private static func hasReservedFirstWord(_ type: String) -> Bool {
        let first = type.utf8.prefix { $0 != UInt8(ascii: ".") }
        return reservedFirstWords.contains { $0.utf8.elementsEqual(first) }
    }
}
