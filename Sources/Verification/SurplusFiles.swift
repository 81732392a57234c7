import Tlog

/// What else is among a log's files: leftovers of other sizes, and what is no part of the log at all.
///
/// A tile or bundle of another width than the tree has is held to what both have, because a server hands it out as part
/// of the same log; whatever is beyond the tree is named, for nothing says what it should be.
struct SurplusFiles<Source: TileSource> {
    private let source: Source
    private let head: TreeHead
    /// How many are no part of the tree, and the first names in order.
    private var count: UInt64 = 0
    private var names: [String] = []
    /// How many narrower ones agree, and the first file that does not.
    private var narrower: UInt64 = 0
    private var difference: CheckFailure?

    /// Names that are shown at the most.
    private static var shown: Int { 8 }

    private init(source: Source, head: TreeHead) {
        self.source = source
        self.head = head
    }

    /// Looks at every name, and says what there is beside the tree; nothing if there is nothing.
    ///
    /// - Parameter head: what it demands is there, and is right.
    static func look(in source: Source, beside head: TreeHead, _ list: inout CheckList) throws {
        var files = SurplusFiles(source: source, head: head)
        try source.forEachName { try files.look(at: $0) }
        let narrower = CheckValue("narrower", files.narrower)
        if let difference = files.difference {
            list.fail(.surplus, difference.code, difference.sentence)
        } else if files.count > 0 {
            list.note(.surplus, files.sentence, narrower, CheckValue("files", files.count))
        } else if files.narrower > 0 {
            list.pass(.surplus, narrower)
        }
    }

    private var sentence: String {
        let first = names.sorted().prefix(Self.shown)
        let more = count - UInt64(first.count)
        return "no part of this tree: \(first.joined(separator: ", "))" + (more > 0 ? " and \(more) more" : "")
    }

    private mutating func look(at name: String) throws {
        guard let resource = TileResource(path: name), let width = demandedWidth(of: resource) else {
            return add(name)
        }
        guard resource.width != width else { return }
        let common = min(width, resource.width)
        switch try agrees(resource, width, common) {
        case nil: return
        case false?:
            difference =
                difference
                ?? CheckFailure(
                    "surplus-mismatch", "\(name) does not have what this tree has in its first \(common) places")
        case true?:
            if resource.width < width {
                narrower += 1
            } else if try !standsIn(resource, for: width) {
                add(name)
            }
        }
    }

    /// Whether it is read in the place of the one that the tree demands, which is not there.
    private func standsIn(_ resource: TileResource, for width: Int) throws -> Bool {
        guard resource.width == Tile.fullWidth else { return false }
        let demanded: TileResource? =
            switch resource {
            case .tile(let tile): Tile(coordinate: tile.coordinate, width: width).map { .tile($0) }
            case .entries(let index, _): .entries(index: index, width: width)
            }
        return try demanded.flatMap { try source.read($0.path) } == nil
    }

    private mutating func add(_ name: String) {
        count += 1
        names.append(name)
        // The first of all in order, whatever the order in which they come.
        if names.count > 4 * Self.shown { names = Array(names.sorted().prefix(Self.shown)) }
    }

    private func demandedWidth(of resource: TileResource) -> Int? {
        switch resource {
        case .tile(let tile): Tile(at: tile.coordinate, treeSize: head.size)?.width
        case .entries(let index, _):
            TileCoordinate(level: 0, index: index).flatMap { Tile(at: $0, treeSize: head.size)?.width }
        }
    }

    /// Whether the first `common` places of a file are those of the one that the tree demands; nil if it has just gone.
    private func agrees(_ resource: TileResource, _ width: Int, _ common: Int) throws -> Bool? {
        guard let content = try source.read(resource.path) else { return nil }
        switch resource {
        case .tile(let tile):
            guard let demanded = Tile(coordinate: tile.coordinate, width: width) else { return nil }
            guard content.count == tile.byteCount, let (_, truth) = try source.tile(demanded) else { return false }
            return content.prefix(common * Hash.byteCount) == truth.prefix(common * Hash.byteCount)
        case .entries(let index, let found):
            guard let bundle = try? EntryBundle(parsing: content, width: found) else { return false }
            do throws(BundleFault) {
                return bundle.entries.prefix(common) == (try source.bundle(index, width: width)).prefix(common)
            } catch {
                if case .source(let cause) = error { throw cause }
                return false
            }
        }
    }
}

extension TileResource {
    /// Hashes or entries in it.
    fileprivate var width: Int {
        switch self {
        case .tile(let tile): tile.width
        case .entries(_, let width): width
        }
    }
}
