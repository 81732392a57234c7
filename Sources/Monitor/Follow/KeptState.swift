import COSE
import Governance
import LogStore
import Tlog

/// A replay that goes on from the state that a replica has kept, instead of from entry 0.
///
/// Nothing of it is believed because it is there: the state has to have the root in the last seal, which the log's key has
/// signed and which is the last leaf; the leaves have to have the root of the stored head; the seals have to lead back to
/// entry 0, which has to be the one that is pinned. That every entry below was admitted by the rules was verified before
/// the state was written, in one commit with the entries.
struct KeptState {
    let replay: LogReplay
    let edge: TileEdge

    /// Tiles whose changes are let go of at once.
    private static let openingStep: UInt64 = 4

    /// Nil where the store has no state, or one that is not what its last seal says: then the entries say what it is.
    ///
    /// - Throws: what the store throws.
    init?(reading snapshot: any LogSnapshot, pins: LogReplay.Pins) throws {
        let head = try snapshot.head
        guard head.size > 0 else { return nil }
        var changes: [StateChange] = []
        try snapshot.forEachState { changes.append(StateChange(key: StateKey(bytes: $0), value: $1)) }
        var state = MemoryState()
        state.apply(changes)
        guard let origin = (try? Rules(state))?.policy.origin, let seals = try Self.seals(snapshot, head.size, origin),
            try Self.isPinned(snapshot, pins)
        else { return nil }

        var (edge, frontier) = (TileEdge(), Frontier())
        var next = seals.sizes[...]
        for number in 0...(head.size - 1) / 256 {
            for leaf in try Self.leaves(number, snapshot, head.size) {
                edge.append(leaf)
                frontier.append(leaf)
                guard edge.size == next.first else { continue }
                state.keep(frontier.treeHead)
                next.removeFirst()
            }
            if number % Self.openingStep == 0 { _ = edge.takeChangedTiles() }
        }
        _ = edge.takeChangedTiles()
        guard edge.root() == head.treeHead.root else { return nil }
        // Opaque evidence that comes twice is found by the store, which has every leaf hash.
        let standstill = LogReplay.Standstill(
            size: head.size, state: state, sealEntry: seals.last, evidence: [:], frontier: frontier)
        guard let replay = try? LogReplay(resuming: standstill, pins: pins) else { return nil }
        (self.replay, self.edge) = (replay, edge)
    }

    /// Whether entry 0 is the genesis that is pinned, by an authority that is.
    private static func isPinned(_ snapshot: any LogSnapshot, _ pins: LogReplay.Pins) throws -> Bool {
        guard let genesis = try snapshot.entry(0), let statement = try? SignedStatement(decoding: genesis),
            try snapshot.leafHash(at: 0) == statement.leafHash
        else { return false }
        var first = LogReplay(pins: pins)
        return (try? first.append(genesis)) != nil
    }

    /// The sizes at which a seal ends the log, ascending, and the bytes of the last seal; nil where the seals do not lead
    /// from the end to entry 0. A seal says how many statements are between it and the one before.
    private static func seals(
        _ snapshot: any LogSnapshot, _ size: UInt64, _ origin: Origin
    ) throws -> (sizes: [UInt64], last: [UInt8])? {
        var sizes: [UInt64] = []
        var last: [UInt8] = []
        var end = size
        while end > 0 {
            guard let entry = try snapshot.entry(end - 1), let statement = try? SignedStatement(decoding: entry),
                let seal = try? Seal(statement, origin: origin), seal.statements < end,
                try snapshot.leafHash(at: end - 1) == statement.leafHash
            else { return nil }
            if last.isEmpty { last = entry }
            sizes.append(end)
            end -= seal.statements + 1
        }
        return (sizes.reversed(), last)
    }

    private static func leaves(_ number: UInt64, _ snapshot: any LogSnapshot, _ size: UInt64) throws -> [Hash] {
        guard let coordinate = TileCoordinate(level: 0, index: number),
            let tile = Tile(at: coordinate, treeSize: size)
        else { return [] }
        let bytes = try snapshot.content(of: tile)
        return stride(from: 0, to: bytes.count, by: Hash.byteCount).compactMap { Hash(bytes[$0..<$0 + Hash.byteCount]) }
    }
}
