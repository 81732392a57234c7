import COSE
import Governance
import LogStore
import Testing
import Tlog

@testable import LogEngine

/// What the log says itself of what it refused, and how it ends.
@Suite("Refusals on record, and the end of a log", .timeLimit(.minutes(1)))
struct RefusalTests {
    private static let minute = Int64(LogRefusals.interval)

    /// The log's records of refusals, in order.
    private func records(_ log: Log) throws -> [LogRefusals] {
        try log.read { snapshot, head in
            try snapshot.entries(0..<head.size).compactMap {
                try? LogRefusals(SignedStatement(decoding: $0), origin: Origin(TestDomain.origin))
            }
        }
    }

    private func row(_ domain: TestDomain, _ reason: String, _ count: UInt64) -> LogRefusals.Row {
        LogRefusals.Row(keyID: COSEKey(domain.issuerKey.publicKey).thumbprint, reason: reason, count: count)
    }

    /// Refused for its content type.
    private func page(_ domain: TestDomain, _ number: Int) throws -> [UInt8] {
        try domain.evidence(number, contentType: "text/html")
    }

    @Test("what enrolled issuers were refused within a minute is one record, with a row for each reason")
    func recorded() async throws {
        let domain = try TestDomain()
        let log = try domain.log()
        var author = domain.author("a")
        let early = try author.next(3)[2]
        for bytes in [try page(domain, 1), early, try page(domain, 2)] {
            #expect(await log.submit(bytes).failure != nil)
        }
        let noEvent = try SignedStatement.sign(
            payload: [0xa0], contentType: Event.contentType, issuer: domain.issuer, subject: "s", key: domain.issuerKey)
        #expect(await log.submit(noEvent.entryBytes).failure?.code == .malformed)
        domain.clock.advance(by: Self.minute - 1)
        _ = try await log.submit(domain.evidence(3)).get()
        #expect(try records(log).isEmpty && log.published.size == 4)

        domain.clock.advance(by: 1)
        _ = try await log.submit(domain.evidence(4)).get()
        let record = try #require(try records(log).first)
        #expect(
            record.rows == [
                row(domain, "content-type-not-allowed", 2), row(domain, "missing-field", 1),
                row(domain, "stream-gap", 1),
            ])
        #expect(record.seq == 0 && record.others == 0 && record.time == domain.clock.now())
        // The statement, the record, the seal.
        #expect(log.published.size == 7)
        #expect(try replay(log).state.value(.refusals) != nil)
        await log.shutdown()
    }

    @Test("never two records within a minute, and the second names the first")
    func atMostOneAMinute() async throws {
        let domain = try TestDomain()
        var options = EngineOptions()
        options.refusalsInterval = .seconds(15)
        let log = try domain.log(options: options)
        let start = domain.clock.now()
        for step in 0..<8 {
            #expect(await log.submit(try page(domain, step)).failure?.code == .notAllowed)
            domain.clock.advance(by: 15_000)
        }
        let records = try records(log)
        // The second one had to wait, with four refusals.
        #expect(records.map(\.time) == [start + 15_000, start + 75_000])
        #expect(records.flatMap(\.rows).map(\.count) == [2, 4])
        #expect(records.map(\.seq) == [0, 1])
        _ = try replay(log)
        await log.shutdown()
    }

    @Test("a record comes by itself where nothing else does")
    func byItself() async throws {
        let domain = try TestDomain()
        var options = EngineOptions()
        options.refusalsInterval = .milliseconds(5)
        let log = try domain.log(options: options)
        #expect(await log.submit(try page(domain, 1)).failure?.code == .notAllowed)
        domain.clock.advance(by: 5)
        while log.published.size == 2 { try await Task.sleep(for: .milliseconds(2)) }
        #expect(try records(log).map(\.rows) == [[row(domain, "content-type-not-allowed", 1)]])
        #expect(try replay(log).size == 4)
        await log.shutdown()
    }

    @Test("what strangers send, or what nobody signed, leaves no trace")
    func strangers() async throws {
        let domain = try TestDomain()
        var options = EngineOptions()
        options.refusalsInterval = .zero
        let log = try domain.log(options: options)
        let forged = try BoundsTests.forge(try page(domain, 1))
        let refused = [
            try domain.evidence(1, key: .generate()), try domain.evidence(1, key: domain.otherKey), forged, [0xff],
        ]
        for bytes in refused { #expect(await log.submit(bytes).failure != nil) }
        domain.clock.advance(by: Self.minute)
        _ = try await log.submit(domain.evidence(2)).get()
        #expect(try records(log).isEmpty)
        await log.shutdown()
    }

    @Test("refusals that the store did not take are recorded later")
    func failedCommit() async throws {
        let domain = try TestDomain()
        let store = TestStore()
        var options = EngineOptions()
        options.refusalsInterval = .zero
        let log = try domain.log(store: store, options: options)
        store.set { $0.beforeCommit = { () throws(StoreError) in throw StoreError(.full, "for the test") } }
        #expect(await log.submit(try page(domain, 1)).failure?.code == .storageFailed)
        store.set { $0.beforeCommit = {} }
        #expect(await log.submit(try page(domain, 2)).failure?.code == .notAllowed)
        #expect(try records(log).map(\.rows) == [[row(domain, "content-type-not-allowed", 1)]])
        await log.shutdown()
    }

    @Test("however many kinds of refusals there are, they take bounded room, and all are counted")
    func bounded() throws {
        var tally = RefusalTally()
        let error = AdmissionError.reservedType("log.seal")
        let keys = (0..<2000).map { Hash.sha256([UInt8($0 / 256), UInt8($0 % 256)]) }
        for key in keys + [keys[0]] { tally.note(error, keyID: key, at: 1000) }
        #expect(tally.kinds == RefusalTally.maxKinds)
        let record = try #require(tally.due(at: 1000, interval: 0, after: nil) { _ in true })
        #expect(record.rows.count == LogRefusals.maxRows && record.rows.contains { $0.count == 2 })
        #expect(record.rows.reduce(0) { $0 + $1.count } + record.others == 2001)
        // A key that has ended since has no row.
        let partial = try #require(tally.due(at: 1000, interval: 0, after: nil) { $0 == keys[0] })
        #expect(partial.rows.map(\.keyID) == [keys[0]] && partial.others == 1999)
        #expect(tally.due(at: 1000, interval: 0, after: nil) { _ in false } == nil)
    }

    // MARK: The end of a log

    private func freeze(_ domain: TestDomain) throws -> [UInt8] {
        let key = domain.authority
        var author = StreamAuthor(
            issuer: KeyDirectory.authorityIssuer(COSEKey(key.publicKey)), key: key, stream: "log", clock: domain.clock)
        let data = LogFreeze(successor: "log.example/next", genesis: .zero)
        return try author.next(type: LogFreeze.type.rawValue, data: data.cbor)
    }

    @Test("a frozen log takes nothing more, says who goes on, and serves what it has, after a restart too")
    func frozen() async throws {
        let domain = try TestDomain()
        let (store, anchor) = (TestStore(), MemoryAnchor())
        var options = EngineOptions()
        options.refusalsInterval = .zero
        try domain.create(store, anchor)
        var log = try domain.open(store, anchor, options: options)
        let first = try domain.evidence(1)
        _ = try await log.submit(first).get()
        let end = try freeze(domain)
        // The same submission: what comes after it is refused already.
        let results = await log.submit([end, try domain.evidence(2)])
        let size = log.published.size
        #expect(try results[0].get().index == 4 && size == 6)
        for _ in 0..<2 {
            let rejection = results[1].failure
            #expect(rejection?.code == .frozen && rejection?.code.isTemporary == false)
            #expect(rejection?.detail.contains("log.example/next") == true)
            #expect(await log.submit(try domain.evidence(3)).failure == rejection)
            // Retries are answered.
            #expect(try await log.submit(first).get().index == 2)
            #expect(try await log.submit(end).get().index == 4)
            #expect(log.published.size == size)
            let proof = try log.stateProof(.frozen)
            let record = try FrozenRecord(decoding: try #require(proof.value))
            #expect(record.index == 4 && record.successor == "log.example/next")
            let replay = try replay(log)
            #expect(replay.size == size && replay.isAtSeal)
            await log.shutdown()
            log = try domain.open(store, anchor, options: options)
            domain.clock.advance(by: Self.minute)
        }
        await log.shutdown()
    }

    @Test("the last statement of a log is its end: refusals before it are left unrecorded")
    func lastStatement() async throws {
        let domain = try TestDomain()
        var options = EngineOptions()
        options.refusalsInterval = .zero
        let log = try domain.log(options: options)
        let results = await log.submit([try page(domain, 1), try freeze(domain)])
        #expect(results[0].failure?.code == .notAllowed)
        #expect(try results[1].get().index == 2)
        #expect(log.published.size == 4)
        _ = try replay(log)
        await log.shutdown()
    }

    @Test("a server that has one set of keys does not take others: nothing is approved")
    func rotation() async throws {
        let domain = try TestDomain()
        let log = try domain.log()
        let key = domain.authority
        var author = StreamAuthor(
            issuer: KeyDirectory.authorityIssuer(COSEKey(key.publicKey)), key: key, stream: "log", clock: domain.clock)
        let keys = LogPublicKeys(
            checkpoint: Ed25519.SigningKey.generate().publicKey, receipt: domain.keys.receipt.publicKey,
            statement: domain.keys.statement.publicKey)
        let data = LogRotate(logKeys: keys, previous: domain.policy.digest)
        let rejection = await log.submit(try author.next(type: LogRotate.type.rawValue, data: data.cbor)).failure
        #expect(rejection?.code == .notAllowed)
        #expect(log.policy == domain.policy && log.published.size == 2)
        await log.shutdown()
    }
}
