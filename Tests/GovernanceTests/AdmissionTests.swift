import COSE
import Governance
import Testing
import Tlog

/// A state that cannot be read.
private struct BrokenState: StateReading {
    struct Failure: Error, CustomStringConvertible { let description = "disk on fire" }

    func value(_ key: StateKey) throws -> [UInt8]? { throw Failure() }
}

@Suite("Admission")
struct AdmissionTests {
    private func state(
        contentTypes: [String] = ["application/json"], limits: PolicyLimits = PolicyLimits(maxSkew: 60_000)
    ) throws -> GovernanceState<MemoryState> {
        let policy = try testPolicy(contentTypes: contentTypes, limits: limits)
        return try GovernanceState(base: MemoryState(), genesis: testGenesis(policy))
    }

    private func opaque(
        _ payload: [UInt8] = [1], contentType: String = "application/json", issuer: String = aliceURI,
        key: Ed25519.SigningKey = TestKeys.alice
    ) throws -> SignedStatement {
        try SignedStatement.sign(
            payload: payload, contentType: contentType, issuer: issuer, subject: "urn:test", key: key)
    }

    @Test("the genesis sets the policy, enrols its issuers and begins the stream of policies")
    func genesis() throws {
        let policy = try testPolicy()
        let genesis = try testGenesis(policy)
        let state = try GovernanceState(base: MemoryState(), genesis: genesis)
        let alice = COSEKey(TestKeys.alice.publicKey).thumbprint
        let bob = COSEKey(TestKeys.bob.publicKey).thumbprint
        let expected: [StateKey: [UInt8]] = [
            .policy: PolicyRecord(policy: policy, index: 0).encoded(),
            .identity(issuer: aliceURI, keyID: alice): IdentityRecord(
                key: TestKeys.alice.publicKey, roles: [.operator, .runtime], index: 0
            ).encoded(),
            .identity(issuer: bobURI, keyID: bob): IdentityRecord(key: TestKeys.bob.publicKey, roles: [], index: 0)
                .encoded(),
            .stream(issuer: authorityURI, stream: "policy"): StreamLink(
                seq: 0, leafHash: genesis.leafHash, index: 0
            ).encoded(),
            .streamCount(issuer: authorityURI): [1],
        ]
        #expect(state.changes.count == expected.count)
        for change in state.changes { #expect(change.value == expected[change.key]) }
        #expect(state.changes.map(\.key) == state.changes.map(\.key).sorted())
        #expect(try Rules(state)?.policy == policy)
    }

    @Test("records come back from their bytes; other bytes are an error, not an absence")
    func records() throws {
        let record = PolicyRecord(policy: try testPolicy(), index: 3)
        #expect(try PolicyRecord(decoding: record.encoded()) == record)
        let identity = IdentityRecord(key: TestKeys.bob.publicKey, roles: [.gate], index: 9)
        #expect(try IdentityRecord(decoding: identity.encoded()) == identity)
        let link = StreamLink(seq: 1, leafHash: .zero, index: 2)
        #expect(try StreamLink(decoding: link.encoded()) == link)
        #expect(throws: StateRecordError.self) { try StreamLink(decoding: record.encoded()) }
        #expect(throws: StateRecordError.self) { try PolicyRecord(decoding: link.encoded()) }
        #expect(throws: StateRecordError.self) { try IdentityRecord(decoding: []) }
    }

    @Test("keys of the state are the arrays that the specification says")
    func keys() {
        #expect(Hex.encode(StateKey.policy.bytes) == "8166706f6c696379")
        #expect(
            Hex.encode(StateKey.stream(issuer: "urn:a", stream: "s").bytes) == "836673747265616d6575726e3a616173")
        #expect(Hex.encode(StateKey.streamCount(issuer: "urn:a").bytes) == "826773747265616d736575726e3a61")
        #expect(
            Hex.encode(StateKey.identity(issuer: "urn:a", keyID: .zero).bytes)
                == "83686964656e746974796575726e3a615820" + String(repeating: "00", count: 32))
        #expect(StateKey.policy.mapKey == Hash.sha256(StateKey.policy.bytes))
    }

    @Test("a stream goes on link by link, also within a batch")
    func stream() throws {
        var state = try state()
        let first = try signed(heartbeat())
        try state.admit(first, index: 1, batchTime: testTime)
        let second = try signed(heartbeat(1, first.leafHash))
        try state.admit(second, index: 2, batchTime: testTime)
        let key = StateKey.stream(issuer: aliceURI, stream: "runtime-1")
        let link = StreamLink(seq: 1, leafHash: second.leafHash, index: 2)
        #expect(try state.value(key) == link.encoded())
        #expect(try state.value(.streamCount(issuer: aliceURI)) == [1])
        // The same stream name of another issuer is another stream.
        try state.admit(signed(heartbeat(), by: TestKeys.bob, issuer: bobURI), index: 3, batchTime: testTime)
    }

    @Test("reads links from the base and changes only the overlay")
    func base() throws {
        var base = MemoryState()
        let begun = try state()
        base.apply(begun.changes)
        var first = GovernanceState(base: base, rules: begun.rules)
        let statement = try signed(heartbeat())
        try first.admit(statement, index: 1, batchTime: testTime)
        // Dropped: nothing of it is in the base.
        var second = GovernanceState(base: base, rules: begun.rules)
        #expect(second.changes.isEmpty)
        try second.admit(statement, index: 1, batchTime: testTime)
        #expect(first.changes == second.changes)
        base.apply(second.changes)
        var third = GovernanceState(base: base, rules: begun.rules)
        let next = try signed(heartbeat(1, statement.leafHash))
        try third.admit(next, index: 3, batchTime: testTime)
        #expect(third.changes.map(\.key) == [.stream(issuer: aliceURI, stream: "runtime-1")])
    }

    @Test("a gap names the place where the stream goes on")
    func gaps() throws {
        var state = try state()
        let noPlace = AdmissionError.streamGap(stream: "runtime-1", seq: 1, expectedSeq: 0, expectedPrev: nil)
        let early = try signed(heartbeat(1, .zero))
        #expect(throws: noPlace) { try state.admit(early, index: 1, batchTime: testTime) }
        let first = try signed(heartbeat())
        try state.admit(first, index: 1, batchTime: testTime)
        let gap = AdmissionError.streamGap(
            stream: "runtime-1", seq: 2, expectedSeq: 1, expectedPrev: first.leafHash)
        let late = try signed(heartbeat(2, first.leafHash))
        #expect(throws: gap) { try state.admit(late, index: 2, batchTime: testTime) }
        #expect(gap.expectedPlace == EventDraft.Place(seq: 1, prev: first.leafHash))
        #expect(noPlace.expectedPlace == .first)
    }

    @Test("a fork names the statement that stands there")
    func forks() throws {
        var state = try state()
        let first = try signed(heartbeat())
        try state.admit(first, index: 1, batchTime: testTime)
        let newest = StreamLink(seq: 0, leafHash: first.leafHash, index: 1)
        let other = try signed(heartbeat(data: ["load": 2]))
        #expect(throws: AdmissionError.streamFork(stream: "runtime-1", seq: 0, newest: newest)) {
            try state.admit(other, index: 2, batchTime: testTime)
        }
        let afterOther = try signed(heartbeat(1, other.leafHash))
        let fork = AdmissionError.streamFork(stream: "runtime-1", seq: 1, newest: newest)
        #expect(throws: fork) { try state.admit(afterOther, index: 2, batchTime: testTime) }
        #expect(fork.expectedPlace == EventDraft.Place(seq: 1, prev: first.leafHash))
    }

    @Test("an event may be as far from its batch's time as the policy says, either way, and no further")
    func skew() throws {
        var state = try state()
        try state.admit(signed(heartbeat(stream: "a")), index: 1, batchTime: testTime + 60_000)
        try state.admit(signed(heartbeat(stream: "b")), index: 2, batchTime: testTime - 60_000)
        for batchTime in [testTime + 60_001, testTime - 60_001, 0, UInt64.max] {
            let error = AdmissionError.timeSkew(
                time: testTime, batchTime: batchTime, maxSkew: 60_000, setBy: 0)
            let statement = try signed(heartbeat(stream: "c"))
            #expect(throws: error) { try state.admit(statement, index: 3, batchTime: batchTime) }
        }
        // Evidence has no time of its own.
        try state.admit(opaque(), index: 3, batchTime: .max)
    }

    @Test("only enrolled keys count, and only for their own issuers")
    func issuers() throws {
        var state = try state()
        for key in [TestKeys.stranger, TestKeys.statement] {
            let error = AdmissionError.unknownKey(
                issuer: aliceURI, keyID: COSEKey(key.publicKey).thumbprint.bytes, setBy: 0)
            let statement = try signed(heartbeat(), by: key)
            #expect(throws: error) { try state.admit(statement, index: 1, batchTime: testTime) }
        }
        let error = AdmissionError.keyOfAnotherIssuer(
            issuer: aliceURI, keyID: COSEKey(TestKeys.bob.publicKey).thumbprint, enrolled: bobURI, setBy: 0)
        let statement = try signed(heartbeat(), by: TestKeys.bob)
        #expect(throws: error) { try state.admit(statement, index: 1, batchTime: testTime) }
    }

    @Test("an issuer in another spelling of the same characters is another issuer")
    func spelling() throws {
        let policy = try Policy(
            origin: Origin("log.example.org/test"), logKeys: testPolicy().logKeys,
            authorities: [TestKeys.authority.publicKey], threshold: 1,
            issuers: [EnrolledIssuer(issuer: "urn:K", key: TestKeys.alice.publicKey, roles: [])])
        var state = try GovernanceState(base: MemoryState(), genesis: testGenesis(policy))
        // U+212A, which Swift's comparison of strings takes for a K.
        let statement = try signed(heartbeat(), issuer: "urn:\u{212a}")
        #expect("urn:K" == "urn:\u{212a}")
        #expect(throws: AdmissionError.self) { try state.admit(statement, index: 1, batchTime: testTime) }
    }

    @Test("opaque evidence is admitted where the policy names its type")
    func contentTypes() throws {
        var state = try state()
        try state.admit(opaque(), index: 1, batchTime: testTime)
        #expect(throws: AdmissionError.contentTypeNotAllowed("text/plain", setBy: 0)) {
            try state.admit(opaque(contentType: "text/plain"), index: 2, batchTime: testTime)
        }
        let count = state.changes.count
        try state.admit(opaque([2]), index: 2, batchTime: testTime)
        #expect(state.changes.count == count)
    }

    @Test("a digest is admitted by what was hashed, by being a digest, or where everything is")
    func hashEnvelopes() throws {
        func digest(_ preimage: String?) throws -> SignedStatement {
            try SignedStatement.sign(
                digest: .zero, envelope: HashEnvelope(preimageContentType: preimage), issuer: aliceURI,
                subject: "urn:test", key: TestKeys.alice)
        }
        var byType = try state()
        try byType.admit(digest("application/json"), index: 1, batchTime: testTime)
        #expect(throws: AdmissionError.contentTypeNotAllowed("text/plain", setBy: 0)) {
            try byType.admit(digest("text/plain"), index: 2, batchTime: testTime)
        }
        #expect(throws: AdmissionError.contentTypeNotAllowed("hash-envelope", setBy: 0)) {
            try byType.admit(digest(nil), index: 2, batchTime: testTime)
        }
        for allowed in ["hash-envelope", "*"] {
            var state = try state(contentTypes: [allowed])
            try state.admit(digest("text/plain"), index: 1, batchTime: testTime)
            try state.admit(digest(nil), index: 2, batchTime: testTime)
            // The digest of an event is no event.
            try state.admit(digest(Event.contentType), index: 3, batchTime: testTime)
        }
    }

    @Test("events are admitted without the policy's leave, but only if they are events")
    func malformed() throws {
        var state = try state(contentTypes: [])
        try state.admit(signed(heartbeat()), index: 1, batchTime: testTime)
        #expect(throws: AdmissionError.malformedEvent(.notMap)) {
            try state.admit(opaque([0x80], contentType: Event.contentType), index: 2, batchTime: testTime)
        }
    }

    @Test(
        "types that only the log uses, or whose rules are not in force, are refused",
        arguments: ["log.seal", "log.anything", "policy.get", "grant.lend", "log.refusals", "log.rewind", "peer.visit"])
    func reserved(_ type: String) throws {
        var state = try state()
        #expect(throws: AdmissionError.reservedType(type)) {
            try state.admit(signed(heartbeat(type: type)), index: 1, batchTime: testTime)
        }
    }

    @Test("a statement may be as long as the policy says and no longer")
    func size() throws {
        let limits = PolicyLimits(maxEntryBytes: 1024, maxSkew: 1)
        var state = try state(contentTypes: ["*"], limits: limits)
        let overhead = try opaque([UInt8](repeating: 0, count: 700)).entryBytes.count - 700
        try state.admit(opaque([UInt8](repeating: 0, count: 1024 - overhead)), index: 1, batchTime: 0)
        let long = try opaque([UInt8](repeating: 0, count: 1025 - overhead))
        #expect(throws: AdmissionError.tooLarge(bytes: 1025, limit: 1024, setBy: 0)) {
            try state.admit(long, index: 2, batchTime: 0)
        }
    }

    @Test("an issuer begins as many streams as the policy says and no more")
    func streams() throws {
        var state = try state(limits: PolicyLimits(maxStreamsPerIssuer: 2))
        let first = try signed(heartbeat(stream: "a"))
        try state.admit(first, index: 1, batchTime: testTime)
        try state.admit(signed(heartbeat(stream: "b")), index: 2, batchTime: testTime)
        #expect(throws: AdmissionError.tooManyStreams(issuer: aliceURI, limit: 2, setBy: 0)) {
            try state.admit(signed(heartbeat(stream: "c")), index: 3, batchTime: testTime)
        }
        try state.admit(signed(heartbeat(1, first.leafHash, stream: "a")), index: 3, batchTime: testTime)
        try state.admit(
            signed(heartbeat(stream: "c"), by: TestKeys.bob, issuer: bobURI), index: 4, batchTime: testTime)
    }

    @Test("what is refused changes nothing")
    func atomic() throws {
        var state = try state(limits: PolicyLimits(maxStreamsPerIssuer: 1))
        try state.admit(signed(heartbeat(stream: "a")), index: 1, batchTime: testTime)
        let before = state.changes
        #expect(throws: AdmissionError.self) {
            try state.admit(signed(heartbeat(stream: "b")), index: 2, batchTime: testTime)
        }
        #expect(throws: AdmissionError.self) {
            try state.admit(signed(heartbeat(data: 5)), index: 2, batchTime: 0)
        }
        #expect(state.changes == before)
    }

    @Test("a state that cannot be read is not the statement's fault")
    func storage() throws {
        let rules = try state().rules
        var broken = GovernanceState(base: BrokenState(), rules: rules)
        #expect(throws: AdmissionError.storage("disk on fire")) {
            try broken.admit(signed(heartbeat()), index: 1, batchTime: testTime)
        }
        var base = MemoryState()
        base.apply([StateChange(key: .stream(issuer: aliceURI, stream: "runtime-1"), value: [0])])
        var damaged = GovernanceState(base: base, rules: rules)
        #expect(throws: AdmissionError.self) {
            try damaged.admit(signed(heartbeat()), index: 1, batchTime: testTime)
        }
    }

    /// A batch keeps the newest links of its streams decoded, and the last one at hand.
    @Test("streams that take turns in a batch come to the state that a batch for each statement comes to")
    func streamsTakeTurns() throws {
        let genesis = try testGenesis(testPolicy(limits: PolicyLimits(maxSkew: 60_000)))
        var stored = MemoryState()
        stored.apply(try GovernanceState(base: MemoryState(), genesis: genesis).changes)
        let rules = try #require(try Rules(stored))
        var one = stored
        var batch = GovernanceState(base: stored, rules: rules)
        var newest: [String: (seq: UInt64, hash: Hash)] = [:]
        // The last two are the same to Swift, and different bytes.
        let order = ["a", "a", "b", "a", "\u{e9}", "e\u{301}", "e\u{301}", "\u{e9}", "b", "b", "a"]
        for (offset, stream) in order.enumerated() {
            let (index, name) = (UInt64(offset + 1), Array(stream.utf8).description)
            let before = newest[name]
            let statement = try signed(heartbeat(before.map { $0.seq + 1 } ?? 0, before?.hash, stream: stream))
            // What is refused leaves nothing behind, whichever stream was at hand.
            let gap = try signed(heartbeat(9, .zero, stream: stream))
            let seq = before?.seq ?? 0
            let fork = try signed(heartbeat(seq, seq == 0 ? nil : .zero, stream: stream, data: 7))
            if before != nil {
                #expect(throws: AdmissionError.self) { try batch.admit(gap, index: index, batchTime: testTime) }
                #expect(throws: AdmissionError.self) { try batch.admit(fork, index: index, batchTime: testTime) }
            }
            try batch.admit(statement, index: index, batchTime: testTime)
            var single = GovernanceState(base: one, rules: rules)
            try single.admit(statement, index: index, batchTime: testTime)
            one.apply(single.changes)
            newest[name] = (before.map { $0.seq + 1 } ?? 0, statement.leafHash)
            let key = StateKey.stream(issuer: aliceURI, stream: stream)
            #expect(try batch.value(key) == one.value(key))
            for other in order {
                let key = StateKey.stream(issuer: aliceURI, stream: other)
                #expect(try batch.value(key) == one.value(key))
            }
        }
        var scanned: [StateKey: [UInt8]] = [:]
        try batch.forEachValue(prefix: []) { scanned[$0] = $1 }
        #expect(scanned == one.values)
        var whole = stored
        whole.apply(batch.changes)
        #expect(whole.values == one.values)
    }

    @Test("what a type means to the log is told from its first word as from all words one by one")
    func meaningOfTypes() {
        let words =
            Array(EventType.reservedFirstWords)
            + StatementType.allCases.map { $0.rawValue.split(separator: ".")[0] + "" }
        let types =
            StatementType.allCases.map(\.rawValue) + [EventType.seal, EventType.refusals]
            + words.flatMap {
                ["\($0).other", "\($0)x.other", "x\($0).other", "x.\($0)", "\($0)-a.b", String($0.dropLast()) + ".b"]
            }
        for type in types {
            let isEnforced = StatementType(rawValue: type) != nil
            let isReserved = EventType.reservedFirstWords.contains { type.hasPrefix("\($0).") }
            #expect(EventType.isReserved(type) == (!isEnforced && isReserved), "\(type)")
        }
        #expect(types.contains(where: EventType.isReserved) && !types.allSatisfy(EventType.isReserved))
    }

    @Test("texts are the same where their bytes are")
    func sameBytes() {
        let texts =
            ["", "a", "b", "ab", "\u{e9}", "e\u{301}", "a\u{301}\u{323}", "a\u{323}\u{301}"]
            + (0..<70).map { String(repeating: "x", count: $0) + "y" + String(repeating: "x", count: 69 - $0) }
        for left in texts {
            for right in texts { #expect(left.hasSameUTF8(as: right) == (Array(left.utf8) == Array(right.utf8))) }
        }
    }
}
