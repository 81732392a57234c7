internal import LogStore
internal import Tlog

/// Makes inclusion proofs under one head from one snapshot. Tiles that were read stay at hand for the next proof.
struct Proofs {
    let snapshot: any LogSnapshot
    let head: PublishedHead
    private var tiles: [TileCoordinate: [UInt8]] = [:]

    init(snapshot: any LogSnapshot, head: PublishedHead) {
        self.snapshot = snapshot
        self.head = head
    }

    mutating func registration(_ placement: Placement, leafHash: Hash) throws -> Registration {
        Registration(
            index: placement.index, leafHash: leafHash, duplicate: placement.duplicate,
            proof: try inclusion(of: placement.index), head: head)
    }

    private mutating func inclusion(of index: UInt64) throws -> InclusionProof {
        let plan = try ProofPlan.inclusion(index: index, size: head.size)
        for tile in plan.tiles where tiles[tile.coordinate] == nil {
            tiles[tile.coordinate] = try snapshot.content(of: tile)
        }
        return InclusionProof(index: index, size: head.size, path: try plan.hashes(in: tiles))
    }
}
