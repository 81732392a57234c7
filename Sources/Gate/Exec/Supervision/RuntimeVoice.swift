internal import COSE
internal import Governance
internal import Tlog

/// What a runtime says of itself while something runs as it: digests of telemetry, each naming the one before it, and
/// heartbeats that name the newest.
actor RuntimeVoice<Point: DecisionPoint & RuntimeRecords> {
    private static var stream: String { "runtime" }

    private let point: Point
    private let signer: GateSigner
    private let now: @Sendable () -> UInt64
    /// The newest digest that is known to be in the log, of those that were sent here.
    private var sent: Hash?
    /// One that is on its way: in the log or not.
    private var pending: Hash?
    private var isSpeaking = false
    /// Whether the stream may hold something signed that the log does not have: an earlier run's, or what is ``pending``.
    private var mayOwe = true

    init(_ point: Point, as signer: GateSigner, now: @escaping @Sendable () -> UInt64) {
        self.point = point
        self.signer = signer
        self.now = now
    }

    /// What the runtime says is its newest telemetry. While one is on its way it may be that or the one before it.
    var claims: [Hash?] {
        let known = [sent, pending].compactMap { $0 }
        return known.isEmpty ? [nil] : known
    }

    /// Registers the digest of the telemetry, and a heartbeat. One at a time: what comes while one is on its way is left
    /// out, as the next one covers it.
    func say(_ telemetry: CBOR) async throws(GateError) {
        guard !isSpeaking else { return }
        isSpeaking = true
        defer { isSpeaking = false }
        // What is owed goes first, by the stream; only then is it known which digest is the newest.
        if mayOwe, !Mutant.owedTelemetry.isOff { try await point.sendPending(in: Self.stream, as: signer) }
        mayOwe = false
        let newest = try await point.newestTelemetry(of: signer.issuer)
        if let pending, newest?.digest == pending { (sent, self.pending) = (pending, nil) }
        // Somebody else has sent telemetry under this name. Going on from theirs would hide that: the next check finds
        // that the log's newest is not the one sent here.
        if let sent, newest?.digest != sent, !Mutant.foreignTelemetry.isOff { return }
        let (digest, until) = (Hash.sha256(telemetry.encoded()), now())
        let from = min(newest.map { $0.until + 1 } ?? until, until)
        let data = TelemetryDigest(digest: digest, previous: newest?.digest, from: from, until: until)
        pending = digest
        mayOwe = true
        try await register(data)
        (sent, pending) = (digest, nil)
        try await register(RuntimeHeartbeat(telemetry: digest))
        mayOwe = false
    }

    private func register(_ data: some StatementData) async throws(GateError) {
        _ = try await point.register(EventDraft(data, stream: Self.stream), about: signer.issuer, as: signer)
    }
}
