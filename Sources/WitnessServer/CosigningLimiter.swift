internal import Dispatch
internal import Synchronization
internal import Tlog

/// Two token buckets for each log. Asked only for what is about to be cosigned, so requests that are refused, whoever
/// sent them, use up nothing.
final class CosigningLimiter: Sendable {
    enum Kind: Hashable {
        /// A larger tree: only the log can ask for that.
        case growth
        /// The same tree again.
        case refresh
    }

    private struct Bucket: Hashable {
        let origin: Origin
        let kind: Kind
    }

    private let rates: [Kind: CosigningRate]
    private let clock: @Sendable () -> UInt64
    /// For each bucket the moment at which it will be full again. As many at most as there are logs in the list.
    private let full = Mutex<[Bucket: UInt64]>([:])

    /// - Parameter clock: nanoseconds of a clock that does not go back.
    init(
        growth: CosigningRate, refresh: CosigningRate,
        clock: @escaping @Sendable () -> UInt64 = { DispatchTime.now().uptimeNanoseconds }
    ) {
        rates = [.growth: growth, .refresh: refresh]
        self.clock = clock
    }

    /// Takes a token. Nil if there was one, else the whole seconds after which there will be.
    func take(_ kind: Kind, for origin: Origin) -> Int? {
        guard let rate = rates[kind] else { return nil }
        let interval = UInt64(1e9 / min(max(rate.perSecond, 1e-6), 1e9))
        let depth = interval * UInt64(min(max(1, rate.burst), 1_000_000))
        let now = clock()
        return full.withLock { full in
            let bucket = Bucket(origin: origin, kind: kind)
            let next = max(full[bucket] ?? 0, now) + interval
            guard next - now <= depth else { return Int((next - now - depth + 999_999_999) / 1_000_000_000) }
            full[bucket] = next
            return nil
        }
    }
}
