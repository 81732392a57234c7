import COSE
import Governance

/// Which entries are reported, each by itself: those that have one of the issuers, one of the subjects, and one of the
/// types; an empty set asks for nothing in particular. A filter without anything reports none.
public struct StatementFilter: Sendable, Hashable {
    public var issuers: Set<String>
    public var subjects: Set<String>
    /// Event types, or content types.
    public var types: Set<String>

    public init(issuers: Set<String> = [], subjects: Set<String> = [], types: Set<String> = []) {
        self.issuers = issuers
        self.subjects = subjects
        self.types = types
    }

    var isEmpty: Bool { issuers.isEmpty && subjects.isEmpty && types.isEmpty }

    func matches(_ entry: FollowedEntry) -> Bool {
        guard !isEmpty, let header = entry.statement?.header else { return false }
        guard issuers.isEmpty || issuers.contains(header.issuer) else { return false }
        guard subjects.isEmpty || subjects.contains(header.subject) else { return false }
        guard !types.isEmpty else { return true }
        return types.contains(header.contentType) || (entry.event.map { types.contains($0.type) } ?? false)
    }
}
