import Tlog

/// `tiles.json`: paths, trees with their tiles, proofs, entry bundles.
enum TlogTileFixtures {
    static func document() throws -> FixtureValue {
        [
            "about": .string(
                "Tiles (c2sp.org/tlog-tiles) and proofs (RFC 6962). Entry i of every tree is the text \"entry i\". paths: width 256 "
                    + "is a full tile. trees: all tiles, each with the SHA-256 of its content, and the content itself up to size 5. "
                    + "Hashes are in hexadecimal. bundles: bytes in hexadecimal and the number of entries expected."),
            "paths": .array(acceptedPaths() + refusedPaths()),
            "trees": .array(trees()),
            "inclusion": .array(try inclusion()),
            "consistency": .array(try consistency()),
            "bundles": .array(bundles()),
        ]
    }

    private static func acceptedPaths() -> [FixtureValue] {
        let tiles: [(String, UInt64, UInt64, UInt64)] = [
            ("tile/0/000", 0, 0, 256), ("tile/0/000.p/1", 0, 0, 1), ("tile/0/000.p/255", 0, 0, 255),
            ("tile/0/999", 0, 999, 256), ("tile/0/x001/000", 0, 1000, 256), ("tile/0/x001/067.p/8", 0, 1067, 8),
            ("tile/1/x001/x234/067", 1, 1_234_067, 256), ("tile/63/000", 63, 0, 256),
            ("tile/0/x072/x057/x594/x037/x927/935", 0, 72_057_594_037_927_935, 256),
        ]
        let entries: [(String, UInt64, UInt64)] = [
            ("tile/entries/000", 0, 256), ("tile/entries/000.p/17", 0, 17),
            ("tile/entries/x001/x234/067", 1_234_067, 256),
        ]
        return tiles.map { path, level, index, width in
            FixtureCase.accepted(
                path, [("path", .string(path))],
                [("kind", "tile"), ("level", .number(level)), ("index", .number(index)), ("width", .number(width))])
        }
            + entries.map { path, index, width in
                FixtureCase.accepted(
                    path, [("path", .string(path))],
                    [("kind", "entries"), ("index", .number(index)), ("width", .number(width))])
            }
    }

    private static func refusedPaths() -> [FixtureValue] {
        [
            ("empty", ""), ("no index", "tile/0"), ("empty index", "tile/0/"), ("slash before", "/tile/0/000"),
            ("slash after", "tile/0/000/"), ("level with a leading zero", "tile/00/000"), ("level 64", "tile/64/000"),
            ("level with a sign", "tile/+1/000"), ("negative level", "tile/-1/000"), ("one digit", "tile/0/0"),
            ("two digits", "tile/0/00"), ("four digits", "tile/0/0000"), ("leading group of zeros", "tile/0/x000/001"),
            ("last group with x", "tile/0/x001"), ("first group without x", "tile/0/001/001"),
            ("x in capitals", "tile/0/X001/001"), ("group of two digits", "tile/0/x01/001"),
            ("width 0", "tile/0/000.p/0"),
            ("width 256", "tile/0/000.p/256"), ("width with a leading zero", "tile/0/000.p/08"),
            ("no width", "tile/0/000.p"),
            ("empty width", "tile/0/000.p/"), ("two widths", "tile/0/000.p/8/9"),
            ("width with a sign", "tile/0/000.p/+8"),
            ("partial group", "tile/0/x001.p/000"), ("digits beyond ASCII", "tile/0/\u{660}\u{660}\u{660}"),
            ("entries without an index", "tile/entries"), ("entries with a level", "tile/entries/0/000"),
            ("unknown kind", "tile/data/000"), ("percent encoding", "tile/0/%30%30%30"),
            ("outside every tree (our rule)", "tile/8/001"),
            ("index above 2^56 (our rule)", "tile/0/x072/x057/x594/x037/x927/936"),
        ].map { title, path in FixtureCase.refused(title, "resource-path", [("path", .string(path))]) }
    }

    private static func trees() -> [FixtureValue] {
        ([0, 1, 2, 3, 5, 255, 256, 257, 300, 512, 700] as [UInt64]).map { size in
            let tiles = TlogCast.tiles(size).sorted { $0.tile.coordinate < $1.tile.coordinate }
            return [
                "size": .number(size), "root": .string(TlogCast.frontier(size).root().hex),
                "tiles": .array(
                    tiles.map { tile, hashes in
                        .object(
                            [
                                ("path", .string(TileResource.tile(tile).path)),
                                ("sha256", .string(Hash.sha256(hashes).hex)),
                            ] + (size <= 5 ? [("hashes", .string(Hex.encode(hashes)))] : []))
                    }),
            ]
        }
    }

    private static func inclusion() throws -> [FixtureValue] {
        func input(_ index: UInt64, _ size: UInt64, _ leaf: Hash, _ path: [Hash], _ root: Hash) -> FixtureFields {
            [
                ("index", .number(index)), ("size", .number(size)), ("leafHash", .string(leaf.hex)),
                ("path", FixtureCase.strings(path.map(\.hex))), ("root", .string(root.hex)),
            ]
        }
        func parts(_ index: UInt64, _ size: UInt64) throws -> (Hash, [Hash], Hash) {
            (
                .leaf(TlogCast.entry(index)), try TlogCast.hashes(of: .inclusion(index: index, size: size), in: size),
                TlogCast.frontier(size).root()
            )
        }
        var cases: [FixtureValue] = []
        for (index, size) in [
            (0, 1), (0, 2), (1, 2), (2, 3), (4, 5), (3, 7), (6, 7), (0, 256), (255, 257), (256, 257), (299, 300),
        ]
            as [(UInt64, UInt64)]
        {
            let (leaf, path, root) = try parts(index, size)
            cases.append(FixtureCase.accepted("entry \(index) of \(size)", input(index, size, leaf, path, root)))
        }
        let (leaf, path, root) = try parts(3, 7)
        func refused(_ title: String, _ reason: String, _ fields: FixtureFields) {
            cases.append(FixtureCase.refused(title, reason, fields))
        }
        refused("index is the size", "index-out-of-range", input(7, 7, leaf, path, root))
        refused("empty tree", "index-out-of-range", input(0, 0, leaf, [], .emptyTree))
        refused("path empty", "wrong-path-length", input(3, 7, leaf, [], root))
        refused("path one short", "wrong-path-length", input(3, 7, leaf, Array(path.dropLast()), root))
        refused("path one long", "wrong-path-length", input(3, 7, leaf, path + [root], root))
        refused("path in the other order", "root-mismatch", input(3, 7, leaf, path.reversed(), root))
        refused("another index", "root-mismatch", input(2, 7, leaf, path, root))
        refused("another leaf", "root-mismatch", input(3, 7, .leaf([]), path, root))
        refused("another root", "root-mismatch", input(3, 7, leaf, path, .zero))
        refused(
            "node passed off as a leaf", "root-mismatch", input(1, 4, .node(leaf, path[0]), Array(path[1...]), root))
        return cases
    }

    private static func consistency() throws -> [FixtureValue] {
        func input(_ old: UInt64, _ new: UInt64, _ path: [Hash], oldRoot: Hash? = nil, newRoot: Hash? = nil)
            -> FixtureFields
        {
            [
                ("oldSize", .number(old)), ("newSize", .number(new)), ("path", FixtureCase.strings(path.map(\.hex))),
                ("oldRoot", .string((oldRoot ?? TlogCast.frontier(old).root()).hex)),
                ("newRoot", .string((newRoot ?? TlogCast.frontier(new).root()).hex)),
            ]
        }
        func path(_ old: UInt64, _ new: UInt64) throws -> [Hash] {
            try TlogCast.hashes(of: .consistency(from: old, to: new), in: new)
        }
        var cases: [FixtureValue] = []
        for (old, new) in [
            (0, 0), (0, 7), (1, 1), (1, 2), (2, 3), (3, 7), (4, 7), (6, 8), (7, 8), (255, 300), (256, 300), (257, 300),
        ]
            as [(UInt64, UInt64)]
        {
            cases.append(FixtureCase.accepted("from \(old) to \(new)", input(old, new, try path(old, new))))
        }
        let good = try path(3, 7)
        let whole = TlogCast.frontier(4).root()
        cases += [
            FixtureCase.refused("new below old", "sizes-out-of-order", input(7, 3, good)),
            FixtureCase.refused("path empty", "wrong-path-length", input(3, 7, [])),
            FixtureCase.refused("path one short", "wrong-path-length", input(3, 7, Array(good.dropLast()))),
            FixtureCase.refused("path one long", "wrong-path-length", input(3, 7, good + [.zero])),
            FixtureCase.refused("path for the empty tree", "wrong-path-length", input(0, 7, good)),
            FixtureCase.refused("path between equal sizes", "wrong-path-length", input(7, 7, good)),
            FixtureCase.refused(
                "old root sent although the old tree is perfect", "wrong-path-length",
                input(4, 7, [whole] + (try path(4, 7)))),
            FixtureCase.refused("another old root", "old-root-mismatch", input(3, 7, good, oldRoot: .zero)),
            FixtureCase.refused("another new root", "root-mismatch", input(3, 7, good, newRoot: .zero)),
            FixtureCase.refused("first hash changed", "old-root-mismatch", input(3, 7, [.zero] + good.dropFirst())),
            FixtureCase.refused("last hash changed", "root-mismatch", input(3, 7, good.dropLast() + [.zero])),
            FixtureCase.refused("equal sizes, different roots", "root-mismatch", input(7, 7, [], newRoot: .zero)),
            FixtureCase.refused("empty tree under another root", "old-root-mismatch", input(0, 7, [], oldRoot: .zero)),
        ]
        return cases
    }

    private static func bundles() -> [FixtureValue] {
        func input(_ bytes: [UInt8], _ width: UInt64) -> FixtureFields {
            [("bytes", .string(Hex.encode(bytes))), ("width", .number(width))]
        }
        let three: [[UInt8]] = [[1, 2, 3], [], Array("entry".utf8)]
        let bytes: [UInt8] = [0, 3, 1, 2, 3, 0, 0, 0, 5, 0x65, 0x6e, 0x74, 0x72, 0x79]
        return [
            FixtureCase.accepted(
                "three entries", input(bytes, 3), [("entries", FixtureCase.strings(three.map { Hex.encode($0) }))]),
            FixtureCase.accepted(
                "an entry of 256 bytes", input([1, 0] + [UInt8](repeating: 7, count: 256), 1),
                [("entries", [.string(Hex.encode([UInt8](repeating: 7, count: 256)))])]),
            FixtureCase.refused("fewer entries", "too-few-entries", input(bytes, 4)),
            FixtureCase.refused("more entries", "trailing-bytes", input(bytes, 2)),
            FixtureCase.refused("length cut off", "truncated-length", input(bytes + [0], 4)),
            FixtureCase.refused("entry cut off", "truncated-entry", input(Array(bytes.dropLast()), 3)),
            FixtureCase.refused("empty", "too-few-entries", input([], 1)),
            FixtureCase.refused("width 0", "bundle-width", input([], 0)),
            FixtureCase.refused("width 257", "bundle-width", input([], 257)),
        ]
    }
}
