import COSE
import Governance
import LogEngine
import LogStore
import Testing
import Tlog

/// A log whose witnesses have not answered since it was started: it shows what was published before, and signs nothing.
@Suite("Awaiting the first quorum", .timeLimit(.minutes(1)))
struct AwaitedQuorumTests {
    private func begin(
        _ domain: TestDomain, _ store: any LogStore, _ anchor: any Anchor, _ witnesses: FakeWitnesses
    ) throws -> Log {
        try Log.begin(
            store: store, keys: domain.keys, anchor: anchor, witnessing: witnesses.witnessing, clock: domain.clock,
            logger: .silent)
    }

    /// A log that ran with its witnesses, registered so many statements, and ended.
    private func ran(
        _ domain: TestDomain, _ witnesses: FakeWitnesses, _ count: Int
    ) async throws -> (TestStore, anchor: MemoryAnchor, head: PublishedHead) {
        let (store, anchor) = (TestStore(), MemoryAnchor())
        try domain.create(store, anchor)
        let log = try await domain.open(store, anchor, witnesses: witnesses)
        for number in 0..<count { _ = try await log.submit(try domain.evidence(number)).get() }
        await log.shutdown()
        return (store, MemoryAnchor(try anchor.read()), log.published)
    }

    @Test("it shows the head that was published last, with its quorum, and takes, seals and signs nothing new")
    func keptHead() async throws {
        let domain = try TestDomain()
        let witnesses = FakeWitnesses(3, quorum: 2)
        let (store, anchor, before) = try await ran(domain, witnesses, 3)
        witnesses.setAll(.down)
        let log = try begin(domain, store, anchor, witnesses)
        let head = try #require(log.latest)
        #expect(log.status == .awaitingQuorum)
        #expect(head.treeHead == before.treeHead)
        #expect(head.sealTime == before.sealTime)
        let logKey = VerifierKey.ed25519(
            name: domain.policy.origin.keyName, publicKey: domain.keys.checkpoint.publicKey)
        _ = try witnesses.policy.verify(head.checkpoint, logKeys: [logKey])

        // What is published is answered, receipts and all; what is new is not.
        let known = try await log.submit(try domain.evidence(1)).get()
        #expect(known.duplicate)
        try domain.verify(known, of: try domain.evidence(1))
        _ = try log.stateProof(.policy)
        let rejection = try #require(await log.submit(try domain.evidence(9)).failure)
        #expect(rejection.code == .noQuorum)
        #expect(rejection.retryAfter != nil)
        try await eventually { witnesses.known(0).requests.count > before.size / 2 + 4 }
        #expect(try store.head.size == before.size)
        #expect(try anchor.read() == before.treeHead)
        #expect(log.metrics.cosigning?.withoutQuorum != nil)

        witnesses.setAll(.honest)
        try await log.waitForQuorum()
        #expect(log.status == .running)
        #expect(log.metrics.cosigning?.withoutQuorum == nil)
        #expect(try await log.submit(try domain.evidence(9)).get().index == before.size)
        await log.shutdown()
    }

    @Test("a batch that was stored and not published is not shown before the quorum")
    func unpublished() async throws {
        let domain = try TestDomain()
        let witnesses = FakeWitnesses(2)
        let (store, first, before) = try await ran(domain, witnesses, 2)
        let log = try await domain.open(store, first, witnesses: witnesses)
        witnesses.setAll(.down)
        let entry = try domain.evidence(7)
        #expect(await log.submit(entry, timeout: .milliseconds(500)).failure != nil)
        await log.shutdown()
        #expect(try store.head.size == before.size + 2)

        let again = try begin(domain, store, MemoryAnchor(try first.read()), witnesses)
        #expect(again.latest?.treeHead == before.treeHead)
        #expect(try again.registration(leafHash: Hash.leaf(entry)) == nil)
        #expect(await again.submit(entry).failure?.code == .noQuorum)
        witnesses.setAll(.honest)
        try await again.waitForQuorum()
        #expect(again.published.size == before.size + 2)
        #expect(try await again.submit(entry).get().index == before.size)
        await again.shutdown()
    }

    @Test("a log that never published anything shows nothing; nor does one whose kept head is under no quorum of these")
    func nothingKept() async throws {
        let domain = try TestDomain()
        let (store, anchor) = (TestStore(), MemoryAnchor())
        try domain.create(store, anchor)
        let witnesses = FakeWitnesses(3, quorum: 2)
        witnesses.setAll(.down)
        let log = try begin(domain, store, anchor, witnesses)
        #expect(log.latest == nil)
        #expect(try log.genesis() == domain.genesis.leafHash)
        #expect(throws: LogError.notPublished) { try log.read { _, head in head.size } }
        #expect(await log.submit(try domain.evidence(0)).failure?.code == .noQuorum)
        witnesses.setAll(.honest)
        try await log.waitForQuorum()
        #expect(log.latest?.size == 2)
        await log.shutdown()

        let others = FakeWitnesses(3, quorum: 2)
        others.setAll(.down)
        let strange = try begin(domain, store, MemoryAnchor(try anchor.read()), others)
        #expect(strange.latest == nil)
        await strange.shutdown()
    }

    @Test("3: an old copy shows the head that it once published and signs nothing; a witness that answers ends it")
    func oldCopy() async throws {
        let domain = try TestDomain()
        let witnesses = FakeWitnesses(3, quorum: 2)
        let (store, first, before) = try await ran(domain, witnesses, 1)
        let old = try store.copy()
        try old.commit(
            .checkpointOnly(size: before.size, bytes: before.checkpoint.bytes, head: store.head),
            expecting: before.treeHead)
        let anchor = MemoryAnchor(try first.read())
        let log = try await domain.open(store, first, witnesses: witnesses)
        for number in 5..<8 { _ = try await log.submit(try domain.evidence(number)).get() }
        await log.shutdown()

        witnesses.setAll(.down)
        let stale = try begin(domain, old, anchor, witnesses)
        #expect(stale.latest?.treeHead == before.treeHead)
        #expect(await stale.submit(try domain.evidence(9)).failure?.code == .noQuorum)
        witnesses.set(1, .honest)
        await #expect(throws: LogError.self) { try await stale.waitForQuorum() }
        guard case .stopped(.signedElsewhere) = stale.status else {
            Issue.record("it goes on: \(stale.status)")
            return
        }
        #expect(await stale.submit(try domain.evidence(9)).failure?.code == .stopped)
        #expect(try old.head.size == before.size)
        #expect(try anchor.read() == before.treeHead)
        await stale.shutdown()
    }

    @Test("a shutdown does not wait for the witnesses, and closes the store")
    func shutdown() async throws {
        let domain = try TestDomain()
        let witnesses = FakeWitnesses(1)
        let (store, anchor, _) = try await ran(domain, witnesses, 1)
        let closed = store.closed
        let gate = AsyncGate()
        witnesses.set(0, .slow(gate))
        let log = try begin(domain, store, anchor, witnesses)
        try await eventually { gate.arrivals == 1 }
        await log.shutdown()
        #expect(store.closed > closed)
        #expect(await log.submit(try domain.evidence(5)).failure?.code == .stopped)
        gate.open()
    }
}
