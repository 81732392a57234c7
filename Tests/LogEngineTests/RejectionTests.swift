import COSE
import Governance
import LogEngine
import LogStore
import Testing
import Tlog

/// Each reason for which the engine refuses a statement, on its own.
@Suite("Rejections", .timeLimit(.minutes(1)))
struct RejectionTests {
    @Test("bytes that are no statement are malformed")
    func malformed() async throws {
        let domain = try TestDomain()
        let log = try domain.log()
        for bytes in [[], [0x00], [0xd2, 0x84], Array("hello".utf8)] as [[UInt8]] {
            #expect(await log.submit(bytes).failure?.code == .malformed)
        }
        let noEvent = try SignedStatement.sign(
            payload: [0xa0], contentType: Event.contentType, issuer: domain.issuer, subject: "s",
            key: domain.issuerKey)
        #expect(await log.submit(noEvent.entryBytes).failure?.code == .malformed)
        await log.shutdown()
    }

    @Test("a statement that is too long for the policy points to the hash envelope's use")
    func tooLarge() async throws {
        let domain = try TestDomain(limits: PolicyLimits(maxEntryBytes: 2000))
        let log = try domain.log()
        for count in [2000, 70_000] {
            let bytes = COSESign1(
                protected: try StatementHeader(
                    contentType: "text/plain", keyID: COSEKey(domain.issuerKey.publicKey).thumbprint,
                    issuer: domain.issuer, subject: "s"
                ).protected(), payload: Array(repeating: 0x20, count: count), signature: Array(repeating: 0, count: 64)
            ).encoded()
            let signed =
                count > 65_535
                ? bytes
                : try SignedStatement.sign(
                    payload: Array(repeating: 0x20, count: count), contentType: "text/plain", issuer: domain.issuer,
                    subject: "s", key: domain.issuerKey
                ).entryBytes
            let rejection = await log.submit(signed).failure
            #expect(rejection?.code == .tooLarge)
            #expect(rejection?.detail.contains("digest") == true || rejection?.detail.contains("SHA-256") == true)
        }
        await log.shutdown()
    }

    @Test("a signature that is not the key's is a bad signature")
    func badSignature() async throws {
        let domain = try TestDomain()
        let log = try domain.log()
        let forged = try BoundsTests.forge(try domain.evidence(1))
        #expect(await log.submit(forged).failure?.code == .badSignature)
        #expect(log.published.size == 2)
        await log.shutdown()
    }

    @Test("an algorithm other than Ed25519 is unsupported; a detached payload is missing")
    func formOfTheMessage() async throws {
        let domain = try TestDomain()
        let log = try domain.log()
        let statement = try SignedStatement(decoding: try domain.evidence(1))
        let es256: CBORMap = [1: -7, 3: "text/plain", 4: .bytes(statement.header.keyID), 15: [1: "a:b", 2: "s"]]
        let otherAlgorithm = COSESign1(protected: es256.encoded(), payload: [0], signature: statement.signature)
        #expect(await log.submit(otherAlgorithm.encoded()).failure?.code == .unsupportedAlgorithm)
        let detached = COSESign1(protected: statement.protected, payload: nil, signature: statement.signature)
        #expect(await log.submit(detached.encoded()).failure?.code == .payloadMissing)
        await log.shutdown()
    }

    @Test("a key that is not enrolled, or for another issuer, is unknown")
    func unknownIssuer() async throws {
        let domain = try TestDomain()
        let log = try domain.log()
        let stranger = try domain.evidence(1, key: .generate())
        #expect(await log.submit(stranger).failure?.code == .unknownIssuer)
        let borrowed = try domain.evidence(1, key: domain.otherKey)
        #expect(await log.submit(borrowed).failure?.code == .unknownIssuer)
        let ofTheLog = try domain.evidence(1, key: domain.keys.statement)
        #expect(await log.submit(ofTheLog).failure?.code == .unknownIssuer)
        await log.shutdown()
    }

    @Test("a gap in a stream names the link that comes next")
    func gap() async throws {
        let domain = try TestDomain()
        let log = try domain.log()
        var author = domain.author("a")
        let statements = try author.next(3)
        let early = await log.submit(statements[1]).failure
        #expect(early?.code == .streamGap)
        #expect(early?.expected == Rejection.ExpectedLink(seq: 0, prev: nil))
        _ = try await log.submit(statements[0]).get()
        let gap = await log.submit(statements[2]).failure
        #expect(gap?.code == .streamGap)
        #expect(gap?.expectedSeq == 1)
        #expect(gap?.expectedPrev == Hash.leaf(statements[0]))
        await log.shutdown()
    }

    @Test("a second statement at the same place of a stream is a fork and names the first")
    func fork() async throws {
        let domain = try TestDomain()
        let log = try domain.log()
        var author = domain.author("a")
        var twin = author
        let first = try author.next()
        _ = try await log.submit(first).get()
        let fork = await log.submit(try twin.next(data: "other")).failure
        #expect(fork?.code == .streamFork)
        #expect(fork?.existingIndex == 2)
        #expect(fork?.expected == Rejection.ExpectedLink(seq: 1, prev: Hash.leaf(first)))
        await log.shutdown()
    }

    @Test("a statement whose time is too far from the log's is refused", arguments: [-600_001, 600_001])
    func timeSkew(distance: Int64) async throws {
        let domain = try TestDomain()
        let log = try domain.log()
        var author = domain.author("a")
        let statement = try author.next()
        domain.clock.advance(by: distance)
        // Backward, the log's time is the seal's: its clock may not go back.
        let expected: RejectionCode = distance < 0 ? .clockBehind : .timeSkew
        #expect(await log.submit(statement).failure?.code == expected)
        domain.clock.advance(by: -distance)
        _ = try await log.submit(statement).get()
        domain.clock.advance(by: 600_001)
        let future = try author.next()
        domain.clock.advance(by: -600_001)
        #expect(await log.submit(future).failure?.code == .timeSkew)
        await log.shutdown()
    }

    @Test("a clock behind the newest seal is overruled up to the skew; past it new statements wait, and retries do not")
    func clockBehind() async throws {
        let domain = try TestDomain()
        let log = try domain.log()
        let known = try domain.evidence(1)
        domain.clock.advance(by: 600_000)
        _ = try await log.submit(known).get()
        let sealTime = log.published.sealTime
        domain.clock.advance(by: -600_000)
        _ = try await log.submit(try domain.evidence(2)).get()
        #expect(log.published.sealTime == sealTime, "seals never go back")
        domain.clock.advance(by: -1)
        let rejection = await log.submit(try domain.evidence(3)).failure
        #expect(rejection?.code == .clockBehind)
        #expect(rejection?.retryAfter != nil)
        #expect(try await log.submit(known).get().duplicate)
        #expect(try replay(log).size == log.published.size)
        await log.shutdown()
    }

    @Test("content types that the policy does not name, and reserved events, are not allowed")
    func notAllowed() async throws {
        let domain = try TestDomain()
        let log = try domain.log()
        let html = try domain.evidence(1, contentType: "text/html")
        #expect(await log.submit(html).failure?.code == .notAllowed)
        var author = domain.author("a")
        #expect(await log.submit(try author.next(type: "policy.get")).failure?.code == .notAllowed)
        var forger = domain.author("log.seal")
        #expect(await log.submit(try forger.next(type: "log.seal")).failure?.code == .notAllowed)
        await log.shutdown()
    }

    @Test("a store that can't be read refuses, and nothing was kept")
    func unreadableStore() async throws {
        let domain = try TestDomain()
        let store = TestStore()
        let log = try domain.log(store: store)
        store.set { $0.read = StoreError(.io, "for the test") }
        #expect(await log.submit(try domain.evidence(1)).failure?.code == .storageFailed)
        store.set { $0.read = nil }
        #expect(log.status == .running)
        #expect(try await log.submit(try domain.evidence(1)).get().index == 2)
        await log.shutdown()
    }

    @Test("a log that is shut down refuses, and says that it is stopped")
    func stopped() async throws {
        let domain = try TestDomain()
        let log = try domain.log(store: TestStore())
        await log.shutdown()
        #expect(await log.submit(try domain.evidence(1)).failure?.code == .stopped)
        #expect(log.status == .stopped(.shutdown))
    }

    @Test("one bad statement in a submission costs the others nothing")
    func mixed() async throws {
        let domain = try TestDomain()
        let log = try domain.log()
        var author = domain.author("a")
        let chain = try author.next(2)
        let results = await log.submit([
            chain[0], [0xff], try domain.evidence(1, key: .generate()), chain[1], try domain.evidence(2),
        ])
        #expect(results.map { $0.failure?.code } == [nil, .malformed, .unknownIssuer, nil, nil])
        #expect(results.compactMap { try? $0.get().index } == [2, 3, 4])
        let numbers = log.metrics
        #expect(numbers.submitted == 5 && numbers.accepted == 3)
        #expect(numbers.rejections == [.malformed: 1, .unknownIssuer: 1])
        await log.shutdown()
    }
}
