import COSE
import Governance
import Tlog

/// The data of a statement of each type, written out.
enum Examples {
    static let hash = CBOR.bytes([UInt8](repeating: 0x11, count: 32))
    static let key = CBOR.bytes(TestKeys.key(90).publicKey.bytes)
    static let model: CBOR = ["name": "sorter", "version": "1.2"]
    static let execution: CBOR = ["home": .text(World.origin), "id": "run-1"]
    static let nonce = CBOR.bytes([UInt8](repeating: 7, count: 16))
    static let scope: CBOR = ["runtime", .text(Actor.ron.issuer)]
    static let access: CBORMap = ["subject": .text(Actor.ron.issuer), "action": "sort", "resource": "inbox"]

    private static func access(_ more: CBORMap) -> CBOR {
        var map = access
        for entry in more.entries { map[entry.key] = entry.value }
        return .map(map)
    }

    static let all: [(type: StatementType, data: CBOR)] = [
        (.policySet, (try? worldPolicy().cbor) ?? .null),
        (
            .identityEnroll,
            ["issuer": "urn:new", "key": key, "roles": ["runtime"], "measurements": [.bytes([1])]]
        ),
        (.identityRotate, ["keyID": hash, "newKey": key]),
        (.identityRevoke, ["keyID": hash, "reason": "lost"]),
        (
            .grantIssue,
            [
                "subject": .text(Actor.ron.issuer), "actions": ["sort"], "resources": ["inbox*"],
                "conditions": [
                    "notBefore": 1, "notAfter": 2, "uses": 3, "model": model, "route": "r",
                    "domain": "log.example.org/other",
                ],
                "delegations": 1, "parent": hash,
            ]
        ),
        (.grantRevoke, ["grant": hash, "reason": "over"]),
        (
            .modelRegister,
            [
                "model": model, "manifest": ["weights/a.bin": hash, "config.json": hash],
                "scope": ["actions": ["sort"], "purposes": ["mail"]],
            ]
        ),
        (.modelApprove, ["model": model, "policy": hash]), (.modelRetire, ["model": model]),
        (.modelRevoke, ["model": model, "reason": "poisoned"]),
        (.runtimeAttest, ["measurement": .bytes([1]), "previous": .null]),
        (.runtimeHeartbeat, ["telemetry": .null]),
        (.telemetryDigest, ["digest": hash, "previous": .null, "from": 1, "until": 2]),
        (
            .executionStart,
            ["execution": execution, "permit": nonce, "parents": [execution], "model": model, "input": hash]
        ),
        (.executionStep, ["execution": execution, "step": 0, "input": hash, "output": hash]),
        (.executionFinish, ["execution": execution, "outcome": "executed", "output": hash]),
        (
            .peerAdmit,
            ["origin": "log.example.org/other", "policy": .text(PeerWorld.policy), "genesis": hash]
        ),
        (
            .peerHead,
            ["origin": "log.example.org/other", "checkpoint": .bytes([1]), "consistency": [hash]]
        ),
        (.peerExpel, ["origin": "log.example.org/other", "reason": "forked"]),
        (
            .routeOpen,
            [
                "route": "r", "from": .text(World.origin), "to": "log.example.org/other", "actions": ["sort"],
                "maxPeerAge": 1000,
            ]
        ),
        (.routeClose, ["route": "r"]),
        (
            .containmentEnter,
            ["scope": scope, "reason": "telemetry-inconsistent", "evidence": hash]
        ),
        (.containmentRecover, ["scope": scope]), (.containmentLift, ["scope": scope]),
        (.trustRevoke, ["scope": scope, "reason": "cryptographic-failure"]),
        (
            .decisionRecord,
            access([
                "request": hash, "nonce": nonce, "head": ["size": 1, "root": hash], "expires": 5,
                "outcome": "permit", "reliesOn": [.bytes(StateKey.policy.bytes)], "grant": hash, "model": model,
                "purpose": "mail", "route": "r", "execution": execution, "evaluation": hash,
            ])
        ),
        (.leaseRecord, access(["grant": hash, "expires": 5])),
        (
            .logRotate,
            [
                "logKeys": [
                    "checkpoint": key, "receipt": .bytes(TestKeys.receipt.publicKey.bytes),
                    "statement": .bytes(TestKeys.statement.publicKey.bytes),
                ],
                "previous": hash,
            ]
        ),
        (.logFreeze, ["successor": "log.example.org/next", "genesis": hash]),
    ]
}

/// Another domain, with its log and its witness.
enum PeerWorld {
    static let origin = "log.example.org/other"
    static let logKey = TestKeys.key(70)
    static let witnessKey = TestKeys.key(71)

    static var policy: String {
        guard let name = try? KeyName(origin), let witness = try? KeyName("witness.example") else { return "" }
        let log = VerifierKey.ed25519(name: name, publicKey: logKey.publicKey)
        let cosigner = VerifierKey.cosigner(name: witness, publicKey: witnessKey.publicKey)
        return "log \(log.text)\nwitness w \(cosigner.text)\nquorum w\n"
    }
}
