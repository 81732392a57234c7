internal import HTTPServing
internal import HTTPTypes
internal import Hummingbird
internal import LogEngine
internal import LogStore
internal import NIOCore
internal import Tlog

/// What c2sp.org/tlog-tiles reads: the checkpoint, tiles and entry bundles.
extension LogResponder {
    /// tlog-tiles: "The Signed Tree Head MUST be served as a checkpoint […] with Content-Type: text/plain; charset=utf-8.
    /// This endpoint is mutable, so its headers SHOULD prevent caching beyond a few seconds."
    func checkpoint() throws(Problem) -> Response {
        guard let head = log.latest else { throw Self.notPublished }
        return Response(.ok, .plainText, .revalidate, head.checkpoint.bytes)
    }

    /// A tile or an entry bundle, full or partial, as the published tree has it.
    ///
    /// - Parameter path: such as `tile/0/x001/067.p/8`.
    func tile(_ path: String, _ incoming: IncomingRequest) throws -> Response {
        guard let resource = TileResource(path: path) else {
            throw Problem(.notFound, "\(path) is not the path of a tile or an entry bundle (c2sp.org/tlog-tiles).")
        }
        let tag = tag(of: path)
        let content = try content(of: resource, unless: incoming.hasCopy(tag))
        var response: Response
        if let content {
            response = Response(.ok, .octets, .immutable, content)
        } else {
            response = Response(status: .notModified)
            response.headers[.cacheControl] = CachePolicy.immutable.rawValue
        }
        response.headers[.eTag] = tag
        return response
    }

    /// What a path names never changes, so the path is the version.
    func tag(of path: String) -> String { "\"\(facts.cacheTag)/\(path)\"" }

    /// What a published resource has.
    ///
    /// - Parameter isKnown: whether the client has it; then nothing is read.
    /// - Returns: nil where the client has it.
    func content(of resource: TileResource, unless isKnown: Bool = false) throws -> [UInt8]? {
        try log.read { snapshot, head in
            try Self.checkPublished(resource, size: head.size)
            return isKnown ? nil : try Self.content(of: resource, in: snapshot)
        }
    }

    /// What is committed and not yet published is not there yet.
    private static func checkPublished(_ resource: TileResource, size: UInt64) throws(Problem) {
        let isPublished: Bool
        switch resource {
        case .tile(let tile):
            isPublished = Tile(at: tile.coordinate, treeSize: size).map { tile.width <= $0.width } ?? false
        case .entries(let index, let width):
            // The bundle of an index has the entries of the tile of level 0.
            let tile = TileCoordinate(level: 0, index: index).flatMap { Tile(at: $0, treeSize: size) }
            isPublished = tile.map { width <= $0.width } ?? false
        }
        guard isPublished else {
            throw Problem(.notFound, "The tree of the published checkpoint, of size \(size), has no \(resource.path).")
        }
    }

    private static func content(of resource: TileResource, in snapshot: any LogSnapshot) throws -> [UInt8] {
        switch resource {
        case .tile(let tile):
            return try snapshot.content(of: tile)
        case .entries(let index, let width):
            let first = index * UInt64(EntryBundle.fullWidth)
            return EntryBundle.encode(entries: try snapshot.entries(first..<first + UInt64(width)))
        }
    }
}

extension IncomingRequest {
    /// RFC 9110 section 13.1.2: whether the client has this version already.
    func hasCopy(_ tag: String) -> Bool {
        guard let field = request.headers[.ifNoneMatch] else { return false }
        return field.utf8[...].split(separator: UInt8(ascii: ",")).contains { candidate in
            var candidate = candidate.trimmed
            // "A recipient MUST use the weak comparison function when comparing entity tags for If-None-Match".
            if candidate.starts(with: "W/".utf8) { candidate = candidate.dropFirst(2) }
            return candidate.elementsEqual("*".utf8) || candidate.elementsEqual(tag.utf8)
        }
    }
}
