internal import COSE
internal import Tlog

/// A state that remembers what was read of it, so that a check can say what it rests on.
///
/// A class, because the rules of the fold read through a copy. One evaluation uses one, on one thread.
final class TrackedState<Base: StateReading>: StateReading {
    private let base: Base
    private var read: [StateKey: UInt64?] = [:]

    init(_ base: Base) {
        self.base = base
    }

    func value(_ key: StateKey) throws -> [UInt8]? {
        let value = try base.value(key)
        read.updateValue(value.flatMap { StateKey.lastChange(of: $0) }, forKey: key)
        return value
    }

    /// What was read since the last call: keys, and the entries that set their values.
    func takeRead() -> (keys: [StateKey], entries: [UInt64]) {
        defer { read = [:] }
        return (read.keys.sorted(), Set(read.values.compactMap { $0 }).sorted())
    }

    /// The record under a key; what can't be read can't be evaluated.
    func record<Record: StateRecord>(_ key: StateKey, _ kind: Record.Type = Record.self) throws(Finding) -> Record? {
        do {
            return try value(key).map { try Record(decoding: $0) }
        } catch {
            throw .notEvaluable("the state has no readable value under \(key): \(error)", mend: "read the state again")
        }
    }
}
