import Tlog

/// RFC 6962 §2.1 as it is written: three recursive functions over the list of leaves. Slow and obviously right; the
/// hashes of sublists are remembered.
final class ReferenceTree {
    let leaves: [Hash]
    private var known: [Int: Hash] = [:]

    init(leaves: Int) {
        self.leaves = (0..<leaves).map { Hash.leaf(Self.entry($0)) }
    }

    static func entry(_ number: Int) -> [UInt8] { Array("entry \(number)".utf8) }

    private static func split(_ n: Int) -> Int {
        var k = 1
        while k * 2 < n { k *= 2 }
        return k
    }

    /// MTH(D[first:end])
    func hash(_ first: Int, _ end: Int) -> Hash {
        if end - first == 0 { return .emptyTree }
        if end - first == 1 { return leaves[first] }
        if let hash = known[first << 20 | end] { return hash }
        let k = first + Self.split(end - first)
        let hash = Hash.node(hash(first, k), hash(k, end))
        known[first << 20 | end] = hash
        return hash
    }

    func root(_ size: Int) -> Hash { hash(0, size) }

    /// PATH(m, D[first:end])
    func path(_ m: Int, _ first: Int, _ end: Int) -> [Hash] {
        if end - first == 1 { return [] }
        let k = Self.split(end - first)
        return m < k
            ? path(m, first, first + k) + [hash(first + k, end)]
            : path(m - k, first + k, end) + [hash(first, first + k)]
    }

    /// PROOF(m, D[n])
    func proof(_ m: Int, _ n: Int) -> [Hash] {
        m == 0 ? [] : subproof(m, 0, n, true)
    }

    private func subproof(_ m: Int, _ first: Int, _ end: Int, _ isWhole: Bool) -> [Hash] {
        if m == end - first { return isWhole ? [] : [hash(first, end)] }
        let k = Self.split(end - first)
        return m <= k
            ? subproof(m, first, first + k, isWhole) + [hash(first + k, end)]
            : subproof(m - k, first + k, end, false) + [hash(first, first + k)]
    }

    /// Every tile of the tree of `size` leaves.
    func tiles(_ size: Int) -> [TileCoordinate: [UInt8]] {
        var tiles: [TileCoordinate: [UInt8]] = [:]
        for tile in Tile.tiles(forTreeSize: UInt64(size)) {
            var content: [UInt8] = []
            let span = 1 << (8 * tile.level)
            for number in 0..<tile.width {
                let first = (Int(tile.index) * 256 + number) * span
                hash(first, first + span).append(to: &content)
            }
            tiles[tile.coordinate] = content
        }
        return tiles
    }
}

extension Hash {
    /// With one bit, 0 ... 255, turned over.
    func flipped(bit: Int) -> Hash {
        var bytes = bytes
        bytes[bit / 8] ^= 1 << (bit % 8)
        return Hash(bytes) ?? .zero
    }
}
