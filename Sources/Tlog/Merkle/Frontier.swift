/// The right edge of a tree as the roots of its perfect subtrees, and nothing else.
///
/// Kept apart from `TileEdge` on purpose: a log re-hashes with it what it reads back before it signs, so that one
/// mistake in the code that writes does not vouch for itself.
public struct Frontier: Sendable, Hashable {
    /// Number of leaves.
    public private(set) var size: UInt64
    /// Roots of the perfect subtrees, the largest first: one for each bit that is set in the size.
    public private(set) var hashes: [Hash]

    /// The empty tree.
    public init() {
        size = 0
        hashes = []
    }

    /// Throws unless there are as many hashes as bits set in the size.
    public init(size: UInt64, hashes: [Hash]) throws(ProofError) {
        guard hashes.count == size.nonzeroBitCount else {
            throw .wrongEdgeLength(expected: size.nonzeroBitCount, actual: hashes.count)
        }
        self.size = size
        self.hashes = hashes
    }

    /// The tiles to read for the frontier of the tree of `size` leaves: the plan's hashes are the frontier's.
    public static func plan(size: UInt64) -> ProofPlan { .frontier(size: size) }

    /// Appends leaf number i, as RFC 9162 §2.1.2 does: "Set merge_count to […] the number of consecutive 1s found
    /// starting at the least significant bit of i", which are the trailing zeros of i + 1, and merge as often.
    public mutating func append(_ leafHash: Hash) {
        size += 1
        hashes.append(leafHash)
        for _ in 0..<size.trailingZeroBitCount {
            let right = hashes.removeLast()
            hashes[hashes.count - 1] = .node(hashes[hashes.count - 1], right)
        }
    }

    /// The root of the tree as it is now.
    public func root() -> Hash {
        guard let smallest = hashes.last else { return .emptyTree }
        return hashes.dropLast().reversed().reduce(smallest) { .node($1, $0) }
    }

    public var treeHead: TreeHead { TreeHead(size: size, root: root()) }
}
