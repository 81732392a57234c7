/// How logs are watched.
public struct WatchOptions: Sendable {
    /// From one look at a log to the next.
    public var interval: Duration = .seconds(10)
    /// The longest wait after looks that failed; it doubles with each.
    public var longestPause: Duration = .seconds(300)
    /// How old the time of the head may be that a quorum vouches for; nil asks for nothing.
    public var maxAge: Duration? = .seconds(900)
    /// How long a log may be without a new entry; nil asks for nothing.
    public var maxSilence: Duration?
    /// How long a witness may show a larger tree than the log.
    public var withheldAfter: Duration = .seconds(60)
    /// How far times may be in the future before they are not believed.
    public var maxSkew: Duration = .seconds(300)
    public var filter = StatementFilter()
    /// Milliseconds since 1970.
    public var now: @Sendable () -> UInt64

    public init(now: @escaping @Sendable () -> UInt64) {
        self.now = now
    }
}

extension Duration {
    var milliseconds: UInt64 {
        let (seconds, rest) = components
        return UInt64(max(0, seconds)) * 1000 + UInt64(max(0, rest / 1_000_000_000_000_000))
    }
}
