internal import COSE

/// How old what a decision rests on may be, and how a gate watches what runs. All in ms, all at least 1 but `grace`.
///
/// The fold does not use them: they bind the evaluation of a request, which has a clock.
public struct PolicyBounds: Sendable, Hashable {
    /// P1: since the runtime was heard of last.
    public var maxSilence: UInt64
    /// P4: since the runtime's newest attestation.
    public var maxAttestationAge: UInt64
    /// P5: since the end of the runtime's newest telemetry.
    public var maxTelemetryAge: UInt64
    /// P7: since the head's time, which a quorum of witnesses vouches for.
    public var maxHeadAge: UInt64
    /// P8: since the time of the newest head that a quorum of state witnesses has cosigned.
    public var maxStateLag: UInt64
    /// How long a gate may wait between two evaluations of what runs.
    public var recheck: UInt64
    /// How long what is contained may take to end by itself before it is killed.
    public var grace: UInt64

    public init(
        maxSilence: UInt64 = 120_000, maxAttestationAge: UInt64 = 3_600_000, maxTelemetryAge: UInt64 = 300_000,
        maxHeadAge: UInt64 = 120_000, maxStateLag: UInt64 = 300_000, recheck: UInt64 = 10_000, grace: UInt64 = 2_000
    ) {
        self.maxSilence = maxSilence
        self.maxAttestationAge = maxAttestationAge
        self.maxTelemetryAge = maxTelemetryAge
        self.maxHeadAge = maxHeadAge
        self.maxStateLag = maxStateLag
        self.recheck = recheck
        self.grace = grace
    }

    /// Name, value and what it may be, for each.
    var named: [(name: String, value: UInt64, allowed: ClosedRange<UInt64>)] {
        let any: ClosedRange<UInt64> = 1...UInt64.max
        return [
            ("maxSilence", maxSilence, any), ("maxAttestationAge", maxAttestationAge, any),
            ("maxTelemetryAge", maxTelemetryAge, any), ("maxHeadAge", maxHeadAge, any),
            ("maxStateLag", maxStateLag, any), ("recheck", recheck, any), ("grace", grace, 0...UInt64.max),
        ]
    }

    var cbor: CBOR {
        var map = CBORMap()
        for (name, value, _) in named { map[.text(name)] = .unsigned(value) }
        return .map(map)
    }

    init(_ item: CBOR) throws(FieldError) {
        let fields = try FieldReader(
            item, path: "bounds",
            fields: [
                "maxSilence", "maxAttestationAge", "maxTelemetryAge", "maxHeadAge", "maxStateLag", "recheck", "grace",
            ])
        try self.init(
            maxSilence: fields.unsigned("maxSilence"), maxAttestationAge: fields.unsigned("maxAttestationAge"),
            maxTelemetryAge: fields.unsigned("maxTelemetryAge"), maxHeadAge: fields.unsigned("maxHeadAge"),
            maxStateLag: fields.unsigned("maxStateLag"), recheck: fields.unsigned("recheck"),
            grace: fields.unsigned("grace"))
    }
}
