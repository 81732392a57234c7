internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1

/// Serves the requests that a ``DirectResponder`` takes where they arrive; all others pass through to Hummingbird.
///
/// Answers come in the order of the requests, whoever makes them: what comes behind a request that is served here is held
/// until that is answered, and a request that is to be served here is held until those are answered that were passed on.
/// One that would be served here is held too while the client does not read what it was answered. While something is held
/// nothing is read. On a graceful shutdown the connection ends behind the answer that is due.
///
/// An answer goes out as one piece of bytes, past the handlers between this one and NIO's encoder. Behind this one stands
/// NIO's `HTTPServerPipelineHandler`, for what is passed on.
final class DirectHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
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

    /// Nil where everything is passed on.
    private let responder: (any DirectResponder)?
    private let silence: SilenceWatch
    private var state = State.passing
    /// Of the request that is served here.
    private var keepsConnection = true
    private var unwanted = UnwantedBody.none

    /// Requests that were passed on and are not answered.
    private var passedOn = 0
    private var held = HeldRequests()
    private var isReleasing = false
    /// What is behind has been given something, and not been told that this is all for now.
    private var mustTellCompletion = false
    /// What is behind wants to read, and something is held.
    private var readIsDue = false
    /// Nothing new is served here: the server shuts down, or the sending side was closed.
    private var takesNoMore = false

    /// Where answers are written: bytes from here on.
    private var wire: ChannelHandlerContext?
    /// The last answer: the next one has its storage, if it has gone out by then.
    private var outgoing = ByteBuffer()
    /// Bytes of storage that are kept for that.
    private static let keptCapacity = 4096
    private var peer: ClientAddress??
    private var date = DateField()
    /// Closes the connection of a client whose unwanted body does not come to an end.
    private var patience: Scheduled<Void>?
    /// The client has closed its side while a request of it was served here.
    private var inputHasClosed = false

    init(_ responder: (any DirectResponder)?, silence: SilenceWatch) {
        (self.responder, self.silence) = (responder, silence)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        wire = try? context.pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self)
        if context.channel.isActive { silence.begin(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        silence.end()
        wire = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        silence.begin(context)
        context.fireChannelActive()
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        silence.hear(part)
        if held.isEmpty, !mustWait(part, context) { take(part, data, context) } else { held.append(part) }
    }

    private func mustWait(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) -> Bool {
        switch (state, part) {
        case (.answering, _): true
        case (.passing, .head(let head)): (passedOn > 0 || !context.channel.isWritable) && serves(head)
        default: false
        }
    }

    private func serves(_ head: HTTPRequestHead) -> Bool {
        !takesNoMore && responder?.serves(head) == true
    }

    /// - Parameter data: the part as it came.
    private func take(_ part: HTTPServerRequestPart, _ data: NIOAny, _ context: ChannelHandlerContext) {
        switch (state, part) {
        case (.passing, .head(let head)):
            if let responder, serves(head) { return begin(head, responder, context) }
            passedOn += 1
            passOn(data, context)
        case (.passing, _): passOn(data, context)
        case (.receiving(let exchange), .body(let bytes)):
            if let answer = exchange.receive(bytes) { send(answer, context) }
        case (.receiving(let exchange), .end): end(exchange, context)
        case (.dropping, .end):
            state = .passing
            patience?.cancel()
            patience = nil
            if takesNoMore { close(context) } else { passOnInputClosed(context) }
        case (.dropping, .body), (.ended, _): break
        case (.receiving, .head), (.answering, _), (.dropping, .head):
            // The decoder lets none of these through, and what comes before the answer is held.
            context.close(promise: nil)
        }
    }

    private func passOn(_ data: NIOAny, _ context: ChannelHandlerContext) {
        mustTellCompletion = true
        context.fireChannelRead(data)
    }

    /// A request is answered: what waited for that comes in.
    private func release(_ context: ChannelHandlerContext) {
        // An answer that is given at once comes here again, from inside.
        guard !isReleasing, !held.isEmpty else { return }
        isReleasing = true
        while let part = held.first, !mustWait(part, context) {
            held.removeFirst()
            take(part, wrapInboundOut(part), context)
        }
        isReleasing = false
        if held.first == nil, let error = held.error, !isAnswering {
            held.error = nil
            errorCaught(context: context, error: error)
        }
        tellCompletion(context)
        guard held.isEmpty else { return }
        passOnInputClosed(context)
        readIfDue(context)
    }

    private func begin(_ head: HTTPRequestHead, _ responder: any DirectResponder, _ context: ChannelHandlerContext) {
        let peer = peer ?? ClientAddress(context.channel.remoteAddress)
        self.peer = .some(peer)
        let decision = responder.begin(head, from: peer, on: context.eventLoop)
        // A client of HTTP/1.0 may not know what keeps a connection.
        keepsConnection = head.isKeepAlive && head.version == .http1_1
        unwanted = UnwantedBody(
            contentLength: head.headers.first(name: "Content-Length"),
            isChunked: head.headers.contains(name: "Transfer-Encoding"))
        switch decision {
        case .answer(let answer): send(answer, context)
        case .receive(let exchange):
            state = .receiving(exchange)
            // RFC 9110 section 10.1.1: "A server that receives a 100-continue expectation in an HTTP/1.0 request MUST
            // ignore that expectation."
            if head.version == .http1_1, head.headers.first(name: "Expect")?.lowercased() == "100-continue" {
                wire?.writeAndFlush(NIOAny(DirectAnswer.goOn), promise: nil)
            }
        }
    }

    private func end(_ exchange: any DirectExchange, _ context: ChannelHandlerContext) {
        state = .answering
        unwanted = .none
        exchange.end { answer in
            // The connection may have gone in the meantime.
            if self.isAnswering { self.send(answer, context) }
        }
    }

    private var isAnswering: Bool { if case .answering = state { true } else { false } }

    // MARK: Answers

    private func send(_ answer: DirectAnswer, _ context: ChannelHandlerContext) {
        let isWhole = isAnswering
        let ends = answer.endsConnection || !keepsConnection || unwanted == .cutOff
        answer.write(to: &outgoing, date: date.now(), closes: ends || takesNoMore)
        let bytes = NIOAny(outgoing)
        if outgoing.capacity > Self.keptCapacity { outgoing = ByteBuffer() }
        let mustDrop = unwanted == .dropped
        let isLast = takesNoMore && isWhole
        state = ends || isLast ? .ended : isWhole ? .passing : .dropping
        silence.answered()
        guard let wire else { return }
        if isLast, !ends {
            let channel = context.channel
            let written = context.eventLoop.makePromise(of: Void.self)
            written.futureResult.whenComplete { _ in channel.close(promise: nil) }
            return wire.writeAndFlush(bytes, promise: written)
        }
        wire.writeAndFlush(bytes, promise: nil)
        if ends {
            closeInStages(context)
        } else if mustDrop {
            dropTheRest(context)
        } else {
            passOnInputClosed(context)
            release(context)
        }
    }

    private func dropTheRest(_ context: ChannelHandlerContext) {
        guard let responder else { return }
        let channel = context.channel
        patience = context.eventLoop.scheduleTask(in: responder.patience) { channel.close(promise: nil) }
    }

    /// RFC 9112 section 9.6: "the server MAY then close the connection in stages". Closing both sides at once, with
    /// unread bytes waiting, resets the connection, and the client may lose the answer.
    private func closeInStages(_ context: ChannelHandlerContext) {
        let channel = context.channel
        held.removeAll()
        context.close(mode: .output, promise: nil)
        readIfDue(context)
        context.eventLoop.scheduleTask(in: .seconds(1)) { channel.close(promise: nil) }
    }

    private func close(_ context: ChannelHandlerContext) {
        state = .ended
        context.close(promise: nil)
    }

    /// An answer to what was passed on.
    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let isEnd = if case .end = unwrapOutboundIn(data) { true } else { false }
        context.write(data, promise: promise)
        guard isEnd else { return }
        passedOn = max(0, passedOn - 1)
        silence.answered()
        release(context)
    }

    /// The client reads again: what waited for that comes in.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { release(context) }
        context.fireChannelWritabilityChanged()
    }

    // MARK: Reading

    func channelReadComplete(context: ChannelHandlerContext) {
        silence.readingPaused()
        tellCompletion(context)
        // What is behind stops reading until its request is answered. To stop and to begin again costs two system calls,
        // needless where the client sends nothing meanwhile: reading stops when it has sent a second request.
        let servesHere = if case .passing = state { false } else { true }
        if held.isEmpty, servesHere || silence.awaitsOneAnswer { context.read() }
    }

    func read(context: ChannelHandlerContext) {
        if held.isEmpty {
            context.read()
        } else {
            readIsDue = true
        }
    }

    private func readIfDue(_ context: ChannelHandlerContext) {
        guard readIsDue else { return }
        readIsDue = false
        context.read()
    }

    private func tellCompletion(_ context: ChannelHandlerContext) {
        guard mustTellCompletion else { return }
        mustTellCompletion = false
        context.fireChannelReadComplete()
    }

    // MARK: Ends

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed:
            inputHasClosed = true
            passOnInputClosed(context)
        case is ChannelShouldQuiesceEvent:
            takesNoMore = true
            held.removeAll()
            // What is behind closes the connection, now or behind its answer; `send` does where one is due here.
            if case .passing = state { context.fireUserInboundEventTriggered(event) }
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    /// What is behind closes the connection when it hears that the client has closed its side: it may not hear of it
    /// before what was asked here is answered.
    private func passOnInputClosed(_ context: ChannelHandlerContext) {
        guard inputHasClosed, held.isEmpty, case .passing = state else { return }
        inputHasClosed = false
        context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if mode == .output {
            takesNoMore = true
            held.removeAll()
        }
        context.close(mode: mode, promise: promise)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? HTTPParserError, isAnswering || !held.isEmpty {
            held.error = error
            return
        }
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
        held.removeAll()
        silence.end()
        patience?.cancel()
        context.fireChannelInactive()
    }
}
