public import COSE
public import Governance
public import Tlog

/// What a supervisor is to run, and as whom.
public struct SupervisedTask: Sendable {
    /// What the permit is asked for; it names the execution.
    public let request: AccessRequest
    public let execution: ExecutionID
    /// The runtime: who registers the start, the telemetry and the end.
    public let runtime: GateSigner
    /// What goes in, as `spec/gate-exec.md` has it: the command line and the files named.
    public let input: CBOR
    /// Compares the model's files as they are now; nil if the request names no model, or no files were given.
    public let files: (@Sendable () async -> ModelFiles)?
    /// What is carried from the peer's log, as it is now; nil if the request names no route.
    public let peerEvidence: (@Sendable () -> PeerEvidence)?
    /// How long the command may take; nil: as long as it likes.
    public let timeLimit: Duration?
    /// How often telemetry and heartbeats are sent; nil: three times as often as the policy asks.
    public let interval: Duration?

    public init(
        request: AccessRequest, execution: ExecutionID, runtime: GateSigner, input: CBOR,
        files: (@Sendable () async -> ModelFiles)? = nil, peerEvidence: (@Sendable () -> PeerEvidence)? = nil,
        timeLimit: Duration? = nil, interval: Duration? = nil
    ) {
        var request = request
        request.execution = execution
        self.request = request
        self.execution = execution
        self.runtime = runtime
        self.input = input
        self.files = files
        self.peerEvidence = peerEvidence
        self.timeLimit = timeLimit
        self.interval = interval
    }

    var inputDigest: Hash { Hash.sha256(input.encoded()) }

    /// What statements about it have as their subject.
    var about: String { "\(execution.home) \(execution.id)" }

    /// `spec/gate-exec.md`: `input`.
    public static func input(command: [String], files: [(path: String, digest: Hash)] = []) -> CBOR {
        [
            "command": .array(command.map { .text($0) }),
            "files": .array(files.map { ["path": .text($0.path), "sha256": .bytes($0.digest.bytes)] }),
        ]
    }
}

/// What a supervisor has to know of the state beside what it asks the gate to judge.
public protocol RuntimeRecords: Sendable {
    /// The newest telemetry of a runtime at the newest verified head; nil if there is none.
    func newestTelemetry(of issuer: String) async throws(GateError) -> TelemetryRecord?

    /// Sends what was signed in a stream before, here or in an earlier run, and may not be in the log; returns when it is
    /// under a verified head, or refused for good.
    func sendPending(in stream: String, as signer: GateSigner) async throws(GateError)
}
