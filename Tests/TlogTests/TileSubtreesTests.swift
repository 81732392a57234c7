import Testing

@testable import Tlog

@Suite("Hashes inside a tile")
struct TileSubtreesTests {
    private static let leaves = (0..<600).map { Hash.leaf(Array("leaf \($0)".utf8)) }

    private static func tile(_ first: Int, _ width: Int) -> [UInt8] {
        leaves[first..<first + width].flatMap(\.bytes)
    }

    @Test("every subtree has the hash that is worked out anew, however the tile grew")
    func sameHashes() {
        let full = Self.tile(256, 256)
        for step in [1, 3, 64, 200, 256] {
            var subtrees = TileSubtrees()
            for width in stride(from: step, through: 255, by: step) { subtrees.grow(to: width, from: full) }
            subtrees.grow(to: 256, from: full)
            for height in 0..<8 {
                for index in 0..<(256 >> height) {
                    let subtree = PerfectSubtree(height: height, index: UInt64(256 >> height + index))
                    #expect(subtrees.hash(of: subtree) == subtree.hash(in: full), "step \(step), \(subtree)")
                }
            }
        }
    }

    @Test("a full tile that a store keeps with its interior has the hashes that are worked out anew")
    func stored() {
        let full = Self.tile(256, 256)
        let interior = TileInterior.bytes(of: full)
        #expect(interior.count == TileInterior.byteCount)
        let subtrees = TileSubtrees(stored: full + interior)
        #expect(subtrees.width == 256)
        for height in 0..<8 {
            for index in 0..<(256 >> height) {
                let subtree = PerfectSubtree(height: height, index: UInt64(256 >> height + index))
                #expect(subtrees.hash(of: subtree) == subtree.hash(in: full), "\(subtree)")
            }
        }
    }

    @Test("a partial tile has the subtrees that are complete, and growing less far changes nothing")
    func partialTiles() {
        for width in 1...256 {
            let tile = Self.tile(0, width)
            var subtrees = TileSubtrees()
            subtrees.grow(to: width, from: tile)
            subtrees.grow(to: width / 2, from: tile)
            #expect(subtrees.width == width)
            for subtree in PerfectSubtree.cover(0, UInt64(width)) where subtree.height < 8 {
                #expect(subtrees.hash(of: subtree) == subtree.hash(in: tile))
            }
        }
    }

    @Test("the siblings of a leaf, each from its subtrees, are the path of the proof's plan")
    func siblings() throws {
        for size in 1...600 as ClosedRange<UInt64> {
            var edge = TileEdge()
            for leaf in Self.leaves.prefix(Int(size)) { edge.append(leaf) }
            var tiles: [TileCoordinate: [UInt8]] = [:]
            for (tile, hashes) in edge.takeChangedTiles() { tiles[tile.coordinate] = hashes }
            for index in Set([0, size / 2, size - 1]) {
                var path: [Hash] = []
                ProofPlan.forEachSibling(of: index, size: size) { first, end in
                    var hash: Hash?
                    var seen: [PerfectSubtree] = []
                    PerfectSubtree.forEachFromRight(first, end) { subtree in
                        guard let tile = tiles[subtree.coordinate] else { return }
                        var subtrees = TileSubtrees()
                        subtrees.grow(to: subtree.endInTile, from: tile)
                        let left = subtrees.hash(of: subtree)
                        hash = hash.map { Hash.node(left, $0) } ?? left
                        seen.append(subtree)
                    }
                    #expect(seen.reversed() == PerfectSubtree.cover(first, end))
                    path.append(hash ?? .zero)
                }
                let plan = try ProofPlan.inclusion(index: index, size: size)
                #expect(path.reversed() == (try plan.hashes(in: tiles)), "leaf \(index) of \(size)")
            }
        }
    }
}
