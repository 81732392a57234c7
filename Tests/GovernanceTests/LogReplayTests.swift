import COSE
import Governance
import Testing
import Tlog

@Suite("Seals and replay")
struct LogReplayTests {
    private let origin = "log.example.org/test"

    /// Genesis batch, then two batches of alice's.
    private func log() throws -> TestLog {
        var log = try TestLog(policy: testPolicy())
        try log.seal(time: testTime)
        try log.addHeartbeat()
        try log.addHeartbeat()
        try log.seal(time: testTime + 5)
        try log.addHeartbeat(stream: "runtime-2")
        try log.seal(time: testTime + 5)
        return log
    }

    private func replay(_ entries: [[UInt8]], pins: LogReplay.Pins = .init()) throws -> LogReplay {
        var replay = LogReplay(pins: pins)
        for entry in entries { try replay.append(entry) }
        return replay
    }

    private func expect(_ error: ReplayError, from entries: [[UInt8]], pins: LogReplay.Pins = .init()) {
        #expect(throws: error) { try replay(entries, pins: pins) }
    }

    private func sealStatement(_ seal: Seal, key: Ed25519.SigningKey = TestKeys.statement) throws -> SignedStatement {
        seal.statement(origin: try Origin(origin), key: key)
    }

    @Test("a seal comes back from its statement")
    func seal() throws {
        let seal = Seal(time: 5, statements: 3, stateRoot: .emptyTree, seq: 1, prev: .zero)
        let statement = try sealStatement(seal)
        #expect(try Seal(statement, origin: Origin(origin)) == seal)
        #expect(statement.header.issuer == origin)
        #expect(statement.header.subject == origin)
        let event = try Event(decoding: statement.payload)
        #expect(event.data == ["statements": 3, "stateRoot": .bytes(Hash.emptyTree.bytes)])
        #expect(throws: SealError.issuer(origin, subject: origin)) {
            try Seal(statement, origin: Origin("another.example.org"))
        }
    }

    @Test("what is no seal is not taken for one, with the reason")
    func sealForm() throws {
        let data: CBOR = ["statements": 1, "stateRoot": .bytes(Hash.zero.bytes)]
        let trace = TraceContext(traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        func statement(_ event: Event, type: String = Event.contentType) throws -> SignedStatement {
            try SignedStatement.sign(
                payload: event.encoded(), contentType: type, issuer: origin, subject: origin, key: TestKeys.statement)
        }
        let good = try heartbeat(stream: "log.seal", type: "log.seal", data: data)
        let traced = try Event(
            type: "log.seal", stream: "log.seal", seq: 0, prev: nil, time: 1, data: data, trace: trace)
        let cases: [(SignedStatement, SealError)] = [
            (try statement(good, type: "application/cbor"), .contentType("application/cbor")),
            (try statement(heartbeat(stream: "x", type: "log.seal")), .notASeal(type: "log.seal", stream: "x")),
            (
                try statement(heartbeat(stream: "log.seal", type: "log.freeze")),
                .notASeal(type: "log.freeze", stream: "log.seal")
            ),
            (
                try statement(heartbeat(stream: "log.seal", type: "log.seal", data: ["statements": 1])),
                .fields(.missingField("stateRoot"))
            ),
            (try statement(traced), .fields(.unknownField("trace"))),
        ]
        for (statement, error) in cases {
            #expect(throws: error) { try Seal(statement, origin: Origin(origin)) }
        }
        _ = try Seal(statement(good), origin: Origin(origin))
    }

    @Test("an honest log replays to its writer's state")
    func honest() throws {
        let log = try log()
        var replay = try replay(
            log.bytes(),
            pins: .init(
                genesis: log.entries[0].leafHash,
                authorities: [
                    COSEKey(TestKeys.authority.publicKey).thumbprint
                ]))
        try replay.finish()
        #expect(replay.size == 7)
        #expect(replay.sealedSize == 7)
        #expect(replay.state.values == log.state.values)
        #expect(replay.map.root == log.map.root)
        #expect(replay.lastSeal == log.lastSeal?.seal)
        #expect(replay.lastSealHash == log.lastSeal?.leafHash)
        #expect(replay.rules?.policy == log.rules.policy)
        // The map is that of the state, however it came about.
        #expect(replay.state.map().root == replay.map.root)
        // A stream's newest link, proved under the root that the seal carries.
        let key = StateKey.stream(issuer: aliceURI, stream: "runtime-1")
        let link = StreamLink(seq: 1, leafHash: log.entries[3].leafHash, index: 3)
        try replay.map.proof(key.mapKey).verify(
            key: key.mapKey, value: Hash.sha256(link.encoded()), root: #require(replay.lastSeal).stateRoot)
        // The next statement is folded only when its seal comes.
        try replay.append(signed(heartbeat(stream: "runtime-3")).entryBytes)
        #expect(replay.sealedSize == 7)
        #expect(throws: ReplayError.unsealed(sealedSize: 7, size: 8)) { try replay.finish() }
    }

    @Test("an empty batch may be sealed: its time goes on")
    func emptyBatch() throws {
        var log = try log()
        try log.seal(time: testTime + 9)
        let replay = try replay(log.bytes())
        #expect(replay.lastSeal?.time == testTime + 9)
        #expect(replay.lastSeal?.statements == 0)
    }

    @Test("another genesis than the pinned one, another authority, or none, is refused")
    func genesis() throws {
        let log = try log()
        let found = log.entries[0].leafHash
        expect(.otherGenesis(expected: .zero, found: found), from: log.bytes(), pins: .init(genesis: .zero))
        expect(
            .otherAuthority(thumbprint: COSEKey(TestKeys.authority.publicKey).thumbprint), from: log.bytes(),
            pins: .init(authorities: [.zero]))
        expect(.genesis(.type("test.beat")), from: [try signed(heartbeat()).entryBytes])
    }

    @Test("an entry that is no statement, or not the canonical bytes of one, is found")
    func form() throws {
        let log = try log()
        expect(
            .notAStatement(index: 2, .envelope(.encoding(.endOfInput(offset: 0)))),
            from: log.bytes()[..<2] + [[]])
        let statement = try signed(heartbeat())
        let message = COSESign1(
            protected: statement.protected, unprotected: [99: 1], payload: statement.payload,
            signature: statement.signature)
        expect(.notCanonical(index: 2), from: log.bytes()[..<2] + [message.encoded()])
    }

    @Test("a changed payload is found by its signature, unless the caller has verified it")
    func signature() throws {
        var log = try TestLog(policy: testPolicy())
        try log.seal()
        var bytes = try signed(heartbeat()).entryBytes
        bytes[bytes.count - 1] ^= 1
        log.add(try SignedStatement(decoding: bytes))
        try log.seal()
        expect(.badSignature(index: 2, .envelope(.badSignature)), from: log.bytes())
        var trusting = LogReplay()
        for entry in log.bytes() { try trusting.append(entry, signatureVerified: true) }
        // Entry 0 and seals are verified in any case.
        var seal = log.bytes()[1]
        seal[seal.count - 1] ^= 1
        var replay = LogReplay()
        try replay.append(log.bytes()[0], signatureVerified: true)
        #expect(throws: ReplayError.badSignature(index: 1, .envelope(.badSignature))) {
            try replay.append(seal, signatureVerified: true)
        }
    }

    @Test("a statement that should not have been admitted is found, at its index")
    func admission() throws {
        let log = try log()
        let first = log.entries[2]
        let newest = StreamLink(seq: 0, leafHash: first.leafHash, index: 2)
        let second = try signed(heartbeat(stream: "x"))
        // The stream's first statement twice, by a writer who signs any seal.
        func endless(_ statements: [SignedStatement], time: UInt64 = testTime) throws -> [[UInt8]] {
            let seal = Seal(
                time: time, statements: UInt64(statements.count), stateRoot: .zero, seq: 1,
                prev: log.entries[1].leafHash)
            return log.bytes()[..<2] + (statements + [try sealStatement(seal)]).map(\.entryBytes)
        }
        expect(
            .notAdmitted(index: 3, .streamFork(stream: "runtime-1", seq: 0, newest: newest)),
            from: try endless([first, first]))
        expect(
            .notAdmitted(
                index: 2, .timeSkew(time: testTime, batchTime: testTime + 60_001, maxSkew: 60_000, setBy: 0)),
            from: try endless([second], time: testTime + 60_001))
        let stranger = try signed(heartbeat(), by: TestKeys.stranger)
        expect(
            .notAdmitted(
                index: 2,
                .unknownKey(
                    issuer: aliceURI, keyID: COSEKey(TestKeys.stranger.publicKey).thumbprint.bytes, setBy: 0)),
            from: try endless([stranger]))
        let reserved = try signed(heartbeat(stream: "log.seal", type: "log.seal"))
        expect(.notAdmitted(index: 2, .reservedType("log.seal")), from: try endless([reserved]))
    }

    @Test("a seal with a wrong count, time, place, root or key is found, with what it should be")
    func lyingSeals() throws {
        var log = try log()
        try log.addHeartbeat(stream: "runtime-4")
        let honest = try log.nextSeal(time: testTime + 6)
        let prev = try #require(log.lastSeal).leafHash
        func seal(
            time: UInt64 = testTime + 6, statements: UInt64 = 1, root: Hash? = nil, seq: UInt64 = 3, prev: Hash
        ) throws -> [[UInt8]] {
            let seal = Seal(
                time: time, statements: statements, stateRoot: root ?? honest.stateRoot, seq: seq, prev: prev)
            return log.bytes(endingWith: try sealStatement(seal))
        }
        try replay(seal(prev: prev)).finish()
        expect(.sealCount(index: 8, stated: 2, found: 1), from: try seal(statements: 2, prev: prev))
        expect(.sealCount(index: 8, stated: 0, found: 1), from: try seal(statements: 0, prev: prev))
        expect(
            .timeBackwards(index: 8, time: testTime + 4, before: testTime + 5),
            from: try seal(time: testTime + 4, prev: prev))
        expect(
            .sealChain(index: 8, seq: 4, prev: prev, expectedSeq: 3, expectedPrev: prev),
            from: try seal(seq: 4, prev: prev))
        expect(
            .sealChain(index: 8, seq: 3, prev: .zero, expectedSeq: 3, expectedPrev: prev),
            from: try seal(prev: .zero))
        expect(
            .stateRoot(index: 8, stated: .zero, computed: honest.stateRoot), from: try seal(root: .zero, prev: prev))
        // A stale root: that of the seal before.
        let stale = try #require(log.lastSeal).seal.stateRoot
        expect(
            .stateRoot(index: 8, stated: stale, computed: honest.stateRoot), from: try seal(root: stale, prev: prev))
    }

    @Test("an entry left out, put in or put elsewhere is found")
    func order() throws {
        let log = try log()
        var entries = log.bytes()
        entries.remove(at: 3)
        expect(.sealCount(index: 3, stated: 2, found: 1), from: entries)
        // An omitted seal.
        entries = log.bytes()
        entries.remove(at: 4)
        expect(
            .sealChain(
                index: 5, seq: 2, prev: log.entries[4].leafHash, expectedSeq: 1, expectedPrev: log.entries[1].leafHash
            ), from: entries)
        entries = log.bytes()
        entries.swapAt(2, 3)
        expect(
            .notAdmitted(
                index: 2, .streamGap(stream: "runtime-1", seq: 1, expectedSeq: 0, expectedPrev: nil)),
            from: entries)
        entries = log.bytes()
        entries.insert(entries[1], at: 2)
        expect(
            .sealChain(
                index: 2, seq: 0, prev: nil, expectedSeq: 1, expectedPrev: log.entries[1].leafHash), from: entries)
    }

    @Test("an entry with the log's own key that is no seal is found")
    func ownKey() throws {
        let log = try log()
        let own = try signed(heartbeat(), by: TestKeys.statement, issuer: origin)
        expect(.notASeal(index: 7, .issuer(origin, subject: "urn:test")), from: log.bytes() + [own.entryBytes])
    }

    @Test("no more statements are kept than a seal may cover")
    func batchLimit() throws {
        var log = try TestLog(policy: testPolicy())
        try log.seal()
        for _ in 0..<8 { try log.addHeartbeat() }
        _ = try replay(log.bytes(endingWith: nil))
        try log.addHeartbeat()
        expect(.batchTooLarge(index: 10, limit: 8), from: log.bytes())
    }

    @Test("a replay that has failed stays failed")
    func failed() throws {
        let log = try log()
        var replay = LogReplay()
        let error = ReplayError.genesis(.type("log.seal"))
        #expect(throws: error) { try replay.append(log.bytes()[1]) }
        #expect(throws: error) { try replay.append(log.bytes()[0]) }
        #expect(throws: error) { try replay.finish() }
        #expect(replay.size == 0)
    }
}
