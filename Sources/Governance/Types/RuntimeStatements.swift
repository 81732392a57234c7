public import COSE
public import Tlog

/// `runtime.attest`: what the runtime is measured to be.
public struct RuntimeAttest: StatementData {
    public static let type = StatementType.runtimeAttest

    public let measurement: [UInt8]
    /// The measurement that the runtime attested before this one; nil if this is its first.
    public let previous: [UInt8]?

    public init(measurement: [UInt8], previous: [UInt8]?) {
        self.measurement = measurement
        self.previous = previous
    }

    public init(_ data: CBOR) throws(FieldError) {
        let fields = try FieldReader(data, path: "", fields: ["measurement", "previous"])
        let previous = try fields.item("previous")
        try self.init(
            measurement: fields.bytes("measurement", count: 1...64),
            previous: previous.isNull ? nil : fields.bytes("previous", count: 1...64))
    }

    public var cbor: CBOR {
        ["measurement": .bytes(measurement), "previous": previous.map { .bytes($0) } ?? .null]
    }
}

/// `runtime.heartbeat`: the runtime is there, and this is the newest telemetry it has sent.
public struct RuntimeHeartbeat: StatementData {
    public static let type = StatementType.runtimeHeartbeat

    /// The digest in the runtime's newest `telemetry.digest`; nil if there is none.
    public let telemetry: Hash?

    public init(telemetry: Hash?) { self.telemetry = telemetry }

    public init(_ data: CBOR) throws(FieldError) {
        let fields = try FieldReader(data, path: "", fields: ["telemetry"])
        try self.init(telemetry: fields.hashOrNull("telemetry"))
    }

    public var cbor: CBOR { ["telemetry": .hash(telemetry)] }
}

/// `telemetry.digest`: the digest of the telemetry since the digest before it.
public struct TelemetryDigest: StatementData {
    public static let type = StatementType.telemetryDigest

    public let digest: Hash
    /// The digest before it; nil if this is the first.
    public let previous: Hash?
    /// The telemetry's first and last ms.
    public let from: UInt64
    public let until: UInt64

    public init(digest: Hash, previous: Hash?, from: UInt64, until: UInt64) {
        self.digest = digest
        self.previous = previous
        self.from = from
        self.until = until
    }

    public init(_ data: CBOR) throws(FieldError) {
        let fields = try FieldReader(data, path: "", fields: ["digest", "previous", "from", "until"])
        let from = try fields.unsigned("from")
        try self.init(
            digest: fields.hash("digest"), previous: fields.hashOrNull("previous"), from: from,
            until: fields.unsigned("until", in: from...UInt64.max))
    }

    public var cbor: CBOR {
        [
            "digest": .hash(digest), "previous": .hash(previous), "from": .unsigned(from), "until": .unsigned(until),
        ]
    }
}
