import LogClient
import Tlog

/// The tiles of a tree above its leaves, and its right edge, as the root demands them, whatever state the stored ones
/// are in.
///
/// From the root down each tile must have the hash that the proved tile above it names. A stored one that has not is
/// damaged; then what it must be is looked for: computed from the tiles below it, or from the entries themselves, or as
/// a mirror has it. Whatever has the hash that is demanded is right, wherever it came from.
struct TileTruth: Sendable {
    let head: TreeHead
    /// What was proved.
    private(set) var tiles: [TileCoordinate: [UInt8]] = [:]
    /// Tiles that are not what they must be, with what they must be where that was found.
    private(set) var damaged: [(tile: Tile, found: [UInt8]?)] = []
    private let sources: Sources

    private struct Sources {
        let files: any LogFiles
        let mirror: (any LogFiles)?
    }

    /// Nil if no tiles were found that make the root.
    init?(head: TreeHead, files: any LogFiles, mirror: (any LogFiles)?) async throws {
        self.head = head
        sources = Sources(files: files, mirror: mirror)
        guard try await proveEdge() else { return nil }
        let full = Tile.tiles(forTreeSize: head.size).filter { $0.level > 0 && $0.isFull }
        for tile in full.sorted(by: { $0.coordinate > $1.coordinate }) { try await prove(tile) }
    }

    /// The hash that a full tile must have, from the one above it; nil if that was not proved.
    func expectedRoot(of coordinate: TileCoordinate) -> Hash? {
        TileCoordinate(level: coordinate.level + 1, index: coordinate.index / 256).flatMap { tiles[$0] }?
            .hash(at: Int(coordinate.index % 256))
    }

    /// Whether this is the content of a tile of this tree; nil if it can't be told.
    func isTrue(_ content: [UInt8], _ tile: Tile) -> Bool? {
        if let proved = tiles[tile.coordinate] { return proved == content }
        return expectedRoot(of: tile.coordinate).map { content.count == tile.byteCount && content.rootOfTile == $0 }
    }

    // MARK: Proving

    /// All partial tiles together make the root. One that is damaged can't be told from the root alone, so what they may
    /// be is tried in every combination; there are few.
    private mutating func proveEdge() async throws -> Bool {
        let edge = ProofPlan.root(size: head.size).tiles
        var stored: [TileCoordinate: [UInt8]] = [:]
        for tile in edge { stored[tile.coordinate] = try await Self.read(tile, from: sources.files) }
        if makesRoot(stored) {
            tiles = stored
            return true
        }
        for isDeep in [false, true] {
            var combinations: [[TileCoordinate: [UInt8]]] = [[:]]
            for tile in edge {
                let found = try await contents(of: tile, stored: stored[tile.coordinate], isDeep: isDeep)
                let room = max(1, Self.combinations / max(1, combinations.count))
                combinations = found.prefix(room).flatMap { content in
                    combinations.map { $0.merging([tile.coordinate: content]) { _, new in new } }
                }
            }
            guard let right = combinations.first(where: makesRoot) else { continue }
            tiles = right
            damaged = edge.filter { stored[$0.coordinate] != right[$0.coordinate] }.map { ($0, stored[$0.coordinate]) }
            return true
        }
        return false
    }

    private func makesRoot(_ candidate: [TileCoordinate: [UInt8]]) -> Bool {
        (try? ProofPlan.root(size: head.size).hashes(in: candidate).first) == head.root
    }

    private mutating func prove(_ tile: Tile) async throws {
        guard tiles[tile.coordinate] == nil else { return }
        let stored = try await Self.read(tile, from: sources.files)
        guard let expected = expectedRoot(of: tile.coordinate) else { return damaged.append((tile, stored)) }
        if let stored, stored.rootOfTile == expected {
            tiles[tile.coordinate] = stored
            return
        }
        damaged.append((tile, stored))
        for isDeep in [false, true] where tiles[tile.coordinate] == nil {
            tiles[tile.coordinate] = try await contents(of: tile, stored: stored, isDeep: isDeep)
                .first { $0.rootOfTile == expected }
        }
    }

    // MARK: What a tile may be

    /// Contents that are tried for one tile, or for all of the right edge together.
    static let combinations = 1024

    /// - Parameter isDeep: whether the entries are asked as well: above level 1 these are very many.
    private func contents(of tile: Tile, stored: [UInt8]?, isDeep: Bool) async throws -> [[UInt8]] {
        var voices = TileVoices(width: tile.width)
        voices.add(stored)
        voices.add(try await below(tile, isDeep: false))
        if isDeep, tile.level > 0 { voices.add(try await below(tile, isDeep: true)) }
        if let mirror = sources.mirror { voices.add(try await Self.read(tile, from: mirror)) }
        return voices.contents(limit: Self.combinations)
    }

    /// The hashes as the tiles below have them, or (`isDeep`) as the entries have them; nil for those that can't be had.
    private func below(_ tile: Tile, isDeep: Bool) async throws -> [Hash?] {
        guard tile.level > 0 else {
            let entries = try await sources.files.entries(ofBundle: tile.index, width: tile.width)
            return entries?.map { .leaf($0) } ?? .init(repeating: nil, count: tile.width)
        }
        var hashes: [Hash?] = []
        for position in 0..<tile.width {
            guard
                let coordinate = TileCoordinate(level: tile.level - 1, index: tile.index * 256 + UInt64(position)),
                let child = Tile(coordinate: coordinate, width: Tile.fullWidth)
            else { return [] }
            if !isDeep, let stored = try await Self.read(child, from: sources.files) {
                hashes.append(stored.rootOfTile)
            } else {
                let content = try await below(child, isDeep: isDeep).compactMap(\.self)
                hashes.append(content.count == child.width ? content.flatMap(\.bytes).rootOfTile : nil)
            }
        }
        return hashes
    }

    /// A tile's content as a source has it; nil if there is none of the right length.
    static func read(_ tile: Tile, from files: any LogFiles) async throws -> [UInt8]? {
        guard let (found, content) = try await files.content(of: .tile(tile)),
            content.count == (found == .tile(tile) ? tile.byteCount : Tile.fullWidth * Hash.byteCount)
        else { return nil }
        return Array(content.prefix(tile.byteCount))
    }
}

extension LogFiles {
    /// The entries of a bundle; nil where there is no file, or one that is no bundle of so many.
    func entries(ofBundle index: UInt64, width: Int) async throws -> [[UInt8]]? {
        guard let (found, content) = try await content(of: .entries(index: index, width: width)),
            case .entries(_, let stored) = found,
            let bundle = try? EntryBundle(parsing: content, width: stored)
        else { return nil }
        return Array(bundle.entries.prefix(width))
    }
}
