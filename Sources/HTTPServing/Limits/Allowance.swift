internal import Synchronization

/// So much of something, shared by all who take from it and give back.
package final class Allowance: Sendable {
    package let limit: Int
    private let taken = Atomic<Int>(0)

    package init(_ limit: Int) {
        self.limit = limit
    }

    /// Whether there was that much left; if not, nothing is taken.
    package func take(_ amount: Int) -> Bool {
        let (_, new) = taken.wrappingAdd(amount, ordering: .relaxed)
        guard new <= limit else {
            giveBack(amount)
            return false
        }
        return true
    }

    package func giveBack(_ amount: Int) {
        taken.wrappingSubtract(amount, ordering: .relaxed)
    }

    /// What is taken now.
    package var inUse: Int { taken.load(ordering: .relaxed) }
}
