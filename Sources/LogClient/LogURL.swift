import Foundation

/// The address of a log: `http` or `https`, a host, and no query.
public struct LogURL: Sendable, Hashable, CustomStringConvertible {
    /// Ends with a slash.
    public let text: String

    /// Nil for anything else than an absolute `http` or `https` URL without user, query and fragment.
    public init?(_ text: String) {
        guard let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(),
            ["http", "https"].contains(scheme), let host = parts.host, !host.isEmpty, parts.query == nil,
            parts.fragment == nil, parts.user == nil
        else { return nil }
        self.text = text.hasSuffix("/") ? text : text + "/"
    }

    public var description: String { text }
}
