internal import Governance
internal import LogStore
internal import Tlog

/// What the writer knows of the committed log: all that the next batch is made from. A value, so that a batch that
/// could not be committed leaves nothing behind.
struct Tip: Sendable {
    let head: StoredHead

    /// The right edge of the tree, as tiles.
    let edge: TileEdge

    /// The governance state, as the map whose root the seal carries.
    let map: MerkleMap

    /// The policy in force, and its keys.
    let rules: Rules

    /// The seal that ends the log; nil below entry 0.
    let seal: SealLink?

    init(head: StoredHead, edge: TileEdge, map: MerkleMap, rules: Rules, seal: SealLink?) {
        self.head = head
        self.edge = edge
        self.map = map
        self.rules = rules
        self.seal = seal
    }

    /// The log below entry 0, under the rules of the genesis that is to become it.
    static func empty(rules: Rules) -> Tip {
        Tip(head: .empty, edge: TileEdge(), map: MerkleMap(), rules: rules, seal: nil)
    }
}

/// One link in the stream of the log's own seals.
struct SealLink: Sendable, Hashable {
    let seq: UInt64
    let leafHash: Hash
}

/// The governance state that a snapshot of the store holds.
struct SnapshotState: StateScanning {
    let snapshot: any LogSnapshot

    func value(_ key: StateKey) throws -> [UInt8]? {
        try snapshot.stateValue(key.bytes)
    }

    func forEachValue(_ body: (StateKey, [UInt8]) throws -> Void) throws {
        try snapshot.forEachState { try body(StateKey(bytes: $0), $1) }
    }
}
