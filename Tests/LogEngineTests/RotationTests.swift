import COSE
import Governance
import LogStore
import Testing
import Tlog

@testable import LogEngine

/// A log whose keys change while it runs.
@Suite("Rotation of the log's keys", .timeLimit(.minutes(1)))
struct RotationTests {
    private let domain: TestDomain
    private let next = LogKeys(checkpoint: .generate(), receipt: .generate(), statement: .generate())
    private let store = TestStore()
    private let anchor = MemoryAnchor()

    init() throws {
        domain = try TestDomain()
        try domain.create(store, anchor)
    }

    private func open(_ keys: LogKeys, next: LogKeys?, _ witnesses: FakeWitnesses? = nil) async throws -> Log {
        guard let witnesses else {
            return try Log.open(
                store: store, keys: keys, next: next, anchor: anchor, clock: domain.clock, logger: .silent)
        }
        return try Log.begin(
            store: store, keys: keys, next: next, anchor: anchor, witnessing: try witnesses.witnessing,
            clock: domain.clock, logger: .silent)
    }

    /// The authority's approval of other keys, with which they are in force.
    private func rotation(to keys: LogKeys) throws -> [UInt8] {
        let data = LogRotate(logKeys: keys.publicKeys, previous: domain.policy.digest)
        let event = try Event(
            type: StatementType.logRotate.rawValue, stream: "governance", seq: 0, prev: nil, time: domain.clock.now(),
            data: data.cbor)
        return try SignedStatement.sign(
            payload: event.encoded(), contentType: Event.contentType,
            issuer: KeyDirectory.authorityIssuer(COSEKey(domain.authority.publicKey)), subject: TestDomain.origin,
            key: domain.authority
        ).entryBytes
    }

    private func verifierKey(_ keys: LogKeys) throws -> VerifierKey {
        .ed25519(name: domain.policy.origin.keyName, publicKey: keys.checkpoint.publicKey)
    }

    private func seal(_ log: Log, endingAt size: UInt64) throws -> SignedStatement {
        try log.read { snapshot, _ in try SignedStatement(decoding: try #require(try snapshot.entry(size - 1))) }
    }

    @Test("the batch's seal is the old key's; its head, its receipts and everything after are the new ones'")
    func rotates() async throws {
        let log = try await open(domain.keys, next: next)
        let early = try await log.submit(try domain.evidence(1)).get()
        let entry = try rotation(to: next)
        let rotated = try await log.submit(entry).get()
        let size = rotated.head.size
        #expect(log.policy.logKeys == next.publicKeys)
        #expect(log.formerKeys.map(\.use) == [.checkpoint, .receipt, .statement])
        #expect(log.formerKeys.map(\.index) == [rotated.index, rotated.index, rotated.index])

        try early.head.checkpoint.verify(logKey: verifierKey(domain.keys))
        try rotated.head.checkpoint.verify(logKey: verifierKey(next))
        #expect(throws: (any Error).self) { try rotated.head.checkpoint.verify(logKey: verifierKey(domain.keys)) }
        let receipt = try Receipt(decoding: rotated.receipt().encoded())
        #expect(
            try receipt.verify(leafHash: rotated.leafHash, key: next.receipt.publicKey) == rotated.head.treeHead)
        try seal(log, endingAt: size).verify(COSEKey(domain.keys.statement.publicKey))

        let later = try await log.submit(try domain.evidence(2)).get()
        try seal(log, endingAt: later.head.size).verify(COSEKey(next.statement.publicKey))
        #expect(try replay(log).sealedSize == later.head.size)
        // The entry from before gets its receipt under the new key, and a stranger to both keys is nobody.
        let again = try await log.submit(try domain.evidence(1)).get()
        let fresh = try Receipt(decoding: again.receipt().encoded())
        #expect(try fresh.verify(leafHash: again.leafHash, key: next.receipt.publicKey) == later.head.treeHead)
        await log.shutdown()
    }

    @Test("a log is opened with the keys that it was rotated to, wherever they are given; not with the old ones alone")
    func opensAfterwards() async throws {
        var log = try await open(domain.keys, next: next)
        let rotated = try await log.submit(try rotation(to: next)).get()
        await log.shutdown()
        // The last batch is the one with the rotation: its seal is still the old key's.
        #expect(throws: LogError.self) {
            _ = try Log.open(store: store, keys: domain.keys, anchor: anchor, logger: .silent)
        }
        for (keys, other) in [(domain.keys, next), (next, nil)] as [(LogKeys, LogKeys?)] {
            log = try await open(keys, next: other)
            #expect(log.published.treeHead == (try store.head.treeHead))
            try log.published.checkpoint.verify(logKey: verifierKey(next))
            await log.shutdown()
        }
        log = try await open(next, next: nil)
        #expect(log.published.size == rotated.head.size)
        _ = try await log.submit(try domain.evidence(3)).get()
        #expect(try replay(log).size == log.published.size)
        await log.shutdown()
    }

    @Test("a rotation to keys that the server does not hold is refused, also to a part of those that it does")
    func heldOnly() async throws {
        let mixed = LogKeys(
            checkpoint: next.checkpoint, receipt: domain.keys.receipt, statement: domain.keys.statement)
        for (held, asked) in [(nil, next), (next, mixed), (mixed, next)] as [(LogKeys?, LogKeys)] {
            let log = try await open(domain.keys, next: held)
            let failure = await log.submit(try rotation(to: asked)).failure
            #expect(failure?.code == .notAllowed && failure?.detail.contains("next-keys") == true)
            #expect(log.policy.logKeys == domain.keys.publicKeys)
            await log.shutdown()
        }
        let log = try await open(domain.keys, next: mixed)
        _ = try await log.submit(try rotation(to: mixed)).get()
        #expect(log.formerKeys.map(\.use) == [.checkpoint])
        _ = try await log.submit(try domain.evidence(1)).get()
        #expect(try replay(log).size == log.published.size)
        await log.shutdown()
    }

    @Test("a crash between the commit of the rotation and its signature: the next start signs with the new keys")
    func crashBeforeSignature() async throws {
        let store = TestStore()
        let gated = GatedAnchor(Gate(shut: false))
        try domain.create(store, gated)
        var log = try Log.open(
            store: store, keys: domain.keys, next: next, anchor: gated, clock: domain.clock, logger: .silent)
        gated.fail(.failed(path: "anchor", detail: "for the test"))
        #expect(await log.submit(try rotation(to: next)).failure?.code == .stopped)
        await log.shutdown()
        log = try Log.open(
            store: store, keys: domain.keys, next: next, anchor: MemoryAnchor(try gated.read()), clock: domain.clock,
            logger: .silent)
        #expect(log.policy.logKeys == next.publicKeys)
        try log.published.checkpoint.verify(logKey: verifierKey(next))
        #expect(try replay(log).size == log.published.size)
        await log.shutdown()
    }

    @Test("until the witnesses take the new key nothing is published, and the head under the old one stays")
    func witnesses() async throws {
        let witnesses = FakeWitnesses(1)
        var log = try await open(domain.keys, next: next, witnesses)
        try await log.waitForQuorum()
        let early = try await log.submit(try domain.evidence(1)).get()
        witnesses.set(0, .down)
        #expect(await log.submit(try rotation(to: next), timeout: .milliseconds(50)).failure != nil)
        await log.shutdown()

        log = try await open(domain.keys, next: next, witnesses)
        let kept = try #require(log.latest)
        #expect(kept.treeHead == early.head.treeHead)
        try kept.checkpoint.verify(logKey: verifierKey(domain.keys))
        witnesses.set(0, .honest)
        try await log.waitForQuorum()
        #expect(log.published.size > early.head.size)
        try log.published.checkpoint.verify(logKey: verifierKey(next))
        await log.shutdown()
    }

    @Test("a larger head under the former key, or under the next one before its time, shows another signer")
    func formerKeyIsStillOwn() async throws {
        for signer in [domain.keys.checkpoint, next.checkpoint] {
            let store = TestStore()
            let anchor = MemoryAnchor()
            try domain.create(store, anchor)
            let witnesses = FakeWitnesses(1)
            let log = try Log.begin(
                store: store, keys: domain.keys, next: next, anchor: anchor, witnessing: try witnesses.witnessing,
                clock: domain.clock, logger: .silent)
            try await log.waitForQuorum()
            if signer.publicKey == domain.keys.checkpoint.publicKey {
                _ = try await log.submit(try rotation(to: next)).get()
            }
            let shown = Checkpoint(origin: domain.policy.origin, head: TreeHead(size: 1000, root: .zero))
                .signed(by: signer)
            witnesses.change(0) { $0.shown = shown }
            witnesses.set(0, .claims(1000))
            let failure = await log.submit(try domain.evidence(1)).failure
            #expect(failure?.code == .stopped)
            guard case .stopped(.signedElsewhere) = log.status else {
                Issue.record("the log runs on")
                return
            }
            await log.shutdown()
        }
    }
}
