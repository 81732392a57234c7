/// Bounds on what the decoder builds, checked before it allocates.
public struct CBORLimits: Sendable, Hashable {
    /// How deep arrays, maps and tags may nest: 1 is a single item that holds no other.
    public var depth: Int
    /// How many items there may be in all, keys and values counted each.
    public var items: Int

    public init(depth: Int = 16, items: Int = 10_000) {
        self.depth = depth
        self.items = items
    }

    /// Depth 16, 10,000 items.
    public static let `default` = CBORLimits()
}

/// Which order of map keys the decoder accepts. Duplicate keys are refused in both.
public enum CBORKeyOrder: Sendable, Hashable {
    /// Only the bytewise order of RFC 8949 section 4.2.1.
    case deterministic
    /// Any order: for the protected headers of other libraries, whose bytes are kept as they are.
    case any
}
