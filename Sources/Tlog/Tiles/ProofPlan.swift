/// Which tiles a proof needs, and how to make it from them: plan, read, compute.
///
/// The plan does no reading, so the same code serves memory, a database and fetched tiles. It trusts what it is
/// given: tiles from a stranger go through `AuthenticatedTiles` first.
public struct ProofPlan: Sendable {
    /// Number of leaves of the tree that the tiles belong to.
    public let size: UInt64
    /// To be read, without repetition; a wider tile does as well, because it begins with the narrower one.
    public let tiles: [Tile]
    /// Each hash of the result is the hash over these subtrees.
    private let parts: [[PerfectSubtree]]

    private init(size: UInt64, parts: [[PerfectSubtree]]) {
        self.size = size
        self.parts = parts
        let coordinates = Set(parts.joined().map(\.coordinate))
        tiles = coordinates.sorted().compactMap { Tile(at: $0, treeSize: size) }
    }

    /// The path of an inclusion proof: RFC 6962 §2.1.1's PATH(m, D[n]).
    public static func inclusion(index: UInt64, size: UInt64) throws(ProofError) -> ProofPlan {
        var parts: [[PerfectSubtree]] = []
        guard index < size else { throw .indexOutOfRange(index: index, size: size) }
        forEachSibling(of: index, size: size) { first, end in
            parts.append(PerfectSubtree.cover(first, end))
        }
        return ProofPlan(size: size, parts: parts.reversed())
    }

    /// The leaves `first ..< end` under each hash of the path of an inclusion proof, from the root's child down to the
    /// leaf's neighbour: the path read backward. The index must be below the size.
    package static func forEachSibling<E: Error>(
        of index: UInt64, size: UInt64, _ body: (_ first: UInt64, _ end: UInt64) throws(E) -> Void
    ) throws(E) {
        precondition(index < size, "no leaf \(index) in a tree of \(size)")
        var (first, end) = (0 as UInt64, size)
        while end - first > 1 {
            let middle = first + largestPowerOfTwo(below: end - first)
            // "PATH(m, D[n]) = PATH(m, D[0:k]) : MTH(D[k:n]) for m < k; and
            //  PATH(m, D[n]) = PATH(m - k, D[k:n]) : MTH(D[0:k]) for m >= k"
            if index < middle {
                try body(middle, end)
                end = middle
            } else {
                try body(first, middle)
                first = middle
            }
        }
    }

    /// The path of a consistency proof: RFC 6962 §2.1.2's PROOF(m, D[n]). Empty for the empty tree and for equal
    /// sizes.
    public static func consistency(from old: UInt64, to new: UInt64) throws(ProofError) -> ProofPlan {
        guard old <= new else { throw .sizesOutOfOrder(old: old, new: new) }
        var parts: [[PerfectSubtree]] = []
        if old == 0 { return ProofPlan(size: new, parts: parts) }
        var (first, end) = (0 as UInt64, new)
        while old != end {
            let middle = first + largestPowerOfTwo(below: end - first)
            // "SUBPROOF(m, D[n], b) = SUBPROOF(m, D[0:k], b) : MTH(D[k:n]) if m <= k"
            if old <= middle {
                parts.append(PerfectSubtree.cover(middle, end))
                end = middle
            } else {
                // "SUBPROOF(m, D[n], b) = SUBPROOF(m - k, D[k:n], false) : MTH(D[0:k]) if m > k"
                parts.append(PerfectSubtree.cover(first, middle))
                first = middle
            }
        }
        // "SUBPROOF(m, D[m], true) = {}; SUBPROOF(m, D[m], false) = {MTH(D[m])}": only ways to the right clear b.
        if first > 0 { parts.append(PerfectSubtree.cover(first, end)) }
        return ProofPlan(size: new, parts: parts.reversed())
    }

    /// One hash: the root of the tree.
    public static func root(size: UInt64) -> ProofPlan {
        ProofPlan(size: size, parts: [PerfectSubtree.cover(0, size)])
    }

    /// The roots of the tree's perfect subtrees, from the left: what `Frontier` starts from.
    static func frontier(size: UInt64) -> ProofPlan {
        ProofPlan(size: size, parts: PerfectSubtree.cover(0, size).map { [$0] })
    }

    /// The hashes, in the order of the proof.
    public func hashes(in tiles: [TileCoordinate: [UInt8]]) throws(ProofError) -> [Hash] {
        for tile in self.tiles {
            guard let content = tiles[tile.coordinate] else { throw .tileMissing(tile) }
            guard content.count >= tile.byteCount, content.count % Hash.byteCount == 0 else {
                throw .tileLength(tile, bytes: content.count)
            }
        }
        var hashes: [Hash] = []
        hashes.reserveCapacity(parts.count)
        for subtrees in parts {
            // Only the root of the empty tree has no parts.
            var hash: Hash?
            for subtree in subtrees.reversed() {
                guard let content = tiles[subtree.coordinate] else { preconditionFailure("planned but not checked") }
                let left = subtree.hash(in: content)
                hash = hash.map { Hash.node(left, $0) } ?? left
            }
            hashes.append(hash ?? .emptyTree)
        }
        return hashes
    }

    /// "let k be the largest power of two smaller than n (i.e., k < n <= 2k)"
    private static func largestPowerOfTwo(below n: UInt64) -> UInt64 {
        1 << UInt64(63 - (n - 1).leadingZeroBitCount)
    }
}
