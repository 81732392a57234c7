internal import HTTPServing
internal import HTTPTypes
internal import LogEngine
internal import NIOCore
internal import NIOHTTP1
internal import Tlog

/// `GET /tile/…` of hashes, served on the event loops of the connections: what readers ask for most is a short answer from
/// memory. Conditional requests, entry bundles and all else that can be asked of a tile go the way of the other reads.
struct TileService: DirectResponder {
    let responder: LogResponder

    /// No body is taken.
    var patience: TimeAmount { TimeAmount(responder.options.bodyTimeout) }

    func serves(_ head: HTTPRequestHead) -> Bool {
        guard head.method == .GET, head.version == .http1_1, Self.resource(head.uri) != nil else { return false }
        return !Self.otherFields.contains { head.headers.contains(name: $0) }
    }

    /// With one of these a request is more than a name.
    private static let otherFields = ["If-None-Match", "Content-Length", "Transfer-Encoding", "Expect"]

    private static func resource(_ uri: String) -> (path: String, TileResource)? {
        guard uri.hasPrefix("/tile/") else { return nil }
        let path = String(uri.dropFirst())
        guard let resource = TileResource(path: path), case .tile = resource else { return nil }
        return (path, resource)
    }

    func begin(_ head: HTTPRequestHead, from peer: ClientAddress?, on loop: any EventLoop) -> DirectDecision {
        .receive(TileExchange(self, head, from: peer))
    }

    fileprivate func answer(_ head: HTTPRequestHead, from peer: ClientAddress?, at arrival: UInt64) -> DirectAnswer {
        var answer: DirectAnswer
        do {
            answer = try tile(head, from: peer, at: arrival)
        } catch {
            let accept = Accept(head.headers.joined("Accept"))
            answer = responder.problem(error, .tile).answer(accept: accept, isJSON: Route.tile.isJSON)
        }
        answer.fields.append(("Access-Control-Allow-Origin", "*"))
        answer.fields.append(("Access-Control-Expose-Headers", LogResponder.exposedFields))
        responder.record(.tile, .get, status: answer.status, since: arrival)
        return answer
    }

    private func tile(
        _ head: HTTPRequestHead, from peer: ClientAddress?, at arrival: UInt64
    ) throws -> DirectAnswer {
        try LogResponder.checkHost(fields: head.headers["Host"].count)
        let client = responder.identification.address(
            connection: peer, forwardedFor: head.headers.joined("X-Forwarded-For"))
        try responder.charge(responder.reads, to: client, at: arrival)
        try responder.takeRequest()
        defer { responder.requests.giveBack(1) }
        guard responder.log.latest != nil else { throw LogResponder.notPublished }
        guard let (path, resource) = Self.resource(head.uri), let content = try responder.content(of: resource) else {
            throw Problem(.internal, "The server failed to find what it has found before. Try again later.")
        }
        return DirectAnswer(
            .ok,
            [
                ("Content-Type", MediaType.octets.text), ("Cache-Control", CachePolicy.immutable.rawValue),
                ("ETag", responder.tag(of: path)),
            ], content)
    }
}

/// One request for a tile. It has no body.
private final class TileExchange: DirectExchange {
    private let service: TileService
    private let head: HTTPRequestHead
    private let peer: ClientAddress?
    private let arrival = NIODeadline.now().uptimeNanoseconds

    init(_ service: TileService, _ head: HTTPRequestHead, from peer: ClientAddress?) {
        (self.service, self.head, self.peer) = (service, head, peer)
    }

    func receive(_ part: ByteBuffer) -> DirectAnswer? { nil }

    func end(_ answer: @escaping (DirectAnswer) -> Void) {
        answer(service.answer(head, from: peer, at: arrival))
    }

    func abandon() {}
}
