/// Holds the wall clock to the clock that nobody sets.
///
/// Ages are measured with the later of the two, so a wall clock that was set back makes nothing look younger, and one
/// that was set ahead makes everything look older. Past the policy's `maxSkew` the wall clock is not believed at all,
/// until it is set right, or a quorum's new head time agrees with it.
struct ClockWatch {
    private var offset: UInt64

    /// What the clocks say together.
    struct Reading: Sendable, Hashable {
        /// ms since 1970, for ages and expiries.
        let now: UInt64
        /// What is wrong; nil if nothing is.
        let trouble: String?
    }

    init(wall: UInt64, elapsed: UInt64) {
        offset = wall &- elapsed
    }

    /// - Parameters:
    ///   - tolerance: how far the wall clock may be from where it should be, in ms.
    ///   - vouched: the greatest time that a quorum has ever vouched for, in ms since 1970.
    func read(wall: UInt64, elapsed: UInt64, tolerance: UInt64, vouched: UInt64) -> Reading {
        let expected = elapsed &+ offset
        let now = max(wall, expected)
        if wall < expected, expected - wall > tolerance, !Mutant.clockBack.isOff {
            return Reading(now: now, trouble: "it went back by \(expected - wall) ms")
        }
        if wall > expected, wall - expected > tolerance, !Mutant.clockAhead.isOff {
            return Reading(now: now, trouble: "it went ahead by \(wall - expected) ms")
        }
        if vouched > now, vouched - now > tolerance, !Mutant.clockVouched.isOff {
            return Reading(now: now, trouble: "it is \(vouched - now) ms before what a quorum has vouched for")
        }
        return Reading(now: now, trouble: nil)
    }

    /// Takes a quorum's word that the wall clock is right: a head time, greater than all before it, that agrees with it.
    mutating func vouch(_ headTime: UInt64, wall: UInt64, elapsed: UInt64, tolerance: UInt64) {
        let difference = max(headTime, wall) - min(headTime, wall)
        let drift = max(wall, elapsed &+ offset) - min(wall, elapsed &+ offset)
        guard difference <= tolerance, drift > tolerance else { return }
        offset = wall &- elapsed
    }
}
