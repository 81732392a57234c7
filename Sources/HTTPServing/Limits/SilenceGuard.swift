internal import NIOCore
internal import NIOHTTP1

/// Closes a connection that is silent for too long before, between or inside requests. Who waits for an answer may be
/// silent, and is listened to as long as it has sent no second request.
final class SilenceGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let timeout: TimeAmount
    private var lastSign = NIODeadline.now()
    private var isInRequest = false
    private var unanswered = 0
    private var timer: Scheduled<Void>?

    init(timeout: TimeAmount) {
        self.timeout = timeout
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { watch(context, from: .now()) }
    }

    func channelActive(context: ChannelHandlerContext) {
        lastSign = .now()
        watch(context, from: lastSign)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            isInRequest = true
            unanswered += 1
        case .body: break
        case .end: isInRequest = false
        }
        lastSign = .now()
        context.fireChannelRead(data)
    }

    /// `HTTPServerPipelineHandler` stops reading until the request is answered. To stop and to begin again costs two system
    /// calls, needless where the client sends nothing meanwhile: reading stops when it has sent a second request.
    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        if unanswered == 1, !isInRequest { context.read() }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) {
            unanswered -= 1
            lastSign = .now()
        }
        context.write(data, promise: promise)
    }

    /// One timer goes on for as long as the connection does, so that a request costs none.
    private func watch(_ context: ChannelHandlerContext, from start: NIODeadline) {
        guard timer == nil else { return }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(deadline: start + timeout) {
            let (silence, context) = bound.value
            silence.check(context)
        }
    }

    private func check(_ context: ChannelHandlerContext) {
        timer = nil
        let now = NIODeadline.now()
        let mayBeSilent = unanswered > 0 && !isInRequest
        if !mayBeSilent, now >= lastSign + timeout { return context.close(promise: nil) }
        watch(context, from: mayBeSilent ? now : lastSign)
    }
}
