import Foundation

/// What time it is, by two clocks: one that people can set, and one that only goes on. Injected, so that tests decide.
public protocol GateTime: Sendable {
    /// ms since 1970.
    func wall() -> UInt64
    /// ms since some moment, never set by anyone; it goes on while the machine sleeps.
    func elapsed() -> UInt64
    /// Returns after so many ms, or when the task is cancelled.
    func sleep(_ milliseconds: UInt64) async
}

/// The clocks of the machine.
public struct MachineTime: GateTime {
    private let start = ContinuousClock.now

    public init() {}

    public func wall() -> UInt64 { UInt64(max(0, Date().timeIntervalSince1970 * 1000)) }

    public func elapsed() -> UInt64 {
        let components = (ContinuousClock.now - start).components
        return UInt64(components.seconds) * 1000 + UInt64(components.attoseconds / 1_000_000_000_000_000)
    }

    public func sleep(_ milliseconds: UInt64) async {
        try? await Task.sleep(for: .milliseconds(Int64(clamping: milliseconds)))
    }
}
