import COSE
import Foundation
import Governance
import LogClient
import LogStore
import Testing
import Tlog
import Verification

@testable import Monitor

/// Whoever follows a log knows its keys at every size from the log itself.
@Suite("Following a log that changes its keys")
struct RotationTests {
    /// At 10 entries, before the change, and at 30, after it; the cut-off is 12.
    private let old: TestLog
    private let log: TestLog
    private let cutoff: UInt64

    init() throws {
        var log = try TestLog()
        try log.grow(to: 10)
        old = log
        cutoff = try log.rotate()
        try log.grow(to: 30)
        self.log = log
    }

    private var later: [String] { Array(TestLog.laterLines(log.keys, origin: log.origin).prefix(1)) }
    private var ended: [String] { TestLog.laterLines(log.keys, origin: log.origin, ended: old.keys, at: cutoff) }

    /// The same entries under the key that ended.
    private func leaked(_ log: TestLog) -> TestLog {
        var log = log
        log.use(checkpoint: old.checkpointKey, receipt: old.receiptKey, statement: log.statementKey)
        return log
    }

    private func fault(_ follower: LogFollower) async -> FollowFault? {
        do throws(FollowFault) {
            _ = try await follower.advance()
            return nil
        } catch {
            return error
        }
    }

    private var oldKey: VerifierKey {
        .ed25519(name: log.origin.keyName, publicKey: old.checkpointKey.publicKey)
    }

    @Test("a follower whose trust file names the new key goes through it, and so does one that starts again")
    func follows() async throws {
        let place = try Place()
        try place.server.show(old)
        #expect(try await place.follower(log).advance().head.treeHead.size == 10)
        try place.server.show(log)
        #expect(try await place.follower(log, adding: later).advance().head.treeHead.size == 30)
        var longer = log
        try longer.grow(to: 40)
        try place.server.show(longer)
        // With the cut-offs too.
        let restarted = try place.follower(log, adding: ended)
        #expect(await restarted.verifiedSize == 30)
        #expect(try await restarted.advance().head.treeHead == longer.head())
        #expect(try await restarted.hasReplayed(log.head(12)) == true)
    }

    @Test("a follower that keeps the state goes on from it at the rotation's own seal, and knows the keys")
    func keptState() async throws {
        var rotated = old
        _ = try rotated.rotate()
        let place = try Place()
        try place.server.show(rotated)
        _ = try await place.follower(log, adding: later, keepsState: true).advance()
        let follower = try place.follower(log, adding: later, keepsState: true)
        #expect(follower.resumedSize == cutoff)
        try place.server.show(leaked(log))
        #expect(await fault(follower) == .formerKey(oldKey, cutoff: cutoff, shown: log.head()))
        try place.server.show(log)
        #expect(try await follower.advance().head.treeHead == log.head())
    }

    @Test("what was kept before the change is good after it, under a trust file with the cut-offs")
    func keptBefore() async throws {
        let place = try Place()
        try place.server.show(old)
        _ = try await place.follower(log).advance()
        try place.server.show(log)
        let follower = try place.follower(log, adding: ended)
        #expect(await follower.acceptedHead?.treeHead.size == 10)
        #expect(try await follower.advance().head.treeHead.size == 30)
    }

    @Test("a key that the trust file does not name is refused, and what to add is said")
    func unnamed() async throws {
        let place = try Place()
        try place.server.show(log)
        let fault = await fault(try place.follower(log))
        #expect(fault?.reason == "no-signature")
        #expect(fault?.description.contains("add the log line") == true)
    }

    @Test("the former key's head over the change is none, whatever it shows, and nothing is kept of it")
    func formerKey() async throws {
        let place = try Place()
        try place.server.show(log)
        let follower = try place.follower(log, adding: later)
        _ = try await follower.advance()
        var longer = log
        try longer.grow(to: 40)
        try place.server.show(leaked(longer))
        let expected = FollowFault.formerKey(oldKey, cutoff: cutoff, shown: longer.head())
        #expect(await fault(follower) == expected)
        #expect(await follower.acceptedHead?.treeHead.size == 30)
        // A history of its own, with the old key's seals.
        var fork = old
        try fork.grow(to: 40, batch: 3)
        try place.server.show(fork)
        #expect(await fault(follower) == .formerKey(oldKey, cutoff: cutoff, shown: fork.head()))
        try place.server.show(longer)
        #expect(try await follower.advance().head.treeHead.size == 40)
    }

    @Test("at first sight it is found when the entries below are read, and the head is taken back")
    func firstSight() async throws {
        for lines in [later, [], ended] {
            let place = try Place()
            try place.server.show(leaked(log))
            let fault = await fault(try place.follower(log, adding: lines))
            if lines == ended {
                #expect(fault?.reason == "key-ended")
                continue
            }
            #expect(fault == .formerKey(oldKey, cutoff: cutoff, shown: log.head()))
            #expect(!FileManager.default.fileExists(atPath: place.directory + "/head"))
            try place.server.show(log)
            #expect(try await place.follower(log, adding: later).advance().head.treeHead.size == 30)
        }
    }

    @Test("one that a crash left behind is no head to a follower that starts again")
    func leftBehind() async throws {
        var fork = old
        try fork.grow(to: 40, batch: 3)
        for left in [leaked(log), fork] {
            let place = try Place()
            try place.server.show(log)
            _ = try await place.follower(log, adding: later).advance()
            try Data(left.checkpoint().bytes).write(to: URL(filePath: place.directory + "/head"))
            let follower = try place.follower(log, adding: later)
            #expect(await follower.withFolded { $0.checkpoint == nil } == true)
            #expect(try await follower.advance().head.treeHead == log.head())
            #expect(await follower.withFolded { $0.checkpoint != nil } == true)
            #expect(try Data(contentsOf: URL(filePath: place.directory + "/head")) == Data(log.checkpoint().bytes))
        }
    }

    @Test("entries that break the rules under a former key's head are not the log's fault")
    func notTheLogs() async throws {
        var late = old
        _ = try late.rotate()
        let right = late
        late.use(checkpoint: old.checkpointKey, receipt: old.receiptKey, statement: old.statementKey)
        try late.grow(to: 20)
        let place = try Place()
        try place.server.show(late)
        #expect(await fault(try place.follower(log, adding: later))?.reason == "former-key")
        // The same entries under the key in force are.
        late.use(checkpoint: right.checkpointKey, receipt: right.receiptKey, statement: right.statementKey)
        try place.server.show(late)
        #expect(await fault(try place.follower(log, adding: later))?.isFinal == true)
    }

    @Test("the next key before its time signs no head")
    func early() async throws {
        let place = try Place()
        var early = old
        early.use(checkpoint: log.checkpointKey, receipt: log.receiptKey, statement: old.statementKey)
        try place.server.show(early)
        let follower = try place.follower(log, adding: later)
        guard case .unverified(let reason, _)? = await fault(follower) else {
            Issue.record("it was taken")
            return
        }
        #expect(reason == "no-signature")
        #expect(await follower.acceptedHead == nil)
        try place.server.show(old)
        #expect(try await follower.advance().head.treeHead.size == 10)
    }

    @Test("a witness that shows the former key's head is an alarm; old heads, and old trees under the new key, are not")
    func witness() async throws {
        let place = try Place()
        try place.server.show(log)
        let (events, witness) = (Events(), FakeWitness())
        let watched = try place.watched(
            log, adding: later, witnesses: [witness.watched("w0")], events: events, change: { $0.maxAge = nil })
        for good in [try old.checkpoint(), try log.checkpoint(10), try log.checkpoint()] {
            witness.show(good)
            await watched.round()
        }
        #expect(events.take() == [.growth])
        for size in [12, 20, 30] as [UInt64] {
            witness.show(try leaked(log).checkpoint(size))
            await watched.round()
        }
        var fork = old
        try fork.grow(to: 20, batch: 3)
        witness.show(try fork.checkpoint())
        await watched.round()
        let alarms = events.takeAll()
        #expect(alarms.map(\.name) == [.formerKey])
        #expect(alarms.first?.json["witness"]?.stringValue == "w0")
        #expect(await watched.finding == nil)
        witness.show(try log.checkpoint())
        await watched.round()
        #expect(events.take() == [.recovered])
    }

    @Test("a monitor says so of the log itself, and goes on when it is over")
    func condition() async throws {
        let place = try Place()
        try place.server.show(log)
        let events = Events()
        let watched = try place.watched(log, adding: later, events: events, change: { $0.maxAge = nil })
        await watched.round()
        try place.server.show(leaked(log))
        await watched.round()
        try place.server.show(log)
        await watched.round()
        #expect(events.take() == [.growth, .formerKey, .recovered])
    }

    @Test("a state witness cosigns no head of a former key")
    func stateWitness() async throws {
        let place = try Place()
        try place.server.show(log)
        let watched = try place.watched(log, adding: later, events: Events())
        await watched.round()
        let heads = ReplayedHeads([watched], patience: .milliseconds(1))
        for good in [try log.checkpoint(), try log.checkpoint(12), try old.checkpoint()] {
            #expect(await heads.verdict(on: good) == .replayed)
        }
        for size in [12, 30] as [UInt64] {
            guard case .refused(let why) = await heads.verdict(on: try leaked(log).checkpoint(size)) else {
                Issue.record("cosigned at \(size)")
                return
            }
            #expect(why.contains("up to size 12"))
        }
    }

    @Test("a replay that a client makes is held to its head's key")
    func replayedState() async throws {
        let place = try Place()
        let client = try place.client(place.trust(log, adding: later))
        try place.server.show(log)
        #expect(try await client.replayedState().head.treeHead.size == 30)
        try place.server.show(leaked(log))
        let error = await #expect(throws: ClientError.self) { _ = try await client.replayedState() }
        guard case .contradiction("checkpoint", let why)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(why.contains("up to size 12"))
    }

    // MARK: Copies

    private func rebuilt(_ log: TestLog, _ trust: TrustFile) async throws -> MemoryLogStore {
        let (store, files) = (MemoryLogStore(), FileTable(try log.files()))
        var rebuild = StoreRebuild(store, from: files, under: try await files.checkpoint(under: trust), trust: trust)
        _ = try await rebuild.run()
        return store
    }

    private func audit(_ target: AuditTarget, _ trust: TrustFile) async throws -> AuditReport {
        var options = Audit.Options()
        options.isGovernance = true
        return try await Audit(target, trust: trust, options: options).run()
    }

    @Test("an audit of files or of a store needs no more than the genesis's trust file")
    func audits() async throws {
        let place = try Place()
        let (first, named) = (try place.trust(log), try place.trust(log, adding: later))
        for trust in [first, named, try place.trust(log, adding: ended)] {
            let files = try await audit(try await AuditTarget(files: FileTable(try log.files())), trust)
            #expect(files.verdict == .clean, "\(files.lines)")
            #expect(files.fold?.trustLines.count == 6)
            let store = try await rebuilt(log, named)
            let report = try await audit(try AuditTarget(store: store, isGovernance: true), trust)
            #expect(report.verdict == .clean, "\(report.lines)")
        }
        let former = try await audit(try await AuditTarget(files: FileTable(try leaked(log).files())), first)
        #expect(former.verdict == .notVerified)
        #expect(former.checkpoint.decidingCheck?.code == "key-ended")
        // A store that was closed between the rotation's commit and its head: the newest checkpoint is the old key's.
        let next = try await rebuilt(old, first)
        #expect(try await audit(try AuditTarget(store: next, isGovernance: true), first).verdict == .clean)
    }

    @Test("no store is made of a copy that a former key signed")
    func rebuild() async throws {
        let place = try Place()
        let error = await #expect(throws: MirrorError.self) {
            _ = try await rebuilt(leaked(log), place.trust(log, adding: later))
        }
        #expect(error?.reason == "source-checkpoint")
        await #expect(throws: MirrorError.self) { _ = try await rebuilt(log, place.trust(log)) }
    }

    @Test("a mirror goes through it, with what it had")
    func mirror() async throws {
        let place = try Place()
        let directory = place.directory + "/copy"
        func update(_ lines: [String]) async throws -> Mirror.Outcome {
            var mirror = try Mirror(
                directory: try MirrorDirectory(directory), client: try place.client(place.trust(log, adding: lines)),
                now: { 1_750_000_000 })
            return try await mirror.update()
        }
        try place.server.show(old)
        #expect(try await update([]) == .grown(from: 0))
        try place.server.show(log)
        await #expect(throws: ClientError.self) { _ = try await update([]) }
        #expect(try await update(ended) == .grown(from: 10))
        try place.server.show(leaked(log))
        await #expect(throws: ClientError.self) { _ = try await update(ended) }
    }
}
