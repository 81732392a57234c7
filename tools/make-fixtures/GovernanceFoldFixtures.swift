import COSE
import Governance
import Tlog

/// A small log with statements of enforced types. The state after each batch is written down here, not folded.
enum GovernanceFoldFixtures {
    static func document() throws -> FixtureValue {
        let log = try FoldedLog()
        return [
            "about": """
            The entries of a small log in hex: an identity is enrolled, gets a grant, is contained and put right, and \
            revoked; the policy is changed. Each seal's state is given whole. Each case in refused is a log that \
            continues this one and fails at the entry of that index, for the reason given.
            """,
            "keys": try GovernanceCast.keys(),
            "entries": .array(
                log.entries.map {
                    ["entry": GovernanceCast.hex($0.entryBytes), "leafHash": .string($0.leafHash.hex)]
                }),
            "seals": .array(
                log.seals.map { GovernanceSealFixtures.describe($0.seal, index: $0.index, $0.state) }),
            "refused": .array(try refused(log)),
        ]
    }

    private static func refused(_ log: FoldedLog) throws -> [FixtureValue] {
        let cases: [(String, SignedStatement, String)] = [
            (
                "a statement of a revoked key",
                try FoldedLog.sign("test.beat", 1, .stranger, FoldedLog.runtime, 1, log.newest[FoldedLog.runtime]),
                "key-ended"
            ),
            (
                "a key that had a use",
                try log.next(
                    "identity.enroll",
                    [
                        "issuer": "urn:x", "key": try GovernanceCast.Use.stranger.publicKey(), "roles": [],
                    ]), "key-known"
            ),
            (
                "a lift before the checks have passed again",
                try log.next("containment.lift", ["scope": FoldedLog.scope]), "transition"
            ),
            (
                "a type that operators may not sign", try log.next("model.register", FoldedLog.registration),
                "not-permitted"
            ),
            ("data that is none", try log.next("grant.revoke", ["grant": 1]), "wrong-kind"),
        ]
        return try cases.map { name, statement, reason in
            let index = UInt64(log.entries.count)
            let seal = try SealedLog.seal(
                time: FoldedLog.end, statements: 1, root: .zero, seq: 3, prev: log.entries[Int(index) - 1].leafHash,
                .statement)
            let entries = log.entries + [statement, seal]
            return [
                "name": .string(name), "entries": .array(entries.map { GovernanceCast.hex($0.entryBytes) }),
                "index": .number(index), "reason": .string(reason),
            ]
        }
    }
}

struct FoldedLog {
    static let runtime = "spiffe://example/runtime"
    static let scope: CBOR = ["runtime", .text(runtime)]
    static let end = GovernanceCast.time + 200
    static let registration: CBOR = [
        "model": ["name": "m", "version": "1"], "manifest": ["a": .bytes(Hash.zero.bytes)],
        "scope": ["actions": ["a"], "purposes": ["p"]],
    ]

    private(set) var entries: [SignedStatement] = []
    private(set) var seals: [(seal: Seal, index: UInt64, state: [StateChange])] = []
    /// By issuer: the newest statement's leaf hash.
    private(set) var newest: [String: Hash] = [:]
    private var state: CBORMap = [:]
    private var seqs: [String: UInt64] = [:]

    static func sign(
        _ type: String, _ data: CBOR, _ use: GovernanceCast.Use, _ issuer: String, _ seq: UInt64, _ prev: Hash?
    ) throws -> SignedStatement {
        try GovernanceCast.sign(GovernanceCast.event(type, "main", seq, prev, data), use, issuer: issuer)
    }

    /// Alice's next statement after the log.
    func next(_ type: String, _ data: CBOR) throws -> SignedStatement {
        let alice = GovernanceCast.aliceName
        return try Self.sign(type, data, .alice, alice, (seqs[alice] ?? 0) + 1, newest[alice])
    }

    private mutating func add(
        _ type: String, _ data: CBOR, _ use: GovernanceCast.Use = .alice,
        _ issuer: String = GovernanceCast.aliceName
    ) throws -> (index: CBOR, hash: CBOR) {
        let seq = seqs[issuer].map { $0 + 1 } ?? 0
        let statement = try Self.sign(type, data, use, issuer, seq, newest[issuer])
        let index = UInt64(entries.count)
        entries.append(statement)
        seqs[issuer] = seq
        newest[issuer] = statement.leafHash
        state[["stream", .text(issuer), "main"]] = [.unsigned(seq), .bytes(statement.leafHash.bytes), .unsigned(index)]
        if seq == 0 { state[["streams", .text(issuer)]] = 1 }
        return (.unsigned(index), .bytes(statement.leafHash.bytes))
    }

    private mutating func seal(time: UInt64, statements: UInt64) throws {
        let changes = SealedLog.changes(state)
        let root = SealedLog.root(changes)
        let prev = seals.last.map { entries[Int($0.index)].leafHash }
        let seal = Seal(
            time: time, statements: statements, stateRoot: root, seq: UInt64(seals.count), prev: prev)
        seals.append((seal, UInt64(entries.count), changes))
        entries.append(
            try SealedLog.seal(
                time: time, statements: statements, root: root, seq: seal.seq, prev: prev, .statement))
    }

    init() throws {
        let genesis = try GovernanceCast.genesis()
        let policy = try GovernanceCast.policyMap()
        let digest = Hash.sha256(CBOR.map(policy).encoded())
        let alice = try GovernanceCast.Use.alice.key().publicKey
        let aliceKey: CBOR = [
            "identity", .text(GovernanceCast.aliceName), .bytes(COSEKey(alice).thumbprint.bytes),
        ]
        entries = [genesis]
        state = [
            ["policy"]: ["index": 0, "digest": .bytes(digest.bytes), "policy": .map(policy)],
            aliceKey: ["index": 0, "key": .bytes(alice.bytes), "roles": ["operator"]],
            ["stream", .text(GovernanceCast.authorityName), "policy"]: [0, .bytes(genesis.leafHash.bytes), 0],
            ["streams", .text(GovernanceCast.authorityName)]: 1,
        ]
        try seal(time: GovernanceCast.time, statements: 1)
        try enrol()
        try seal(time: GovernanceCast.time + 100, statements: 3)
        try revoke(policy, digest)
        try seal(time: Self.end, statements: 4)
    }

    /// The second batch.
    private mutating func enrol() throws {
        let key = try GovernanceCast.Use.stranger.publicKey()
        let enrolled = try add(
            "identity.enroll",
            ["issuer": .text(Self.runtime), "key": key, "roles": ["runtime"], "measurements": [.bytes([1, 2])]])
        state[try identity()] = [
            "index": enrolled.index, "key": key, "roles": ["runtime"], "measurements": [.bytes([1, 2])],
        ]
        let grant: CBOR = [
            "subject": .text(Self.runtime), "actions": ["sort"], "resources": ["inbox/*"],
            "conditions": ["uses": 2, "notAfter": .unsigned(GovernanceCast.time + 1000)], "delegations": 0,
        ]
        let issued = try add("grant.issue", grant)
        state[["grant", issued.hash]] = [
            "index": issued.index, "issuer": .text(GovernanceCast.aliceName), "grant": grant, "revoked": false,
        ]
        let entered = try add("containment.enter", ["scope": Self.scope, "reason": "routing-mismatch"])
        state[["containment", "runtime", .text(Self.runtime)]] = [
            "index": entered.index, "phase": "contained", "reason": "routing-mismatch",
        ]
    }

    /// The third batch.
    private mutating func revoke(_ policy: CBORMap, _ digest: Hash) throws {
        let telemetry = CBOR.bytes([UInt8](repeating: 5, count: 32))
        let sent = try add(
            "telemetry.digest", ["digest": telemetry, "previous": .null, "from": 1, "until": 2], .stranger,
            Self.runtime)
        state[["telemetry", .text(Self.runtime)]] = ["index": sent.index, "digest": telemetry, "until": 2]
        let recovering = try add("containment.recover", ["scope": Self.scope])
        state[["containment", "runtime", .text(Self.runtime)]] = [
            "index": recovering.index, "phase": "recovering", "reason": "routing-mismatch",
        ]
        var next = policy
        next["previous"] = .bytes(digest.bytes)
        next["governance"] = ["lifters": ["operator", "gate"], "maxPermit": 5000, "maxLease": 0]
        let authority = COSEKey(try GovernanceCast.Use.authority.key().publicKey)
        // RFC 9679: the thumbprint URI.
        let name = "urn:ietf:params:oauth:ckt:sha-256:" + Base64.encodeURL(authority.thumbprint.bytes)
        let set = try add("policy.set", .map(next), .authority, name)
        state[["policy"]] = [
            "index": set.index, "digest": .bytes(Hash.sha256(CBOR.map(next).encoded()).bytes), "policy": .map(next),
        ]
        let revoked = try add(
            "identity.revoke",
            ["keyID": try thumbprint(), "reason": "stolen"])
        state[try identity()] = [
            "index": revoked.index, "key": try GovernanceCast.Use.stranger.publicKey(), "roles": ["runtime"],
            "measurements": [.bytes([1, 2])], "ending": "revoked",
        ]
    }

    private func thumbprint() throws -> CBOR {
        .bytes(COSEKey(try GovernanceCast.Use.stranger.key().publicKey).thumbprint.bytes)
    }

    private func identity() throws -> CBOR { ["identity", .text(Self.runtime), try thumbprint()] }
}
