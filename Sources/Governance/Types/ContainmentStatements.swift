public import COSE
public import Tlog

/// An execution, named by the domain it is at home in and a name there.
public struct ExecutionID: Sendable, Hashable {
    /// The origin of the home domain's log.
    public let home: String
    public let id: String

    public init(home: String, id: String) {
        self.home = home
        self.id = id
    }

    init(_ item: CBOR, path: String) throws(FieldError) {
        let fields = try FieldReader(item, path: path, fields: ["home", "id"])
        try self.init(home: fields.origin("home").text, id: fields.name("id"))
    }

    init(_ fields: FieldReader, _ name: String) throws(FieldError) {
        try self.init(fields.item(name), path: fields.path(name))
    }

    public var cbor: CBOR { ["home": .text(home), "id": .text(id)] }

    public static func == (left: ExecutionID, right: ExecutionID) -> Bool { left.cbor == right.cbor }
    public func hash(into hasher: inout Hasher) { hasher.combine(cbor) }
}

/// What a containment or a revocation of trust is over.
public enum Scope: Sendable {
    case execution(ExecutionID)
    /// An identity.
    case runtime(String)
    case model(ModelVersion)
    /// A route, by its name.
    case route(String)
    /// A domain, by its origin.
    case domain(String)

    init(_ fields: FieldReader, _ name: String) throws(FieldError) {
        let parts = try fields.texts(name)
        let path = fields.path(name)
        switch (parts.first, parts.count) {
        case ("execution", 3):
            self = .execution(
                try ExecutionID(["home": .text(parts[1]), "id": .text(parts[2])], path: path))
        case ("runtime", 2):
            guard TextRule.isURI(parts[1]) else { throw .invalid(path, "a runtime's URI") }
            self = .runtime(parts[1])
        case ("model", 3):
            self = .model(try ModelVersion(["name": .text(parts[1]), "version": .text(parts[2])], path: path))
        case ("route", 2):
            guard TextRule.isName(parts[1], 1...256) else { throw .invalid(path, "a route's name") }
            self = .route(parts[1])
        case ("domain", 2):
            guard (try? Origin(parts[1])) != nil else { throw .invalid(path, "a domain's origin") }
            self = .domain(parts[1])
        default:
            throw .invalid(path, "[\"execution\", home, id], or runtime, model, route or domain and its name")
        }
    }

    /// The texts that name it: the kind, then what tells those of the kind apart.
    public var parts: [String] {
        switch self {
        case .execution(let execution): ["execution", execution.home, execution.id]
        case .runtime(let issuer): ["runtime", issuer]
        case .model(let model): ["model", model.name, model.version]
        case .route(let route): ["route", route]
        case .domain(let origin): ["domain", origin]
        }
    }

    public var cbor: CBOR { .texts(parts) }
}

extension Scope: Hashable {
    public static func == (left: Scope, right: Scope) -> Bool { left.cbor == right.cbor }
    public func hash(into hasher: inout Hasher) { hasher.combine(cbor) }
}

extension Scope: CustomStringConvertible {
    public var description: String { parts.joined(separator: " ") }
}

/// Why something is contained.
public enum ContainmentReason: String, Sendable, Hashable, CaseIterable {
    case synchronizationInterrupted = "synchronization-interrupted"
    case telemetryInconsistent = "telemetry-inconsistent"
    case routingMismatch = "routing-mismatch"
    case governanceMismatch = "governance-mismatch"
    case cryptographicFailure = "cryptographic-failure"
    case auditDiscontinuity = "audit-discontinuity"
    case coordinationInconsistent = "coordination-inconsistent"
    case stateDivergence = "state-divergence"
    case unauthorizedModification = "unauthorized-modification"
    case unverifiableTransition = "unverifiable-transition"
}

/// `containment.enter`: nothing in the scope is permitted from here on.
public struct ContainmentEnter: StatementData {
    public static let type = StatementType.containmentEnter

    public let scope: Scope
    public let reason: ContainmentReason
    /// The digest of what shows it, kept elsewhere.
    public let evidence: Hash?

    public init(scope: Scope, reason: ContainmentReason, evidence: Hash? = nil) {
        self.scope = scope
        self.reason = reason
        self.evidence = evidence
    }

    public init(_ data: CBOR) throws(FieldError) {
        let fields = try FieldReader(data, path: "", fields: ["scope", "reason", "evidence"])
        try self.init(
            scope: Scope(fields, "scope"), reason: fields.choice("reason"),
            evidence: fields.optional("evidence", fields.hash))
    }

    public var cbor: CBOR {
        var map: CBORMap = ["scope": scope.cbor, "reason": .text(reason.rawValue)]
        map["evidence"] = evidence.map { .hash($0) }
        return .map(map)
    }
}

/// `containment.recover`: what is contained is being put right.
public struct ContainmentRecover: StatementData {
    public static let type = StatementType.containmentRecover

    public let scope: Scope

    public init(scope: Scope) { self.scope = scope }

    public init(_ data: CBOR) throws(FieldError) {
        try self.init(scope: Scope(FieldReader(data, path: "", fields: ["scope"]), "scope"))
    }

    public var cbor: CBOR { ["scope": scope.cbor] }
}

/// `containment.lift`: the end of a containment whose checks have passed again.
public struct ContainmentLift: StatementData {
    public static let type = StatementType.containmentLift

    public let scope: Scope

    public init(scope: Scope) { self.scope = scope }

    public init(_ data: CBOR) throws(FieldError) {
        try self.init(scope: Scope(FieldReader(data, path: "", fields: ["scope"]), "scope"))
    }

    public var cbor: CBOR { ["scope": scope.cbor] }
}

/// `trust.revoke`: a containment that nothing lifts.
public struct TrustRevoke: StatementData {
    public static let type = StatementType.trustRevoke

    public let scope: Scope
    public let reason: ContainmentReason

    public init(scope: Scope, reason: ContainmentReason) {
        self.scope = scope
        self.reason = reason
    }

    public init(_ data: CBOR) throws(FieldError) {
        let fields = try FieldReader(data, path: "", fields: ["scope", "reason"])
        try self.init(scope: Scope(fields, "scope"), reason: fields.choice("reason"))
    }

    public var cbor: CBOR { ["scope": scope.cbor, "reason": .text(reason.rawValue)] }
}
