internal import COSE
public import Governance
public import LogStore
public import Tlog

/// A stored state that remembers what was read of it, so that it can be held to the root before anything is made from
/// it: the values lie beside the map, and nothing else would notice one that is damaged.
public final class RecordedState: StateScanning {
    private let base: SnapshotState
    private var values: [StateKey: [UInt8]?] = [:]

    /// - Parameter size: as in ``SnapshotState``.
    public init(_ snapshot: any LogSnapshot, at size: UInt64) {
        base = SnapshotState(snapshot, at: size)
    }

    public func value(_ key: StateKey) throws -> [UInt8]? {
        if let known = values[key] { return known }
        let value = try base.value(key)
        values[key] = .some(value)
        return value
    }

    public func sealedRoot(at size: UInt64) throws -> SealedRoot { try base.sealedRoot(at: size) }

    public func forEachValue(prefix: [UInt8], _ body: (StateKey, [UInt8]) throws -> Void) throws {
        try base.forEachValue(prefix: prefix) { key, value in
            values[key] = .some(value)
            try body(key, value)
        }
    }

    /// What was read, as the map has it: `nil` for keys that were absent.
    public var reads: [(key: Hash, value: Hash?)] {
        values.map { (key: $0.key.mapKey, value: $0.value.map { Hash.sha256($0) }) }
    }
}
