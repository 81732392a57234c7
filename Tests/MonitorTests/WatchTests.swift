import COSE
import Foundation
import Governance
import Monitor
import Synchronization
import Testing
import Tlog
import Verification

/// What a monitor says of a log, and when it stops saying it.
@Suite("Watching a log")
struct WatchTests {
    private func grown(_ size: UInt64, batch: UInt64 = 10) throws -> TestLog {
        var log = try TestLog()
        try log.grow(to: size, batch: batch)
        return log
    }

    @Test("growth is reported with the head, and the entries that the filter asks for")
    func growth() async throws {
        let place = try Place()
        var log = try grown(13)
        try place.server.show(log)
        let events = Events()
        let watched = try place.watched(
            log, events: events,
            change: {
                $0.filter = StatementFilter(issuers: [TestLog.issuer], types: ["work.done"])
                $0.maxAge = nil
            })
        #expect(await watched.round())
        let all = events.takeAll()
        #expect(all.map(\.name) == Array(repeating: .statement, count: 10) + [.growth])
        #expect(all.first?.json["index"]?.unsignedValue == 2)
        #expect(all.last?.json["size"]?.unsignedValue == 13)
        #expect(all.last?.json["root"]?.stringValue == log.head().root.hex)
        #expect(all.last?.json["headTime"]?.unsignedValue == 1_750_000_000)
        #expect(await watched.round())
        #expect(events.take().isEmpty, "nothing has changed")
        try log.append(try log.sign([1, 2, 3], type: "text/plain"))
        log.seal()
        try place.server.show(log)
        #expect(await watched.round())
        #expect(events.take() == [.growth], "another type")
        let metrics = WatchMetrics.text([watched.numbers])
        #expect(metrics.contains("holdfast_monitor_tree_size{log=\"log.example/test\"} 15\n"))
        #expect(metrics.contains("holdfast_monitor_statements_matched_total{log=\"log.example/test\"} 10\n"))
    }

    @Test("a head whose time is too old is stale, until it is cosigned again; times in the future are not believed")
    func freshness() async throws {
        let place = try Place()
        let log = try grown(13)
        try place.server.show(log)
        let events = Events()
        let watched = try place.watched(log, events: events, change: { $0.maxAge = .seconds(60) })
        await watched.round()
        #expect(events.take() == [.growth])
        place.time.withLock { $0 += 61_000 }
        await watched.round()
        await watched.round()
        #expect(events.take() == [.stale], "said once")
        #expect(await watched.conditions.map(\.name) == [.stale])
        place.time.withLock { $0 -= 30_000 }
        await watched.round()
        #expect(events.take() == [.recovered])
        // The cosignatures are from the future now, further than any clock may be wrong.
        place.time.withLock { $0 -= 3_600_000 }
        await watched.round()
        #expect(events.take() == [.stale, .futureTime])
    }

    @Test("a log to which nothing is added is silent, if that was asked for")
    func silence() async throws {
        let place = try Place()
        var log = try grown(13)
        try place.server.show(log)
        let events = Events()
        let watched = try place.watched(
            log, events: events,
            change: {
                $0.maxAge = nil
                $0.maxSilence = .seconds(60)
            })
        await watched.round()
        place.time.withLock { $0 += 90_000 }
        await watched.round()
        #expect(events.take() == [.growth, .silence])
        try log.grow(to: 600)
        try place.server.show(log)
        await watched.round()
        #expect(events.take() == [.growth, .recovered])
    }

    @Test("a log that is down, and its witness, are reported and recover; the others' rounds go on")
    func unreachable() async throws {
        let place = try Place()
        let log = try grown(13)
        try place.server.show(log)
        let (events, witness) = (Events(), FakeWitness())
        witness.show(try log.checkpoint())
        let watched = try place.watched(log, witnesses: [witness.watched("w0")], events: events)
        place.server.change { $0.isDown = true }
        #expect(await !watched.round())
        witness.end()
        #expect(await !watched.round())
        #expect(events.take() == [.unreachable, .witnessUnreachable])
        place.server.change { $0.isDown = false }
        witness.show(try log.checkpoint())
        #expect(await watched.round())
        #expect(Set(events.take()) == [.growth, .recovered])
        #expect(await watched.conditions.isEmpty)
    }

    @Test("a witness that shows another history: the fork is found, kept as evidence, and stays found")
    func forkAtWitness() async throws {
        let place = try Place()
        let (log, other) = (try grown(30), try grown(13, batch: 3))
        try place.server.show(log)
        let (events, good, bad) = (Events(), FakeWitness(), FakeWitness())
        good.show(try log.checkpoint(13))
        bad.show(try other.checkpoint(13, witnesses: 1))
        let watched = try place.watched(log, witnesses: [good.watched("w0"), bad.watched("w1")], events: events)
        #expect(await watched.run() != nil)
        #expect(events.take() == [.growth, .fork])
        let reports = try place.evidence(log)
        #expect(reports.count == 1)
        #expect(reports.allSatisfy { $0.verdict == .verified })
        // Another run, to which nobody shows the other history, does not forget it.
        let next = try place.watched(log, events: events)
        #expect(await next.run() != nil)
        #expect(events.take() == [.fork])
    }

    @Test("a witness may be ahead for a while; what it shows is compared when the log has come so far")
    func ahead() async throws {
        let place = try Place()
        let (log, other) = (try grown(13), try grown(21, batch: 3))
        try place.server.show(log)
        let (events, witness) = (Events(), FakeWitness())
        witness.show(try other.checkpoint(21))
        let watched = try place.watched(
            log, witnesses: [witness.watched("w0")], events: events, change: { $0.maxAge = nil })
        await watched.round()
        #expect(events.take() == [.growth])
        place.time.withLock { $0 += 61_000 }
        await watched.round()
        #expect(events.take() == [.withheld])
        var longer = log
        try longer.grow(to: 30)
        try place.server.show(longer)
        await watched.round()
        #expect(events.take() == [.growth, .fork])
        #expect(try place.evidence(log).map(\.verdict) == [.verified])
    }

    @Test("what the log did not sign is no evidence against it")
    func unsigned() async throws {
        let place = try Place()
        let log = try grown(13)
        try place.server.show(log)
        let (events, witness) = (Events(), FakeWitness())
        witness.show(try TestLog(seed: 50).checkpoint())
        let watched = try place.watched(log, witnesses: [witness.watched("w0")], events: events)
        await watched.round()
        #expect(events.take() == [.growth, .witnessUnverified])
        #expect(await watched.finding == nil)
    }

    @Test("a log that breaks its rules is reported with the entry, and not watched any more")
    func violation() async throws {
        let place = try Place()
        var log = try grown(13)
        log.seal(root: .zero)
        try place.server.show(log)
        let events = Events()
        let watched = try place.watched(log, events: events)
        guard case .violation(let violation)? = await watched.run() else {
            Issue.record("not found")
            return
        }
        #expect(violation.index == 13)
        let event = try #require(events.takeAll().last)
        #expect(event.name == .violation)
        #expect(event.json["index"]?.unsignedValue == 13)
        #expect(event.json["reason"]?.stringValue == "state-root")
    }
}

/// design, section 4: a state witness "cosigns a head only after replaying every entry below it".
@Suite("Heads that a state witness may cosign", .timeLimit(.minutes(4)))
struct ReplayedHeadsTests {
    private func checkpoint(_ log: TestLog, _ size: UInt64? = nil) throws -> SignedCheckpoint {
        try log.checkpoint(size)
    }

    /// A log that is watched until the task is cancelled, and looked at when somebody waits for a head.
    private func watching(_ log: TestLog) throws -> (Place, ReplayedHeads, Task<FinalFinding?, Never>) {
        let place = try Place()
        try place.server.show(log)
        let watched = try place.watched(log, events: Events(), change: { $0.interval = .seconds(3600) })
        let running = Task { await watched.run() }
        return (place, ReplayedHeads([watched], patience: .seconds(200)), running)
    }

    @Test("those that are replayed; one that the log shows by now is replayed while it waits")
    func replayed() async throws {
        var log = try TestLog()
        try log.grow(to: 13)
        let (place, heads, running) = try watching(log)
        #expect(await heads.verdict(on: try checkpoint(log)) == .replayed)
        let old = log
        try log.grow(to: 30)
        try place.server.show(log)
        #expect(await heads.verdict(on: try checkpoint(log)) == .replayed)
        #expect(await heads.verdict(on: try checkpoint(old)) == .replayed)
        running.cancel()
        _ = await running.value
    }

    @Test("what is asked for while it is being read is never taken for another history")
    func whileReading() async throws {
        var log = try TestLog()
        try log.grow(to: 13)
        let (place, heads, running) = try watching(log)
        for size in UInt64(14)..<34 {
            try log.grow(to: size * 3)
            try place.server.show(log)
            let head = try checkpoint(log)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<8 { group.addTask { #expect(await heads.verdict(on: head) == .replayed) } }
            }
        }
        running.cancel()
        _ = await running.value
    }

    @Test("none that the log does not show, none of another tree, none of another log")
    func refused() async throws {
        let place = try Place()
        var (log, other) = (try TestLog(), try TestLog())
        try log.grow(to: 13)
        try other.grow(to: 13, batch: 3)
        try place.server.show(log)
        let watched = try place.watched(log, events: Events(), change: { $0.interval = .seconds(3600) })
        await watched.round()
        let heads = ReplayedHeads([watched], patience: .milliseconds(1))
        guard case .refused = await heads.verdict(on: try checkpoint(other)) else {
            Issue.record("another tree of the same size")
            return
        }
        try other.grow(to: 30)
        guard case .notYet = await heads.verdict(on: try checkpoint(other)) else {
            Issue.record("a tree that the log does not show")
            return
        }
        guard case .refused = await heads.verdict(on: try checkpoint(TestLog(origin: "log.example/other"))) else {
            Issue.record("another log")
            return
        }
    }

    @Test("none of a log whose seal carries another state root than the replay's, however well signed and cosigned")
    func lying() async throws {
        var log = try TestLog()
        try log.grow(to: 13)
        try log.append(try log.event())
        log.seal(root: .zero)
        let (_, heads, running) = try watching(log)
        guard case .refused(let why) = await heads.verdict(on: try checkpoint(log)) else {
            Issue.record("a lie was vouched for")
            return
        }
        #expect(why.contains("entry 14"))
        _ = await running.value
    }
}
