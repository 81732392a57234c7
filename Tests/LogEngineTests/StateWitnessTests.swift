import COSE
import Governance
import LogEngine
import LogStore
import Testing
import Tlog

/// State witnesses read the log as everybody does, so they can cosign only what is published: they are asked then,
/// nothing waits for them, and what they sign is added to the head that is served.
@Suite("State witnesses", .timeLimit(.minutes(1)))
struct StateWitnessTests {
    /// Witnesses 0 and 1 are the quorum, 2 is the state witness.
    private func open(
        _ domain: TestDomain, _ witnesses: FakeWitnesses, change: (inout Witnessing) -> Void = { _ in }
    ) async throws -> Log {
        let (store, anchor) = (TestStore(), MemoryAnchor())
        try domain.create(store, anchor)
        return try await domain.open(
            store, anchor, witnesses: witnesses,
            change: {
                $0.stateWitnesses = ["w2"]
                change(&$0)
            })
    }

    private func time(_ log: Log, _ witnesses: FakeWitnesses, _ number: Int) throws -> UInt64? {
        try Cosignature.verify(log.published.checkpoint, key: try witnesses.vkey(number))
    }

    @Test("its line is added to the head that is served, and to the receipts under it")
    func added() async throws {
        let domain = try TestDomain()
        let witnesses = FakeWitnesses(3, quorum: 2)
        let log = try await open(domain, witnesses)
        let entry = try domain.evidence(0)
        _ = try await log.submit(entry).get()
        try await eventually { try time(log, witnesses, 2) != nil && log.published.size == 4 }
        #expect(try time(log, witnesses, 0) != nil && time(log, witnesses, 1) != nil)
        let registration = try await log.submit(entry).get()
        try domain.verify(registration, of: entry)
        let carried = try #require(try Receipt(decoding: registration.receipt().encoded()).checkpoint)
        #expect(try Cosignature.verify(try SignedCheckpoint(parsing: carried), key: try witnesses.vkey(2)) != nil)
        #expect(log.metrics.cosigning?.stateSizes == ["w2": 4])
        await log.shutdown()
    }

    @Test("it is asked for published heads alone, and one that hangs holds nothing up")
    func afterPublication() async throws {
        let domain = try TestDomain()
        let witnesses = FakeWitnesses(3, quorum: 2)
        let gate = AsyncGate()
        witnesses.set(2, .slow(gate))
        let log = try await open(domain, witnesses)
        try await eventually { gate.arrivals == 1 }
        for number in 0..<10 { _ = try await log.submit(try domain.evidence(number)).get() }
        #expect(witnesses.known(2).requests.map(\.size) == [2], "one request at a time")
        witnesses.set(0, .down)
        _ = await log.submit(try domain.evidence(10), timeout: .seconds(2))
        witnesses.set(2, .honest)
        gate.open()
        try await eventually { try time(log, witnesses, 2) != nil }
        // The head of size 24 has no quorum: nobody can read it, so the state witness is not asked for it.
        #expect(log.published.size == 22)
        #expect(witnesses.known(2).requests.allSatisfy { $0.size <= 22 })
        await log.shutdown()
    }

    @Test("it can't stand in for a witness of the quorum")
    func noQuorum() async throws {
        let domain = try TestDomain()
        let witnesses = FakeWitnesses(3, quorum: 2)
        let log = try await open(domain, witnesses)
        try await eventually { try time(log, witnesses, 2) != nil }
        witnesses.set(1, .down)
        #expect(await log.refusal(of: try domain.evidence(0)) == .noQuorum)
        await log.shutdown()
    }

    @Test("one that was not ready is asked again, for the newest head")
    func again() async throws {
        let domain = try TestDomain()
        let witnesses = FakeWitnesses(3, quorum: 2)
        witnesses.set(2, .down)
        let log = try await open(domain, witnesses)
        for number in 0..<3 { _ = try await log.submit(try domain.evidence(number)).get() }
        try await eventually { (log.metrics.cosigning?.failures["w2"] ?? 0) > 2 }
        #expect(try time(log, witnesses, 2) == nil)
        witnesses.set(2, .honest)
        try await eventually { try time(log, witnesses, 2) != nil }
        #expect(log.published.size == 8)
        await log.shutdown()
    }

    @Test("when the head is cosigned again its line stays, and a later one of it takes its place")
    func recosigned() async throws {
        let domain = try TestDomain()
        let witnesses = FakeWitnesses(3, quorum: 2)
        let log = try await open(domain, witnesses, change: { $0.recosignInterval = .milliseconds(20) })
        try await eventually { try time(log, witnesses, 2) != nil }
        let first = try #require(try time(log, witnesses, 2))
        try await eventually { try (time(log, witnesses, 2) ?? 0) > first + 3 }
        #expect(log.published.checkpoint.note.signatures.count == 4, "one line a key")
        witnesses.set(2, .down)
        let last = try #require(try time(log, witnesses, 0))
        try await eventually { try (time(log, witnesses, 0) ?? 0) > last + 3 }
        #expect(try time(log, witnesses, 2) != nil, "it vouched for this very tree")
        _ = try await log.submit(try domain.evidence(0)).get()
        #expect(try time(log, witnesses, 2) == nil, "and not for the next")
        await log.shutdown()
    }

    @Test("a line that is not its own is not taken")
    func lies() async throws {
        let domain = try TestDomain()
        let witnesses = FakeWitnesses(3, quorum: 2)
        let (name, other) = (try witnesses.vkey(2).name, Ed25519.SigningKey.generate())
        witnesses.set(2, .lies { _, checkpoint in [Cosignature.sign(checkpoint, name: name, key: other, time: 7)] })
        let log = try await open(domain, witnesses)
        try await eventually { (log.metrics.cosigning?.failures["w2"] ?? 0) > 1 }
        try await eventually { log.published.checkpoint.note.signatures.count == 3 }
        #expect(log.metrics.cosigning?.stateSizes == ["w2": 0])
        await log.shutdown()
    }
}
