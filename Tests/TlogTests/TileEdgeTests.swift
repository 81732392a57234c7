import Testing
import Tlog

@Suite("Right edges")
struct TileEdgeTests {
    @Test("an edge and a frontier have the root of the reference at every size, and the edge writes its tiles")
    func growth() {
        let tree = ReferenceTree(leaves: 600)
        var edge = TileEdge()
        var frontier = Frontier()
        var written: [TileCoordinate: [UInt8]] = [:]
        #expect(edge.root() == .emptyTree && frontier.root() == .emptyTree)
        for size in 1...600 {
            edge.append(tree.leaves[size - 1])
            frontier.append(tree.leaves[size - 1])
            #expect(edge.size == UInt64(size) && frontier.size == UInt64(size))
            #expect(edge.root() == tree.root(size) && frontier.root() == tree.root(size), "size \(size)")
            // Batches of different lengths.
            if size % 3 == 0 || size % 7 == 0 {
                for (tile, hashes) in edge.takeChangedTiles() {
                    #expect(hashes.count == tile.byteCount)
                    written[tile.coordinate] = hashes
                }
                if size % 21 == 0 || (254...260).contains(size) { #expect(written == tree.tiles(size)) }
            }
        }
        #expect(written == tree.tiles(600))
        #expect(edge.takeChangedTiles().isEmpty)
    }

    @Test("changed tiles are those between the two sizes")
    func changes() {
        var edge = TileEdge()
        var size: UInt64 = 0
        for step in [1, 254, 1, 1, 255, 3, 600, 0, 256] as [UInt64] {
            for number in size..<(size + step) { edge.append(.leaf([UInt8(number & 0xff)])) }
            #expect(Set(edge.takeChangedTiles().map(\.tile)) == Set(Tile.tiles(from: size, to: size + step)))
            size += step
        }
    }

    @Test("an edge and a frontier loaded from tiles go on as those that were never put down")
    func loading() throws {
        let tree = ReferenceTree(leaves: 530)
        let all = tree.tiles(530)
        for size in [0, 1, 2, 3, 127, 128, 129, 255, 256, 257, 511, 512, 513, 529] {
            // Wider tiles than asked for, so that the prefix must be used.
            var edge = try TileEdge(size: UInt64(size)) { try #require(all[$0.coordinate]) }
            let plan = Frontier.plan(size: UInt64(size))
            var frontier = try Frontier(size: UInt64(size), hashes: plan.hashes(in: all))
            #expect(edge.root() == tree.root(size) && frontier.root() == tree.root(size))
            #expect(edge.takeChangedTiles().isEmpty)
            edge.append(tree.leaves[size])
            frontier.append(tree.leaves[size])
            #expect(edge.root() == tree.root(size + 1) && frontier.root() == tree.root(size + 1))
            let expected = tree.tiles(size + 1)
            for (tile, hashes) in edge.takeChangedTiles() { #expect(hashes == expected[tile.coordinate]) }
        }
    }

    @Test("a third level of tiles is reached")
    func thirdLevel() throws {
        // 65,536 + 300 leaves that are all the same: each perfect subtree of a height has one hash.
        let leaf = Hash.leaf([])
        var edge = TileEdge()
        var frontier = Frontier()
        var written: [TileCoordinate: [UInt8]] = [:]
        for _ in 0..<65_836 {
            edge.append(leaf)
            frontier.append(leaf)
        }
        for (tile, hashes) in edge.takeChangedTiles() { written[tile.coordinate] = hashes }
        #expect(Set(written.keys) == Set(Tile.tiles(forTreeSize: 65_836).map(\.coordinate)))
        #expect(edge.root() == frontier.root())
        #expect(try ProofPlan.root(size: 65_836).hashes(in: written) == [edge.root()])
        for index in [0, 255, 256, 65_535, 65_536, 65_835] as [UInt64] {
            let path = try ProofPlan.inclusion(index: index, size: 65_836).hashes(in: written)
            try InclusionProof(index: index, size: 65_836, path: path).verify(leafHash: leaf, root: edge.root())
        }
        let plan = try ProofPlan.consistency(from: 65_535, to: 65_836)
        let old = try ProofPlan.root(size: 65_535).hashes(in: written)[0]
        try ConsistencyProof(oldSize: 65_535, newSize: 65_836, path: plan.hashes(in: written))
            .verify(oldRoot: old, newRoot: edge.root())
    }

    @Test("short tiles and wrong frontiers are refused")
    func errors() throws {
        let coordinate = try #require(TileCoordinate(level: 0, index: 0))
        let tile = try #require(Tile(coordinate: coordinate, width: 5))
        #expect(throws: ProofError.tileLength(tile, bytes: 128)) {
            try TileEdge(size: 5) { _ in [UInt8](repeating: 0, count: 128) }
        }
        #expect(throws: ProofError.tileLength(tile, bytes: 161)) {
            try ProofPlan.root(size: 5).hashes(in: [coordinate: [UInt8](repeating: 0, count: 161)])
        }
        #expect(throws: ProofError.tileMissing(tile)) { try ProofPlan.root(size: 5).hashes(in: [:]) }
        #expect(throws: ProofError.wrongEdgeLength(expected: 2, actual: 1)) {
            try Frontier(size: 5, hashes: [.zero])
        }
        #expect(try ProofPlan.root(size: 0).hashes(in: [:]) == [.emptyTree])
    }
}

@Suite("Authenticated tiles")
struct AuthenticatedTilesTests {
    @Test("proofs come out as from trusted tiles, at sizes around the tile boundary")
    func proofs() throws {
        let tree = ReferenceTree(leaves: 600)
        let all = tree.tiles(600)
        for size in [1, 2, 255, 256, 257, 300, 511, 512, 513, 600] {
            let head = TreeHead(size: UInt64(size), root: tree.root(size))
            for index in [0, 1, size / 2, size - 1] where index < size {
                var reader = AuthenticatedTiles(head: head)
                let plan = try ProofPlan.inclusion(index: UInt64(index), size: UInt64(size))
                let missing = reader.missing(for: plan)
                try reader.add(all.filter { tile in missing.contains { $0.coordinate == tile.key } })
                #expect(reader.missing(for: plan).isEmpty)
                #expect(try reader.hashes(for: plan) == tree.path(index, 0, size))
            }
        }
    }

    @Test("a bit turned over in any tile is found before a hash comes out")
    func tampering() throws {
        let tree = ReferenceTree(leaves: 600)
        let head = TreeHead(size: 600, root: tree.root(600))
        let plan = try ProofPlan.inclusion(index: 3, size: 600)
        let good = tree.tiles(600)
        for (coordinate, content) in good {
            for byte in stride(from: 0, to: content.count, by: 331) {
                var bad = good
                bad[coordinate]?[byte] ^= 1
                var reader = AuthenticatedTiles(head: head)
                let error = #expect(throws: ProofError.self) { try reader.add(bad) }
                #expect(
                    error?.reason == (coordinate.level == 0 && coordinate.index < 2 ? "tile-mismatch" : "root-mismatch")
                )
                #expect(reader.tiles.isEmpty)
                #expect(throws: ProofError.self) { try reader.hashes(for: plan) }
            }
        }
    }

    @Test("entries are held to their leaves, and a tile without the one above it is refused")
    func entries() throws {
        let tree = ReferenceTree(leaves: 300)
        let head = TreeHead(size: 300, root: tree.root(300))
        var reader = AuthenticatedTiles(head: head)
        let coordinate = try #require(TileCoordinate(level: 0, index: 0))
        #expect(reader.missing([coordinate]).count == 3)
        #expect(throws: ProofError.self) { try reader.add([coordinate: tree.tiles(300)[coordinate] ?? []]) }
        try reader.add(tree.tiles(300))
        try reader.verify(entries: (250..<300).map { ReferenceTree.entry($0) }, first: 250)
        #expect(throws: ProofError.rootMismatch(expected: tree.leaves[7], computed: .leaf([]))) {
            try reader.verify(entries: [[]], first: 7)
        }
        #expect(throws: ProofError.indexOutOfRange(index: 300, size: 300)) { try reader.leafHash(at: 300) }
        #expect(try reader.leafHash(at: 299) == tree.leaves[299])
    }
}
