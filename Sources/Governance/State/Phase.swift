/// Where an execution, a containment or a route is in the nine phases of its life (the eighth has two ways out).
public enum Phase: String, Sendable, Hashable, CaseIterable {
    case baseline
    case authorized
    case activated
    case executing
    case driftDetected = "drift-detected"
    case contained
    case recovering
    case revalidated
    case revoked
    case proofPersisted = "proof-persisted"
}

/// What moves something from one phase to another.
public enum PhaseEvent: String, Sendable, Hashable, CaseIterable {
    /// A permit that was used, or a lease.
    case permit
    case start
    case step
    /// A decision to contain something that runs.
    case drift
    case contain
    case recover
    case revalidate
    case lift
    case revoke
    /// An end with the outcome `executed`.
    case finish
    /// An end with another outcome.
    case stop
    case open
    case close
}

/// A table of transitions: what is not in it is refused.
public struct PhaseTable: Sendable {
    public struct Row: Sendable, Hashable {
        public let from: Phase
        public let event: PhaseEvent
        public let to: Phase
    }

    public let rows: [Row]

    private init(_ rows: [(from: [Phase], event: PhaseEvent, to: Phase)]) {
        self.rows = rows.flatMap { row in row.from.map { Row(from: $0, event: row.event, to: row.to) } }
    }

    /// The phase after an event; nil if the table doesn't allow it.
    public func phase(after event: PhaseEvent, in phase: Phase) -> Phase? {
        rows.first { $0.from == phase && $0.event == event }?.to
    }

    public static let execution = PhaseTable([
        ([.baseline], .permit, .authorized),
        ([.authorized], .start, .activated),
        ([.activated, .executing], .step, .executing),
        ([.activated, .executing], .drift, .driftDetected),
        ([.activated, .executing, .driftDetected, .contained, .recovering, .revalidated], .contain, .contained),
        ([.contained], .recover, .recovering),
        ([.recovering], .revalidate, .revalidated),
        ([.revalidated], .lift, .executing),
        (
            [.activated, .executing, .driftDetected, .contained, .recovering, .revalidated], .revoke, .revoked
        ),
        ([.activated, .executing], .finish, .proofPersisted),
        (
            [.activated, .executing, .driftDetected, .contained, .recovering, .revalidated, .revoked], .stop,
            .proofPersisted
        ),
    ])

    /// Of what a containment's scope names.
    public static let containment = PhaseTable([
        ([.baseline, .contained, .recovering, .revalidated], .contain, .contained),
        ([.contained], .recover, .recovering),
        ([.recovering], .revalidate, .revalidated),
        ([.revalidated], .lift, .baseline),
        ([.baseline, .contained, .recovering, .revalidated], .revoke, .revoked),
    ])

    public static let route = PhaseTable([
        ([.baseline, .proofPersisted], .open, .activated),
        ([.activated], .close, .proofPersisted),
    ])
}
