internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1

/// Serves the requests that a ``DirectResponder`` takes where they arrive; all others pass through to Hummingbird.
///
/// It stands behind NIO's `HTTPServerPipelineHandler`, which lets one request through at a time, holds back those that
/// come before it is answered, stops reading meanwhile, and on a graceful shutdown closes the connection behind the
/// answer that is due. So answers come in the order of the requests, whoever makes them.
final class DirectHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        /// Between two requests, or inside one that is passed on.
        case passing
        case receiving(any DirectExchange)
        /// The body is whole, the answer is not there yet.
        case answering
        /// The answer is written; the rest of the body is read and dropped.
        case dropping
        /// The connection ends; nothing that comes is looked at.
        case ended
    }

    private let responder: any DirectResponder
    private var state = State.passing
    /// Of the request that is served here.
    private var keepsConnection = true
    private var unwanted = UnwantedBody.none

    private var peer: ClientAddress??
    private var date = DateField()
    /// Closes the connection of a client whose unwanted body does not come to an end.
    private var patience: Scheduled<Void>?
    /// The client has closed its side while a request of it was served here.
    private var inputHasClosed = false

    init(_ responder: any DirectResponder) {
        self.responder = responder
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        switch (state, part) {
        case (.passing, .head(let head)): begin(head, context)
        case (.passing, _): context.fireChannelRead(data)
        case (.receiving(let exchange), .body(let bytes)):
            if let answer = exchange.receive(bytes) { send(answer, context) }
        case (.receiving(let exchange), .end): end(exchange, context)
        case (.dropping, .end):
            state = .passing
            patience?.cancel()
            patience = nil
            passOnInputClosed(context)
        case (.dropping, .body), (.ended, _): break
        case (.receiving, .head), (.answering, _), (.dropping, .head):
            // The handler before this one and the decoder let none of these through.
            context.close(promise: nil)
        }
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let peer = peer ?? ClientAddress(context.channel.remoteAddress)
        self.peer = .some(peer)
        let decision = responder.begin(head, from: peer, on: context.eventLoop)
        if case .pass = decision { return context.fireChannelRead(wrapInboundOut(.head(head))) }
        // A client of HTTP/1.0 may not know what keeps a connection.
        keepsConnection = head.isKeepAlive && head.version == .http1_1
        unwanted = UnwantedBody(
            contentLength: head.headers.first(name: "Content-Length"),
            isChunked: head.headers.contains(name: "Transfer-Encoding"))
        switch decision {
        case .pass: break
        case .answer(let answer): send(answer, context)
        case .receive(let exchange):
            state = .receiving(exchange)
            // RFC 9110 section 10.1.1: "A server that receives a 100-continue expectation in an HTTP/1.0 request MUST
            // ignore that expectation."
            if head.version == .http1_1, head.headers.first(name: "Expect")?.lowercased() == "100-continue" {
                context.writeAndFlush(
                    wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
            }
        }
    }

    private func end(_ exchange: any DirectExchange, _ context: ChannelHandlerContext) {
        state = .answering
        unwanted = .none
        exchange.end { answer in
            // The connection may have gone in the meantime.
            if case .answering = self.state { self.send(answer, context) }
        }
    }

    // MARK: Answers

    private func send(_ answer: DirectAnswer, _ context: ChannelHandlerContext) {
        let isWhole = if case .answering = state { true } else { false }
        let ends = answer.endsConnection || !keepsConnection || unwanted == .cutOff
        var headers = HTTPHeaders(answer.fields.map { ($0.name, $0.value) })
        headers.add(name: "Content-Length", value: String(answer.body.count))
        headers.add(name: "Date", value: date.now())
        if ends { headers.add(name: "Connection", value: "close") }
        let status = HTTPResponseStatus(statusCode: answer.status.code, reasonPhrase: answer.status.reasonPhrase)
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        let mustDrop = unwanted == .dropped
        // The next request comes from inside the write of this answer's end.
        state = ends ? .ended : isWhole ? .passing : .dropping
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if !answer.body.isEmpty {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil)
        }
        context.write(wrapOutboundOut(.end(nil)), promise: nil)
        context.flush()
        if ends {
            closeInStages(context)
        } else if mustDrop {
            let channel = context.channel
            patience = context.eventLoop.scheduleTask(in: responder.patience) { channel.close(promise: nil) }
        } else {
            passOnInputClosed(context)
        }
    }

    /// RFC 9112 section 9.6: "the server MAY then close the connection in stages". Closing both sides at once, with
    /// unread bytes waiting, resets the connection, and the client may lose the answer.
    private func closeInStages(_ context: ChannelHandlerContext) {
        let channel = context.channel
        context.close(mode: .output, promise: nil)
        context.eventLoop.scheduleTask(in: .seconds(1)) { channel.close(promise: nil) }
    }

    // MARK: Ends

    /// What is behind closes the connection when it hears that the client has closed its side: it may not hear of it
    /// before what was asked here is answered.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        inputHasClosed = true
        passOnInputClosed(context)
    }

    private func passOnInputClosed(_ context: ChannelHandlerContext) {
        guard inputHasClosed, case .passing = state else { return }
        inputHasClosed = false
        context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard case .receiving(let exchange) = state else {
            if case .dropping = state { state = .ended }
            return context.fireErrorCaught(error)
        }
        exchange.abandon()
        if error is HTTPParserError {
            var answer = DirectAnswer(.badRequest)
            answer.endsConnection = true
            send(answer, context)
        } else {
            state = .ended
            context.fireErrorCaught(error)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if case .receiving(let exchange) = state { exchange.abandon() }
        state = .ended
        patience?.cancel()
        context.fireChannelInactive()
    }
}
