internal import Synchronization

/// How often one client may ask.
public struct RequestRate: Sendable, Hashable {
    /// In the long run; at least one in 11 days.
    public var perSecond: Double
    /// At once, after a while of silence; at least 1.
    public var burst: Int

    public init(perSecond: Double, burst: Int) {
        self.perSecond = perSecond
        self.burst = burst
    }
}

/// A token bucket for each client address, in a table that does not grow past its bound.
///
/// SCRAPI: "If Authentication is not implemented, rate limiting or other denial of service mitigations MUST be
/// implemented."
///
/// A bucket is one number: the moment at which it will be full again. The table is two generations of half the bound
/// each: when the younger is full it becomes the older, and the older is forgotten. So a client keeps its bucket as
/// long as fewer than half the bound of others come by between two of its requests, nothing is ever swept, and one who
/// has as many addresses as that gains nothing that new addresses would not give it anyway.
package final class AddressRateLimiter: Sendable {
    private struct Table {
        var young: [ClientAddress: UInt64] = [:]
        var old: [ClientAddress: UInt64] = [:]
    }

    /// Nanoseconds that one token takes to come back.
    private let interval: UInt64
    /// Nanoseconds that an empty bucket takes to fill.
    private let depth: UInt64
    private let burst: Int
    private let generationSize: Int
    private let table = Mutex(Table())

    /// - Parameter bound: addresses remembered at most.
    package init(_ rate: RequestRate, bound: Int = 65_536) {
        let perSecond = min(max(rate.perSecond, 1e-6), 1e9)
        interval = UInt64(1e9 / perSecond)
        // A bucket that takes longer than 31 years to fill is the same as one that takes 31 years.
        burst = min(max(1, rate.burst), max(1, Int(1_000_000_000_000_000_000 / interval)))
        depth = interval * UInt64(burst)
        generationSize = max(1, bound / 2)
    }

    /// Takes tokens from a client's bucket, all or none.
    ///
    /// - Parameters:
    ///   - cost: tokens; more than a full bucket holds cost a full one, so that no request is impossible.
    ///   - client: nil for connections without an address; they share one bucket.
    ///   - now: nanoseconds of a clock that does not go back.
    /// - Returns: nil if they were there, else the whole seconds after which they will be.
    package func take(_ cost: Int = 1, from client: ClientAddress?, at now: UInt64) -> Int? {
        let key = client?.group ?? ClientAddress(high: .max, low: .max)
        let price = interval * UInt64(min(max(cost, 0), burst))
        return table.withLock { table in
            let known = table.young[key] ?? table.old[key] ?? 0
            let full = max(known, now) + price
            let isAllowed = full - now <= depth
            if table.young.count >= generationSize, table.young[key] == nil {
                table.old = table.young
                table.young = Dictionary(minimumCapacity: generationSize)
            }
            // Refused ones too, so that nobody is forgotten while it goes on asking.
            table.young[key] = isAllowed ? full : known
            return isAllowed ? nil : Int((full - now - depth + 999_999_999) / 1_000_000_000)
        }
    }

    /// Addresses remembered now.
    package var count: Int { table.withLock { $0.young.count + $0.old.count } }
}
