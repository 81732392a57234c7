public import COSE
internal import Tlog

extension Policy {
    /// Reads the `data` of a `policy.set` event.
    public init(decoding item: CBOR) throws(PolicyError) {
        do {
            let fields = try FieldReader(
                item, path: "",
                fields: [
                    "origin", "logKeys", "authorities", "threshold", "issuers", "contentTypes", "limits", "rates",
                    "allowUnwitnessed", "governance", "bounds", "previous",
                ])
            let logKeys = try FieldReader(
                fields.item("logKeys"), path: "logKeys", fields: ["checkpoint", "receipt", "statement"])
            var authorities: [Ed25519.PublicKey] = []
            for (position, item) in try fields.array("authorities").enumerated() {
                authorities.append(try Policy.key(item, "authorities[\(position)]"))
            }
            var issuers: [EnrolledIssuer] = []
            for (position, item) in try fields.array("issuers").enumerated() {
                issuers.append(try EnrolledIssuer(item, path: "issuers[\(position)]"))
            }
            let threshold = try fields.unsigned("threshold")
            guard let smallThreshold = Int(exactly: threshold) else {
                throw PolicyError.threshold(threshold, authorities: authorities.count)
            }
            try self.init(
                origin: Policy.origin(fields.text("origin")),
                logKeys: LogPublicKeys(
                    checkpoint: Policy.key(logKeys.item("checkpoint"), "logKeys.checkpoint"),
                    receipt: Policy.key(logKeys.item("receipt"), "logKeys.receipt"),
                    statement: Policy.key(logKeys.item("statement"), "logKeys.statement")),
                authorities: authorities, threshold: smallThreshold, issuers: issuers,
                contentTypes: fields.texts("contentTypes"), limits: PolicyLimits(fields.item("limits")),
                rates: PolicyRates(fields.item("rates")), allowUnwitnessed: fields.bool("allowUnwitnessed"),
                governance: fields.optional("governance") { name throws(FieldError) in
                    try PolicyGovernance(fields.item(name))
                },
                bounds: fields.optional("bounds") { name throws(FieldError) in
                    try PolicyBounds(fields.item(name))
                },
                previous: fields.optional("previous", fields.hash))
        } catch let error as FieldError {
            throw .field(error)
        } catch let error as PolicyError {
            throw error
        } catch {
            preconditionFailure("reading a policy threw \(error)")
        }
    }

    /// Reads a policy from its deterministic encoding.
    public init(decoding bytes: [UInt8]) throws(PolicyError) {
        let item: CBOR
        do { item = try CBOR(decoding: bytes) } catch { throw .cbor(error) }
        try self.init(decoding: item)
    }

    /// The map that is the `data` of a `policy.set` event.
    public var cbor: CBOR {
        Policy.cbor(
            origin, logKeys, authorities, threshold, issuers, contentTypes, limits, rates, allowUnwitnessed,
            governance, bounds, previous)
    }

    /// Deterministic CBOR.
    public func encoded() -> [UInt8] { cbor.encoded() }

    /// The policy in JSON; keys are `{"$bytes": …}` as everywhere in event data.
    public var json: JSON { JSON(cbor) }

    static func cbor(
        _ origin: Origin, _ logKeys: LogPublicKeys, _ authorities: [Ed25519.PublicKey], _ threshold: Int,
        _ issuers: [EnrolledIssuer], _ contentTypes: [String], _ limits: PolicyLimits, _ rates: PolicyRates,
        _ allowUnwitnessed: Bool, _ governance: PolicyGovernance?, _ bounds: PolicyBounds?, _ previous: Hash?
    ) -> CBOR {
        var map: CBORMap = [
            "origin": .text(origin.text),
            "logKeys": [
                "checkpoint": .bytes(logKeys.checkpoint.bytes), "receipt": .bytes(logKeys.receipt.bytes),
                "statement": .bytes(logKeys.statement.bytes),
            ],
            "authorities": .array(authorities.map { .bytes($0.bytes) }),
            "threshold": CBOR(threshold),
            "issuers": .array(issuers.map(\.cbor)),
            "contentTypes": .array(contentTypes.map { .text($0) }),
            "limits": limits.cbor,
            "rates": ["perIssuer": rates.perIssuer.cbor, "perAddress": rates.perAddress.cbor],
            "allowUnwitnessed": .bool(allowUnwitnessed),
        ]
        map["governance"] = governance?.cbor
        map["bounds"] = bounds?.cbor
        map["previous"] = previous.map { .hash($0) }
        return .map(map)
    }

    private static func origin(_ text: String) throws(PolicyError) -> Origin {
        do { return try Origin(text) } catch { throw .origin(error) }
    }

    fileprivate static func key(_ item: CBOR, _ path: String) throws(PolicyError) -> Ed25519.PublicKey {
        guard let bytes = item.bytesValue else { throw .field(.wrongKind(path)) }
        do { return try Ed25519.PublicKey(bytes) } catch { throw .key(path, error) }
    }
}

extension EnrolledIssuer {
    var cbor: CBOR {
        ["issuer": .text(issuer), "key": .bytes(key.bytes), "roles": .array(roles.map { .text($0.rawValue) })]
    }

    fileprivate init(_ item: CBOR, path: String) throws {
        let fields = try FieldReader(item, path: path, fields: ["issuer", "key", "roles"])
        let key = try Policy.key(fields.item("key"), path + ".key")
        try self.init(issuer: fields.text("issuer"), key: key, roles: Role.roles(fields.texts("roles")))
    }
}

extension Role {
    /// - Throws: ``PolicyError/unknownRole(_:)``.
    static func roles(_ names: [String]) throws(PolicyError) -> [Role] {
        var roles: [Role] = []
        for name in names {
            guard let role = Role(rawValue: name) else { throw .unknownRole(name) }
            roles.append(role)
        }
        return roles
    }
}

extension PolicyLimits {
    fileprivate var cbor: CBOR {
        [
            "maxEntryBytes": .unsigned(maxEntryBytes), "maxSkew": .unsigned(maxSkew), "maxBatch": .unsigned(maxBatch),
            "maxStreamsPerIssuer": .unsigned(maxStreamsPerIssuer),
        ]
    }

    fileprivate init(_ item: CBOR) throws(FieldError) {
        let fields = try FieldReader(
            item, path: "limits", fields: ["maxEntryBytes", "maxSkew", "maxBatch", "maxStreamsPerIssuer"])
        try self.init(
            maxEntryBytes: fields.unsigned("maxEntryBytes"), maxSkew: fields.unsigned("maxSkew"),
            maxBatch: fields.unsigned("maxBatch"), maxStreamsPerIssuer: fields.unsigned("maxStreamsPerIssuer"))
    }
}

extension PolicyGovernance {
    fileprivate var cbor: CBOR {
        [
            "lifters": .texts(lifters.map(\.rawValue)), "maxPermit": .unsigned(maxPermit),
            "maxLease": .unsigned(maxLease),
        ]
    }

    fileprivate init(_ item: CBOR) throws(FieldError) {
        let fields = try FieldReader(item, path: "governance", fields: ["lifters", "maxPermit", "maxLease"])
        try self.init(
            lifters: fields.choices("lifters"), maxPermit: fields.unsigned("maxPermit"),
            maxLease: fields.unsigned("maxLease"))
    }
}

extension PolicyRates {
    fileprivate init(_ item: CBOR) throws(FieldError) {
        let fields = try FieldReader(item, path: "rates", fields: ["perIssuer", "perAddress"])
        try self.init(
            perIssuer: Rate(fields.item("perIssuer"), path: "rates.perIssuer"),
            perAddress: Rate(fields.item("perAddress"), path: "rates.perAddress"))
    }
}

extension Rate {
    fileprivate var cbor: CBOR { ["perSecond": .unsigned(perSecond), "burst": .unsigned(burst)] }

    fileprivate init(_ item: CBOR, path: String) throws(FieldError) {
        let fields = try FieldReader(item, path: path, fields: ["perSecond", "burst"])
        try self.init(perSecond: fields.unsigned("perSecond"), burst: fields.unsigned("burst"))
    }
}
