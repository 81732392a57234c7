import NIOCore
import NIOPosix
import Testing

@testable import LogClient

@Suite("A load's run")
struct LoadRunTests {
    private static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    /// Puts a load on a server that gives each connection these answers, one a request, whatever is asked.
    private func run(_ answers: [String], connections: Int = 1, threads: Int = 1) async throws -> LoadTally {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Canned(answers))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let script = LoadScript(
            requests: Array(repeating: .read("/checkpoint", host: "h"), count: answers.count), repeats: false)
        let run = LoadRun(
            host: "127.0.0.1", port: try #require(server.localAddress?.port),
            scripts: Array(repeating: script, count: connections), duration: .seconds(60), requestRate: nil,
            threads: threads)
        let result = try await run.run(LoadProgress())
        try await server.close()
        return result.tally
    }

    @Test("every request is answered, on each connection and thread")
    func answered() async throws {
        let tally = try await run([Self.ok, Self.ok, Self.ok], connections: 5, threads: 2)
        #expect(tally.done == 15)
        #expect(tally.requests == 15)
        #expect(tally.latencies.count == 15)
        #expect(tally.ranOut)
        #expect(tally.faults.isEmpty)
    }

    @Test("an answer that nobody asked for ends its connection as a fault")
    func unasked() async throws {
        let tally = try await run([Self.ok, Self.ok + Self.ok, Self.ok])
        #expect(tally.done == 2)
        #expect(tally.faults == ["an answer to no request"])
        #expect(!tally.ranOut)
    }

    @Test("an answer that is not understood is not counted, and ends its connection as a fault")
    func notUnderstood() async throws {
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
        let tally = try await run([Self.ok, chunked, Self.ok])
        #expect(tally.requests == 1)
        #expect(tally.faults == ["an answer with a transfer coding, where Content-Length alone is read"])
    }

    @Test("a connection that the server says it closes takes no other request")
    func closing() async throws {
        let busy = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        let tally = try await run([busy, Self.ok])
        #expect(tally.requests == 1)
        #expect(tally.refused == [503: 1])
        #expect(tally.faults == ["the server closed a connection after status 503"])
    }

    @Test("a connection that ends in the middle of an answer is a fault")
    func cut() async throws {
        let tally = try await run(["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", ""])
        #expect(tally.requests == 0)
        #expect(tally.faults == ["the server closed a connection"])
    }
}

/// Answers each request with the next of its answers, and closes the connection after one that is cut off.
private final class Canned: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var answers: ArraySlice<String>
    private var request = ""

    init(_ answers: [String]) {
        self.answers = answers[...]
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        request += String(buffer: unwrapInboundIn(data))
        guard request.hasSuffix("\r\n\r\n"), let answer = answers.popFirst() else { return }
        request = ""
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
        if answer.contains("Length: 9") { context.close(promise: nil) }
    }
}
