import COSE
import Governance
import LogEngine
import LogStore
import Synchronization
import Testing
import Tlog

/// A log and its witnesses: nothing is published without their quorum, and none of them can hold it up alone.
@Suite("Cosigning", .timeLimit(.minutes(1)))
struct CosigningTests {
    /// How many witnesses' cosignatures the published checkpoint has; all of them must verify.
    private func cosigned(_ log: Log, _ witnesses: FakeWitnesses) throws -> Int {
        let checkpoint = log.published.checkpoint
        var count = 0
        for number in witnesses.keys.indices
        where try Cosignature.verify(checkpoint, key: try witnesses.vkey(number)) != nil {
            count += 1
        }
        #expect(checkpoint.note.signatures.count == count + 1, "no other lines than the log's and its witnesses'")
        return count
    }

    private func created(_ domain: TestDomain) throws -> (TestStore, MemoryAnchor) {
        let (store, anchor) = (TestStore(), MemoryAnchor())
        try domain.create(store, anchor)
        return (store, anchor)
    }

    /// A log whose one witness hangs from now on, until the gate is opened.
    private func hanging(
        _ domain: TestDomain, _ store: TestStore, _ anchor: MemoryAnchor
    ) async throws -> (log: Log, witnesses: FakeWitnesses, gate: AsyncGate) {
        let witnesses = FakeWitnesses(1)
        let log = try await domain.open(store, anchor, witnesses: witnesses)
        let gate = AsyncGate()
        witnesses.set(0, .slow(gate))
        return (log, witnesses, gate)
    }

    @Test("the head, receipts and proofs carry the cosignatures; each witness gets a proof from what it had")
    func normal() async throws {
        let domain = try TestDomain()
        let (store, anchor) = try created(domain)
        let witnesses = FakeWitnesses(3, quorum: 2)
        let log = try await domain.open(store, anchor, witnesses: witnesses)
        for number in 0..<20 {
            let entry = try domain.evidence(number)
            let registration = try await log.submit(entry).get()
            try domain.verify(registration, of: entry)
            let proof = try TlogProof(parsing: registration.tlogProof().bytes)
            let logKey = VerifierKey.ed25519(
                name: domain.policy.origin.keyName, publicKey: domain.keys.checkpoint.publicKey)
            _ = try witnesses.policy.verify(proof.checkpoint, logKeys: [logKey])
            let carried = try #require(try Receipt(decoding: registration.receipt().encoded()).checkpoint)
            _ = try witnesses.policy.verify(try SignedCheckpoint(parsing: carried), logKeys: [logKey])
        }
        try await eventually { try cosigned(log, witnesses) == 3 }
        // The first request names 0, and the witness knows nothing yet: no 409 anywhere.
        let requests = witnesses.known(0).requests
        #expect(requests.first?.old == 0)
        #expect(zip(requests, requests.dropFirst()).allSatisfy { $0.size == $1.old })
        let numbers = try #require(log.metrics.cosigning)
        #expect(numbers.rounds == 21)
        #expect(numbers.failedRounds == 0)
        #expect(numbers.lastTime == domain.clock.now())
        await log.shutdown()

        // A new start has forgotten where the witnesses are, and learns it.
        let next = MemoryAnchor(try anchor.read())
        let reopened = try await domain.open(store, next, witnesses: witnesses)
        #expect(witnesses.known(0).requests.suffix(2).map(\.old) == [0, 42])
        _ = try await reopened.submit(try domain.evidence(99)).get()
        await reopened.shutdown()
    }

    @Test("one witness that hangs and one that is down hold nothing up; a late cosignature is added to the same head")
    func surplus() async throws {
        let domain = try TestDomain()
        let (store, anchor) = try created(domain)
        let witnesses = FakeWitnesses(4, quorum: 2)
        let gate = AsyncGate()
        witnesses.set(1, .slow(gate))
        witnesses.set(2, .down)
        let log = try await domain.open(
            store, anchor, witnesses: witnesses, change: { $0.grace = .seconds(20) })
        // Waiting for the one that hangs would take longer than this test may.
        for number in 0..<10 { _ = try await log.submit(try domain.evidence(number)).get() }
        #expect(try cosigned(log, witnesses) == 2)
        #expect(gate.arrivals == 1, "one request at a time goes to a witness that does not answer")
        let before = log.published
        gate.open()
        try await eventually { try cosigned(log, witnesses) == 3 }
        #expect(log.published.treeHead == before.treeHead)
        #expect(log.published.publishedAt == before.publishedAt)
        #expect(log.published.checkpoint.note.text == before.checkpoint.note.text)
        #expect((log.metrics.cosigning?.failures["w2"] ?? 0) > 0)
        await log.shutdown()
    }

    @Test("without a quorum nothing is published and waiting ends with no-quorum; with it again everything is there")
    func lostAndRegained() async throws {
        let domain = try TestDomain()
        let (store, anchor) = try created(domain)
        let witnesses = FakeWitnesses(3, quorum: 2)
        let log = try await domain.open(store, anchor, witnesses: witnesses)
        _ = try await log.submit(try domain.evidence(0)).get()
        witnesses.set(0, .down)
        _ = try await log.submit(try domain.evidence(1)).get()
        witnesses.set(1, .down)
        let head = log.published.treeHead
        let entry = try domain.evidence(2)
        let rejection = try #require(await log.submit(entry, timeout: .seconds(2)).failure)
        #expect(rejection.code == .noQuorum)
        #expect(rejection.retryAfter != nil)
        #expect(log.published.treeHead == head)
        #expect(try store.head.size == 8, "what is stored stays stored")
        #expect(try log.registration(leafHash: Hash.leaf(entry)) == nil)
        #expect(log.metrics.cosigning?.withoutQuorum?.contains("down") == true)
        // The same bytes again wait too: nothing is answered that no published head covers.
        #expect(await log.refusal(of: entry) == .noQuorum)
        #expect(try store.head.size == 8)
        // What is published is answered all the same.
        #expect(try await log.submit(try domain.evidence(0)).get().duplicate)

        async let waiting = log.submit(entry)
        witnesses.setAll(.honest)
        let registration = try await waiting.get()
        #expect(registration.index == 6)
        #expect(registration.duplicate)
        try domain.verify(registration, of: entry)
        #expect(log.metrics.cosigning?.withoutQuorum == nil)
        await log.shutdown()
    }

    @Test("who waits for witnesses is answered when the log stops, whatever has stopped it")
    func stoppedWhileWaiting() async throws {
        let domain = try TestDomain()
        let (store, anchor) = try created(domain)
        let (log, _, gate) = try await hanging(domain, store, anchor)
        async let waiting = log.submit(try domain.evidence(0))
        try await eventually { gate.arrivals == 1 }
        store.set { $0.failure = StoreError(.syncFailed, "for the test") }
        #expect(try await waiting.failure?.code == .stopped)
        #expect(log.status == .stopped(.syncFailed("for the test")))
        gate.open()
        await log.shutdown()
    }

    @Test("batches are committed while a round is under way, and the next round is for the newest head alone")
    func commitsGoOn() async throws {
        let domain = try TestDomain()
        let (store, anchor) = try created(domain)
        let (log, witnesses, gate) = try await hanging(domain, store, anchor)
        async let first = log.submit(try domain.evidence(0))
        try await eventually { gate.arrivals == 1 }
        async let second = log.submit(try domain.evidence(1))
        try await eventually { try store.head.size == 6 }
        async let third = log.submit(try domain.evidence(2))
        try await eventually { try store.head.size == 8 }
        #expect(log.published.size == 2)
        gate.open()
        let sizes = try await [first.get(), second.get(), third.get()].map(\.head.size)
        #expect(sizes == [4, 8, 8])
        #expect(witnesses.known(0).requests.map(\.size) == [2, 4, 8])
        await log.shutdown()
    }

    @Test("only a valid line of the witness's own key counts, and none from the future")
    func forgedLines() async throws {
        let domain = try TestDomain()
        let (store, anchor) = try created(domain)
        let witnesses = FakeWitnesses(3, quorum: 1)
        let stranger = Ed25519.SigningKey.generate()
        let checkpointKey = domain.keys.checkpoint
        let log = try await domain.open(store, anchor, witnesses: witnesses)
        // One adds lines in the log's name and in a stranger's: they are left where they are.
        witnesses.set(
            0,
            .lies { lines, checkpoint in
                let own = VerifierKey.ed25519(name: checkpoint.origin.keyName, publicKey: checkpointKey.publicKey)
                let forged = NoteSignature(name: own.name, keyID: own.keyID, signature: Array(repeating: 7, count: 64))
                let name = checkpoint.origin.keyName
                return [forged, Cosignature.sign(checkpoint, name: name, key: stranger, time: 1_700_000_000)] + lines
            })
        // One signs with another key under its own name and ID, one a day ahead.
        let (w1, w2, key2) = (try witnesses.vkey(1), try witnesses.vkey(2), witnesses.keys[2])
        witnesses.set(
            1,
            .lies { _, checkpoint in
                [
                    NoteSignature(
                        name: w1.name, keyID: w1.keyID,
                        signature: Cosignature.sign(checkpoint, name: w1.name, key: stranger, time: 1_700_000_000)
                            .signature)
                ]
            })
        witnesses.set(
            2,
            .lies { _, checkpoint in
                [Cosignature.sign(checkpoint, name: w2.name, key: key2, time: 1_700_086_400)]
            })
        _ = try await log.submit(try domain.evidence(0)).get()
        #expect(try cosigned(log, witnesses) == 1)
        witnesses.set(0, .down)
        #expect(await log.refusal(of: try domain.evidence(1)) == .noQuorum)
        await log.shutdown()
    }

    @Test("a witness that only claims more than was signed is left out and reported; the others are enough")
    func claim() async throws {
        let domain = try TestDomain()
        let (store, anchor) = try created(domain)
        let witnesses = FakeWitnesses(3, quorum: 2)
        witnesses.set(2, .claims(1000))
        let log = try await domain.open(store, anchor, witnesses: witnesses)
        for number in 0..<5 { _ = try await log.submit(try domain.evidence(number)).get() }
        try await eventually { log.metrics.cosigning?.quarantined["w2"] == true }
        #expect(witnesses.known(2).requests.count == 1, "it is not asked again for now")
        #expect(log.status == .running)
        #expect(try cosigned(log, witnesses) == 2)
        // So is one that says the trees do not fit together, and shows nothing that proves it.
        witnesses.set(1, .inconsistent)
        #expect(await log.refusal(of: try domain.evidence(9)) == .noQuorum)
        #expect(log.metrics.cosigning?.quarantined["w1"] == true)
        #expect(log.status == .running)
        await log.shutdown()
    }

    @Test("3: this log's own signature on something larger, or on another history, stops it")
    func signedElsewhere() async throws {
        for isLarger in [true, false] {
            let domain = try TestDomain()
            let (store, anchor) = try created(domain)
            let witnesses = FakeWitnesses(3, quorum: 2)
            let stops = Mutex<[StopReason]>([])
            let log = try await domain.open(
                store, anchor, witnesses: witnesses, onStop: { reason in stops.withLock { $0.append(reason) } })
            _ = try await log.submit(try domain.evidence(0)).get()
            let head = TreeHead(size: isLarger ? 1000 : 3, root: Hash.sha256([1]))
            let other = Checkpoint(origin: domain.policy.origin, head: head).signed(by: domain.keys.checkpoint)
            for number in 0..<3 {
                witnesses.change(number) { $0.shown = other }
                witnesses.set(number, isLarger ? .claims(1000) : .inconsistent)
            }
            let published = log.published.treeHead
            #expect(await log.submit(try domain.evidence(1)).failure?.code == .stopped)
            guard case .stopped(.signedElsewhere(let detail)) = log.status else {
                Issue.record("the log goes on: \(log.status)")
                return
            }
            #expect(detail.contains(head.root.hex) && detail.contains("w"))
            #expect(stops.withLock { $0.count } == 1)
            #expect(await log.submit(try domain.evidence(2)).failure?.code == .stopped)
            #expect(log.published.treeHead == published)
            await log.shutdown()
        }
    }

    @Test("3: it stops also when the others are a quorum, and however late the one witness shows it")
    func signedElsewhereLate() async throws {
        let domain = try TestDomain()
        let (store, anchor) = try created(domain)
        let witnesses = FakeWitnesses(3, quorum: 2)
        let log = try await domain.open(store, anchor, witnesses: witnesses, change: { $0.grace = .milliseconds(1) })
        let head = TreeHead(size: 1000, root: Hash.sha256([1]))
        let other = Checkpoint(origin: domain.policy.origin, head: head).signed(by: domain.keys.checkpoint)
        let gate = AsyncGate()
        // Slow, and then it refuses: its record is not what it was.
        witnesses.set(2, .slow(gate))
        _ = try await log.submit(try domain.evidence(0)).get()
        witnesses.change(2) {
            $0.shown = other
            $0.newest = other
        }
        try await Task.sleep(for: .milliseconds(50))
        gate.open()
        try await eventually { log.status != .running }
        guard case .stopped(.signedElsewhere) = log.status else {
            Issue.record("stopped for another reason: \(log.status)")
            return
        }
        await log.shutdown()
    }

    @Test("3: nothing new is sealed or signed after a start until a quorum has answered for the stored head")
    func startWaits() async throws {
        let domain = try TestDomain()
        let (store, anchor) = try created(domain)
        let witnesses = FakeWitnesses(3, quorum: 2)
        witnesses.setAll(.down)
        async let opening = domain.open(store, anchor, witnesses: witnesses)
        try await eventually { witnesses.known(0).requests.count > 3 }
        #expect(try store.head.size == 2)
        #expect(try anchor.read()?.size == 2)
        #expect(witnesses.known(0).requests.allSatisfy { $0.size == 2 })
        witnesses.setAll(.honest)
        let log = try await opening
        #expect(try cosigned(log, witnesses) >= 2)
        await log.shutdown()
    }

    @Test("3: an old copy of data and anchor together does not start against its witnesses")
    func oldCopy() async throws {
        let domain = try TestDomain()
        let (store, anchor) = try created(domain)
        let witnesses = FakeWitnesses(3, quorum: 2)
        let (oldStore, oldAnchor) = (TestStore(), MemoryAnchor())
        try domain.create(oldStore, oldAnchor)
        let log = try await domain.open(store, anchor, witnesses: witnesses)
        for number in 0..<3 { _ = try await log.submit(try domain.evidence(number)).get() }
        await log.shutdown()
        let before = try oldAnchor.read()
        await #expect(throws: LogError.self) {
            _ = try await domain.open(oldStore, oldAnchor, witnesses: witnesses)
        }
        #expect(try oldAnchor.read() == before)
        #expect(try oldStore.head.size == 2)
    }

    @Test("a quiet log's head is cosigned again on the interval")
    func recosigned() async throws {
        let domain = try TestDomain()
        let (store, anchor) = try created(domain)
        let witnesses = FakeWitnesses(2)
        let log = try await domain.open(
            store, anchor, witnesses: witnesses, change: { $0.recosignInterval = .milliseconds(30) })
        let first = try #require(try Cosignature.verify(log.published.checkpoint, key: try witnesses.vkey(0)))
        try await eventually {
            try Cosignature.verify(log.published.checkpoint, key: try witnesses.vkey(0)) ?? 0 > first + 3
        }
        #expect(log.published.size == 2)
        #expect(try cosigned(log, witnesses) == 2)
        // A quorum that is lost meanwhile is noticed without any submission.
        witnesses.setAll(.down)
        try await eventually { log.metrics.cosigning?.withoutQuorum != nil }
        #expect(try cosigned(log, witnesses) == 2, "what was published stays")
        await log.shutdown()
    }

    @Test("fail-open publishes without the quorum, and counts it")
    func failOpen() async throws {
        let domain = try TestDomain()
        let (store, anchor) = try created(domain)
        let witnesses = FakeWitnesses(3, quorum: 2)
        let log = try await domain.open(store, anchor, witnesses: witnesses, change: { $0.failOpen = true })
        witnesses.set(0, .down)
        witnesses.set(1, .down)
        let registration = try await log.submit(try domain.evidence(0)).get()
        #expect(registration.head.size == 4)
        #expect(try cosigned(log, witnesses) == 1)
        #expect(log.metrics.cosigning?.publishedWithoutQuorum == 1)
        witnesses.setAll(.honest)
        try await eventually { try cosigned(log, witnesses) >= 2 }
        #expect(log.published.size == 4)
        await log.shutdown()
    }

    @Test("a shutdown while a round is under way answers when it is done; without a quorum at once")
    func shutdown() async throws {
        let domain = try TestDomain()
        let (store, anchor) = try created(domain)
        let (log, witnesses, gate) = try await hanging(domain, store, anchor)
        async let waiting = log.submit(try domain.evidence(0))
        try await eventually { gate.arrivals == 1 }
        async let end: Void = log.shutdown()
        try await eventually { log.status == .draining }
        gate.open()
        #expect(try await waiting.get().head.size == 4)
        await end

        let next = MemoryAnchor(try anchor.read())
        witnesses.set(0, .honest)
        let second = try await domain.open(store, next, witnesses: witnesses)
        witnesses.set(0, .down)
        async let hopeless = second.submit(try domain.evidence(1))
        try await eventually { second.metrics.cosigning?.withoutQuorum != nil }
        let started = ContinuousClock.now
        await second.shutdown()
        #expect(.now - started < .seconds(5))
        #expect(try await hopeless.failure?.code == .noQuorum)
    }
}
