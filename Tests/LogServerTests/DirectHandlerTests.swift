import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import HTTPServing

/// What is served on an event loop, without a socket.
@Suite("Served on the event loop")
struct DirectHandlerTests {
    /// Answers each GET with its path.
    private struct Echo: DirectResponder {
        let patience = TimeAmount.seconds(1)

        func serves(_ head: HTTPRequestHead) -> Bool { head.method == .GET }

        func begin(
            _ head: HTTPRequestHead, from peer: ClientAddress?, on loop: any EventLoop
        ) -> DirectDecision {
            .receive(Exchange(path: head.uri))
        }

        private final class Exchange: DirectExchange {
            let path: String

            init(path: String) { self.path = path }

            func receive(_ part: ByteBuffer) -> DirectAnswer? { nil }
            func end(_ answer: @escaping (DirectAnswer) -> Void) { answer(DirectAnswer(.ok, [], Array(path.utf8))) }
            func abandon() {}
        }
    }

    private func channel() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel()
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandlers([
            HTTPResponseEncoder(), ByteToMessageHandler(HTTPRequestDecoder()),
            DirectHandler(Echo(), silence: SilenceWatch(timeout: .seconds(60))),
        ])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return channel
    }

    /// The paths that were answered.
    private func answered(_ channel: EmbeddedChannel) throws -> [String] {
        var paths: [String] = []
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) {
            paths.append(String(String(buffer: bytes).split(separator: "\r\n\r\n").last ?? ""))
        }
        return paths
    }

    private func send(_ paths: [String], to channel: EmbeddedChannel) throws {
        let requests = paths.map { "GET \($0) HTTP/1.1\r\nHost: x\r\n\r\n" }.joined()
        try channel.writeInbound(ByteBuffer(string: requests))
    }

    @Test("While the client does not read, what it has sent behind waits; when it reads, it is answered in order")
    func writability() throws {
        let channel = try channel()
        try send(["/1", "/2"], to: channel)
        #expect(try answered(channel) == ["/1", "/2"])
        channel.isWritable = false
        channel.pipeline.fireChannelWritabilityChanged()
        try send(["/3", "/4"], to: channel)
        try send(["/5"], to: channel)
        #expect(try answered(channel) == [])
        channel.isWritable = true
        channel.pipeline.fireChannelWritabilityChanged()
        #expect(try answered(channel) == ["/3", "/4", "/5"])
        try send(["/6"], to: channel)
        #expect(try answered(channel) == ["/6"])
        _ = try channel.finish()
    }
}
