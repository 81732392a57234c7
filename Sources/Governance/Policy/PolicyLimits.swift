/// Bounds that the fold holds every statement to.
public struct PolicyLimits: Sendable, Hashable {
    /// The longest entry, in bytes: 1,024 to 65,535, the most that an entry bundle can carry.
    public var maxEntryBytes: UInt64
    /// How far an event's time may be from its batch's, in ms, either way; at least 1.
    public var maxSkew: UInt64
    /// How many statements one seal may cover: 1 to 65,536.
    public var maxBatch: UInt64
    /// How many streams one issuer may have; at least 1.
    public var maxStreamsPerIssuer: UInt64

    public init(
        maxEntryBytes: UInt64 = 65_535, maxSkew: UInt64 = 600_000, maxBatch: UInt64 = 4096,
        maxStreamsPerIssuer: UInt64 = 100_000
    ) {
        self.maxEntryBytes = maxEntryBytes
        self.maxSkew = maxSkew
        self.maxBatch = maxBatch
        self.maxStreamsPerIssuer = maxStreamsPerIssuer
    }
}

/// How fast statements may come: the bucket refills at `perSecond` and holds `burst`. The fold does not use it, as a
/// rate is no property of the log; the server does, and the policy says so to everyone.
public struct Rate: Sendable, Hashable {
    /// Statements a second; at least 1.
    public var perSecond: UInt64
    /// Statements at once; at least 1.
    public var burst: UInt64

    public init(perSecond: UInt64, burst: UInt64) {
        self.perSecond = perSecond
        self.burst = burst
    }
}

/// The two rates a server keeps.
public struct PolicyRates: Sendable, Hashable {
    public var perIssuer: Rate
    public var perAddress: Rate

    public init(
        perIssuer: Rate = Rate(perSecond: 1000, burst: 10_000), perAddress: Rate = Rate(perSecond: 2000, burst: 20_000)
    ) {
        self.perIssuer = perIssuer
        self.perAddress = perAddress
    }
}

/// Who may lift containments, and how long permits and leases may be. Authorities may lift in any case.
public struct PolicyGovernance: Sendable, Hashable {
    /// Which roles may lift a containment.
    public var lifters: [Role]
    /// How long after its batch a permit may expire, in ms; at least 1.
    public var maxPermit: UInt64
    /// How long after its batch a lease may expire, in ms; 0 where there are no leases.
    public var maxLease: UInt64

    public init(lifters: [Role] = [.operator], maxPermit: UInt64 = 300_000, maxLease: UInt64 = 0) {
        self.lifters = lifters
        self.maxPermit = maxPermit
        self.maxLease = maxLease
    }
}
