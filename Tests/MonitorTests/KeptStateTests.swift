import COSE
import Governance
import LogStore
import Monitor
import Testing
import Tlog

/// A follower that keeps the state goes on from it, and believes it only where it is what the log's seal says.
@Suite("The state that a follower keeps")
struct KeptStateTests {
    /// What was folded, as far as anybody can see it.
    private struct Folded: Sendable, Equatable {
        let head: TreeHead
        let root: Hash
        let values: [StateKey: [UInt8]]
        let heads: [UInt64: Hash]
        let policy: Hash
    }

    private func folded(_ follower: LogFollower) async -> Folded? {
        await follower.withFolded { log in
            Folded(
                head: log.head, root: log.stateRoot, values: log.state.values, heads: log.state.heads,
                policy: log.rules.policy.digest)
        }
    }

    @Test(
        "a restart comes to the same state, heads and rules without folding, at every size",
        arguments: [2, 30, 255, 256, 257, 600])
    func same(size: UInt64) async throws {
        let (kept, anew) = (try Place(), try Place())
        var log = try TestLog()
        if size > 2 { try log.grow(to: size) }
        for place in [kept, anew] { try place.server.show(log) }
        _ = try await kept.follower(log, keepsState: true).advance()
        _ = try await anew.follower(log).advance()
        let (resumed, refolded) = (try kept.follower(log, keepsState: true), try anew.follower(log))
        #expect(resumed.resumedSize == size && refolded.resumedSize == 0)
        #expect(await folded(resumed) == (await folded(refolded)))
        // And it goes on from there, to the same state again.
        _ = try log.grant()
        try log.grow(to: size + 20)
        for place in [kept, anew] { try place.server.show(log) }
        _ = try await resumed.advance()
        _ = try await refolded.advance()
        #expect(await folded(resumed) == (await folded(refolded)))
        #expect(try kept.follower(log, keepsState: true).resumedSize == log.head().size)
    }

    @Test(
        "one value that is not what it was, or is gone, and the entries are folded again; what is kept then is right again"
    )
    func damaged() async throws {
        var log = try TestLog()
        _ = try log.grant()
        try log.grow(to: 40)
        for value: @Sendable ([UInt8]) -> [UInt8]? in [{ $0.dropLast() + [$0.last.map { $0 ^ 1 } ?? 0] }, { _ in nil }]
        {
            let place = try Place()
            try place.server.show(log)
            let first = try place.follower(log, keepsState: true)
            _ = try await first.advance()
            let right = await folded(first)
            let keys = try #require(right?.values.keys.sorted())
            for key in keys {
                var damage = DamagedStore.Damage()
                damage.state = { $0 == key.bytes ? value($1) : $1 }
                let follower = try place.follower(log, keepsState: true, damage: damage)
                #expect(follower.resumedSize == 0, "\(key)")
                #expect(await folded(follower) == right)
            }
        }
    }

    @Test(
        "a seal or a first entry that is not under the tree's root is not gone on from, and neither is another genesis")
    func otherEntries() async throws {
        let place = try Place()
        var log = try TestLog()
        try log.grow(to: 40)
        try place.server.show(log)
        _ = try await place.follower(log, keepsState: true).advance()
        for index: UInt64 in [0, 39] {
            var damage = DamagedStore.Damage()
            damage.entry = { $0 == index ? $1.dropLast() + [0] : $1 }
            #expect(throws: FollowFault.self) { try place.follower(log, keepsState: true, damage: damage) }
        }
        let other = try TestLog(seed: 40)
        #expect(throws: FollowFault.self) { try place.follower(other, keepsState: true) }
    }

    @Test("a store from before, which has entries and no state, is folded once; then its state is kept whole")
    func upgraded() async throws {
        let place = try Place()
        var log = try TestLog()
        _ = try log.grant()
        try log.grow(to: 40)
        try place.server.show(log)
        _ = try await place.follower(log).advance()
        let second = try place.follower(log, keepsState: true)
        #expect(second.resumedSize == 0)
        try log.grow(to: 60)
        try place.server.show(log)
        _ = try await second.advance()
        let third = try place.follower(log, keepsState: true)
        #expect(third.resumedSize == 60)
        #expect(await folded(third) == (await folded(second)))
    }

    @Test("opaque evidence that the log enters a second time is found after a restart too")
    func duplicate() async throws {
        let place = try Place()
        var log = try TestLog()
        try log.grow(to: 40)
        let opaque = try log.sign(try log.event().payload, type: "text/plain")
        try log.append(opaque)
        log.seal()
        try place.server.show(log)
        _ = try await place.follower(log, keepsState: true).advance()
        let follower = try place.follower(log, keepsState: true)
        try log.append(opaque)
        log.seal()
        try place.server.show(log)
        let fault: FollowFault?
        do throws(FollowFault) {
            _ = try await follower.advance()
            fault = nil
        } catch {
            fault = error
        }
        guard case .violation(let violation)? = fault else {
            Issue.record("\(String(describing: fault))")
            return
        }
        #expect(violation.reason == "duplicate-entry" && violation.index == 42)
    }
}
