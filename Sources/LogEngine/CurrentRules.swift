internal import Governance
internal import Synchronization

/// The rules of the newest committed policy. The writer replaces them; everybody else takes them as they are.
final class CurrentRules: Sendable {
    private let rules: Mutex<Rules>

    init(_ rules: Rules) {
        self.rules = Mutex(rules)
    }

    var newest: Rules { rules.withLock { $0 } }

    func replace(with newer: Rules) {
        rules.withLock { $0 = newer }
    }
}
