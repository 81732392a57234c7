import NIOCore
import NIOHTTP1

/// One connection of a load: sends its script on its event loop, without a task or a queue in between, so that the
/// generator costs little of the machine it measures.
final class LoadConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let script: LoadScript
    private let pace: LoadPace
    private let progress: LoadProgress
    private let result: EventLoopPromise<LoadTally>

    private var tally = LoadTally()
    private var next = 0
    private var sent = 0
    private var intended: UInt64 = 0
    private var isWaiting = false
    private var isDone = false
    private var status = 0
    private var keepsOpen = true
    private var body: [UInt8] = []

    init(script: LoadScript, pace: LoadPace, progress: LoadProgress, result: EventLoopPromise<LoadTally>) {
        self.script = script
        self.pace = pace
        self.progress = progress
        self.result = result
    }

    func channelActive(context: ChannelHandlerContext) {
        proceed(context)
    }

    /// Sends the next request, or waits until its time has come, or ends.
    private func proceed(_ context: ChannelHandlerContext) {
        if next == script.requests.count {
            guard script.repeats else {
                tally.ranOut = true
                return finish(context)
            }
            next = 0
        }
        let now = pace.now()
        let due = pace.due(request: sent, now: now)
        guard due < pace.end, now < pace.end else { return finish(context) }
        if due > now {
            let loop = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.eventLoop.scheduleTask(deadline: NIODeadline.uptimeNanoseconds(due)) {
                let (connection, context) = loop.value
                if !connection.isDone { connection.send(context, due: due) }
            }
            return
        }
        send(context, due: due)
    }

    private func send(_ context: ChannelHandlerContext, due: UInt64) {
        intended = due
        let request = script.requests[next]
        isWaiting = true
        context.write(wrapOutboundOut(.head(request.head)), promise: nil)
        if request.body.readableBytes > 0 {
            context.write(wrapOutboundOut(.body(.byteBuffer(request.body))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        sent += 1
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            status = Int(head.status.code)
            keepsOpen = head.isKeepAlive
            body.removeAll(keepingCapacity: true)
        case .body(let part):
            if script.requests[next].statements > 1 { body.append(contentsOf: part.readableBytesView) }
        case .end:
            let now = pace.now()
            let statements = script.requests[next].statements
            tally.latencies.record(now - min(now, intended))
            tally.count(status: status, body: body, statements: statements)
            tally.ended = now
            progress.add(max(1, statements))
            isWaiting = false
            next += 1
            if keepsOpen {
                proceed(context)
            } else {
                tally.faults.append("the server closed a connection after status \(status)")
                finish(context)
            }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !isDone { tally.faults.append("the server closed a connection") }
        finish(context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if !isDone { tally.faults.append("\(error)") }
        finish(context)
    }

    private func finish(_ context: ChannelHandlerContext) {
        guard !isDone else { return }
        isDone = true
        result.succeed(tally)
        context.close(promise: nil)
    }
}
