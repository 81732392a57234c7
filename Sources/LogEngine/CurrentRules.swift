internal import Governance
internal import Synchronization

/// The rules of the newest committed policy. The writer replaces them; everybody else takes them as they are.
final class CurrentRules: Sendable {
    /// Rules that do not change: one reference to count, where the rules themselves have dozens.
    final class InForce: Sendable {
        let rules: Rules

        init(_ rules: Rules) {
            self.rules = rules
        }
    }

    private let kept: Mutex<InForce>

    init(_ rules: Rules) {
        kept = Mutex(InForce(rules))
    }

    var newest: Rules { inForce.rules }

    /// The same, for those who read little of them.
    var inForce: InForce { kept.withLock { $0 } }

    func replace(with newer: Rules) {
        let newer = InForce(newer)
        kept.withLock { $0 = newer }
    }
}
