/// What a cache may do with an answer (RFC 9111).
enum CachePolicy: String, Sendable {
    /// The same for ever: tiles, bundles, the genesis.
    ///
    /// tlog-tiles: "This endpoint is immutable, so its caching headers SHOULD be long-lived."
    case immutable = "public, max-age=31536000, immutable"
    /// Changes now and then: the keys.
    case shortly = "public, max-age=300"
    /// The state at a size that was named: what it says does not change, how a later server writes it may.
    case pinned = "public, max-age=86400"
    /// Follows the published head: ask each time.
    case revalidate = "no-cache"
    /// Of this moment only: errors, health, metrics.
    case never = "no-store"
}
