import COSE
import Foundation
import Governance
import LogClient
import Monitor
import Testing
import Tlog
import Verification

/// A log is believed no further than its tiles carry: every lie ends in a fault with a name, and with the entry.
@Suite("Following a log")
struct FollowTests {
    private func grown(_ size: UInt64, batch: UInt64 = 10) throws -> TestLog {
        var log = try TestLog()
        try log.grow(to: size, batch: batch)
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

    @Test("everything up to the head is read, verified, folded and kept; a restart goes on where it was")
    func grows() async throws {
        let place = try Place()
        var log = try grown(300)
        try place.server.show(log)
        let first = try place.follower(log)
        let progress = try await first.advance()
        #expect(progress.head.treeHead == log.head())
        #expect(progress.from == 0)
        #expect(progress.seal != nil)
        #expect(await first.verifiedSize == 300)

        try log.grow(to: 600)
        try place.server.show(log)
        place.server.change { $0.requests = [] }
        let second = try place.follower(log)
        #expect(await second.verifiedSize == 300)
        #expect(try await second.advance().from == 300)
        let bundles = place.server.requests.filter { $0.contains("entries") }
        #expect(
            bundles == ["tile/entries/001", "tile/entries/002.p/88"], "nothing is read twice but a bundle's beginning")
        #expect(try await second.hasReplayed(log.head(600)) == true)
        #expect(try await second.hasReplayed(log.head(300)) == true)
        #expect(try await second.hasReplayed(log.head(298)) == false, "a head ends with a seal")
    }

    @Test("entries are handed on when their seal has come, each once")
    func entries() async throws {
        let place = try Place()
        var log = try grown(13)
        try place.server.show(log)
        let follower = try place.follower(log)
        let seen = Events()
        @Sendable func note(_ entries: [FollowedEntry]) {
            for entry in entries {
                seen.add(
                    MonitorEvent(.statement, follower.origin, at: entry.index, [], sentence: entry.leafHash.hex))
            }
        }
        _ = try await follower.advance(onEntries: note)
        try log.grow(to: 40)
        try place.server.show(log)
        _ = try await follower.advance(onEntries: note)
        let all = seen.takeAll()
        #expect(all.map(\.time) == Array(0..<40))
        #expect(all.map(\.sentence) == log.leaves().map(\.hex))
    }

    @Test(
        "another history is a fork, whichever of the two heads is larger, and the evidence is confirmed offline",
        arguments: [(21, 21), (13, 21), (16, 30), (21, 13), (30, 16), (300, 600), (600, 300)] as [(UInt64, UInt64)])
    func forks(first: UInt64, second: UInt64) async throws {
        let place = try Place()
        let (log, other) = (try grown(first), try grown(second, batch: 3))
        try place.server.show(log)
        _ = try await place.follower(log).advance()
        // The same keys, another tree, and nothing of the old one.
        try place.server.show(other)
        // It is found by a follower that was started again, too.
        guard case .fork(let evidence)? = await fault(try place.follower(log)) else {
            Issue.record("no fork found")
            return
        }
        #expect(Set(evidence.checkpoints.map(\.checkpoint.size)) == [first, second])
        let report = Verifier(trust: try place.trust(log)).fork(Array(evidence.json.text().utf8))
        #expect(report.verdict == .verified, "\(report.text())")
    }

    @Test("an older head of the same history is no fork, and the accepted head stays")
    func behind() async throws {
        let place = try Place()
        let log = try grown(30)
        try place.server.show(log)
        let follower = try place.follower(log)
        _ = try await follower.advance()
        let older = try log.checkpoint(13).bytes
        place.server.change { $0.files["checkpoint"] = older }
        #expect(await fault(follower) == .behind(shown: log.head(13), accepted: log.head(30)))
        #expect(await follower.acceptedHead?.treeHead.size == 30)
    }

    @Test("what is not under the head is not taken: tiles, bundles, and parts of them")
    func content() async throws {
        let log = try grown(300)
        let bundle = "tile/entries/000"
        for (path, change) in [
            ("tile/0/000", { $0[33] ^= 1 }), (bundle, { $0[100] ^= 1 }), (bundle, { $0.removeLast() }),
            (bundle, { $0 = [] }), ("tile/0/001.p/44", { $0[0] ^= 1 }), ("tile/1/000.p/1", { $0.removeLast(32) }),
        ] as [(String, (inout [UInt8]) -> Void)] {
            let place = try Place()
            try place.server.show(log)
            place.server.change { change(&$0.files[path, default: []]) }
            let follower = try place.follower(log)
            guard case .mismatch? = await fault(follower) else {
                Issue.record("\(path) was taken")
                continue
            }
            #expect(await follower.verifiedSize == 0)
        }
    }

    @Test("a head without what is under it is a gap")
    func gap() async throws {
        let place = try Place()
        let log = try grown(300)
        try place.server.show(log)
        place.server.change { $0.files["tile/entries/000"] = nil }
        let follower = try place.follower(log)
        guard case .missing? = await fault(follower) else {
            Issue.record("no gap found")
            return
        }
        try place.server.show(log)
        #expect(try await follower.advance().head.treeHead.size == 300, "and it goes on when it is there")
    }

    @Test("a head that the trust file does not vouch for is not followed")
    func unverified() async throws {
        let log = try grown(13)
        for (checkpoint, reason) in [
            (try log.checkpoint(witnesses: 1), "quorum-not-reached"),
            (try TestLog(seed: 50).checkpoint(), "no-signature"),
            (try TestLog(origin: "log.example/other").checkpoint(), "unknown-log"),
        ] {
            let place = try Place()
            try place.server.show(log)
            place.server.change { $0.files["checkpoint"] = checkpoint.bytes }
            #expect(await fault(try place.follower(log))?.reason == reason)
        }
    }

    @Test("an entry that the log's own rules don't allow is named; its batch is not taken, what is before it is")
    func violations() async throws {
        for (reason, index, change) in [
            ("state-root", 14, { $0.seal(root: .zero) }), ("seal-count", 14, { $0.seal(count: 7) }),
            ("time-backwards", 14, { $0.seal(time: 1) }), ("seal-chain", 14, { $0.seal(seq: 9) }),
            (
                "not-a-statement", 14,
                {
                    $0.appendAnyway(Array("x".utf8))
                    $0.seal()
                }
            ),
            ("unsealed", nil, { _ in }),
        ] as [(String, UInt64?, (inout TestLog) throws -> Void)] {
            let place = try Place()
            var log = try grown(13)
            try log.append(try log.event())
            try change(&log)
            try place.server.show(log)
            let follower = try place.follower(log)
            guard case .violation(let violation)? = await fault(follower) else {
                Issue.record("\(reason) was not found")
                continue
            }
            if reason != "not-a-statement" { #expect(violation.reason == reason) }
            #expect(violation.index == index, "\(reason)")
            #expect(await follower.verifiedSize == 13)
        }
    }

    @Test("a statement that is in the log a second time is named")
    func duplicate() async throws {
        let place = try Place()
        var log = try grown(13)
        let opaque = try log.sign(try log.event().payload, type: "text/plain")
        try log.append(opaque)
        log.seal()
        try log.append(opaque)
        log.seal()
        try place.server.show(log)
        guard case .violation(let violation)? = await fault(try place.follower(log)) else {
            Issue.record("not found")
            return
        }
        #expect(violation.reason == "duplicate-entry")
        #expect(violation.index == 15)
    }

    @Test("a log that can't be reached is nothing but that")
    func unreachable() async throws {
        let place = try Place()
        let log = try grown(13)
        try place.server.show(log)
        place.server.change { $0.isDown = true }
        let follower = try place.follower(log)
        #expect(await fault(follower)?.reason == "unreachable")
        #expect(await fault(follower)?.isFinal == false)
        place.server.change { $0.isDown = false }
        #expect(try await follower.advance().head.treeHead == log.head())
    }
}
