import COSE
import Foundation
import Governance
import Tlog

/// What one evaluation takes: the eight synchronization checks and, beside them, the eight of a model, on a state in
/// memory with many other values in it.
enum GateCost {
    private static let subject = "spiffe://bench.example.com/runtime"
    private static let version = ModelVersion(name: "embedder", version: "1")
    private static let now: UInt64 = 1_790_000_000_000

    static func measure(evaluations: Int) throws -> [String: Double] {
        var report: [String: Double] = [:]
        for (name, usesModel) in [("synchronization", false), ("model", true)] {
            let (state, rules, request, evidence) = try scene(usesModel: usesModel)
            var times: [Double] = []
            times.reserveCapacity(evaluations)
            let allocations = Counters.allocations
            for _ in 0..<evaluations {
                let started = ContinuousClock.now
                let decision = Evaluator.evaluate(request, state: state, rules: rules, evidence: evidence, now: now)
                times.append((ContinuousClock.now - started) / .microseconds(1))
                guard decision.permits else { throw Refused(detail: "\(decision.failures)") }
            }
            report["\(name).microseconds.p50"] = times.median
            report["\(name).microseconds.p99"] = times.percentile(99)
            if let before = allocations, let after = Counters.allocations {
                report["\(name).allocations"] = (after - before) / Double(evaluations)
            }
        }
        return report
    }

    struct Refused: Error { let detail: String }

    private static func key(_ seed: UInt8) throws -> Ed25519.PublicKey {
        try Ed25519.SigningKey(seed: [UInt8](repeating: seed, count: 32)).publicKey
    }

    /// A request that every check passes.
    private static func scene(
        usesModel: Bool
    ) throws -> (MemoryState, Rules, AccessRequest, Evidence) {
        let issuers = try (0..<64).map { number in
            EnrolledIssuer(
                issuer: "spiffe://bench.example.com/\(number)", key: try key(UInt8(100 + number)), roles: [.operator])
        }
        let policy = try Policy(
            origin: Origin("bench.example.com/gate"),
            logKeys: LogPublicKeys(checkpoint: key(1), receipt: key(2), statement: key(3)),
            authorities: [key(4)], threshold: 1, issuers: issuers)
        var changes: [StateKey: [UInt8]] = [:]
        changes[.policy] = PolicyRecord(policy: policy, index: 0).encoded()
        for issuer in issuers {
            changes[.identity(issuer: issuer.issuer, keyID: COSEKey(issuer.key).thumbprint)] =
                IdentityRecord(key: issuer.key, roles: issuer.roles, index: 0).encoded()
        }
        let runtime = try key(5)
        changes[.identity(issuer: subject, keyID: COSEKey(runtime).thumbprint)] =
            IdentityRecord(key: runtime, roles: [.runtime], measurements: [[7]], index: 1).encoded()
        let actions = ["embed"].compactMap { GrantPattern($0) }
        let resources = ["doc:*"].compactMap { GrantPattern($0) }
        // As many others as a busy domain has.
        for number in UInt64(0)..<20_000 {
            let grant = GrantIssue(subject: "spiffe://other/\(number)", actions: actions, resources: resources)
            changes[.grant(.sha256(Array("\(number)".utf8)))] =
                GrantRecord(index: 10 + number, issuer: issuers[0].issuer, grant: grant).encoded()
        }
        let grant = Hash.sha256([42])
        changes[.grant(grant)] =
            GrantRecord(
                index: 2, issuer: issuers[0].issuer,
                grant: GrantIssue(subject: subject, actions: actions, resources: resources)
            ).encoded()
        changes[.attestation(subject)] = AttestationRecord(index: 3, measurement: [7], time: now - 1000).encoded()
        changes[.heartbeat(subject)] = HeartbeatRecord(index: 4, time: now - 100).encoded()
        changes[.telemetry(subject)] = TelemetryRecord(index: 5, digest: .zero, until: now - 100).encoded()
        var request = AccessRequest(
            access: Access(subject: subject, action: "embed", resource: "doc:1"), grant: grant, policy: policy.digest)
        let digest = Hash.sha256([1])
        if usesModel {
            var record = ModelRecord(index: 6, entry: .zero, digest: digest, actions: ["embed"], purposes: ["search"])
            record.status = .approved
            record.policy = policy.digest
            changes[.model(version)] = record.encoded()
            request.model = AccessRequest.ModelUse(model: version, purpose: "search", loaded: digest)
        }
        var state = MemoryState()
        state.apply(changes.map { StateChange(key: $0.key, value: $0.value) })
        guard let rules = try Rules(state) else { throw Refused(detail: "no policy") }
        let head = HeadEvidence(
            head: TreeHead(size: 40_000, root: .zero), witnesses: .byQuorum(at: now - 500), extendsAccepted: true,
            sealRoot: .zero, computedRoot: .zero, stateWitnesses: .byQuorum(at: now - 500))
        return (state, rules, request, Evidence(head: head, differingFiles: usesModel ? [] : nil))
    }
}
