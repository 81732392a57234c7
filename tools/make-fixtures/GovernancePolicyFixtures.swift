import COSE
import Tlog

/// Policies and the entries that begin a log with them.
enum GovernancePolicyFixtures {
    static func document() throws -> FixtureValue {
        let genesis = try GovernanceCast.genesis()
        let policy = CBOR.map(try GovernanceCast.policyMap()).encoded()
        return [
            "about": """
            Policies in CBOR (hex) with their digests, and log entries that are, or aren't, a genesis. Invalid ones \
            have the reason of their refusal.
            """,
            "keys": try GovernanceCast.keys(),
            "valid": [
                ["name": "a policy", "cbor": GovernanceCast.hex(policy), "digest": .string(Hash.sha256(policy).hex)]
            ],
            "invalid": .array(
                try invalid().map {
                    ["name": .string($0.0), "cbor": GovernanceCast.hex($0.1.encoded()), "reason": .string($0.2)]
                }),
            "genesis": [
                "entry": GovernanceCast.hex(genesis.entryBytes), "leafHash": .string(genesis.leafHash.hex),
                "digest": .string(Hash.sha256(policy).hex),
            ],
            "invalidGenesis": .array(
                try invalidGenesis().map {
                    ["name": .string($0.0), "entry": GovernanceCast.hex($0.1), "reason": .string($0.2)]
                }),
        ]
    }

    private static func with(_ field: CBOR, _ value: CBOR?) throws -> CBOR {
        var map = try GovernanceCast.policyMap()
        map[field] = value
        return .map(map)
    }

    private static func issuer(_ name: CBOR, _ key: CBOR, _ roles: CBOR = []) -> CBOR {
        ["issuer": name, "key": key, "roles": roles]
    }

    private static func limits(_ name: CBOR, _ value: CBOR) -> CBOR {
        var map: CBORMap = ["maxEntryBytes": 4096, "maxSkew": 1, "maxBatch": 1, "maxStreamsPerIssuer": 1]
        map[name] = value
        return .map(map)
    }

    private static func invalid() throws -> [(String, CBOR, String)] {
        let alice = try GovernanceCast.Use.alice.publicKey()
        let authority = try GovernanceCast.Use.authority.publicKey()
        let receipt = try GovernanceCast.Use.receipt.publicKey()
        // The neutral element: it would verify for messages that nobody signed.
        let smallOrder = CBOR.bytes([1] + [UInt8](repeating: 0, count: 31))
        return [
            ("no map", [], "wrong-kind"),
            ("an unknown field", try with("extra", 1), "unknown-field"),
            ("no rates", try with("rates", nil), "missing-field"),
            ("an origin with a space", try with("origin", "two words"), "origin"),
            ("no authority", try with("authorities", []), "authority-count"),
            ("a threshold of 0", try with("threshold", 0), "threshold"),
            ("a threshold above the number of authorities", try with("threshold", 2), "threshold"),
            ("an authority twice", try with("authorities", [authority, authority]), "same-key"),
            ("an authority with the receipt key", try with("authorities", [receipt]), "same-key"),
            ("an issuer with the authority's key", try with("issuers", [issuer("urn:a", authority)]), "same-key"),
            (
                "one key of two issuers", try with("issuers", [issuer("urn:a", alice), issuer("urn:b", alice)]),
                "same-key"
            ),
            ("a key of small order", try with("authorities", [smallOrder]), "public-key-small-order"),
            (
                "a key of 31 bytes", try with("authorities", [.bytes([UInt8](repeating: 9, count: 31))]),
                "public-key-length"
            ),
            ("an issuer that is no URI", try with("issuers", [issuer("alice", alice)]), "issuer"),
            ("an issuer beyond ASCII", try with("issuers", [issuer("urn:é", alice)]), "issuer"),
            ("an unknown role", try with("issuers", [issuer("urn:a", alice, ["king"])]), "unknown-role"),
            ("a role twice", try with("issuers", [issuer("urn:a", alice, ["gate", "gate"])]), "same-role"),
            ("a content type with a space", try with("contentTypes", ["text/ plain"]), "content-type"),
            ("a content type twice", try with("contentTypes", ["*", "*"]), "same-content-type"),
            (
                "entries longer than a bundle carries", try with("limits", limits("maxEntryBytes", 65_536)),
                "out-of-bounds"
            ),
            ("no room for an entry", try with("limits", limits("maxEntryBytes", 1023)), "out-of-bounds"),
            ("batches of nothing", try with("limits", limits("maxBatch", 0)), "out-of-bounds"),
            ("an unknown limit", try with("limits", limits("maxThings", 1)), "unknown-field"),
        ]
    }

    private static func invalidGenesis() throws -> [(String, [UInt8], String)] {
        let policy = CBOR.map(try GovernanceCast.policyMap())
        let origin = GovernanceCast.origin
        let name = GovernanceCast.authorityName
        func sign(
            _ event: CBOR, _ use: GovernanceCast.Use = .authority, issuer: String = name, subject: String = origin,
            contentType: String = "application/vnd.holdfast.event+cbor"
        ) throws -> [UInt8] {
            try GovernanceCast.sign(event, use, issuer: issuer, subject: subject, contentType: contentType).entryBytes
        }
        let event = GovernanceCast.event("policy.set", "policy", 0, nil, policy)
        var forged = try GovernanceCast.genesis().entryBytes
        forged[forged.count - 1] ^= 1
        return [
            ("a signature with a bit flipped", forged, "bad-signature"),
            ("signed by a key that the policy does not name", try sign(event, .stranger), "not-an-authority"),
            ("signed by the log's own key", try sign(event, .statement), "not-an-authority"),
            ("another subject than the origin", try sign(event, subject: "log.example/2027"), "subject"),
            ("an issuer that is no URI", try sign(event, issuer: "authority"), "issuer"),
            ("no event", try sign(event, contentType: "application/cbor"), "content-type"),
            (
                "another type", try sign(GovernanceCast.event("policy.get", "policy", 0, nil, policy)),
                "type"
            ),
            ("another stream", try sign(GovernanceCast.event("policy.set", "p", 0, nil, policy)), "place"),
            (
                "not the first of its stream", try sign(GovernanceCast.event("policy.set", "policy", 1, .zero, policy)),
                "place"
            ),
            ("no policy", try sign(GovernanceCast.event("policy.set", "policy", 0, nil, 1)), "wrong-kind"),
        ]
    }
}
