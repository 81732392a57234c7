public import Tlog

/// Where the files of a log come from that is kept in the form of c2sp.org/tlog-tiles: its server, a mirror, a
/// directory. Nothing that is read from it is verified.
public protocol LogFiles: Sendable {
    /// The content of a file below the log's prefix: `checkpoint`, `tile/0/x001/067`, `tile/entries/000.p/8`.
    ///
    /// - Returns: nil if there is no such file.
    /// - Throws: if it can't be read, which says nothing about the log.
    func read(_ path: String) async throws -> [UInt8]?
}

extension LogFiles {
    /// The content of a tile or of an entry bundle, or, where it is partial and gone, of the full one in its place.
    ///
    /// tlog-tiles: "Clients […] MAY fetch the full tile in parallel as a fallback in case the partial tile is not
    /// available anymore."
    public func content(of resource: TileResource) async throws -> (resource: TileResource, content: [UInt8])? {
        if let content = try await read(resource.path) { return (resource, content) }
        guard let full = resource.widened, let content = try await read(full.path) else { return nil }
        return (full, content)
    }
}

extension TileResource {
    /// The full resource that begins with this partial one; nil for one that is full.
    public var widened: TileResource? {
        switch self {
        case .tile(let tile):
            tile.isFull ? nil : Tile(coordinate: tile.coordinate, width: Tile.fullWidth).map { .tile($0) }
        case .entries(let index, let width):
            width == EntryBundle.fullWidth ? nil : .entries(index: index, width: EntryBundle.fullWidth)
        }
    }
}

extension LogClient: LogFiles {
    /// A file as the log's server has it, not verified: ``LogView`` verifies single entries, a mirror all of them.
    public func read(_ path: String) async throws -> [UInt8]? {
        try await find(.get(path, maximumAnswerBytes: Self.limit(path)))?.body
    }

    private static func limit(_ path: String) -> Int {
        switch TileResource(path: path) {
        case .tile: Limits.tile
        case .entries: Limits.bundle
        case nil: Limits.checkpoint
        }
    }
}
