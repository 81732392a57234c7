public import COSE
public import Tlog

/// What a grant's actions or resources are matched with: a text, or everything that begins with one (`prefix*`).
public struct GrantPattern: Sendable, Hashable {
    public let text: String

    /// Nil unless it is a name whose only `*`, if any, is its last character.
    public init?(_ text: String) {
        let bytes = text.utf8
        guard TextRule.isName(text, 1...256), !bytes.dropLast().contains(UInt8(ascii: "*")) else { return nil }
        self.text = text
    }

    private var prefix: Substring.UTF8View? { text.utf8.last == UInt8(ascii: "*") ? text.dropLast().utf8 : nil }

    public func matches(_ name: String) -> Bool {
        guard let prefix else { return text.hasSameUTF8(as: name) }
        return name.utf8.starts(with: prefix)
    }

    /// Whether everything that the other matches is matched by this one.
    public func covers(_ other: GrantPattern) -> Bool {
        guard let prefix else { return text.hasSameUTF8(as: other.text) }
        return (other.prefix ?? other.text[...].utf8).starts(with: prefix)
    }

    public static func == (left: GrantPattern, right: GrantPattern) -> Bool { left.text.hasSameUTF8(as: right.text) }
    public func hash(into hasher: inout Hasher) { for byte in text.utf8 { hasher.combine(byte) } }
}

/// One version of a model.
public struct ModelVersion: Sendable, Hashable {
    public let name: String
    public let version: String

    public init(name: String, version: String) {
        self.name = name
        self.version = version
    }

    init(_ item: CBOR, path: String) throws(FieldError) {
        let fields = try FieldReader(item, path: path, fields: ["name", "version"])
        try self.init(name: fields.name("name"), version: fields.name("version"))
    }

    init(_ fields: FieldReader, _ name: String) throws(FieldError) {
        try self.init(fields.item(name), path: fields.path(name))
    }

    public var cbor: CBOR { ["name": .text(name), "version": .text(version)] }

    public static func == (left: ModelVersion, right: ModelVersion) -> Bool { left.cbor == right.cbor }
    public func hash(into hasher: inout Hasher) { hasher.combine(cbor) }
}

/// Under what a grant may be used. What is not there sets no condition.
public struct GrantConditions: Sendable, Hashable {
    /// The first ms of the window.
    public var notBefore: UInt64?
    /// The last ms of the window.
    public var notAfter: UInt64?
    /// How many executions may be started under it; at least 1.
    public var uses: UInt64?
    public var model: ModelVersion?
    public var route: String?
    /// The domain that the grant is allotted to; this one if none.
    public var domain: String?

    public init(
        notBefore: UInt64? = nil, notAfter: UInt64? = nil, uses: UInt64? = nil, model: ModelVersion? = nil,
        route: String? = nil, domain: String? = nil
    ) {
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.uses = uses
        self.model = model
        self.route = route
        self.domain = domain
    }

    init(_ item: CBOR) throws(FieldError) {
        let fields = try FieldReader(
            item, path: "conditions", fields: ["notBefore", "notAfter", "uses", "model", "route", "domain"])
        try self.init(
            notBefore: fields.optional("notBefore", fields.unsigned),
            notAfter: fields.optional("notAfter", fields.unsigned),
            uses: fields.optional("uses") { name throws(FieldError) in try fields.unsigned(name, in: 1...UInt64.max) },
            model: fields.optional("model") { name throws(FieldError) in try ModelVersion(fields, name) },
            route: fields.optional("route", fields.name),
            domain: fields.optional("domain") { name throws(FieldError) in try fields.origin(name).text })
        if let notBefore, let notAfter, notBefore > notAfter {
            throw .invalid("conditions.notAfter", "not before notBefore")
        }
    }

    var cbor: CBOR {
        var map = CBORMap()
        map["notBefore"] = notBefore.map { .unsigned($0) }
        map["notAfter"] = notAfter.map { .unsigned($0) }
        map["uses"] = uses.map { .unsigned($0) }
        map["model"] = model?.cbor
        map["route"] = route.map { .text($0) }
        map["domain"] = domain.map { .text($0) }
        return .map(map)
    }
}

/// `grant.issue`: who may do what with what, under which conditions. The grant is named by its statement's leaf hash.
public struct GrantIssue: StatementData {
    public static let type = StatementType.grantIssue
    public static let maxDelegations: UInt64 = 8

    /// The identity that may.
    public let subject: String
    public let actions: [GrantPattern]
    public let resources: [GrantPattern]
    public let conditions: GrantConditions
    /// How many times over its subject and theirs may hand it on; 0 is not at all.
    public let delegations: UInt64
    /// The grant that this one hands on.
    public let parent: Hash?

    public init(
        subject: String, actions: [GrantPattern], resources: [GrantPattern],
        conditions: GrantConditions = GrantConditions(), delegations: UInt64 = 0, parent: Hash? = nil
    ) {
        self.subject = subject
        self.actions = actions
        self.resources = resources
        self.conditions = conditions
        self.delegations = delegations
        self.parent = parent
    }

    public init(_ data: CBOR) throws(FieldError) {
        let fields = try FieldReader(
            data, path: "", fields: ["subject", "actions", "resources", "conditions", "delegations", "parent"])
        try self.init(
            subject: fields.uri("subject"), actions: GrantIssue.patterns(fields, "actions"),
            resources: GrantIssue.patterns(fields, "resources"), conditions: GrantConditions(fields.item("conditions")),
            delegations: fields.unsigned("delegations", in: 0...GrantIssue.maxDelegations),
            parent: fields.optional("parent", fields.hash))
    }

    private static func patterns(_ fields: FieldReader, _ name: String) throws(FieldError) -> [GrantPattern] {
        try fields.elements(name, count: 1...64) { item, path throws(FieldError) in
            guard let text = item.textValue else { throw .wrongKind(path) }
            guard let pattern = GrantPattern(text) else {
                throw .invalid(path, "1 to 256 bytes without control characters, with no * but as the last one")
            }
            return pattern
        }
    }

    public var cbor: CBOR {
        var map: CBORMap = [
            "subject": .text(subject), "actions": .texts(actions.map(\.text)),
            "resources": .texts(resources.map(\.text)), "conditions": conditions.cbor,
            "delegations": .unsigned(delegations),
        ]
        map["parent"] = parent.map { .hash($0) }
        return .map(map)
    }
}

/// `grant.revoke`: a grant that is in force no more, nor is what was handed on from it.
public struct GrantRevoke: StatementData {
    public static let type = StatementType.grantRevoke

    public let grant: Hash
    public let reason: String

    public init(grant: Hash, reason: String) {
        self.grant = grant
        self.reason = reason
    }

    public init(_ data: CBOR) throws(FieldError) {
        let fields = try FieldReader(data, path: "", fields: ["grant", "reason"])
        try self.init(grant: fields.hash("grant"), reason: fields.name("reason"))
    }

    public var cbor: CBOR { ["grant": .hash(grant), "reason": .text(reason)] }
}
