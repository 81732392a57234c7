/// Which event types mean something to the log.
public enum EventType {
    /// The type of policies; entry 0 is one.
    public static let policySet = "policy.set"
    /// The type of the log's own batch ends.
    public static let seal = "log.seal"

    /// First words whose types have a meaning to the log, or will have one. This version admits none of them from
    /// outside: an event whose rules a log does not enforce must not look as if it had.
    public static let reservedFirstWords: Set<String> = [
        "policy", "identity", "grant", "model", "route", "peer", "containment", "trust", "decision", "lease", "log",
    ]

    /// Whether events of this type are refused from outside.
    public static func isReserved(_ type: String) -> Bool {
        reservedFirstWords.contains(String(type.prefix { $0 != "." }))
    }
}
