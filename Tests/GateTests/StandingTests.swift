import Foundation
import Gate
import Governance
import LogClient
import LogStore
import Testing
import Tlog

/// "Stale head, no quorum, divergence, unreachable log, clock trouble: contain, within the bound the policy sets."
@Suite("How a gate stands")
struct StandingTests {
    private func kinds(_ gate: Gate) -> [GateTrouble.Kind] { gate.currentStanding.troubles.map(\.kind) }

    private func refused(_ gate: Gate, _ scene: Scene) async -> Decision? {
        await failure { () async throws(GateError) in try await gate.permit(scene.request(), files: nil) }?.decision
    }

    @Test("before the first verified head nothing is permitted")
    func nothingYet() async throws {
        let scene = try Scene()
        let gate = try await scene.gate(looked: false)
        #expect(!gate.currentStanding.isReady)
        #expect(await gate.evaluate(scene.request(), files: nil).reason == .unverifiableTransition)
        await gate.look()
        #expect(gate.currentStanding.isReady)
    }

    @Test("the log is not reached: judged on the last verified head until that is too old, and no permit leaves")
    func unreachable() async throws {
        let scene = try Scene(bounds: PolicyBounds(maxHeadAge: 60_000))
        let gate = try await scene.gate()
        scene.domain.change { $0.isDown = true }
        await gate.look()
        #expect(kinds(gate) == [.unreachable])
        #expect(await gate.evaluate(scene.request(), files: nil).permits)
        let early = await failure { () async throws(GateError) in try await gate.permit(scene.request(), files: nil) }
        #expect(early?.reason == "unreachable")
        scene.time.pass(60_001)
        await gate.look()
        #expect(kinds(gate) == [.unreachable, .staleHead])
        let late = try #require(await refused(gate, scene))
        #expect(late.outcome(.p7) == .failed(.synchronizationInterrupted))
        scene.domain.change { $0.isDown = false }
        scene.domain.publish()
        await gate.look()
        #expect(gate.currentStanding.isReady)
        _ = try await gate.permit(scene.request(), files: nil)
    }

    @Test("head time is the time that a quorum vouches for, not the newest cosignature's")
    func headTime() async throws {
        let scene = try Scene()
        let gate = try await scene.gate()
        let before = try #require(gate.currentStanding.head?.time)
        // One witness cosigns later: that is no quorum.
        let entries = scene.domain.entries
        let old = try scene.domain.signed(entries)
        scene.time.pass(5000)
        let new = try scene.domain.signed(entries, witnesses: 1, stateWitness: false)
        let lines = new.note.signatures.filter { $0.name.text == "w0.test" }
        let mixed = try #require(
            try? old.checkpoint.signed(by: Domain.key(1)).adding(
                old.note.signatures.filter { ["w1.test", "w2.test", "s.test"].contains($0.name.text) } + lines))
        scene.domain.change { $0.shown = mixed.bytes }
        await gate.look()
        #expect(gate.currentStanding.head?.time == before)
        scene.domain.change { $0.shown = nil }
        scene.domain.publish()
        await gate.look()
        #expect(gate.currentStanding.head?.time == before + 5000)
    }

    @Test("no quorum: the head is not taken, and the last good one ages until nothing is permitted")
    func noQuorum() async throws {
        let scene = try Scene(bounds: PolicyBounds(maxHeadAge: 60_000))
        let gate = try await scene.gate()
        let good = scene.domain.head
        scene.domain.change { $0.witnesses = 1 }
        try scene.domain.note()
        await gate.look()
        #expect(kinds(gate) == [.noQuorum])
        #expect(gate.currentStanding.head?.treeHead == good)
        scene.time.pass(60_001)
        await gate.look()
        #expect(!gate.currentStanding.isReady)
        #expect(await !gate.evaluate(scene.request(), files: nil).permits)
        scene.domain.change { $0.witnesses = 2 }
        scene.domain.publish()
        await gate.look()
        #expect(gate.currentStanding.isReady)
    }

    @Test(
        "while the log takes nothing, refusals are answered without being tried again and again; then they are recorded"
    )
    func waiting() async throws {
        let scene = try Scene()
        let gate = try await scene.gate()
        scene.domain.change { $0.witnesses = 1 }
        func refusal() async -> GateError? {
            await failure { () async throws(GateError) in try await gate.permit(scene.request("letter:1"), files: nil) }
        }
        func posts() -> Int { scene.domain.requests.count { $0.method == .post } }
        let first = await refusal()
        #expect(first?.decision != nil && first?.recorded == nil)
        let tried = posts()
        _ = await refusal()
        #expect(posts() == tried)
        scene.domain.change { $0.witnesses = 3 }
        scene.domain.publish()
        scene.time.pass(5000)
        #expect(await refusal()?.recorded != nil)
    }

    @Test("state witnesses that fall behind: contained when the policy's lag is over")
    func stateLag() async throws {
        let scene = try Scene(bounds: PolicyBounds(maxHeadAge: 600_000, maxStateLag: 30_000))
        let gate = try await scene.gate()
        scene.domain.change { $0.stateWitness = false }
        scene.time.pass(20_000)
        scene.domain.publish()
        await gate.look()
        #expect(await gate.evaluate(scene.request(), files: nil).permits, "an older head will do, within the lag")
        scene.time.pass(10_001)
        scene.domain.publish()
        await gate.look()
        let decision = await gate.evaluate(scene.request(), files: nil)
        #expect(decision.outcome(.p8) == .failed(.synchronizationInterrupted))
        #expect(kinds(gate) == [.stateLag])
    }

    @Test("a seal that lies about the state: everything is contained, for good, and the log is told so once")
    func divergence() async throws {
        let scene = try Scene()
        let gate = try await scene.gate()
        scene.domain.change { $0.sealLie = true }
        try scene.domain.note()
        await gate.look()
        #expect(kinds(gate) == [.divergence])
        let decision = try #require(await refused(gate, scene))
        #expect(decision.outcome(.p8) == .failed(.stateDivergence))
        #expect(decision.reason == .stateDivergence)
        await gate.look()
        let entered = try scene.domain.data(ContainmentEnter.self)
        #expect(entered.map(\.scope) == [.domain(scene.domain.origin.text)])
        #expect(entered.map(\.reason) == [.stateDivergence])
    }

    @Test("two histories: everything is contained, and a restart remembers it")
    func fork() async throws {
        let scene = try Scene()
        let gate = try await scene.gate()
        try scene.domain.note()
        await gate.look()
        let other = Array(scene.domain.entries.dropLast(3)) + [[1], [2], [3]]
        let shown = try scene.domain.signed(other).bytes
        scene.domain.change { $0.shown = shown }
        await gate.look()
        #expect(kinds(gate) == [.fork])
        #expect(await gate.evaluate(scene.request(), files: nil).outcome(.p7) == .failed(.auditDiscontinuity))
        scene.domain.change { $0.shown = nil }
        let again = try await scene.gate()
        #expect(kinds(again) == [.fork])
        #expect(FileManager.default.fileExists(atPath: scene.directory + "/fork.json"))
        #expect(try scene.domain.data(ContainmentEnter.self).first?.reason == .auditDiscontinuity)
    }

    @Test("the high-water mark outlives the head file and the store: a log that shows less is not judged on")
    func highWaterMark() async throws {
        let scene = try Scene()
        let old = scene.domain.entries
        try scene.domain.note()
        _ = try await scene.gate()
        try FileManager.default.removeItem(atPath: scene.directory + "/head")
        let shown = try scene.domain.signed(old).bytes
        scene.domain.change { $0.shown = shown }
        let second = try await scene.gate(store: MemoryLogStore())
        #expect(kinds(second) == [.divergence])
        #expect(await second.evaluate(scene.request(), files: nil).outcome(.p7) == .failed(.auditDiscontinuity))
    }

    // MARK: Clocks

    @Test(
        "a wall clock that goes back makes nothing younger; past maxSkew nothing is permitted until it is right again")
    func clockBack() async throws {
        let scene = try Scene(bounds: PolicyBounds(maxHeadAge: 60_000))
        let gate = try await scene.gate()
        scene.time.set(by: -50_000)
        scene.time.pass(60_001)
        #expect(await gate.evaluate(scene.request(), files: nil).outcome(.p7) == .failed(.synchronizationInterrupted))
        scene.time.set(by: -600_000)
        scene.domain.publish()
        await gate.look()
        #expect(kinds(gate).contains(.clock))
        let decision = await gate.evaluate(scene.request(), files: nil)
        #expect(decision.results[0].outcome == .notEvaluable)
        #expect(decision.results[0].detail.contains("went back"))
        scene.time.set(by: 650_000)
        scene.domain.publish()
        await gate.look()
        #expect(await gate.evaluate(scene.request(), files: nil).permits)
    }

    @Test("a wall clock that goes ahead makes the head too old; past maxSkew it is clock trouble")
    func clockAhead() async throws {
        let scene = try Scene(bounds: PolicyBounds(maxHeadAge: 60_000))
        let gate = try await scene.gate()
        scene.time.set(by: 61_000)
        #expect(await gate.evaluate(scene.request(), files: nil).outcome(.p7) == .failed(.synchronizationInterrupted))
        scene.time.set(by: 600_000)
        await gate.look()
        #expect(kinds(gate).contains(.clock))
        #expect(await gate.evaluate(scene.request(), files: nil).results[0].detail.contains("went ahead"))
    }

    @Test("after a step, a quorum's new head time that agrees with the clock makes it good")
    func clockVouched() async throws {
        let scene = try Scene()
        let gate = try await scene.gate()
        // The machine was stopped for an hour, and both clocks missed it.
        scene.time.set(by: 3_600_000)
        scene.domain.publish()
        await gate.look()
        #expect(!kinds(gate).contains(.clock))
    }

    @Test("a clock that was set back while the gate was down is seen by the mark")
    func clockBackAtStart() async throws {
        let scene = try Scene()
        _ = try await scene.gate()
        scene.time.set(by: -3_600_000)
        let second = try await scene.gate(looked: false)
        #expect(await !second.evaluate(scene.request(), files: nil).permits)
        await second.look()
        #expect(kinds(second).contains(.clock))
    }

    // MARK: Nobody to vouch

    @Test("quorum none is refused unless the policy allows it, and then every decision says so")
    func unwitnessed() async throws {
        let strict = try Scene()
        let refusing = try await strict.gate(quorum: "none", stateQuorum: nil)
        #expect(await refusing.evaluate(strict.request(), files: nil).outcome(.p6) == .failed(.cryptographicFailure))
        let scene = try Scene(allowUnwitnessed: true)
        let gate = try await scene.gate(quorum: "none", stateQuorum: nil)
        let permit = try await gate.permit(scene.request(), files: nil)
        #expect(permit.decision.isUnwitnessed)
        #expect(gate.currentStanding.head?.isUnwitnessed == true)
    }

    @Test("an idle log is made to publish before its head is too old")
    func pulse() async throws {
        let scene = try Scene(bounds: PolicyBounds(maxSilence: 600_000, maxHeadAge: 60_000, maxStateLag: 60_000))
        let gate = try await scene.gate { $0.keepsFresh = true }
        let size = scene.domain.head.size
        await gate.look()
        #expect(scene.domain.head.size == size)
        scene.time.pass(45_001)
        await gate.look()
        #expect(scene.domain.events("gate.pulse").count == 1)
        #expect(gate.currentStanding.isReady)
        scene.time.pass(90_000)
        _ = try await gate.permit(scene.request(), files: nil)
        #expect(scene.domain.events("gate.pulse").count == 2)
    }

    @Test("whoever listens is told how it stands, and of every change")
    func standing() async throws {
        let scene = try Scene()
        let gate = try await scene.gate()
        var heads = gate.standing.makeAsyncIterator()
        #expect(await heads.next()?.head?.treeHead == scene.domain.head)
        try scene.domain.note()
        await gate.look()
        #expect(await heads.next()?.head?.treeHead == scene.domain.head)
        await gate.end()
        #expect(await heads.next() == nil)
    }
}
