import Foundation

/// Times as people read them: UTC, to the millisecond.
enum Moment {
    /// - Parameter milliseconds: since 1970.
    static func text(_ milliseconds: UInt64) -> String {
        // The end of the year 9999; later times are shown as numbers.
        guard milliseconds < 253_402_300_800_000 else { return "\(milliseconds) ms" }
        // Whole seconds, because a Double rounds milliseconds.
        let seconds = Date(timeIntervalSince1970: Double(milliseconds / 1000)).formatted(.iso8601)
        let fraction = String(1000 + milliseconds % 1000).dropFirst()
        return "\(seconds.dropLast()).\(fraction)Z"
    }

    static func now() -> UInt64 {
        UInt64(max(0, Date().timeIntervalSince1970 * 1000))
    }
}
