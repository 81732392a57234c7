import Foundation

/// A part that is measured in rounds, with a short slice of what the machine can do before, between and after them: its
/// clock drifts within seconds, and takes a round along with the slices beside it.
struct Rounds {
    /// Things done a second, one a round.
    private(set) var rates: [Double] = []
    /// What the machine could have done a second: the mean of the two slices beside each round.
    private(set) var limits: [Double] = []
    /// Seconds of processor time of all rounds, without the slices.
    private(set) var processor = 0.0
    /// Seconds of all rounds.
    private(set) var seconds = 0.0
    private(set) var allocations: Double?
    private(set) var syncs: Double?

    /// How long a slice of V takes, in seconds.
    static let slice = 0.4

    /// - Parameters:
    ///   - limit: what the machine can do a second; V if nothing is named.
    ///   - round: does one round, and returns how many things it did.
    static func measure(
        _ count: Int, beside limit: () throws -> Double = { Limits.verifications(seconds: slice) },
        _ round: (Int) async throws -> Int
    ) async throws -> Rounds {
        var rounds = Rounds()
        var before = try limit()
        for number in 0..<count {
            let (allocations, syncs) = (Counters.allocations, Counters.syncs)
            let stopwatch = Stopwatch()
            let done = try await round(number)
            let seconds = stopwatch.seconds
            rounds.processor += stopwatch.processor
            rounds.seconds += seconds
            rounds.rates.append(Double(done) / seconds)
            if let allocations, let now = Counters.allocations {
                rounds.allocations = (rounds.allocations ?? 0) + now - allocations
            }
            if let syncs, let now = Counters.syncs { rounds.syncs = (rounds.syncs ?? 0) + now - syncs }
            let after = try limit()
            rounds.limits.append((before + after) / 2)
            before = after
        }
        return rounds
    }

    /// The median of what each round did, over what the machine could have done.
    var ratio: Double { zip(rates, limits).map { $0 / $1 }.median }
}
