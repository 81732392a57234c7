internal import NIOCore
internal import NIOHTTP1

/// Closes a connection that is silent for too long before, between or inside requests. Who waits for an answer may be
/// silent, and is listened to as long as it has sent no second request.
///
/// It is told what the handler that has it sees, on the event loop.
final class SilenceWatch {
    private let timeout: TimeAmount
    private var lastSign = NIODeadline.now()
    private var hasHeard = false
    private var isInRequest = false
    private var unanswered = 0
    private var timer: Scheduled<Void>?

    init(timeout: TimeAmount) {
        self.timeout = timeout
    }

    /// Whether all of one request has come, nothing of a second one, and the answer has not gone.
    var awaitsOneAnswer: Bool { unanswered == 1 && !isInRequest }

    func begin(_ context: ChannelHandlerContext) {
        lastSign = .now()
        watch(context, from: lastSign)
    }

    func end() {
        timer?.cancel()
        timer = nil
    }

    func hear(_ part: HTTPServerRequestPart) {
        switch part {
        case .head:
            isInRequest = true
            unanswered += 1
        case .body: break
        case .end: isInRequest = false
        }
        hasHeard = true
    }

    /// What was read has been heard: all of it came at one moment, so the clock is read once.
    func readingPaused() {
        guard hasHeard else { return }
        hasHeard = false
        lastSign = .now()
    }

    func answered() {
        unanswered -= 1
        lastSign = .now()
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
