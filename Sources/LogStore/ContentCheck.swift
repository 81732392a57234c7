internal import Tlog

extension LogSnapshot {
    /// Reads the whole log and checks that it agrees with itself: every entry hashes to the leaf hash in its tile and
    /// is found under it, every hash in a higher tile is that of the tile below it, and all of them make the root of
    /// the head. It takes time in proportion to the log.
    ///
    /// - Throws: `corrupt`, naming the first thing that is wrong.
    public func verifyContents() throws(StoreError) {
        let head = try head
        // Roots of the perfect subtrees that the leaves so far fall into, the widest first.
        var subtrees: [(height: Int, root: Hash)] = []
        var tiles = TileReader()
        for index in 0..<head.size {
            guard let entry = try entry(index) else { throw StoreError(.corrupt, "entry \(index) is missing") }
            var root = Hash.leaf(entry)
            guard try self.index(ofLeaf: root) == index else {
                throw StoreError(.corrupt, "entry \(index) is not found under its leaf hash \(root)")
            }
            var height = 0
            try tiles.expect(root, height: height, number: index, in: self)
            while let left = subtrees.last, left.height == height {
                subtrees.removeLast()
                root = Hash.node(left.root, root)
                height += 1
                if height % 8 == 0 {
                    try tiles.expect(root, height: height, number: index >> UInt64(height), in: self)
                }
            }
            subtrees.append((height, root))
        }
        var root: Hash?
        for subtree in subtrees.reversed() { root = root.map { Hash.node(subtree.root, $0) } ?? subtree.root }
        let computed = root ?? .emptyTree
        guard computed == head.treeHead.root else {
            throw StoreError(.corrupt, "the entries make the root \(computed), the head says \(head.treeHead.root)")
        }
    }
}

/// Compares hashes with the tiles, keeping the last tile of each level.
private struct TileReader {
    private var last: [Int: (index: UInt64, bytes: [UInt8])] = [:]

    /// The root of the perfect subtree of a height that is a multiple of 8, the `number`-th from the left.
    mutating func expect(_ hash: Hash, height: Int, number: UInt64, in snapshot: some LogSnapshot) throws(StoreError) {
        let level = height / 8
        if last[level]?.index != number / 256 {
            guard let coordinate = TileCoordinate(level: level, index: number / 256),
                let bytes = try snapshot.tile(coordinate)
            else { throw StoreError(.corrupt, "tile \(level)/\(number / 256) is missing") }
            last[level] = (number / 256, bytes)
        }
        let start = Int(number % 256) * Hash.byteCount
        guard let bytes = last[level]?.bytes, bytes.count >= start + Hash.byteCount,
            hash == Hash(bytes[start..<start + Hash.byteCount])
        else { throw StoreError(.corrupt, "tile \(level)/\(number / 256) does not have \(hash) at \(number % 256)") }
    }
}
