internal import Governance
internal import Tlog

/// An access evaluation request: "a 4-tuple constructed of the four previously defined entities" subject, action,
/// resource and context (OpenID AuthZEN Authorization API 1.0, section 6.1).
///
/// What this domain asks beyond that stands in the context: `grant`, `policy`, `model`, `route`, `execution`, `parents`,
/// `telemetry`, `lease`, `peer`. Other members are let be, as are all properties.
struct EvaluationRequest: Sendable {
    let access: AccessRequest
    /// Whether a lease will do.
    let mayLease: Bool
    /// What is to be revalidated; nil where that is not asked.
    let scope: Scope?

    static let keys = ["subject", "action", "resource", "context"]

    /// - Parameter home: the origin of the domain, at home in which an execution is that names no home.
    init(_ members: [String: RequestValue], home: Origin) throws(RequestFault) {
        let subject = try Self.entity(members, "subject", ["type", "id"])
        let action = try Self.entity(members, "action", ["name"])
        let resource = try Self.entity(members, "resource", ["type", "id"])
        let context = try ContextReader(members["context"], home: home)
        var access = AccessRequest(
            access: Access(subject: subject[1], action: action[0], resource: resource[1]),
            grant: try context.hash("grant"), policy: try context.hash("policy"), model: try context.model(),
            route: try context.text("route"), execution: try context.execution("execution"),
            parents: try context.parents(), telemetry: try context.hash("telemetry"))
        access.peerEvidence = try context.peer()
        self.access = access
        mayLease = try context.bool("lease")
        scope = try context.scope("scope")
    }

    /// The texts that an entity must have: "REQUIRED. A string value".
    private static func entity(
        _ members: [String: RequestValue], _ name: String, _ fields: [String]
    ) throws(RequestFault) -> [String] {
        guard let value = members[name] else { throw RequestFault("there is no \(name)") }
        guard let entity = value.members else { throw RequestFault("\(name) is not an object") }
        var texts: [String] = []
        for field in fields {
            guard let text = entity[field]?.text, !text.isEmpty else {
                throw RequestFault("\(name).\(field) is missing, or is no string with something in it")
            }
            texts.append(text)
        }
        return texts
    }
}

/// Reads what stands in the context.
private struct ContextReader {
    let members: [String: RequestValue]
    let home: Origin

    init(_ value: RequestValue?, home: Origin) throws(RequestFault) {
        self.home = home
        switch value {
        case nil, .null?: members = [:]
        case .object(let members)?: self.members = members
        default: throw RequestFault("context is not an object")
        }
    }

    private func value(_ name: String) -> RequestValue? {
        let value = members[name]
        return value == .null ? nil : value
    }

    func text(_ name: String) throws(RequestFault) -> String? {
        guard let value = value(name) else { return nil }
        guard let text = value.text, !text.isEmpty else { throw RequestFault("context.\(name) is no string") }
        return text
    }

    func bool(_ name: String) throws(RequestFault) -> Bool {
        switch value(name) {
        case nil: return false
        case .bool(let value)?: return value
        default: throw RequestFault("context.\(name) is neither true nor false")
        }
    }

    func hash(_ name: String) throws(RequestFault) -> Hash? {
        guard let text = try text(name) else { return nil }
        return try Self.hash(text, "context.\(name)")
    }

    private static func hash(_ text: String, _ path: String) throws(RequestFault) -> Hash {
        guard let hash = Hash(hex: text) else { throw RequestFault("\(path) is not 64 lowercase hexadecimal digits") }
        return hash
    }

    /// What can't be read is no fault of the request's form: the checks that need it say so, and contain.
    func peer() throws(RequestFault) -> PeerEvidence? {
        guard let text = try text("peer") else { return nil }
        guard text.utf8.count <= PeerEvidence.maxByteCount / 3 * 4 + 4 else {
            return PeerEvidence(unreadable: "more than \(PeerEvidence.maxByteCount) bytes")
        }
        guard let bytes = Base64.decode(text) else { return PeerEvidence(unreadable: "it is no base64 with padding") }
        return PeerEvidence(reading: bytes)
    }

    func model() throws(RequestFault) -> AccessRequest.ModelUse? {
        guard let value = value("model") else { return nil }
        guard let name = value.members?["name"]?.text, let version = value.members?["version"]?.text,
            let purpose = value.members?["purpose"]?.text
        else { throw RequestFault("context.model has no name, version and purpose") }
        var loaded: Hash?
        if let text = value.members?["loaded"]?.text { loaded = try Self.hash(text, "context.model.loaded") }
        return AccessRequest.ModelUse(
            model: ModelVersion(name: name, version: version), purpose: purpose, loaded: loaded)
    }

    func execution(_ name: String) throws(RequestFault) -> ExecutionID? {
        guard let value = value(name) else { return nil }
        return try execution(value, "context.\(name)")
    }

    private func execution(_ value: RequestValue, _ path: String) throws(RequestFault) -> ExecutionID {
        if let id = value.text, !id.isEmpty { return ExecutionID(home: home.text, id: id) }
        guard let id = value.members?["id"]?.text, let home = value.members?["home"]?.text else {
            throw RequestFault("\(path) is neither the id of an execution nor an object with its home and id")
        }
        return ExecutionID(home: home, id: id)
    }

    func parents() throws(RequestFault) -> [ExecutionID] {
        switch value("parents") {
        case nil: return []
        case .array(let values)?:
            var parents: [ExecutionID] = []
            for value in values { parents.append(try execution(value, "context.parents")) }
            return parents
        default: throw RequestFault("context.parents is no array")
        }
    }

    func scope(_ name: String) throws(RequestFault) -> Scope? {
        guard let value = value(name) else { return nil }
        guard case .array(let values) = value else { throw RequestFault("context.\(name) is no array of strings") }
        let parts = values.compactMap(\.text)
        switch (parts.first, parts.count, values.count) {
        case ("execution", 3, 3): return .execution(ExecutionID(home: parts[1], id: parts[2]))
        case ("runtime", 2, 2): return .runtime(parts[1])
        case ("model", 3, 3): return .model(ModelVersion(name: parts[1], version: parts[2]))
        case ("route", 2, 2): return .route(parts[1])
        case ("domain", 2, 2): return .domain(parts[1])
        default:
            throw RequestFault(
                "context.\(name) is not [\"execution\", home, id], or runtime, model, route or domain and its name")
        }
    }
}
