public import Governance

/// What a supervisor needs of a gate: judgement, recorded permits, and word of every change. ``Gate`` is one; tests
/// bring their own.
public protocol DecisionPoint: Sendable {
    /// Judges at the newest verified head, and records nothing.
    ///
    /// - Parameter files: what was found of the model's files; nil if there are none to compare.
    func evaluate(_ request: AccessRequest, files: ModelFiles?) async -> Decision

    /// The ten steps. Returns only after the tenth: the decision is in the log, and its inclusion under a verified head
    /// was checked.
    ///
    /// - Throws: ``GateError/refused(_:recorded:)`` with the decision, which is on record where that is possible; or why
    ///   there is no permit although the checks passed.
    func permit(_ request: AccessRequest, files: ModelFiles?) async throws(GateError) -> RecordedPermit

    /// Registers an event under a key of the caller's, and returns when it is under a verified head.
    ///
    /// - Parameters:
    ///   - event: without its place in the stream, which is the signer's to fill in.
    ///   - subject: what it is about (CWT claim `sub`).
    func register(
        _ event: EventDraft, about subject: String, as signer: GateSigner
    ) async throws(GateError) -> RegisteredStatement

    /// Registers the containments that a failed decision demands, each once; nothing if it demands none.
    func contain(_ decision: Decision) async throws(GateError) -> [RegisteredStatement]

    /// How it stands now, and then each newly verified head and each change. Whoever is slow gets the newest.
    var standing: AsyncStream<GateStanding> { get }
}

extension EventDraft {
    /// The event of a statement of an enforced type.
    public init(_ data: some StatementData, stream: String) {
        self.init(type: Swift.type(of: data).type.rawValue, stream: stream, data: data.cbor)
    }
}
