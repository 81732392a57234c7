internal import Foundation

/// Where the log takes the time of day from. Injected, so that tests decide what time it is.
public protocol WallClock: Sendable {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    func now() -> UInt64
}

/// The clock of the machine.
public struct SystemClock: WallClock {
    public init() {}

    public func now() -> UInt64 {
        UInt64(max(0, Date().timeIntervalSince1970 * 1000))
    }
}
