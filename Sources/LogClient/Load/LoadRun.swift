import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// When requests are sent.
struct LoadPace: Sendable {
    /// Nanoseconds of the uptime clock.
    let start: UInt64
    let end: UInt64
    /// Nanoseconds between two requests of one connection; nil sends the next one as soon as the last was answered.
    let interval: UInt64?
    /// What the first request of this connection waits, so that connections don't send in step.
    let offset: UInt64

    func now() -> UInt64 { NIODeadline.now().uptimeNanoseconds }

    /// When a request is to be sent. In an open loop that is fixed from the start, whatever the answers take, and
    /// latency counts from then: a server that stalls is charged for all that it kept waiting, not only for the
    /// requests that it let through (which is called coordinated omission).
    func due(request: Int, now: UInt64) -> UInt64 {
        guard let interval else { return now }
        return start + offset + UInt64(request) * interval
    }
}

/// How much of a load was answered; any thread may look.
package final class LoadProgress: Sendable {
    private let answered = Atomic<Int>(0)

    package init() {}

    func add(_ count: Int) {
        answered.add(count, ordering: .relaxed)
    }

    /// Statements, or reads, that were answered.
    package var count: Int { answered.load(ordering: .relaxed) }
}

/// Sends prepared requests to a server over many connections at once.
package struct LoadRun: Sendable {
    package let host: String
    package let port: Int
    /// One a connection.
    package let scripts: [LoadScript]
    package let duration: Duration
    /// Requests a second on all connections together; nil for as fast as they are answered.
    package let requestRate: Double?
    /// Event loops that the connections are spread over.
    package let threads: Int

    /// Bytes that are read at once: more than a tile, and most of the answer to a sequence.
    private static let receiveBytes = 65_536

    package init(
        host: String, port: Int, scripts: [LoadScript], duration: Duration, requestRate: Double?, threads: Int
    ) {
        self.host = host
        self.port = port
        self.scripts = scripts
        self.duration = duration
        self.requestRate = requestRate
        self.threads = threads
    }

    /// Runs the load.
    ///
    /// - Returns: what came of it, and the seconds from the first request to the last answer.
    /// - Throws: what keeps a connection from being made.
    package func run(_ progress: LoadProgress) async throws -> (tally: LoadTally, seconds: Double) {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        do {
            let result = try await run(on: group, progress)
            try await group.shutdownGracefully()
            return result
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    private func run(
        on group: MultiThreadedEventLoopGroup, _ progress: LoadProgress
    ) async throws -> (tally: LoadTally, seconds: Double) {
        let start = NIODeadline.now().uptimeNanoseconds
        let length = UInt64(duration / .nanoseconds(1))
        let interval = requestRate.map { UInt64(Double(scripts.count) / $0 * 1e9) }
        var results: [EventLoopFuture<LoadTally>] = []
        for (number, script) in scripts.enumerated() {
            let pace = LoadPace(
                start: start, end: start + length, interval: interval,
                offset: (interval ?? 0) * UInt64(number) / UInt64(scripts.count))
            let loop = group.next()
            let result = loop.makePromise(of: LoadTally.self)
            results.append(result.futureResult)
            ClientBootstrap(group: loop)
                .channelOption(.socketOption(.tcp_nodelay), value: 1)
                // One buffer a connection, whose bytes are gone through before it is filled again.
                .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.receiveBytes))
                .connectTimeout(.seconds(5))
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            LoadConnection(script: script, pace: pace, progress: progress, result: result))
                    }
                }
                .connect(host: host, port: port)
                .whenFailure { result.fail($0) }
        }
        var total = LoadTally()
        for result in results { total.add(try await result.get()) }
        let seconds = Double(max(total.ended, start + 1) - start) / 1e9
        return (total, seconds)
    }
}
