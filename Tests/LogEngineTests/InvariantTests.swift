import COSE
import Governance
import LogEngine
import LogStore
import Synchronization
import Testing
import Tlog

/// Promises of the engine, each by the fault that would break it. The sixth has `BoundsTests`, the seventh `StoppingTests`.
@Suite("Invariants", .timeLimit(.minutes(1)))
struct InvariantTests {
    // MARK: 1 Acknowledged means kept

    @Test("1: a submitter is answered only after commit, anchor and publication, in this order")
    func answeredAtTheEnd() async throws {
        let domain = try TestDomain()
        let (commit, anchorGate, cosign) = (Gate(shut: false), Gate(shut: false), Gate(shut: false))
        let store = TestStore()
        let anchor = GatedAnchor(anchorGate)
        try domain.create(store, anchor)
        let log = try await domain.open(store, anchor, witnesses: FakeWitnesses(1, gate: cosign))
        for gate in [commit, anchorGate, cosign] { gate.close() }
        store.set { $0.beforeCommit = { commit.pass() } }

        let answered = Mutex(false)
        let statement = try domain.evidence(1)
        async let result = {
            let result = await log.submit(statement)
            answered.withLock { $0 = true }
            return result
        }()

        try await commit.waitForArrival()
        #expect(try store.head.size == 2)
        #expect(!answered.withLock { $0 })

        commit.release()
        try await anchorGate.waitForArrival()
        #expect(try store.head.size == 4, "the anchor must not move before the commit")
        #expect(try anchor.read()?.size == 2)
        #expect(!answered.withLock { $0 })

        anchorGate.release()
        try await cosign.waitForArrival()
        #expect(try anchor.read()?.size == 4, "nothing is signed before the anchor has moved")
        #expect(log.published.size == 2)
        #expect(!answered.withLock { $0 }, "nothing is answered before its head is published")

        cosign.release()
        let registration = try await result.get()
        #expect(log.published.size == 4)
        #expect(registration.head.size == 4)
        try domain.verify(registration, of: statement)
        await log.shutdown()
    }

    // MARK: 2 Never sign what was not read back

    @Test("2: one bit that reads back otherwise than it was written stops the log unsigned")
    func readBack() async throws {
        let domain = try TestDomain()
        let store = TestStore()
        let anchor = MemoryAnchor()
        try domain.create(store, anchor)
        let reasons = Mutex<[StopReason]>([])
        let log = try domain.open(store, anchor) { reason in reasons.withLock { $0.append(reason) } }
        let before = log.published.treeHead
        store.set {
            $0.entry = { index, entry in
                guard index == 2 else { return entry }
                var flipped = entry
                flipped[flipped.count / 2] ^= 0x10
                return flipped
            }
        }

        let result = await log.submit(try domain.evidence(1))
        #expect(result.failure?.code == .stopped)
        guard case .stopped(.readBackDiffers) = log.status else {
            Issue.record("the log goes on: \(log.status)")
            return
        }
        #expect(log.published.treeHead == before)
        #expect(try anchor.read() == before)
        #expect(reasons.withLock { $0.count } == 1)
        #expect(await log.submit(try domain.evidence(2)).failure?.code == .stopped)
        await log.shutdown()
    }

    @Test(
        "2: a bit that flips in an entry after it was hashed is never signed; in a tile or the head the start finds it")
    func batchBuffer() async throws {
        let flips: [@Sendable (inout StoreBatch) -> Void] = [
            { $0.entries[0][40] ^= 0x01 },
            { $0.tiles[0].hashes[$0.tiles[0].hashes.count - 40] ^= 0x80 },
            { batch in
                var root = batch.head.treeHead.root.bytes
                root[31] ^= 0x04
                guard let flipped = Hash(root) else { return }
                batch.head = StoredHead(
                    treeHead: TreeHead(size: batch.head.treeHead.size, root: flipped), sealTime: batch.head.sealTime)
            },
        ]
        for (number, flip) in flips.enumerated() {
            let domain = try TestDomain()
            let store = TestStore()
            let anchor = MemoryAnchor()
            try domain.create(store, anchor)
            let log = try domain.open(store, anchor)
            let before = log.published.treeHead
            store.set { $0.batch = flip }
            let result = await log.submit(try domain.evidence(1))
            let signed = try anchor.read()
            await log.shutdown()
            if result.failure == nil {
                // What is signed is what the entries give. A tile or a stored head beside them that is wrong does not
                // change that, and the next start finds it.
                #expect(number != 0)
                #expect(signed?.size == before.size + 2)
                store.set { $0.batch = { _ in } }
                #expect(throws: LogError.self) { _ = try domain.open(store, anchor) }
            } else {
                #expect(log.published.treeHead == before)
                #expect(signed == before)
            }
        }
    }

    // MARK: 3 Never sign a fork

    @Test("3: an old copy of the data is not opened: a later head was signed")
    func oldCopy() async throws {
        let domain = try TestDomain()
        let store = TestStore()
        let anchor = MemoryAnchor()
        let log = try domain.log(store: store, anchor: anchor)
        let copy = try store.copy()
        _ = try await log.submit(try domain.evidence(1)).get()
        await log.shutdown()

        let signed = try #require(try anchor.read())
        #expect(throws: LogError.storeBehindAnchor(store: try copy.head.treeHead, anchor: signed)) {
            _ = try domain.open(copy, anchor)
        }
        var options = EngineOptions()
        options.reAnchor = true
        #expect(throws: LogError.storeBehindAnchor(store: try copy.head.treeHead, anchor: signed)) {
            _ = try domain.open(copy, anchor, options: options)
        }
    }

    @Test("3: a store whose history is not the one that was signed is not opened", arguments: [0, 3])
    func fork(further: Int) async throws {
        let domain = try TestDomain()
        let store = TestStore()
        let anchor = MemoryAnchor()
        let log = try domain.log(store: store, anchor: anchor)
        let fork = try store.copy()
        _ = try await log.submit(try domain.evidence(1)).get()
        await log.shutdown()

        let signed = try #require(try anchor.read())
        let otherLog = try domain.open(fork, MemoryAnchor(try fork.head.treeHead))
        for number in 0...further { _ = try await otherLog.submit(try domain.evidence(100 + number)).get() }
        await otherLog.shutdown()
        do {
            _ = try domain.open(fork, anchor)
            Issue.record("the fork was opened")
        } catch LogError.storeForked(let anchor, _) {
            #expect(anchor == signed)
        }
    }

    @Test("3: a log whose anchor is lost is opened only with re-anchoring, and only when its store is whole")
    func lostAnchor() async throws {
        let domain = try TestDomain()
        let store = TestStore()
        let log = try domain.log(store: store)
        _ = try await log.submit(try domain.evidence(1)).get()
        await log.shutdown()

        let head = try store.head.treeHead
        let anchor = MemoryAnchor()
        #expect(throws: LogError.anchorMissing(store: head)) { _ = try domain.open(store, anchor) }
        #expect(try anchor.read() == nil)

        var options = EngineOptions()
        options.reAnchor = true
        store.set { $0.entry = { index, entry in index == 0 ? entry.reversed() : entry } }
        #expect(throws: LogError.self) { _ = try domain.open(store, anchor, options: options) }
        #expect(try anchor.read() == nil)

        store.set { $0.entry = { $1 } }
        let again = try domain.open(store, anchor, options: options)
        #expect(again.published.treeHead == head)
        #expect(try anchor.read() == head)
        await again.shutdown()
    }

    // MARK: 4 One writer

    @Test("4: of two logs on one store and anchor, the one that comes second stops")
    func secondWriter() async throws {
        let domain = try TestDomain()
        let store = TestStore()
        let anchor = MemoryAnchor()
        try domain.create(store, anchor)
        let first = try domain.open(store, anchor)
        let second = try domain.open(store, anchor)
        _ = try await first.submit(try domain.evidence(1)).get()
        #expect(await second.submit(try domain.evidence(2)).failure?.code == .stopped)
        guard case .stopped(.headMoved) = second.status else {
            Issue.record("the second writer goes on: \(second.status)")
            return
        }
        #expect(second.published.size == 2)
        _ = try await first.submit(try domain.evidence(3)).get()
        await first.shutdown()
        await second.shutdown()
    }

    @Test("4: a copy that another process signs for stops this one at the anchor, unsigned")
    func anchorMovedElsewhere() async throws {
        let domain = try TestDomain()
        let store = TestStore()
        let anchor = MemoryAnchor()
        try domain.create(store, anchor)
        let copy = try store.copy()
        let first = try domain.open(store, anchor)
        let second = try domain.open(copy, anchor)
        _ = try await first.submit(try domain.evidence(1)).get()
        #expect(await second.submit(try domain.evidence(2)).failure?.code == .stopped)
        guard case .stopped(.anchorMoved) = second.status else {
            Issue.record("the copy goes on: \(second.status)")
            return
        }
        #expect(second.published.size == 2)
        await first.shutdown()
        await second.shutdown()
    }

    // MARK: 5 Strong dedup

    @Test("5: the same statement gets the same index and a fresh receipt, before any policy is asked")
    func dedup() async throws {
        let domain = try TestDomain()
        let store = TestStore()
        let anchor = MemoryAnchor()
        let log = try domain.log(store: store, anchor: anchor)
        var author = domain.author("a")
        let statement = try author.next()
        let first = try await log.submit(statement).get()
        #expect(!first.duplicate)
        _ = try await log.submit(try author.next()).get()

        // By its own time the policy would refuse it now, and by its place in the stream too.
        domain.clock.advance(by: 86_400_000)
        let again = try await log.submit(statement).get()
        #expect(again.duplicate && again.index == first.index)
        #expect(again.head.size > first.head.size)
        try domain.verify(again, of: statement)
        await log.shutdown()

        let reopened = try domain.open(store, anchor)
        let later = try await reopened.submit(statement).get()
        #expect(later.duplicate && later.index == first.index)
        await reopened.shutdown()
    }

    @Test("5: copies of one statement in one batch share one entry")
    func dedupInBatch() async throws {
        let domain = try TestDomain()
        let log = try domain.log()
        let statement = try domain.evidence(1)
        let results = await log.submit([statement, try domain.evidence(2), statement])
        let registrations = try results.map { try $0.get() }
        #expect(registrations.map(\.index) == [2, 3, 2])
        #expect(registrations.map(\.duplicate) == [false, false, true])
        #expect(log.published.size == 5)
        await log.shutdown()
    }

    @Test("5: copies of one statement that are in flight at the same time share one entry")
    func dedupInFlight() async throws {
        let domain = try TestDomain()
        let log = try domain.log()
        let statement = try domain.evidence(1)
        let registrations = try await withThrowingTaskGroup(of: Registration.self) { group in
            for _ in 0..<64 { group.addTask { try await log.submit(statement).get() } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(registrations.map(\.index)) == [2])
        #expect(registrations.count { !$0.duplicate } == 1)
        await log.shutdown()
    }

    // MARK: 8 One view

    @Test("8: what is committed and not yet published is in no read")
    func oneView() async throws {
        let domain = try TestDomain()
        let gate = Gate(shut: false)
        let store = TestStore()
        let anchor = MemoryAnchor()
        try domain.create(store, anchor)
        let log = try await domain.open(store, anchor, witnesses: FakeWitnesses(1, gate: gate))
        var author = domain.author("a")
        _ = try await log.submit(try author.next()).get()
        let old = log.published
        gate.close()
        let statement = try author.next()
        async let result = log.submit(statement)
        try await gate.waitForArrival()

        #expect(try store.head.size == 6)
        #expect(log.published.size == 4)
        let leafHash = Hash.leaf(statement)
        #expect(try log.registration(index: 4) == nil)
        #expect(try log.registration(leafHash: leafHash) == nil)
        try log.read { snapshot, head in
            let level0 = try #require(TileCoordinate(level: 0, index: 0))
            let stream = StateKey.stream(issuer: domain.issuer, stream: "a")
            #expect(head.treeHead == old.treeHead)
            #expect(try snapshot.head.treeHead == old.treeHead)
            #expect(try snapshot.entry(4) == nil)
            #expect(try snapshot.index(ofLeaf: leafHash) == nil)
            #expect(try snapshot.tile(level0)?.count == 4 * Hash.byteCount)
            #expect(try snapshot.newestLink(stream: stream.bytes, below: 100)?.seq == 0)
            #expect(throws: StoreError.self) { _ = try snapshot.entries(0..<5) }
            let link = try #require(try snapshot.stateValue(stream.bytes))
            #expect(try StreamLink(decoding: link).index == 2, "the state is that at the published head")
            #expect(throws: StoreError.self) { _ = try snapshot.stateValue(stream.bytes, at: 6) }
            #expect(throws: StoreError.self) { _ = try snapshot.mapPage(MapPath.root.bytes, at: 6) }
            #expect(try snapshot.sealedSize(atMost: 100) == 4)
            #expect(
                try snapshot.listing(ListingKey.issuer(domain.issuer).bytes, below: 100, before: nil, limit: 9) == [2])
            var keys = 0
            try snapshot.forEachState { _, _ in keys += 1 }
            #expect(keys == (try replayed(snapshot, head).state.values.count))
        }
        #expect(try log.stateProof(.stream(issuer: domain.issuer, stream: "a")).sealedSize == 4)
        #expect(throws: StoreError.self) { _ = try log.stateProof(.policy, at: 6) }

        gate.release()
        _ = try await result.get()
        #expect(try log.registration(leafHash: leafHash)?.index == 4)
        await log.shutdown()
    }
}
