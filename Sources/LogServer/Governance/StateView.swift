internal import COSE
internal import Governance
internal import LogEngine
internal import LogStore
internal import Tlog

/// The governance state at one sealed size of the published log: what every governance read is made from.
///
/// Good inside one `Log.read` only.
struct StateView {
    let snapshot: any LogSnapshot
    let size: UInt64
    /// The time of the seal that ends the size: the clock of everything that is said of the state.
    let time: UInt64

    /// - Parameter asked: the size asked for; nil is the published one, which always ends with a seal.
    /// - Throws: a ``Problem`` that names the nearest size there is.
    init(_ snapshot: any LogSnapshot, _ head: PublishedHead, size asked: UInt64?) throws {
        self.snapshot = snapshot
        guard let asked, asked != head.size else {
            (size, time) = (head.size, head.sealTime)
            return
        }
        try Self.check(asked, snapshot, head)
        size = asked
        time = try Self.sealTime(asked, snapshot)
    }

    private static func check(_ size: UInt64, _ snapshot: any LogSnapshot, _ head: PublishedHead) throws {
        guard size < head.size else {
            var problem = Problem(
                .badParameter, "The parameter size is \(size), but the published size is \(head.size).")
            problem.nearestSize = head.size
            throw problem
        }
        let oldest = try snapshot.retainedStateFrom
        let sealed = try snapshot.sealedSize(atMost: size)
        guard sealed == size else {
            let nearest = sealed.map { max($0, oldest) } ?? oldest
            var problem = Problem(
                .notSealed,
                "No batch ended at size \(size), so there is no state of that size; the nearest is at size \(nearest).")
            problem.nearestSize = nearest
            throw problem
        }
        guard size >= oldest else {
            var problem = Problem(
                .notRetained,
                "The state at size \(size) is no longer kept; the oldest that is, is at size \(oldest). Replay the log "
                    + "for older ones.")
            problem.nearestSize = oldest
            throw problem
        }
    }

    private static func sealTime(_ size: UInt64, _ snapshot: any LogSnapshot) throws -> UInt64 {
        guard let entry = try snapshot.entry(size - 1) else {
            throw StoreError(.corrupt, "entry \(size - 1), a seal, is committed and not there")
        }
        return try Event(decoding: SignedStatement(decoding: entry).payload).time
    }

    // MARK: Values

    /// The value of a key; nil if it has none at this size.
    func value(_ key: StateKey) throws -> CBOR? {
        try snapshot.stateValue(key.bytes, at: size).map { try CBOR(decoding: $0) }
    }

    func record<Record: StateRecord>(_ key: StateKey, _ kind: Record.Type = Record.self) throws -> Record? {
        try snapshot.stateValue(key.bytes, at: size).map { try Record(decoding: $0) }
    }

    /// The policy in force at this size.
    func policy() throws -> PolicyRecord {
        guard let bytes = try snapshot.stateValue(StateKey.policy.bytes, at: size) else {
            throw StoreError(.corrupt, "the state at size \(size) has no policy")
        }
        return try PolicyRecord(decoding: bytes)
    }

    /// One page of a list.
    ///
    /// - Parameters:
    ///   - prefixes: what the list's keys begin with, one after the other; no one begins with another.
    ///   - after: the last key of the page before.
    ///   - limit: how many keys, at least 1.
    func page(
        _ prefixes: [[UInt8]], after: StateKey?, limit: Int
    ) throws -> (items: [(key: StateKey, value: CBOR)], isLast: Bool) {
        let first = after.flatMap { key in prefixes.firstIndex { key.bytes.starts(with: $0) } } ?? 0
        var items: [(key: StateKey, value: CBOR)] = []
        var isLast = true
        for (position, prefix) in prefixes.enumerated().dropFirst(first) where isLast {
            let start = position == first ? after?.bytes : nil
            try snapshot.forEachState(prefix: prefix, after: start, at: size) { key, value in
                guard items.count < limit else {
                    isLast = false
                    return false
                }
                items.append((StateKey(bytes: key), try CBOR(decoding: value)))
                return true
            }
        }
        return (items, isLast)
    }
}
