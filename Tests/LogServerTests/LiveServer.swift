import LogEngine
import NIOCore
import NIOPosix
import ServiceLifecycle

@testable import HTTPServing
@testable import LogServer

/// A server on a port of its own, asked over sockets.
struct LiveServer: Sendable {
    let address: BoundAddress
    /// Asks the server to shut down; ``run(_:options:_:)`` returns when it has.
    let shutdown: @Sendable () async -> Void

    /// Starts a server, runs `body`, shuts the server down, and waits for its end.
    static func run<Value: Sendable>(
        _ log: TestLog, _ body: @Sendable (LiveServer) async throws -> Value
    ) async throws -> Value {
        var options = log.options
        options.port = 0
        let (addresses, continuation) = AsyncStream.makeStream(of: BoundAddress.self)
        options.onBound = { continuation.yield($0) }
        let server = try LogServer(log: log.log, options: options, logger: TestLog.logger)
        let group = ServiceGroup(configuration: .init(services: [server], logger: TestLog.logger))
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            guard let address = await addresses.first(where: { _ in true }) else { throw CancellationError() }
            let live = LiveServer(address: address) { await group.triggerGracefulShutdown() }
            let result: Result<Value, any Error>
            do { result = .success(try await body(live)) } catch { result = .failure(error) }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return try result.get()
        }
    }

    /// Opens a connection for raw bytes.
    func connect<Value: Sendable>(_ body: (inout RawConnection) async throws -> Value) async throws -> Value {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: address.host, port: address.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true))
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            var connection = RawConnection(inbound: inbound.makeAsyncIterator(), outbound: outbound)
            return try await body(&connection)
        }
    }
}

/// A connection on which tests say what they like.
struct RawConnection {
    var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private(set) var received = ""

    init(
        inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator,
        outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        self.inbound = inbound
        self.outbound = outbound
    }

    func send(_ text: String) async throws {
        try await outbound.write(ByteBuffer(string: text))
    }

    func send(_ bytes: [UInt8]) async throws {
        try await outbound.write(ByteBuffer(bytes: bytes))
    }

    /// What comes next; nil when the server has closed its side, or broken the connection.
    mutating func next() async -> String? {
        guard let buffer = try? await inbound.next() else { return nil }
        let text = String(decoding: buffer.readableBytesView, as: UTF8.self)
        received += text
        return text
    }

    /// Reads until `text` has come; false if the connection ended before.
    mutating func wait(for text: String) async -> Bool {
        while !received.contains(text) { guard await next() != nil else { return false } }
        return true
    }

    /// Everything until the end of the connection.
    mutating func rest() async -> String {
        while await next() != nil {}
        return received
    }
}
