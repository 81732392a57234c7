import Testing
import Tlog

@Suite("Tiles")
struct TileTests {
    @Test("a tree of 70,000 leaves has the tiles that tlog-tiles counts")
    func count() {
        // "273 full level 0 tiles, one partial level 0 tile of width 112, one full level 1 tile, one partial level 1
        // tile of width 17, and one partial level 2 tile of width 1"
        let tiles = Tile.tiles(forTreeSize: 70_000)
        #expect(tiles.count == 273 + 1 + 1 + 1 + 1)
        #expect(tiles.filter { $0.level == 0 && $0.isFull }.count == 273)
        #expect(
            Tile.partialTiles(treeSize: 70_000).map { [$0.level, Int($0.index), $0.width] }
                == [[0, 273, 112], [1, 1, 17], [2, 0, 1]])
        // "a tree of size 256 will be represented by a full level 0 tile and a partial level 1 tile of width 1"
        #expect(
            Tile.tiles(forTreeSize: 256).map { [$0.level, Int($0.index), $0.width] } == [[0, 0, 256], [1, 0, 1]])
        #expect(Tile.tiles(forTreeSize: 0).isEmpty)
    }

    @Test("growing by steps names the same tiles as growing at once")
    func growth() {
        for step in [1, 7, 255, 256, 257, 1000] as [UInt64] {
            var newest: [TileCoordinate: Tile] = [:]
            var size: UInt64 = 0
            while size < 70_000 {
                for tile in Tile.tiles(from: size, to: size + step) { newest[tile.coordinate] = tile }
                size += step
                if step < 255 && size > 3000 { break }
            }
            #expect(Set(newest.values) == Set(Tile.tiles(forTreeSize: size)))
        }
    }

    @Test(
        "paths read and print alike",
        arguments: [
            ("tile/0/000", 0, 0, 256), ("tile/0/x001/067.p/8", 0, 1067, 8), ("tile/1/x001/x234/067", 1, 1_234_067, 256),
            ("tile/63/000.p/255", 63, 0, 255), ("tile/7/000.p/1", 7, 0, 1), ("tile/0/999", 0, 999, 256),
            ("tile/0/x072/x057/x594/x037/x927/935", 0, 72_057_594_037_927_935, 256),
        ])
    func tilePaths(path: String, level: Int, index: Int, width: Int) throws {
        let coordinate = try #require(TileCoordinate(level: level, index: UInt64(index)))
        let tile = try #require(Tile(coordinate: coordinate, width: width))
        #expect(TileResource(path: path) == .tile(tile))
        #expect(TileResource.tile(tile).path == path)
    }

    @Test("paths of entries read and print alike")
    func entryPaths() {
        #expect(TileResource(path: "tile/entries/x001/067.p/8") == .entries(index: 1067, width: 8))
        #expect(TileResource(path: "tile/entries/000") == .entries(index: 0, width: 256))
        #expect(TileResource.entries(index: 1_234_067, width: 256).path == "tile/entries/x001/x234/067")
    }

    @Test(
        "other paths are no resources",
        arguments: [
            "", "tile", "tile/0", "tile/0/", "/tile/0/000", "tile/0/000/", "tile/00/000", "tile/64/000", "tile/-1/000",
            "tile/+1/000", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/x000/001", "tile/0/x001", "tile/0/001/001",
            "tile/0/x01/001", "tile/0/y001/001", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/08",
            "tile/0/000.p/", "tile/0/000.p", "tile/0/000.q/8", "tile/0/000.p/8/9", "tile/0/000.p/+8", "tile/0/00a",
            "tile/8/001", "tile/7/001", "tile/entries", "tile/entries/", "tile/entries/x000/000", "tile/data/000",
            "tile/0/x999/x999/x999/x999/x999/x999/999", "tile/0/x072/x057/x594/x037/x927/936", "tile/0/٠٠٠",
            "tile/entries/x072/x057/x594/x037/x927/936", "tile/0/x001/x001.p/5", "tile/0/X001/001", "tile/0/0 0",
        ])
    func badPaths(path: String) {
        #expect(TileResource(path: path) == nil)
    }

    @Test("bundles read and print alike, and say what is wrong with others")
    func bundles() throws {
        let entries: [[UInt8]] = [[1, 2, 3], [], [UInt8](repeating: 7, count: 65_535)]
        let bytes = EntryBundle.encode(entries: entries)
        #expect(Array(bytes.prefix(7)) == [0, 3, 1, 2, 3, 0, 0])
        #expect(try EntryBundle(parsing: bytes, width: 3).entries == entries)
        #expect(throws: EntryBundleError.tooFewEntries(expected: 4, actual: 3)) {
            try EntryBundle(parsing: bytes, width: 4)
        }
        #expect(throws: EntryBundleError.trailingBytes(after: 2)) { try EntryBundle(parsing: bytes, width: 2) }
        #expect(throws: EntryBundleError.truncatedLength(entry: 1)) { try EntryBundle(parsing: [0, 0, 0], width: 2) }
        #expect(throws: EntryBundleError.truncatedEntry(entry: 0, expected: 2, actual: 1)) {
            try EntryBundle(parsing: [0, 2, 9], width: 1)
        }
        #expect(throws: EntryBundleError.width(257)) { try EntryBundle(parsing: [], width: 257) }
        #expect(throws: EntryBundleError.width(0)) { try EntryBundle(parsing: [], width: 0) }
    }
}
