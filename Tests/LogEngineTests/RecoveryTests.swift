import COSE
import Governance
import LogEngine
import LogStore
import Testing
import Tlog

/// What a start accepts, repairs and refuses.
@Suite("Recovery", .timeLimit(.minutes(1)))
struct RecoveryTests {
    private let domain: TestDomain
    private let store = TestStore()
    private let anchor = MemoryAnchor()

    init() throws {
        domain = try TestDomain()
    }

    /// Registers some statements and closes the log.
    private func run(_ numbers: Range<Int>, on store: TestStore, _ anchor: any Anchor) async throws {
        let log = try domain.open(store, anchor)
        for number in numbers { _ = try await log.submit(try domain.evidence(number)).get() }
        await log.shutdown()
    }

    @Test("a log goes on where it ended, with the same head, streams and seals")
    func restart() async throws {
        try domain.create(store, anchor)
        var author = domain.author("a")
        var entries: [[UInt8]] = []
        for round in 0..<5 {
            let log = try domain.open(store, anchor)
            #expect(log.published.treeHead == (try store.head.treeHead))
            #expect(log.published.sealTime == (try store.head.sealTime))
            let statements = try author.next(round * 100 + 1)
            for result in await log.submit(statements) { _ = try result.get() }
            entries += statements
            domain.clock.advance(by: 1)
            #expect(try replay(log).size == log.published.size)
            await log.shutdown()
        }
        let log = try domain.open(store, anchor)
        for entry in entries {
            let registration = try #require(try log.registration(leafHash: Hash.leaf(entry)))
            try domain.verify(registration, of: entry)
        }
        let link = try #require(try log.newestLink(issuer: domain.issuer, stream: "a"))
        #expect(link.seq == UInt64(entries.count) - 1)
        #expect(link.registration.leafHash == Hash.leaf(entries[entries.count - 1]))
        #expect(try log.newestLink(issuer: domain.issuer, stream: "b") == nil)
        await log.shutdown()
    }

    @Test("a log is created once")
    func createdOnce() throws {
        try domain.create(store, anchor)
        #expect(throws: LogError.alreadyCreated(found: try store.head.treeHead)) { try domain.create(store, anchor) }
        let lost = MemoryAnchor()
        #expect(throws: LogError.alreadyCreated(found: try store.head.treeHead)) { try domain.create(store, lost) }
        #expect(try lost.read() == nil, "a lost anchor does not come back by creating")
        #expect(throws: LogError.alreadyCreated(found: try store.head.treeHead)) {
            try domain.create(TestStore(), anchor)
        }
    }

    @Test("creation that was interrupted before its commit is begun again; after it, the log is opened")
    func interruptedCreation() async throws {
        store.set { $0.beforeCommit = { () throws(StoreError) in throw StoreError(.full, "for the test") } }
        #expect(throws: LogError.self) { try domain.create(store, anchor) }
        #expect(throws: LogError.notCreated) { _ = try domain.open(store, anchor) }
        store.set { $0.beforeCommit = {} }

        let stuck = GatedAnchor(Gate(shut: false))
        store.set { $0.afterCommit = { stuck.fail(.failed(path: "anchor", detail: "for the test")) } }
        #expect(throws: LogError.self) { try domain.create(store, stuck) }
        #expect(try stuck.read() == .empty)
        store.set { $0.afterCommit = {} }
        try await run(0..<1, on: store, MemoryAnchor(.empty))
    }

    @Test("a store without a log is not opened")
    func empty() throws {
        #expect(throws: LogError.notCreated) { _ = try domain.open(store, anchor) }
        let signed = TreeHead(size: 2, root: .zero)
        #expect(throws: LogError.storeBehindAnchor(store: .empty, anchor: signed)) {
            _ = try domain.open(store, MemoryAnchor(signed))
        }
    }

    @Test("a genesis for other keys, or none at all, makes no log")
    func genesis() throws {
        let stranger = try TestDomain()
        #expect(throws: LogError.self) {
            try Log.create(store: store, genesis: stranger.genesis, keys: domain.keys, anchor: anchor)
        }
        let noGenesis = try SignedStatement(decoding: try domain.evidence(1))
        do {
            try Log.create(store: store, genesis: noGenesis, keys: domain.keys, anchor: anchor)
            Issue.record("a log without a policy")
        } catch {
            guard case LogError.badGenesis = error else { throw error }
        }
        #expect(try store.head == .empty)
    }

    @Test("keys other than the policy's open nothing")
    func wrongKeys() throws {
        try domain.create(store, anchor)
        let keys = domain.keys
        let wrong = [
            LogKeys(checkpoint: .generate(), receipt: keys.receipt, statement: keys.statement),
            LogKeys(checkpoint: keys.checkpoint, receipt: keys.statement, statement: keys.receipt),
            LogKeys(checkpoint: keys.checkpoint, receipt: keys.receipt, statement: .generate()),
        ]
        for (keys, use) in zip(wrong, ["checkpoint", "receipt", "statement"]) {
            do {
                _ = try Log.open(store: store, keys: keys, anchor: anchor, logger: .silent)
                Issue.record("opened with another \(use) key")
            } catch {
                guard case .wrongKey(use, _, _) = error else { throw error }
            }
        }
    }

    @Test("a store that is ahead of the anchor is read again before its head is signed")
    func aheadOfAnchor() async throws {
        try domain.create(store, anchor)
        try await run(0..<3, on: store, anchor)
        let behind = MemoryAnchor(try anchor.read())
        try await run(3..<6, on: store, anchor)
        let log = try domain.open(store, behind)
        #expect(log.published.treeHead == (try store.head.treeHead))
        #expect(try behind.read() == log.published.treeHead)
        await log.shutdown()
    }

    @Test("an entry that does not hash to its leaf is found, in the last batch and in all that was not signed yet")
    func damagedEntry() async throws {
        try domain.create(store, anchor)
        try await run(0..<3, on: store, anchor)
        let behind = try #require(try anchor.read())
        try await run(3..<4, on: store, anchor)
        try await run(4..<6, on: store, anchor)
        let size = try store.head.size
        for index in [size - 2, size - 1, behind.size, behind.size + 1] {
            store.set { $0.entry = { $0 == index ? Self.flipped($1) : $1 } }
            let stale = MemoryAnchor(index < size - 2 ? behind : try anchor.read())
            let before = try stale.read()
            do {
                _ = try domain.open(store, stale)
                Issue.record("entry \(index) is damaged and the log was opened")
            } catch LogError.damaged {
                #expect(try stale.read() == before, "nothing may be anchored")
            }
        }
        store.set { $0.entry = { $1 } }
        try await run(6..<7, on: store, anchor)
    }

    private static func flipped(_ entry: [UInt8]) -> [UInt8] {
        var flipped = entry
        flipped[flipped.count - 70] ^= 1
        return flipped
    }

    @Test("a governance state that is not the one the last seal names is not gone on from")
    func damagedState() async throws {
        try domain.create(store, anchor)
        try await run(0..<3, on: store, anchor)
        let key = StateKey.identity(issuer: domain.issuer, keyID: COSEKey(domain.issuerKey.publicKey).thumbprint)
        let stranger = StateKey.identity(issuer: "a:b", keyID: .zero).bytes
        let copies = [
            // A state that nothing in the log explains, with its map.
            try store.copy(wholeState: true) { $0 + [(StateKey.stream(issuer: "a:b", stream: "c").bytes, [0])] },
            // A key that is enrolled beside the map, and one whose record is another.
            try store.copy { state in state + state.filter { $0.key == key.bytes }.map { (stranger, $0.value) } },
            try store.copy { state in
                state.map { $0.key == key.bytes ? ($0.key, $0.value.map { $0.dropLast() + [9] }) : $0 }
            },
        ]
        for copy in copies {
            do {
                _ = try domain.open(copy, anchor)
                Issue.record("opened with a state that nothing in the log explains")
            } catch {
                guard case LogError.damaged = error else { throw error }
            }
        }
        let whole = try store.copy()
        try await run(3..<4, on: whole, anchor)
    }
}
