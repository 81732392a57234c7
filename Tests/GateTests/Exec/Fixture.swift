import COSE
import Foundation
import Gate
import Synchronization
import Tlog

@testable import Governance

/// Values for tests that need one, whatever is in it.
enum Fixture {
    static let origin = "example.com/log"
    static let runtime = "spiffe://example.com/agent"
    static let execution = ExecutionID(home: origin, id: "run-1")
    static let request = AccessRequest(
        access: Access(subject: runtime, action: "embed", resource: "texts"), grant: Hash.sha256([1]),
        execution: execution)
    static let head = TreeHead(size: 10, root: Hash.sha256([2]))
    static let statement = RegisteredStatement(entry: Hash.sha256([3]), index: 9, head: head)
    static let passed = decision(.passed)
    static let failed = decision(.failed(.governanceMismatch))
    static let permit = RecordedPermit(
        decision: passed, permission: .permit([UInt8](repeating: 7, count: 16)), entry: Hash.sha256([4]), index: 8,
        expires: UInt64.max, head: head)

    static func decision(_ outcome: CheckOutcome, about request: AccessRequest = request) -> Decision {
        Decision(
            request: request, head: head, time: 1,
            results: [
                CheckResult(
                    check: nil, step: .governanceAuthorization, outcome: outcome, detail: "", mend: "", entries: [],
                    keys: [])
            ], isUnwitnessed: false)
    }

    static var signer: GateSigner {
        get throws { GateSigner(issuer: runtime, key: try Ed25519.SigningKey(seed: [UInt8](repeating: 5, count: 32))) }
    }
}

/// A decision point that does what it is told, and remembers what it was asked for.
final class ToldPoint: DecisionPoint, RuntimeRecords {
    struct Memory {
        var permit: Result<RecordedPermit, GateError> = .success(Fixture.permit)
        var outcome: CheckOutcome = .passed
        /// What the log answers to a type; everything is admitted where nothing is said.
        var refusals: [String: GateError] = [:]
        var registered: [EventDraft] = []
        var asked: [AccessRequest] = []
        var contained: [Decision] = []
        var telemetry: TelemetryRecord?
        /// Telemetry that was signed and is not in the log yet.
        var owed: TelemetryRecord?
    }

    let memory = Mutex(Memory())
    let standing: AsyncStream<GateStanding>
    private let heads: AsyncStream<GateStanding>.Continuation
    /// Each thing that was registered, as it is.
    let types: AsyncStream<String>
    private let typesIn: AsyncStream<String>.Continuation

    init() {
        (standing, heads) = AsyncStream.makeStream()
        (types, typesIn) = AsyncStream.makeStream()
    }

    /// A newly verified head.
    func show() { heads.yield(GateStanding(head: nil, troubles: [])) }

    func evaluate(_ request: AccessRequest, files: ModelFiles?) async -> Decision {
        memory.withLock { memory in
            memory.asked.append(request)
            guard let said = request.telemetry, let known = memory.telemetry, said != known.digest else {
                return Fixture.decision(memory.outcome, about: request)
            }
            return Fixture.decision(.failed(.telemetryInconsistent), about: request)
        }
    }

    func permit(_ request: AccessRequest, files: ModelFiles?) async throws(GateError) -> RecordedPermit {
        try memory.withLock { $0.permit }.get()
    }

    func register(
        _ event: EventDraft, about subject: String, as signer: GateSigner
    ) async throws(GateError) -> RegisteredStatement {
        if let refusal = memory.withLock({ $0.refusals[event.type] }) { throw refusal }
        memory.withLock { memory in
            memory.registered.append(event)
            if event.type == "telemetry.digest", let data = try? TelemetryDigest(event.data) {
                memory.telemetry = TelemetryRecord(index: 1, digest: data.digest, until: data.until)
            }
        }
        typesIn.yield(event.type)
        return Fixture.statement
    }

    func contain(_ decision: Decision) async throws(GateError) -> [RegisteredStatement] {
        memory.withLock { $0.contained.append(decision) }
        return []
    }

    func sendPending(in stream: String, as signer: GateSigner) async throws(GateError) {
        memory.withLock { memory in
            // What was signed and not sent comes into the log now.
            if let owed = memory.owed { memory.telemetry = owed }
            memory.owed = nil
        }
    }

    func newestTelemetry(of issuer: String) async throws(GateError) -> TelemetryRecord? {
        memory.withLock { $0.telemetry }
    }
}

/// A cell whose command ends when it is told to, or when the test says so.
final class ToldCell: Confinement {
    let orders = Mutex<[CellOrder]>([])
    private let end: AsyncStream<CellEnding>
    let ending: AsyncStream<CellEnding>.Continuation
    /// The orders that end the command.
    private let endsOn: [CellOrder]
    private let writes: [UInt8]
    let started: AsyncStream<Void>
    private let starting: AsyncStream<Void>.Continuation

    init(endsOn: [CellOrder] = [.kill], writes: [UInt8] = []) {
        (end, ending) = AsyncStream.makeStream()
        (started, starting) = AsyncStream.makeStream()
        self.endsOn = endsOn
        self.writes = writes
    }

    func run(
        orders: AsyncStream<CellOrder>, output: @escaping @Sendable (CommandStream, [UInt8]) async -> Void
    ) async throws(CellError) -> CellEnding {
        if !writes.isEmpty { await output(.standardOutput, writes) }
        starting.yield()
        let listening = Task {
            for await order in orders {
                self.orders.withLock { $0.append(order) }
                if endsOn.contains(order) { ending.yield(order == .kill ? .killed : .exited(143)) }
            }
        }
        defer { listening.cancel() }
        for await ending in end { return ending }
        throw .failed("the test is over")
    }
}
