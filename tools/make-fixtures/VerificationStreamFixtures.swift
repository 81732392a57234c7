import COSE
import Governance
import Tlog

/// Streams with the state proof of their newest link, and statements of issuers enrolled after the genesis.
enum VerificationStreamFixtures {
    static func document() throws -> FixtureValue {
        [
            "about": """
            Statements (hex) of a stream, with the state proof of its key: whether they are all of it. "signers" are \
            state proofs of its issuer's keys.
            """,
            "trust": ["default": .string(try TestLog().stateTrustText())],
            "cases": .array(try streams().map(\.value)),
        ]
    }

    static func enrolmentDocument() throws -> FixtureValue {
        [
            "about": """
            Statements with tlog-proofs, of issuers that the genesis does not enrol; "signers" are state proofs of their \
            keys.
            """,
            "trust": [
                "default": .string(try TestLog().stateTrustText()),
                "no state quorum": .string(try TestLog().stateTrustText(stateQuorum: nil)),
            ],
            "cases": .array(try enrolments().map(\.value)),
        ]
    }

    // MARK: Streams

    private static let late = "spiffe://example.org/late"

    /// A log with a stream of five events of its issuer, one of a runtime enrolled later, and others between.
    private struct Given {
        var log: TestLog
        let key: StateKey
        var statements: [SignedStatement] = []
        let lateKey: Ed25519.SigningKey
        let identity: StateKey

        init() throws {
            log = try TestLog()
            key = .stream(issuer: TestLog.issuer, stream: "work")
            lateKey = try TestLog.key(230)
            identity = try log.enrol(late, lateKey)
            for number in 0..<5 {
                let statement = try log.event()
                try log.append(statement)
                statements.append(statement)
                try log.append(try log.event(stream: "other"))
                if number % 2 == 0 { log.seal() }
            }
            try log.append(try log.statement("work.done", .null, stream: "late", by: lateKey, issuer: late))
            log.seal()
        }

        func given(
            _ statements: [SignedStatement], key: StateKey? = nil, signers: [StateProof] = []
        ) throws -> [(name: String, value: FixtureValue)] {
            [
                ("trust", "default"), ("state", .hex(try log.stateProof(key ?? self.key).encoded())),
                ("statements", .array(statements.map { .hex($0.entryBytes) })),
                ("signers", .array(signers.map { .hex($0.encoded()) })),
            ]
        }
    }

    private static func streams() throws -> [VerificationCase] {
        let given = try Given()
        let (log, all) = (given.log, given.statements)
        func without(_ index: Int) -> [SignedStatement] {
            all.enumerated().filter { $0.offset != index }.map(\.element)
        }
        func forged(_ index: Int) throws -> SignedStatement {
            let event = try Event(
                type: "work.done", stream: "work", seq: UInt64(index), prev: index == 0 ? nil : all[index - 1].leafHash,
                time: log.time, data: "another")
            return try log.sign(event)
        }
        let foreign = try SignedStatement(decoding: log.entries[4])
        let lateStatement = try SignedStatement(decoding: log.entries[Int(log.size) - 2])
        let lateStream = StateKey.stream(issuer: late, stream: "late")
        let identity = try log.stateProof(given.identity)
        var bad = all[1].entryBytes
        bad[bad.count - 1] ^= 1
        let missing = ["stream-chain: statement-missing"]
        let fork = ["stream-chain: stream-fork"]
        return [
            VerificationCase("a whole stream", try given.given(all)),
            VerificationCase("in another order, one twice", try given.given(all.reversed() + [all[2]])),
            VerificationCase(
                "no stream and no statement", try given.given([], key: .stream(issuer: late, stream: "no"))),
            VerificationCase("the first missing", try given.given(without(0)), failed: missing),
            VerificationCase("one missing", try given.given(without(2)), failed: missing),
            VerificationCase("the newest missing", try given.given(without(4)), failed: missing),
            VerificationCase("all missing", try given.given([]), failed: missing),
            VerificationCase(
                "another statement in the place of one", try given.given(without(2) + [forged(2)]), failed: fork),
            VerificationCase(
                "another statement in the place of the newest", try given.given(without(4) + [forged(4)]), failed: fork),
            VerificationCase("another statement beside one", try given.given(all + [forged(2)]), failed: fork),
            VerificationCase(
                "a statement after the newest", try given.given(all + [log.event()]),
                failed: ["stream-chain: beyond-state"]),
            VerificationCase(
                "a statement of a stream that the state has not",
                try given.given([try log.event(stream: "new")], key: .stream(issuer: TestLog.issuer, stream: "new")),
                failed: ["stream-chain: beyond-state"]),
            VerificationCase(
                "a statement of another stream", try given.given(all + [foreign]),
                failed: ["stream-statements: foreign-statement"]),
            VerificationCase(
                "a statement of another issuer", try given.given(all + [lateStatement]),
                failed: ["stream-statements: foreign-statement"]),
            VerificationCase(
                "a bad signature", try given.given(without(1) + [SignedStatement(decoding: bad)]),
                failed: ["stream-statements: bad-signature"]),
            VerificationCase(
                "the state of something else", try given.given(all, key: .policy), failed: ["stream-chain: other-key"]),
            VerificationCase(
                "of an issuer enrolled later", try given.given([lateStatement], key: lateStream, signers: [identity])),
            VerificationCase(
                "of an issuer enrolled later, which nothing shows", try given.given([lateStatement], key: lateStream),
                failed: ["stream-statements: not-enrolled"]),
        ]
    }

    // MARK: Enrolment

    /// genesis, seal; enrolment at 2; seal; event at 4; seal (6); event at 6, revocation at 7; seal (9); more; seal.
    private static func enrolments() throws -> [VerificationCase] {
        var log = try TestLog()
        let key = try TestLog.key(230)
        let identity = try log.enrol(late, key)
        log.seal()
        func event(_ log: TestLog) throws -> SignedStatement {
            try log.statement("work.done", .null, stream: "late", by: key, issuer: late)
        }
        try log.append(event(log))
        log.seal()
        try log.append(event(log))
        try log.revoke(key)
        log.seal()
        try log.append(log.event())
        log.seal()
        func given(
            _ index: UInt64, _ signers: [StateProof], trust: FixtureValue = "default"
        ) throws -> [(name: String, value: FixtureValue)] {
            let checkpoint = try log.replayedCheckpoint()
            let proof = TlogProof(index: index, path: log.inclusion(index).path, checkpoint: checkpoint)
            return [
                ("trust", trust), ("statement", .hex(log.entries[Int(index)])), ("proof", .text(proof.bytes)),
                ("signers", .array(signers.map { .hex($0.encoded()) })),
            ]
        }
        func proof(at size: UInt64, stateWitnesses: Int = 2) throws -> StateProof {
            try log.stateProof(identity, at: size, stateWitnesses: stateWitnesses)
        }
        let changed = ["statement-signature: enrolment-changed"]
        return [
            VerificationCase("enrolled before, not changed since", try given(4, [proof(at: 6)])),
            VerificationCase(
                "of several proofs, the earliest that covers the statement",
                try given(4, [proof(at: log.size), proof(at: 6), proof(at: 4)])),
            VerificationCase("no proof", try given(4, []), failed: ["statement-signature: not-enrolled"]),
            VerificationCase(
                "a state from before the statement", try given(4, [proof(at: 4)]),
                failed: ["statement-signature: state-before-statement"]),
            VerificationCase(
                "a state from before the enrolment", try given(4, [proof(at: 2)]),
                failed: ["signer's state: expected-value: absent"], leftOut: ["statement-signature"]),
            VerificationCase("ended after the statement", try given(4, [proof(at: 9)]), failed: changed),
            VerificationCase("ended in the statement's own batch", try given(6, [proof(at: 9)]), failed: changed),
            VerificationCase(
                "too few state witnesses", try given(4, [proof(at: 6, stateWitnesses: 1)]),
                failed: ["signer's state: state-quorum: state-quorum-not-reached"], leftOut: ["statement-signature"]),
            VerificationCase(
                "no state quorum in the trust file", try given(4, [proof(at: 6)], trust: "no state quorum"),
                leftOut: ["state-quorum", "statement-signature"]),
            VerificationCase(
                "another's identity", try given(4, [try log.stateProof(.identity(issuer: late, keyID: .zero))]),
                failed: ["statement-signature: not-enrolled"]),
            try ended(),
        ]
    }

    /// A statement that a lying log let in after its key had ended.
    private static func ended() throws -> VerificationCase {
        var log = try TestLog()
        let key = try TestLog.key(230)
        let identity = try log.enrol(late, key)
        log.seal()
        try log.revoke(key)
        log.seal()
        let statement = try log.statement("work.done", .null, stream: "late", by: key, issuer: late)
        log.appendAnyway(statement.entryBytes)
        log.seal()
        let index = log.size - 2
        let proof = TlogProof(
            index: index, path: log.inclusion(index).path, checkpoint: try log.replayedCheckpoint())
        return VerificationCase(
            "ended before the statement",
            [
                ("trust", "default"), ("statement", .hex(statement.entryBytes)), ("proof", .text(proof.bytes)),
                ("signers", [.hex(try log.stateProof(identity).encoded())]),
            ], failed: ["statement-signature: key-ended"])
    }
}
