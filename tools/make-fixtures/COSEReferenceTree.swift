import Tlog

/// RFC 6962 section 2.1 word for word, by recursion over all leaves: slow, and other code than the library's.
struct COSEReferenceTree {
    let leaves: [Hash]

    func root(_ size: Int) -> Hash { Self.root(leaves[..<size]) }

    func inclusion(_ index: Int, _ size: Int) -> InclusionProof {
        InclusionProof(index: UInt64(index), size: UInt64(size), path: Self.path(index, leaves[..<size]))
    }

    func consistency(_ old: Int, _ new: Int) -> ConsistencyProof {
        ConsistencyProof(
            oldSize: UInt64(old), newSize: UInt64(new), path: Self.proof(old, leaves[..<new], isComplete: true))
    }

    /// The largest power of two smaller than the count.
    private static func split(_ part: ArraySlice<Hash>) -> Int {
        var k = 1
        while 2 * k < part.count { k *= 2 }
        return part.startIndex + k
    }

    private static func root(_ part: ArraySlice<Hash>) -> Hash {
        if part.count == 1 { return part[part.startIndex] }
        let middle = split(part)
        return .node(root(part[..<middle]), root(part[middle...]))
    }

    private static func path(_ index: Int, _ part: ArraySlice<Hash>) -> [Hash] {
        if part.count == 1 { return [] }
        let middle = split(part)
        return index < middle
            ? path(index, part[..<middle]) + [root(part[middle...])]
            : path(index, part[middle...]) + [root(part[..<middle])]
    }

    /// SUBPROOF(m, D, b), the old tree ending before `end`.
    private static func proof(_ end: Int, _ part: ArraySlice<Hash>, isComplete: Bool) -> [Hash] {
        if end == part.endIndex { return isComplete ? [] : [root(part)] }
        let middle = split(part)
        return end <= middle
            ? proof(end, part[..<middle], isComplete: isComplete) + [root(part[middle...])]
            : proof(end, part[middle...], isComplete: false) + [root(part[..<middle])]
    }
}
