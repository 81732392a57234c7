import COSE
import Governance
import Tlog

/// The data of a statement of each enforced type, and data that is none. Written out, not encoded by the types.
enum GovernanceStatementFixtures {
    private static let hash = CBOR.bytes([UInt8](repeating: 0x11, count: 32))
    private static let key = (try? GovernanceCast.Use.stranger.publicKey()) ?? .null
    private static let model: CBOR = ["name": "sorter", "version": "1.2"]
    private static let execution: CBOR = ["home": .text(GovernanceCast.origin), "id": "run-1"]
    private static let nonce = CBOR.bytes([UInt8](repeating: 7, count: 16))
    private static let runtime = "spiffe://example/runtime"
    private static let scope: CBOR = ["runtime", .text(runtime)]
    private static let accessFields: CBORMap = ["subject": .text(runtime), "action": "sort", "resource": "inbox"]
    private static let policy =
        "log log.example.org/other+ddda7d02+Ae6TpPZvjRa4Gbub65/8zfzcFBLof+5qMkwqmaHg5nFI\nquorum none\n"

    private static func access(_ more: CBORMap) -> CBOR {
        var map = accessFields
        for entry in more.entries { map[entry.key] = entry.value }
        return .map(map)
    }

    private static let all: [(type: String, data: CBOR)] = [
        ("policy.set", .map((try? GovernanceCast.policyMap()) ?? [:])),
        (
            "identity.enroll",
            ["issuer": "urn:new", "key": key, "roles": ["runtime"], "measurements": [.bytes([1])]]
        ),
        ("identity.rotate", ["keyID": hash, "newKey": key]),
        ("identity.revoke", ["keyID": hash, "reason": "lost"]),
        (
            "grant.issue",
            [
                "subject": .text(runtime), "actions": ["sort"], "resources": ["inbox*"],
                "conditions": [
                    "notBefore": 1, "notAfter": 2, "uses": 3, "model": model, "route": "r",
                    "domain": "log.example.org/other",
                ],
                "delegations": 1, "parent": hash,
            ]
        ),
        ("grant.revoke", ["grant": hash, "reason": "over"]),
        (
            "model.register",
            [
                "model": model, "manifest": ["weights/a.bin": hash, "config.json": hash],
                "scope": ["actions": ["sort"], "purposes": ["mail"]],
            ]
        ),
        ("model.approve", ["model": model, "policy": hash]), ("model.retire", ["model": model]),
        ("model.revoke", ["model": model, "reason": "poisoned"]),
        ("runtime.attest", ["measurement": .bytes([1]), "previous": .null]),
        ("runtime.heartbeat", ["telemetry": .null]),
        ("telemetry.digest", ["digest": hash, "previous": .null, "from": 1, "until": 2]),
        (
            "execution.start",
            ["execution": execution, "permit": nonce, "parents": [execution], "model": model, "input": hash]
        ),
        ("execution.step", ["execution": execution, "step": 0, "input": hash, "output": hash]),
        ("execution.finish", ["execution": execution, "outcome": "executed", "output": hash]),
        (
            "peer.admit",
            ["origin": "log.example.org/other", "policy": .text(policy), "genesis": hash]
        ),
        (
            "peer.head",
            ["origin": "log.example.org/other", "checkpoint": .bytes([1]), "consistency": [hash]]
        ),
        ("peer.expel", ["origin": "log.example.org/other", "reason": "forked"]),
        (
            "route.open",
            [
                "route": "r", "from": .text(GovernanceCast.origin), "to": "log.example.org/other", "actions": ["sort"],
                "maxPeerAge": 1000,
            ]
        ),
        ("route.close", ["route": "r"]),
        (
            "containment.enter",
            ["scope": scope, "reason": "telemetry-inconsistent", "evidence": hash]
        ),
        ("containment.recover", ["scope": scope]), ("containment.lift", ["scope": scope]),
        ("trust.revoke", ["scope": scope, "reason": "cryptographic-failure"]),
        (
            "decision.record",
            access([
                "request": hash, "nonce": nonce, "head": ["size": 1, "root": hash], "expires": 5,
                "outcome": "permit", "reliesOn": [.bytes([0x81, 0x66] + Array("policy".utf8))], "grant": hash,
                "model": model,
                "purpose": "mail", "route": "r", "execution": execution, "evaluation": hash,
            ])
        ),
        ("lease.record", access(["grant": hash, "expires": 5])),
        (
            "log.rotate",
            [
                "logKeys": [
                    "checkpoint": key, "receipt": (try? GovernanceCast.Use.receipt.publicKey()) ?? .null,
                    "statement": (try? GovernanceCast.Use.statement.publicKey()) ?? .null,
                ],
                "previous": hash,
            ]
        ),
        ("log.freeze", ["successor": "log.example/2027", "genesis": hash]),
    ]

    static func document() -> FixtureValue {
        [
            "about": """
            The data of a statement of each type in CBOR (hex), and data that is none with the reason of its refusal. \
            The files in examples/ have the same data in events, in JSON.
            """,
            "valid": .array(
                all.map { ["type": .string($0.type), "data": GovernanceCast.hex($0.data.encoded())] }),
            "invalid": .array(
                invalid.map { name, type, data, reason in
                    [
                        "name": .string(name), "type": .string(type), "data": GovernanceCast.hex(data.encoded()),
                        "reason": .string(reason),
                    ]
                }),
        ]
    }

    /// One event a file, as `holdfast submit` takes it.
    static func examples() throws -> [(name: String, bytes: [UInt8])] {
        try all.map { type, data in
            let event = try Event(
                type: type, stream: "governance", seq: 0, prev: nil, time: GovernanceCast.time, data: data)
            return ("examples/\(type).json", Array((event.json.text() + "\n").utf8))
        }
    }

    private static func with(_ type: String, _ field: CBOR, _ value: CBOR?) -> CBOR {
        guard case .map(var map)? = all.first(where: { $0.type == type })?.data else { return .null }
        map[field] = value
        return .map(map)
    }

    private static func changed(
        _ name: String, _ type: String, _ field: CBOR, _ value: CBOR?, _ reason: String = "invalid-value"
    ) -> (String, String, CBOR, String) { (name, type, with(type, field, value), reason) }

    private static let invalid: [(String, String, CBOR, String)] =
        all.map { ("an unknown field", $0.type, with($0.type, "extra", 1), "unknown-field") }
        + all.map { ("no map", $0.type, 1, "wrong-kind") } + [
            changed("no key", "identity.enroll", "key", nil, "missing-field"),
            changed("an issuer that is no URI", "identity.enroll", "issuer", "alice"),
            changed("the role of authorities", "identity.enroll", "roles", ["authority"]),
            changed("measurements of no runtime", "identity.enroll", "roles", ["gate"]),
            changed("no conditions", "grant.issue", "conditions", nil, "missing-field"),
            changed("a pattern with a star within", "grant.issue", "actions", ["a*b"]),
            changed(
                "a window that ends before it begins", "grant.issue", "conditions", ["notBefore": 2, "notAfter": 1]),
            changed("no uses at all", "grant.issue", "conditions", ["uses": 0]),
            changed("an unknown condition", "grant.issue", "conditions", ["mood": 1], "unknown-field"),
            changed("nine delegations", "grant.issue", "delegations", 9),
            changed("a path that leads out", "model.register", "manifest", ["../a": hash]),
            changed("a digest of 31 bytes", "model.register", "manifest", ["a": .bytes([1])], "wrong-kind"),
            changed("telemetry that ends before it begins", "telemetry.digest", "until", 0),
            changed("a permit and a lease", "execution.start", "lease", hash),
            changed("a nonce of one byte", "execution.start", "permit", .bytes([1])),
            changed("an unknown outcome", "execution.finish", "outcome", "won"),
            changed("executed without an output", "execution.finish", "output", nil, "missing-field"),
            changed("an unknown reason", "containment.enter", "reason", "bad-mood"),
            changed("an unknown scope", "containment.enter", "scope", ["planet", "earth"]),
            changed("a permit without a grant", "decision.record", "grant", nil, "missing-field"),
            changed("a permit with a reason to contain", "decision.record", "reason", "state-divergence"),
            changed("a refusal without a reason", "decision.record", "outcome", "contain"),
            changed("a model without a purpose", "decision.record", "purpose", nil),
            changed("a peer whose policy is none", "peer.admit", "policy", "quorum"),
        ]
}
