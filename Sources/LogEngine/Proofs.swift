internal import LogStore
internal import Tlog

/// Makes inclusion proofs from one snapshot, under one head after the other.
struct Proofs {
    let snapshot: any LogSnapshot
    let cache: SubtreeCache

    /// The tiles of the proofs so far: the next proof mostly needs the same ones.
    private var tiles: [TileCoordinate: TileSubtrees] = [:]

    /// The size of the tree that the last proof was in.
    private var size: UInt64 = 0

    /// The siblings on the last way from the root down: the way to the next leaf mostly has the same ones but for the last
    /// few. A hash over these leaves is the same under every head.
    private var siblings: [(first: UInt64, end: UInt64, hash: Hash)] = []

    /// Hashes over the leaves from a number up to the end of that tree, where these are no perfect subtree: every proof
    /// to the left of them has them.
    private var edges: [UInt64: Hash] = [:]

    init(snapshot: any LogSnapshot, cache: SubtreeCache) {
        self.snapshot = snapshot
        self.cache = cache
    }

    /// - Parameter head: of a tree that the snapshot has all of.
    mutating func registration(
        _ placement: Placement, leafHash: Hash, under head: PublishedHead
    ) throws -> Registration {
        // A perfect subtree is the same under every head, what is at the edge of the tree is not.
        if size != head.size { (size, edges) = (head.size, [:]) }
        return Registration(
            index: placement.index, leafHash: leafHash, duplicate: placement.duplicate,
            proof: try inclusion(of: placement.index), head: head)
    }

    private mutating func inclusion(of index: UInt64) throws -> InclusionProof {
        guard index < size else { throw ProofError.indexOutOfRange(index: index, size: size) }
        var depth = 0
        try ProofPlan.forEachSibling(of: index, size: size) { first, end in
            defer { depth += 1 }
            guard depth < siblings.count else { return siblings.append((first, end, try hash(first, end))) }
            if siblings[depth].first == first, siblings[depth].end == end { return }
            siblings[depth] = (first, end, try hash(first, end))
        }
        return InclusionProof(index: index, size: size, path: siblings[..<depth].reversed().map(\.hash))
    }

    /// The hash over the leaves `first ..< end`, a subtree of RFC 6962's recursion.
    private mutating func hash(_ first: UInt64, _ end: UInt64) throws -> Hash {
        let isPerfect = (end - first).nonzeroBitCount == 1
        if !isPerfect, let known = edges[first] { return known }
        var hash: Hash?
        try PerfectSubtree.forEachFromRight(first, end) { subtree in
            let left = try tile(of: subtree).hash(of: subtree)
            hash = hash.map { Hash.node(left, $0) } ?? left
        }
        guard let hash else { preconditionFailure("no leaves are no sibling") }
        if !isPerfect { edges[first] = hash }
        return hash
    }

    private mutating func tile(of subtree: PerfectSubtree) throws -> TileSubtrees {
        let coordinate = subtree.coordinate
        if let tile = tiles[coordinate], tile.width >= subtree.endInTile { return tile }
        if let stored = try snapshot.tileWithInterior(coordinate) {
            let tile = TileSubtrees(stored: stored)
            tiles[coordinate] = tile
            return tile
        }
        let tile = try cache.subtrees(of: coordinate, width: subtree.endInTile) {
            guard let content = try snapshot.tile(coordinate), content.count >= subtree.endInTile * Hash.byteCount
            else {
                throw StoreError(
                    .notFound, "\(coordinate) does not reach hash \(subtree.endInTile), which is committed")
            }
            return content
        }
        tiles[coordinate] = tile
        return tile
    }
}
