internal import HTTPTypes
internal import Hummingbird
internal import LogClient
internal import Monitor
internal import NIOCore
internal import Tlog

/// Answers with the files of one log, at the root and below `/<origin hash>`, as c2sp.org/tlog-mirror has it.
struct MirrorResponder: HTTPResponder {
    let files: DirectoryFiles
    let status: MirrorStatus

    init(directory: String, status: MirrorStatus) {
        files = DirectoryFiles(directory)
        self.status = status
    }

    func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
        guard request.method == .get || request.method == .head else {
            var response = Self.text(.methodNotAllowed, "use GET or HEAD here\n")
            response.headers[.allow] = "GET, HEAD"
            return response
        }
        var response = answer(String(request.uri.path.dropFirst()), ifNoneMatch: request.headers[.ifNoneMatch])
        // Pages of any origin may read.
        response.headers[.accessControlAllowOrigin] = "*"
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func answer(_ path: String, ifNoneMatch: String?) -> Response {
        let values = status.now
        switch path {
        case "healthz":
            if let why = values.stopped { return Self.text(.serviceUnavailable, "stopped: \(why)\n") }
            return Self.text(.ok, "alive\n")
        case "metrics":
            return Self.response(
                .ok, Array(status.metrics.utf8), "text/plain; version=0.0.4; charset=utf-8", "no-store")
        default:
            guard let checkpoint = values.checkpoint else {
                return Self.text(.serviceUnavailable, "nothing is mirrored yet\n")
            }
            let prefix = Hash.sha256(Array(checkpoint.checkpoint.origin.text.utf8)).hex + "/"
            let name = path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path
            return file(name, of: checkpoint, ifNoneMatch)
        }
    }

    private func file(_ name: String, of checkpoint: SignedCheckpoint, _ ifNoneMatch: String?) -> Response {
        if name == "checkpoint" {
            // "This endpoint is mutable, so its headers SHOULD prevent caching beyond a few seconds."
            return Self.response(.ok, checkpoint.bytes, Self.plainText, "no-cache")
        }
        guard let resource = TileResource(path: name), Self.isPart(resource, of: checkpoint.checkpoint.size) else {
            return Self.text(.notFound, "the tree of \(checkpoint.checkpoint.size) entries has no such file\n")
        }
        // What a path names never changes, so the path is the version.
        let tag = "\"\(name)\""
        var response: Response
        if ifNoneMatch == tag {
            response = Response(status: .notModified)
            response.headers[.cacheControl] = Self.immutable
        } else {
            guard let content = content(resource) else {
                return Self.text(.serviceUnavailable, "this file can't be read now\n")
            }
            response = Self.response(.ok, content, "application/octet-stream", Self.immutable)
        }
        response.headers[.eTag] = tag
        return response
    }

    private static func isPart(_ resource: TileResource, of size: UInt64) -> Bool {
        let (coordinate, width) =
            switch resource {
            case .tile(let tile): (Optional(tile.coordinate), tile.width)
            case .entries(let index, let width): (TileCoordinate(level: 0, index: index), width)
            }
        return coordinate.flatMap { Tile(at: $0, treeSize: size) }.map { width <= $0.width } ?? false
    }

    /// The file, or the beginning of a wider one.
    private func content(_ resource: TileResource) -> [UInt8]? {
        if let content = try? files.read(resource.path) { return content }
        let checkpoint = status.now.checkpoint
        for wider in Self.wider(resource, size: checkpoint?.checkpoint.size ?? 0) {
            guard let content = try? files.read(wider.path) else { continue }
            switch (resource, wider) {
            case (.tile(let tile), _): return Array(content.prefix(tile.byteCount))
            case (.entries(_, let width), .entries(_, let found)):
                guard let bundle = try? EntryBundle(parsing: content, width: found) else { continue }
                return EntryBundle.encode(entries: Array(bundle.entries.prefix(width)))
            default: continue
            }
        }
        return nil
    }

    /// The resources that begin with this one and are in the tree: the full one, or the tree's own partial one.
    private static func wider(_ resource: TileResource, size: UInt64) -> [TileResource] {
        let own: TileResource?
        switch resource {
        case .tile(let tile): own = Tile(at: tile.coordinate, treeSize: size).map { .tile($0) }
        case .entries(let index, _):
            own = TileCoordinate(level: 0, index: index).flatMap { Tile(at: $0, treeSize: size) }
                .map { .entries(index: index, width: $0.width) }
        }
        return [resource.widened, own].compactMap { $0 }
    }

    private static let plainText = "text/plain; charset=utf-8"
    /// "This endpoint is immutable, so its caching headers SHOULD be long-lived."
    private static let immutable = "public, max-age=31536000, immutable"

    private static func text(_ status: HTTPResponse.Status, _ text: String) -> Response {
        response(status, Array(text.utf8), plainText, "no-store")
    }

    private static func response(
        _ status: HTTPResponse.Status, _ body: [UInt8], _ type: String, _ cache: String
    ) -> Response {
        Response(
            status: status, headers: [.contentType: type, .cacheControl: cache],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }
}
