internal import HTTPServing
internal import NIOCore
internal import NIOHTTP1

/// What the log serves on the event loops of its connections: submissions, and tiles.
struct DirectRoutes: DirectResponder {
    private let registration: RegistrationService
    private let tiles: TileService

    init(_ responder: LogResponder) {
        (registration, tiles) = (RegistrationService(responder), TileService(responder: responder))
    }

    var patience: TimeAmount { registration.patience }

    func serves(_ head: HTTPRequestHead) -> Bool { registration.serves(head) || tiles.serves(head) }

    func begin(_ head: HTTPRequestHead, from peer: ClientAddress?, on loop: any EventLoop) -> DirectDecision {
        head.method == .POST
            ? registration.begin(head, from: peer, on: loop) : tiles.begin(head, from: peer, on: loop)
    }
}
