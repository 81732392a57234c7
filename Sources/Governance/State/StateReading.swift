public import Tlog

/// Where the fold reads the state below the entry that it admits.
public protocol StateReading {
    /// The value of a key, nil if it has none.
    func value(_ key: StateKey) throws -> [UInt8]?

    /// What is known of the log's tree at a size. Not part of the state: it is what decisions say of the head that
    /// they were judged on.
    func sealedRoot(at size: UInt64) throws -> SealedRoot
}

extension StateReading {
    public func sealedRoot(at size: UInt64) throws -> SealedRoot { .unknown }
}

/// The root that a log had at a size.
public enum SealedRoot: Sendable, Hashable {
    /// The tree is not known where the state is read.
    case unknown
    /// The log had no head of this size: no seal ends there.
    case notSealed
    case root(Hash)
}

/// A state in which all keys of a kind can be read.
public protocol StateScanning: StateReading {
    /// Calls the body with every key whose bytes begin with these, and its value, in any order.
    func forEachValue(prefix: [UInt8], _ body: (StateKey, [UInt8]) throws -> Void) throws
}

/// One change of the state: the new value, or nil for a key that is gone.
public struct StateChange: Sendable, Hashable {
    public let key: StateKey
    public let value: [UInt8]?

    public init(key: StateKey, value: [UInt8]?) {
        self.key = key
        self.value = value
    }

    /// The change that this is in the Merkle map: SHA-256 of key and of value.
    public var mapChange: (key: Hash, value: Hash?) {
        (key.mapKey, value.map { Hash.sha256($0) })
    }
}

extension MerkleMap {
    /// Makes the changes of a state in its map.
    public mutating func apply(_ changes: [StateChange]) {
        set(changes.map(\.mapChange))
    }
}

/// A state in memory.
public struct MemoryState: StateScanning, Sendable {
    public private(set) var values: [StateKey: [UInt8]] = [:]
    /// The roots of the log's tree by the sizes at which a seal ends, if whoever keeps the state keeps them too.
    public private(set) var heads: [UInt64: Hash] = [:]

    /// An empty state: that below entry 0.
    public init() {}

    public func value(_ key: StateKey) -> [UInt8]? { values[key] }

    public func sealedRoot(at size: UInt64) -> SealedRoot {
        if heads.isEmpty { return .unknown }
        return heads[size].map { .root($0) } ?? .notSealed
    }

    /// Remembers a head of the log.
    public mutating func keep(_ head: TreeHead) { heads[head.size] = head.root }

    public func forEachValue(prefix: [UInt8], _ body: (StateKey, [UInt8]) throws -> Void) rethrows {
        for (key, value) in values where key.bytes.starts(with: prefix) { try body(key, value) }
    }

    /// Makes the changes.
    public mutating func apply(_ changes: [StateChange]) {
        for change in changes { values[change.key] = change.value }
    }

    /// The Merkle map of everything in it.
    public func map() -> MerkleMap {
        var map = MerkleMap()
        map.set(values.map { (key: $0.key.mapKey, value: Hash.sha256($0.value)) })
        return map
    }
}
