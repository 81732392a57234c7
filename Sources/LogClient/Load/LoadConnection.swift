import NIOCore

/// One connection of a load: sends its script on its event loop, as bytes that were made beforehand, without a task, a
/// queue or another handler in between, so that the generator costs little of the machine it measures.
final class LoadConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

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
    private var reader = LoadAnswerReader()

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
        isWaiting = true
        sent += 1
        context.writeAndFlush(wrapOutboundOut(script.requests[next].bytes), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDone else { return }
        var bytes = unwrapInboundIn(data)
        guard isWaiting else { return fail("an answer to no request", context) }
        let statements = script.requests[next].statements
        do throws(LoadAnswerReader.Fault) {
            // Only an answer to a sequence says in its body what became of each statement.
            guard let answer = try reader.read(from: &bytes, keepsBody: statements > 1) else { return }
            count(answer, statements: statements)
            if !answer.keepsOpen {
                fail("the server closed a connection after status \(answer.status)", context)
            } else if bytes.readableBytes > 0 {
                fail("an answer to no request", context)
            } else {
                proceed(context)
            }
        } catch {
            fail("\(error)", context)
        }
    }

    private func count(_ answer: LoadAnswer, statements: Int) {
        let now = pace.now()
        tally.latencies.record(now - min(now, intended))
        tally.count(status: answer.status, body: answer.body, statements: statements)
        tally.ended = now
        progress.add(max(1, statements))
        isWaiting = false
        next += 1
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail("the server closed a connection", context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail("\(error)", context)
    }

    private func fail(_ reason: String, _ context: ChannelHandlerContext) {
        if !isDone { tally.faults.append(reason) }
        finish(context)
    }

    private func finish(_ context: ChannelHandlerContext) {
        guard !isDone else { return }
        isDone = true
        result.succeed(tally)
        context.close(promise: nil)
    }
}
