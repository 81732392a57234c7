import COSE
import Governance
import Tlog

/// The vectors of events, policies, the Merkle map, and sealed logs. What is expected of each case is written here by
/// hand or computed here from the definition; `GovernanceTests` holds the code to it.
enum GovernanceFixtures {
    static let suites: [FixtureSuite] = [
        FixtureSuite(folder: "governance") {
            [
                ("event.json", GovernanceEventFixtures.document.file),
                ("policy.json", try GovernancePolicyFixtures.document().file),
                ("merkle-map.json", try GovernanceMapFixtures.document().file),
                ("seal.json", try GovernanceSealFixtures.document().file),
                ("fold.json", try GovernanceFoldFixtures.document().file),
                ("statements.json", GovernanceStatementFixtures.document().file),
            ] + (try GovernanceStatementFixtures.examples())
        }
    ]
}

/// Keys and texts that the vectors share.
enum GovernanceCast {
    static let origin = "log.example/2026"
    static let authorityName = "spiffe://example/authority"
    static let aliceName = "spiffe://example/alice"
    static let time: UInt64 = 1_790_000_000_000

    /// Uses of keys, with the byte that their seed repeats 32 times.
    enum Use: UInt8, CaseIterable {
        case checkpoint = 0xa0
        case receipt, statement, authority, alice, stranger

        var seed: [UInt8] { [UInt8](repeating: rawValue, count: 32) }
        func key() throws -> Ed25519.SigningKey { try Ed25519.SigningKey(seed: seed) }
        func publicKey() throws -> CBOR { .bytes(try key().publicKey.bytes) }
    }

    /// What a vector file says of the keys.
    static func keys() throws -> FixtureValue {
        .object(
            try Use.allCases.map { use in
                let key = try use.key().publicKey
                return (
                    "\(use)",
                    [
                        "seed": hex(use.seed), "publicKey": hex(key.bytes),
                        "thumbprint": .string(COSEKey(key).thumbprint.hex),
                    ]
                )
            })
    }

    /// The policy's map, written out.
    static func policyMap() throws -> CBORMap {
        [
            "origin": .text(origin),
            "logKeys": [
                "checkpoint": try Use.checkpoint.publicKey(), "receipt": try Use.receipt.publicKey(),
                "statement": try Use.statement.publicKey(),
            ],
            "authorities": [try Use.authority.publicKey()], "threshold": 1,
            "issuers": [["issuer": .text(aliceName), "key": try Use.alice.publicKey(), "roles": ["operator"]]],
            "contentTypes": ["application/json", "hash-envelope"],
            "limits": ["maxEntryBytes": 4096, "maxSkew": 60_000, "maxBatch": 4, "maxStreamsPerIssuer": 2],
            "rates": [
                "perIssuer": ["perSecond": 10, "burst": 100], "perAddress": ["perSecond": 20, "burst": 200],
            ],
            "allowUnwitnessed": true,
        ]
    }

    static func event(
        _ type: String, _ stream: String, _ seq: UInt64, _ prev: Hash?, _ data: CBOR, time: UInt64 = time
    ) -> CBOR {
        [
            "type": .text(type), "stream": .text(stream), "seq": .unsigned(seq),
            "prev": prev.map { .bytes($0.bytes) } ?? .null, "time": .unsigned(time), "data": data,
        ]
    }

    static func sign(
        _ payload: CBOR, _ use: Use, issuer: String, subject: String = "urn:example:1",
        contentType: String = "application/vnd.holdfast.event+cbor"
    ) throws -> SignedStatement {
        try SignedStatement.sign(
            payload: payload.encoded(), contentType: contentType, issuer: issuer, subject: subject, key: use.key())
    }

    static func genesis() throws -> SignedStatement {
        try sign(
            event("policy.set", "policy", 0, nil, .map(policyMap())), .authority, issuer: authorityName,
            subject: origin)
    }

    static func hex(_ bytes: [UInt8]) -> FixtureValue { .string(Hex.encode(bytes)) }
}
