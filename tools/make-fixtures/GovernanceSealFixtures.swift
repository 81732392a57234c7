import COSE
import Governance
import Tlog

/// A small log with two batches, what its state is at each seal, and what such a log must not be.
enum GovernanceSealFixtures {
    static func document() throws -> FixtureValue {
        let log = try SealedLog()
        return [
            "about": """
            The entries of a small log in hex. Each seal's state is given whole: keys and values in CBOR, and the root \
            of their Merkle map. Each case in refused is such a log that fails at the entry of that index, for the \
            reason given; index is null where the log fails at its end.
            """,
            "keys": try GovernanceCast.keys(),
            "entries": .array(
                log.entries.map {
                    ["entry": GovernanceCast.hex($0.entryBytes), "leafHash": .string($0.leafHash.hex)]
                }),
            "seals": [
                describe(log.firstSeal, index: 1, log.firstState),
                describe(log.secondSeal, index: 5, log.secondState),
            ],
            "refused": .array(try refused(log)),
        ]
    }

    static func describe(_ seal: Seal, index: UInt64, _ state: [StateChange]) -> FixtureValue {
        [
            "index": .number(index), "time": .number(seal.time), "statements": .number(seal.statements),
            "stateRoot": .string(seal.stateRoot.hex),
            "state": .array(
                state.map { ["key": GovernanceCast.hex($0.key.bytes), "value": GovernanceCast.hex($0.value ?? [])] }),
        ]
    }

    private static func refused(_ log: SealedLog) throws -> [FixtureValue] {
        let bytes = log.entries.map(\.entryBytes)
        func ending(
            time: UInt64 = GovernanceCast.time + 7, statements: UInt64 = 3, root: Hash? = nil, seq: UInt64 = 1,
            prev: Hash? = nil, _ use: GovernanceCast.Use = .statement
        ) throws -> [[UInt8]] {
            let seal = try SealedLog.seal(
                time: time, statements: statements, root: root ?? log.secondSeal.stateRoot, seq: seq,
                prev: prev ?? log.entries[1].leafHash, use)
            return bytes[..<5] + [seal.entryBytes]
        }
        func replaced(_ index: Int, _ statement: SignedStatement) -> [[UInt8]] {
            var changed = bytes
            changed[index] = statement.entryBytes
            return changed
        }
        func flipped(_ index: Int) -> [[UInt8]] {
            var changed = bytes
            changed[index][changed[index].count - 1] ^= 1
            return changed
        }
        let other = try log.event(0, nil, ["load": 9])
        let late = try log.event(0, nil, ["load": 1], time: GovernanceCast.time + 60_008)
        let reserved = try log.event(0, nil, 1, type: "grant.lend")
        let stranger = try log.event(0, nil, 1, .stranger)
        let cases: [(String, [[UInt8]], Int?, String)] = [
            ("a payload changed under its signature", flipped(2), 2, "bad-signature"),
            ("a seal's signature changed", flipped(5), 5, "bad-signature"),
            ("a seal signed with the checkpoint key", try ending(.checkpoint), nil, "unsealed"),
            ("a wrong count", try ending(statements: 2), 5, "seal-count"),
            ("time running backwards", try ending(time: GovernanceCast.time - 1), 5, "time-backwards"),
            ("a wrong root", try ending(root: .zero), 5, "state-root"),
            ("a stale root", try ending(root: log.firstSeal.stateRoot), 5, "state-root"),
            ("a seal of another place", try ending(seq: 2), 5, "seal-chain"),
            ("a seal that names another before it", try ending(prev: .zero), 5, "seal-chain"),
            ("an entry left out", Array(bytes[..<4] + bytes[5...]), 4, "seal-count"),
            ("a seal left out", [bytes[0]] + bytes[2...], 4, "seal-chain"),
            ("statements without a seal", Array(bytes[..<4]), nil, "unsealed"),
            (
                "two entries in each other's place", [bytes[0], bytes[1], bytes[3], bytes[2], bytes[4], bytes[5]], 2,
                "stream-gap"
            ),
            ("a second statement at a place", replaced(3, other), 3, "stream-fork"),
            ("an event too far from the seal's time", replaced(2, late), 2, "time-skew"),
            ("a reserved type", replaced(2, reserved), 2, "reserved-type"),
            ("a key that is not enrolled", replaced(2, stranger), 2, "unknown-key"),
            (
                "more statements than a seal may cover", bytes[..<5] + [other.entryBytes, other.entryBytes], 6,
                "batch-too-large"
            ),
            ("no genesis", Array(bytes[1...]), 0, "type"),
            ("an entry that is no statement", [bytes[0], [0xa0]], 1, "untagged"),
        ]
        return cases.map { name, entries, index, reason in
            [
                "name": .string(name), "entries": .array(entries.map(GovernanceCast.hex)),
                "index": index.map { .number(UInt64($0)) } ?? .null, "reason": .string(reason),
            ]
        }
    }
}

/// Entry 0, its seal; two links of one stream and a piece of evidence, and their seal. The state after each batch is
/// written down here, not folded.
struct SealedLog {
    let entries: [SignedStatement]
    let firstSeal: Seal
    let secondSeal: Seal
    let firstState: [StateChange]
    let secondState: [StateChange]

    init() throws {
        let genesis = try GovernanceCast.genesis()
        let policy = CBOR.map(try GovernanceCast.policyMap())
        let alice = try GovernanceCast.Use.alice.key().publicKey
        var state: CBORMap = [
            ["policy"]: [
                "index": 0, "digest": .bytes(Hash.sha256(policy.encoded()).bytes), "policy": policy,
            ],
            ["identity", .text(GovernanceCast.aliceName), .bytes(COSEKey(alice).thumbprint.bytes)]: [
                "index": 0, "key": .bytes(alice.bytes), "roles": ["operator"],
            ],
            ["stream", .text(GovernanceCast.authorityName), "policy"]: [0, .bytes(genesis.leafHash.bytes), 0],
            ["streams", .text(GovernanceCast.authorityName)]: 1,
        ]
        firstState = Self.changes(state)
        let firstRoot = Self.root(firstState)
        let sealOne = try Self.seal(
            time: GovernanceCast.time, statements: 1, root: firstRoot, seq: 0, prev: nil, .statement)
        let first = try Self.event(0, nil, ["load": 1], .alice)
        let second = try Self.event(1, first.leafHash, ["load": 2], .alice)
        let evidence = try GovernanceCast.sign(
            "anything", .alice, issuer: GovernanceCast.aliceName, contentType: "application/json")
        state[["stream", .text(GovernanceCast.aliceName), "runtime-1"]] = [1, .bytes(second.leafHash.bytes), 3]
        state[["streams", .text(GovernanceCast.aliceName)]] = 1
        secondState = Self.changes(state)
        let secondRoot = Self.root(secondState)
        let sealTwo = try Self.seal(
            time: GovernanceCast.time + 7, statements: 3, root: secondRoot, seq: 1, prev: sealOne.leafHash, .statement)
        entries = [genesis, sealOne, first, second, evidence, sealTwo]
        firstSeal = Seal(time: GovernanceCast.time, statements: 1, stateRoot: firstRoot, seq: 0, prev: nil)
        secondSeal = Seal(
            time: GovernanceCast.time + 7, statements: 3, stateRoot: secondRoot, seq: 1, prev: sealOne.leafHash)
    }

    static func seal(
        time: UInt64, statements: UInt64, root: Hash, seq: UInt64, prev: Hash?, _ use: GovernanceCast.Use
    ) throws -> SignedStatement {
        let data: CBOR = ["statements": .unsigned(statements), "stateRoot": .bytes(root.bytes)]
        return try GovernanceCast.sign(
            GovernanceCast.event("log.seal", "log.seal", seq, prev, data, time: time), use,
            issuer: GovernanceCast.origin, subject: GovernanceCast.origin)
    }

    static func event(
        _ seq: UInt64, _ prev: Hash?, _ data: CBOR, _ use: GovernanceCast.Use = .alice,
        type: String = "test.beat", time: UInt64 = GovernanceCast.time
    ) throws -> SignedStatement {
        try GovernanceCast.sign(
            GovernanceCast.event(type, "runtime-1", seq, prev, data, time: time), use,
            issuer: GovernanceCast.aliceName)
    }

    func event(
        _ seq: UInt64, _ prev: Hash?, _ data: CBOR, _ use: GovernanceCast.Use = .alice,
        type: String = "test.beat", time: UInt64 = GovernanceCast.time
    ) throws -> SignedStatement {
        try Self.event(seq, prev, data, use, type: type, time: time)
    }

    static func changes(_ state: CBORMap) -> [StateChange] {
        state.entries.map { StateChange(key: StateKey(bytes: $0.key.encoded()), value: $0.value.encoded()) }
    }

    static func root(_ state: [StateChange]) -> Hash {
        GovernanceMapFixtures.root(state.map { (Hash.sha256($0.key.bytes), Hash.sha256($0.value ?? [])) })
    }
}
