import Foundation
import Governance
import LogClient
import LogStore
import Monitor
import Synchronization
import Testing
import Tlog
import Verification

/// "Bodies of thousands of logs and slow servers don't stall the others."
@Suite("Many logs", .timeLimit(.minutes(1)))
struct ManyLogsTests {
    private static let count = 300

    /// A log, its server, and its watch.
    private struct Watched {
        var log: TestLog
        let place: Place
        let watch: WatchedLog
    }

    private func watched(_ number: Int, events: Events) throws -> Watched {
        let log = try TestLog(origin: "log.example/\(number)")
        let place = try Place()
        try place.server.show(log)
        let watch = try place.watched(
            log, events: events,
            change: {
                // Looks come by being asked for.
                $0.interval = .seconds(3600)
                $0.longestPause = .seconds(3600)
            })
        return Watched(log: log, place: place, watch: watch)
    }

    /// A log whose server takes every request and answers none.
    private func stuck(_ name: String, _ server: SilentServer, in place: Place, events: Events) throws -> WatchedLog {
        let log = try TestLog(origin: "stuck.example/\(name)")
        guard let url = LogURL("http://stuck.example/") else { throw CocoaError(.featureUnsupported) }
        let client = LogClient(url: url, trust: try place.trust(log), transport: server)
        let follower = try LogFollower(
            client: client, store: MemoryLogStore(), headPath: place.directory + "/\(name)", now: place.now)
        return WatchedLog(
            follower, witnesses: [server.witness], options: WatchOptions(now: place.now),
            evidence: EvidenceFiles(directory: place.directory + "/evidence"), report: events.add)
    }

    @Test("hundreds are followed beside servers that never answer: each grows, is read whole, and is replayed")
    func stalls() async throws {
        let (events, stuckEvents, server) = (Events(), Events(), SilentServer())
        let stuckPlace = try Place()
        let silent = try (0..<20).map { try stuck("\($0)", server, in: stuckPlace, events: stuckEvents) }
        var all = try (0..<Self.count).map { try watched($0, events: events) }
        let watches = silent + all.map(\.watch)
        let running = Task {
            await withTaskGroup(of: Void.self) { group in
                for watch in watches { group.addTask { _ = await watch.run() } }
            }
        }
        // All the silent servers hold a request of the log and one of its witness before anything is asked for.
        while server.held < 2 * silent.count { await Task.yield() }
        for number in all.indices {
            try all[number].log.append(try all[number].log.event())
            all[number].log.seal()
            try all[number].place.server.show(all[number].log)
        }
        let heads = ReplayedHeads(all.map(\.watch), patience: .seconds(50))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for one in all {
                let head = try one.log.checkpoint()
                group.addTask { #expect(await heads.verdict(on: head) == .replayed) }
            }
            try await group.waitForAll()
        }
        let grown = events.takeAll().filter { $0.name == .growth && $0.json["size"]?.unsignedValue == 4 }
        #expect(Set(grown.map(\.origin)).count == Self.count)
        #expect(stuckEvents.take().isEmpty)
        #expect(server.held == 2 * silent.count, "still nothing is answered")
        running.cancel()
        await running.value
        #expect(stuckEvents.take().isEmpty, "who is told to end has not seen a log fail")
    }
}

/// Holds every request until whoever waits for it is cancelled.
private final class SilentServer: Transport {
    private let waiting = Mutex(0)

    /// Requests that wait for an answer.
    var held: Int { waiting.withLock { $0 } }

    func send(_ request: ClientRequest) async throws(TransportError) -> ClientResponse {
        await hold()
        throw .timedOut
    }

    var witness: WatchedWitness {
        WatchedWitness(name: "silent") { [self] _ in
            await hold()
            throw TransportError.timedOut
        }
    }

    func shutdown() async {}

    private func hold() async {
        waiting.withLock { $0 += 1 }
        let (end, input) = AsyncStream.makeStream(of: Void.self)
        // Ends with the task alone.
        for await _ in end {}
        withExtendedLifetime(input) {}
    }
}
