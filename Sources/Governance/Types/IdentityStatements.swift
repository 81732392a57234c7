public import COSE
public import Tlog

/// `identity.enroll`: a key whose statements count from here on, for whom, and as what.
public struct IdentityEnroll: StatementData {
    public static let type = StatementType.identityEnroll

    /// A URI in visible ASCII, such as a SPIFFE ID.
    public let issuer: String
    public let key: Ed25519.PublicKey
    public let roles: [Role]
    /// What the runtime may attest itself to be; for runtimes only.
    public let measurements: [[UInt8]]

    public init(issuer: String, key: Ed25519.PublicKey, roles: [Role], measurements: [[UInt8]] = []) {
        self.issuer = issuer
        self.key = key
        self.roles = roles
        self.measurements = measurements
    }

    public init(_ data: CBOR) throws(FieldError) {
        let fields = try FieldReader(data, path: "", fields: ["issuer", "key", "roles", "measurements"])
        try self.init(
            issuer: fields.uri("issuer"), key: fields.publicKey("key"), roles: fields.choices("roles"),
            measurements: fields.optional("measurements") { name throws(FieldError) in
                try fields.byteStrings(name, count: 1...64)
            } ?? [])
        guard !KeyDirectory.isAuthorityIssuer(issuer) else {
            throw .invalid("issuer", "no thumbprint URI: those are the names of authorities")
        }
        if fields.has("measurements"), measurements.isEmpty || !roles.contains(.runtime) {
            throw .invalid("measurements", "absent where there are none, and for all but runtimes")
        }
    }

    public var cbor: CBOR {
        var map: CBORMap = [
            "issuer": .text(issuer), "key": .bytes(key.bytes), "roles": .texts(roles.map(\.rawValue)),
        ]
        if !measurements.isEmpty { map["measurements"] = .array(measurements.map { .bytes($0) }) }
        return .map(map)
    }
}

/// `identity.rotate`: another key in the place of one; what it was trusted with goes over to the new one.
public struct IdentityRotate: StatementData {
    public static let type = StatementType.identityRotate

    /// The identifier of the key that ends.
    public let keyID: Hash
    public let newKey: Ed25519.PublicKey

    public init(keyID: Hash, newKey: Ed25519.PublicKey) {
        self.keyID = keyID
        self.newKey = newKey
    }

    public init(_ data: CBOR) throws(FieldError) {
        let fields = try FieldReader(data, path: "", fields: ["keyID", "newKey"])
        try self.init(keyID: fields.hash("keyID"), newKey: fields.publicKey("newKey"))
    }

    public var cbor: CBOR { ["keyID": .hash(keyID), "newKey": .bytes(newKey.bytes)] }
}

/// `identity.revoke`: a key whose statements don't count any more, for good.
public struct IdentityRevoke: StatementData {
    public static let type = StatementType.identityRevoke

    public let keyID: Hash
    /// Why, for people.
    public let reason: String

    public init(keyID: Hash, reason: String) {
        self.keyID = keyID
        self.reason = reason
    }

    public init(_ data: CBOR) throws(FieldError) {
        let fields = try FieldReader(data, path: "", fields: ["keyID", "reason"])
        try self.init(keyID: fields.hash("keyID"), reason: fields.name("reason"))
    }

    public var cbor: CBOR { ["keyID": .hash(keyID), "reason": .text(reason)] }
}
