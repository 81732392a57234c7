/// That the tree of `newSize` leaves begins with all leaves of the tree of `oldSize`: RFC 6962 §2.1.2.
///
/// The empty tree and a tree of equal size need no hashes: their proof is the empty path.
public struct ConsistencyProof: Sendable, Hashable {
    public let oldSize: UInt64
    public let newSize: UInt64
    /// In the order of RFC 6962's PROOF.
    public let path: [Hash]

    public init(oldSize: UInt64, newSize: UInt64, path: [Hash]) {
        self.oldSize = oldSize
        self.newSize = newSize
        self.path = path
    }

    /// How many hashes a proof between the sizes has; `oldSize <= newSize`.
    static func pathLength(oldSize: UInt64, newSize: UInt64) -> Int {
        if oldSize == 0 || oldSize == newSize { return 0 }
        // An inclusion path of the last old leaf, cut off below the largest perfect tree that ends with it; the
        // root of that tree is sent too, unless it is the whole old tree, whose root the verifier has.
        let perfect = oldSize.trailingZeroBitCount
        let seed = oldSize == 1 << UInt64(perfect) ? 0 : 1
        return seed + InclusionProof.pathLength(index: oldSize - 1, size: newSize) - perfect
    }

    /// Throws unless the path leads to both roots, by the algorithm of RFC 9162 §2.1.4.2.
    public func verify(oldRoot: Hash, newRoot: Hash) throws(ProofError) {
        guard oldSize <= newSize else { throw .sizesOutOfOrder(old: oldSize, new: newSize) }
        let expected = Self.pathLength(oldSize: oldSize, newSize: newSize)
        guard path.count == expected else { throw .wrongPathLength(expected: expected, actual: path.count) }
        // tlog-witness: "the empty tree is consistent with any tree, so no proof is necessary".
        if oldSize == 0 && oldRoot != .emptyTree {
            throw .oldRootMismatch(expected: oldRoot, computed: .emptyTree)
        }
        if oldSize == newSize && oldRoot != newRoot {
            throw .rootMismatch(expected: newRoot, computed: oldRoot)
        }
        if oldSize == 0 || oldSize == newSize { return }

        // "If first is an exact power of 2, then prepend first_hash to the consistency_path array."
        var rest = path[...]
        let seed = oldSize.nonzeroBitCount == 1 ? oldRoot : rest.removeFirst()
        // "Set two variables, fn and sn: fn = first - 1 and sn = second - 1. If LSB(fn) is set, then right-shift
        // both fn and sn equally until LSB(fn) is not set."
        let perfect = UInt64(oldSize.trailingZeroBitCount)
        var (fn, sn) = ((oldSize - 1) >> perfect, (newSize - 1) >> perfect)
        // "Set both fr and sr to the first value in the consistency_path array."
        var (fr, sr) = (seed, seed)
        for c in rest {
            // "If LSB(fn) is set, or if fn is equal to sn, then: set fr to HASH(0x01 || c || fr), set sr to
            // HASH(0x01 || c || sr); if LSB(fn) is not set, then right-shift both fn and sn equally until either
            // LSB(fn) is set or fn is 0."
            if fn & 1 == 1 || fn == sn {
                (fr, sr) = (.node(c, fr), .node(c, sr))
                while fn & 1 == 0 && fn != 0 { (fn, sn) = (fn >> 1, sn >> 1) }
            } else {
                // "Otherwise: set sr to HASH(0x01 || sr || c)."
                sr = .node(sr, c)
            }
            // "Finally, right-shift both fn and sn one time."
            (fn, sn) = (fn >> 1, sn >> 1)
        }
        precondition(sn == 0)
        guard fr == oldRoot else { throw .oldRootMismatch(expected: oldRoot, computed: fr) }
        guard sr == newRoot else { throw .rootMismatch(expected: newRoot, computed: sr) }
    }
}
