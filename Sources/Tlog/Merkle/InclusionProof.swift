/// That a leaf is at an index of the tree of a certain size: RFC 6962 §2.1.1.
public struct InclusionProof: Sendable, Hashable {
    /// Index of the leaf, from 0.
    public let index: UInt64
    /// Number of leaves in the tree.
    public let size: UInt64
    /// Sibling hashes, from the leaf's sibling up to the root's child.
    public let path: [Hash]

    public init(index: UInt64, size: UInt64, path: [Hash]) {
        self.index = index
        self.size = size
        self.path = path
    }

    /// How many hashes a proof for `index` in a tree of `size` leaves has; `index < size`.
    static func pathLength(index: UInt64, size: UInt64) -> Int {
        // Below the point where the ways to this leaf and to the last leaf part, each level has a sibling; above
        // it, only the levels where this leaf is on the right.
        let inner = 64 - (index ^ (size - 1)).leadingZeroBitCount
        let border = inner == 64 ? 0 : (index >> UInt64(inner)).nonzeroBitCount
        return inner + border
    }

    /// The root that the path leads to from `leafHash`, by the algorithm of RFC 9162 §2.1.3.2.
    public func root(leafHash: Hash) throws(ProofError) -> Hash {
        // "If leaf_index is greater than or equal to tree_size, then fail the proof verification."
        guard index < size else { throw .indexOutOfRange(index: index, size: size) }
        let expected = Self.pathLength(index: index, size: size)
        guard path.count == expected else { throw .wrongPathLength(expected: expected, actual: path.count) }

        // "Set two variables, fn and sn. fn to leaf_index and sn to tree_size - 1."
        var (fn, sn) = (index, size - 1)
        // "Set r to hash."
        var r = leafHash
        for p in path {
            // "If LSB(fn) is set, or if fn is equal to sn, then: set r to HASH(0x01 || p || r); if LSB(fn) is not
            // set, then right-shift both fn and sn equally until either LSB(fn) is set or fn is 0."
            if fn & 1 == 1 || fn == sn {
                r = .node(p, r)
                while fn & 1 == 0 && fn != 0 { (fn, sn) = (fn >> 1, sn >> 1) }
            } else {
                // "Otherwise: set r to HASH(0x01 || r || p)."
                r = .node(r, p)
            }
            // "Finally, right-shift both fn and sn one time."
            (fn, sn) = (fn >> 1, sn >> 1)
        }
        // "Compare sn to 0": the length was checked above, so nothing can be left.
        precondition(sn == 0)
        return r
    }

    /// Throws unless the path leads from `leafHash` to `root`.
    public func verify(leafHash: Hash, root: Hash) throws(ProofError) {
        let computed = try self.root(leafHash: leafHash)
        guard computed == root else { throw .rootMismatch(expected: root, computed: computed) }
    }
}
