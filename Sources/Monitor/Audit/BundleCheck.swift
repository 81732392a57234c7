import Governance
import LogClient
import Tlog

/// One bundle of entries and its tile of leaf hashes, held against what the tree demands, and against each other where
/// one of them is damaged.
struct BundleCheck: Sendable {
    /// What is made of the entries, beside being held against the tree.
    enum Depth: Sendable {
        case hashes
        /// They are read, and their signatures verified with these keys; nil to verify none.
        case statements(keys: KeyDirectory?)
    }

    let index: UInt64
    /// The entries, if all of them are what they must be, by now.
    private(set) var entries: [[UInt8]]?
    /// The same, if their statements were to be read.
    private(set) var verified: [VerifiedEntry]?
    private(set) var leafHashes: [Hash] = []
    private(set) var damage: [AuditDamage] = []
    /// What must be written to repair it.
    private(set) var repairs: [AuditRepair] = []

    private let tile: Tile
    private let bundlePath: String

    /// - Parameter mirror: where what is damaged is looked for.
    init(
        _ index: UInt64, of truth: TileTruth, in files: any LogFiles, mirror: (any LogFiles)?, depth: Depth = .hashes
    ) async throws {
        self.index = index
        let width = TreeTop.width(ofBundle: index, size: truth.head.size)
        guard let coordinate = TileCoordinate(level: 0, index: index),
            let tile = Tile(coordinate: coordinate, width: width)
        else { preconditionFailure("bundle \(index) of a tree of \(truth.head.size) entries") }
        self.tile = tile
        bundlePath = TileResource.entries(index: index, width: width).path
        let stored = try await TileTruth.read(tile, from: files)
        let found = try await files.entries(ofBundle: index, width: width)
        let hashes = found.map { Hash.leaves($0[...]) }
        let computed = hashes.map { Self.content($0) }
        let mirrored = MirroredBundle(tile: tile, mirror: mirror)
        guard let right = try await right(truth, stored, computed, mirrored) else {
            report(stored, found)
            return
        }
        let isPartOfEdge = truth.tiles[coordinate] != nil
        // A damaged tile of the right edge is in the truth's own list.
        if stored != right, !isPartOfEdge {
            let repair = AuditRepair.resource(.tile(tile), right)
            add(AuditDamage(.tile(tile), expected: right, found: stored), mirror == nil ? nil : repair)
        }
        if computed == right, let hashes {
            entries = found
            leafHashes = hashes
        } else {
            leafHashes = (0..<width).compactMap { right.hash(at: $0) }
            try await compare(found, mirrored)
        }
        if case .statements(let keys) = depth, let entries {
            verified = VerifiedEntry.all(entries[...], leafHashes: leafHashes, keys: keys)
        }
    }

    /// The tile of these hashes.
    private static func content(_ hashes: [Hash]) -> [UInt8] {
        var content: [UInt8] = []
        content.reserveCapacity(hashes.count * Hash.byteCount)
        for hash in hashes { hash.append(to: &content) }
        return content
    }

    /// The leaf hashes as the root demands them, from whoever has them.
    private func right(
        _ truth: TileTruth, _ stored: [UInt8]?, _ computed: [UInt8]?, _ mirrored: MirroredBundle
    ) async throws -> [UInt8]? {
        if let proved = truth.tiles[tile.coordinate] { return proved }
        var voices = TileVoices(width: tile.width)
        for isMirrorAsked in [false, true] {
            if isMirrorAsked {
                guard let mirror = try await mirrored.leafTile() else { return nil }
                voices.add(mirror)
            } else {
                voices.add(stored)
                voices.add(computed)
            }
            let contents = voices.contents(limit: TileTruth.combinations)
            if let right = contents.first(where: { truth.isTrue($0, tile) == true }) { return right }
        }
        return nil
    }

    /// Neither the tile nor the entries are right, so which entry is not can't be told.
    private mutating func report(_ stored: [UInt8]?, _ found: [[UInt8]]?) {
        add(AuditDamage(.tile(tile), expected: nil, found: stored), nil)
        let hash = found.map { entries in entries.reduce(into: Frontier()) { $0.append(.leaf($1)) }.root().hex }
        add(AuditDamage(.bundle, bundlePath, expected: nil, found: hash), nil)
    }

    private mutating func compare(_ found: [[UInt8]]?, _ mirrored: MirroredBundle) async throws {
        let first = index * UInt64(EntryBundle.fullWidth)
        var replaced = found ?? []
        let mirror = try await mirrored.entries()
        var isWhole = true
        if found == nil { replaced = .init(repeating: [], count: leafHashes.count) }
        var wrong: [AuditDamage] = []
        for (offset, expected) in leafHashes.enumerated() where found == nil || Hash.leaf(replaced[offset]) != expected
        {
            let hash = found.map { _ in Hash.leaf(replaced[offset]).hex }
            wrong.append(
                AuditDamage(.entry, bundlePath, index: first + UInt64(offset), expected: expected.hex, found: hash))
            if let other = mirror?[offset], Hash.leaf(other) == expected {
                replaced[offset] = other
            } else {
                isWhole = false
            }
        }
        if found == nil {
            wrong = [AuditDamage(.bundle, bundlePath, expected: "\(leafHashes.count) entries", found: nil)]
        }
        let repair: AuditRepair? = isWhole ? .entries(bundle: index, replaced) : nil
        for damage in wrong { add(damage, nil) }
        if let repair {
            repairs.append(repair)
            entries = replaced
        }
    }

    private mutating func add(_ found: AuditDamage, _ repair: AuditRepair?) {
        damage.append(found)
        if let repair { repairs.append(repair) }
    }

    /// Marks everything as repaired for which a repair was written.
    mutating func markRepaired() {
        for position in damage.indices {
            switch damage[position].kind {
            case .tile:
                damage[position].isRepaired = repairs.contains { if case .resource = $0 { true } else { false } }
            case .entry, .bundle:
                damage[position].isRepaired = repairs.contains { if case .entries = $0 { true } else { false } }
            default: break
            }
        }
    }
}

/// A bundle and its leaf hashes as a mirror has them, read when they are needed. Nothing of it is believed as such.
private struct MirroredBundle {
    let tile: Tile
    let mirror: (any LogFiles)?

    func entries() async throws -> [[UInt8]]? {
        guard let entries = try await mirror?.entries(ofBundle: tile.index, width: tile.width),
            entries.count == tile.width
        else { return nil }
        return entries
    }

    /// From the entries, so that tile and entries can't come apart.
    func leafTile() async throws -> [UInt8]? { try await entries()?.flatMap { Hash.leaf($0).bytes } }
}

/// Something that is to be written in the place of what is damaged: it has the hash that the root demands.
enum AuditRepair: Sendable {
    case resource(TileResource, [UInt8])
    case entries(bundle: UInt64, [[UInt8]])
}
