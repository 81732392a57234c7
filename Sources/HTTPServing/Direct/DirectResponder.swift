package import NIOCore
package import NIOHTTP1

/// Serves some requests on the event loop of their connection, without a task for each.
package protocol DirectResponder: Sendable {
    /// How long the rest of a body that nobody wants is read.
    var patience: TimeAmount { get }

    /// Whether a request is served here, by its head; if not, it is another's: Hummingbird's responder has it.
    func serves(_ head: HTTPRequestHead) -> Bool

    /// What becomes of a request that is served here, by its head. Called on the connection's event loop.
    ///
    /// - Parameter peer: the other end of the connection; nil where it has no address of a host.
    func begin(_ head: HTTPRequestHead, from peer: ClientAddress?, on loop: any EventLoop) -> DirectDecision
}

/// What a ``DirectResponder`` says to the head of a request.
package enum DirectDecision {
    /// Its body is not wanted.
    case answer(DirectAnswer)
    /// Its body is wanted.
    case receive(any DirectExchange)
}

/// A request whose body is wanted. It is called on the event loop of its connection.
package protocol DirectExchange: AnyObject {
    /// Takes the next part of the body.
    ///
    /// - Returns: the answer, where the rest of the body is not wanted; the exchange is over then.
    func receive(_ part: ByteBuffer) -> DirectAnswer?

    /// The body is whole.
    ///
    /// - Parameter answer: to be called once, on the event loop, at once or later.
    func end(_ answer: @escaping (DirectAnswer) -> Void)

    /// The client went away, or broke HTTP, before the body was whole: the exchange is over.
    func abandon()
}
