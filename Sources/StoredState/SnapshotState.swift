public import Governance
public import LogStore
internal import Tlog

/// The governance state that a store has as of a sealed size.
public struct SnapshotState: StateScanning {
    public let snapshot: any LogSnapshot
    public let size: UInt64

    /// - Parameter size: a sealed size that is retained; 0 for the state below entry 0.
    public init(_ snapshot: any LogSnapshot, at size: UInt64) {
        self.snapshot = snapshot
        self.size = size
    }

    public func value(_ key: StateKey) throws -> [UInt8]? {
        try snapshot.stateValue(key.bytes, at: size)
    }

    public func sealedRoot(at size: UInt64) throws -> SealedRoot {
        guard try snapshot.sealedSize(atMost: size) == size else { return .notSealed }
        let plan = ProofPlan.root(size: size)
        var tiles: [TileCoordinate: [UInt8]] = [:]
        for tile in plan.tiles { tiles[tile.coordinate] = try snapshot.content(of: tile) }
        return .root(try plan.hashes(in: tiles)[0])
    }

    public func forEachValue(prefix: [UInt8], _ body: (StateKey, [UInt8]) throws -> Void) throws {
        try snapshot.forEachState(prefix: prefix, after: nil, at: size) { key, value in
            try body(StateKey(bytes: key), value)
            return true
        }
    }
}

/// The pages of the state's map that a store has as of a sealed size.
public struct SnapshotPages: MapPageReading {
    public let snapshot: any LogSnapshot
    public let size: UInt64

    /// - Parameter size: a sealed size that is retained; 0 for the map below entry 0, which has no page.
    public init(_ snapshot: any LogSnapshot, at size: UInt64) {
        self.snapshot = snapshot
        self.size = size
    }

    public func page(_ path: MapPath) throws -> [UInt8]? {
        try snapshot.mapPage(path.bytes, at: size)
    }
}
