import COSE
import Foundation
import Gate
import Governance
import LogClient
import LogStore
import Logging
import Testing
import Tlog
import Verification

/// A domain in which ron may embed documents, and a gate's directory.
final class Scene {
    let domain: Domain
    let time: TestTime
    let directory: String
    private(set) var grant = Hash.zero
    private(set) var telemetry = Hash.sha256([9])
    let store = MemoryLogStore()

    init(
        uses: UInt64? = nil, governance: PolicyGovernance = PolicyGovernance(maxLease: 120_000),
        bounds: PolicyBounds = PolicyBounds(), allowUnwitnessed: Bool = false
    ) throws {
        time = TestTime()
        domain = try Domain(time: time, governance: governance, bounds: bounds, allowUnwitnessed: allowUnwitnessed)
        directory = FileManager.default.temporaryDirectory.appending(path: "holdfast-gate-\(UUID())").path()
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        grant = try domain.post(
            GrantIssue(
                subject: Actor.ron.name, actions: [try #require(GrantPattern("embed"))],
                resources: [try #require(GrantPattern("doc:*"))], conditions: GrantConditions(uses: uses)), by: .olga)
        try domain.post(RuntimeAttest(measurement: Domain.measurement, previous: nil), by: .ron)
        try domain.post(
            TelemetryDigest(digest: telemetry, previous: nil, from: time.wall() - 10, until: time.wall()), by: .ron)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    func request(_ resource: String = "doc:1", execution: String? = nil) -> AccessRequest {
        AccessRequest(
            access: Access(subject: Actor.ron.name, action: "embed", resource: resource), grant: grant,
            policy: domain.policy.digest,
            execution: execution.map { ExecutionID(home: domain.origin.text, id: $0) })
    }

    func client(_ trust: TrustFile) throws -> LogClient {
        var client = LogClient(url: try #require(LogURL("http://log.test/")), trust: trust, transport: domain)
        client.retry.attempts = 1
        return client
    }

    /// A gate that has looked at the log once.
    func gate(
        _ actor: Actor = .gary, quorum: String = "both", stateQuorum: String? = "s", store: MemoryLogStore? = nil,
        directory: String? = nil, looked: Bool = true, change: (inout GateOptions) -> Void = { _ in }
    ) async throws -> Gate {
        var options = GateOptions()
        options.keepsFresh = false
        change(&options)
        let directory = directory ?? self.directory
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        var logger = Logger(label: "gate")
        logger.logLevel = .critical
        let gate = try Gate(
            directory: directory, client: client(domain.trust(quorum: quorum, stateQuorum: stateQuorum)),
            store: store ?? self.store, signer: GateSigner(issuer: actor.name, key: actor.key), options: options,
            time: time, logger: logger)
        if looked { await gate.look() }
        return gate
    }

    /// Another gate of the domain.
    func otherGate(change: (inout GateOptions) -> Void = { _ in }) async throws -> Gate {
        try await gate(.greta, store: MemoryLogStore(), directory: directory + "/other", change: change)
    }

    /// Starts an execution under a permit, as its runtime does.
    func start(_ permit: RecordedPermit, _ id: String) throws {
        try domain.post(
            ExecutionStart(
                execution: ExecutionID(home: domain.origin.text, id: id), permission: permit.permission,
                input: .sha256([1])), by: .ron, stream: "executions")
    }
}

/// The error that a gate throws.
func failure<Value>(_ body: () async throws(GateError) -> Value) async -> GateError? {
    do throws(GateError) {
        _ = try await body()
        return nil
    } catch {
        return error
    }
}

extension GateError {
    /// The decision of a refusal.
    var decision: Decision? {
        if case .refused(let decision, _) = self { decision } else { nil }
    }

    var recorded: RegisteredStatement? {
        if case .refused(_, let recorded) = self { recorded } else { nil }
    }
}

extension Decision {
    func outcome(_ check: CheckID) -> Governance.CheckOutcome? { results.first { $0.check == check }?.outcome }
}
