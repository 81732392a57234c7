public import COSE
public import Tlog

/// What a gate decided.
public enum DecisionOutcome: String, Sendable, Hashable, CaseIterable {
    case permit
    case contain
    /// The checks of something contained pass again. Permits nothing; lets the containment be lifted.
    case revalidate
}

/// What is asked for: who wants to do what with what.
public struct Access: Sendable, Hashable {
    public let subject: String
    public let action: String
    public let resource: String

    public init(subject: String, action: String, resource: String) {
        self.subject = subject
        self.action = action
        self.resource = resource
    }

    static let fields = ["subject", "action", "resource"]

    init(_ fields: FieldReader) throws(FieldError) {
        try self.init(
            subject: fields.uri("subject"), action: fields.name("action"), resource: fields.name("resource"))
    }

    func write(to map: inout CBORMap) {
        map["subject"] = .text(subject)
        map["action"] = .text(action)
        map["resource"] = .text(resource)
    }
}

/// `decision.record`: what a gate decided on a request, on which head, and what it relied on. A decision is named by
/// its nonce.
public struct DecisionRecord: StatementData {
    public static let type = StatementType.decisionRecord

    /// The digest of the request.
    public var request: Hash
    /// 16 to 32 bytes that no decision had before.
    public var nonce: [UInt8]
    /// The head that it was judged on.
    public var head: TreeHead
    /// The last ms at which an execution may start under it.
    public var expires: UInt64
    public var outcome: DecisionOutcome
    public var access: Access
    /// The keys of the state whose values it rests on.
    public var reliesOn: [StateKey]
    /// The grant that covers it; there in a permit.
    public var grant: Hash?
    public var model: ModelVersion?
    /// What the model is used for; there with a model.
    public var purpose: String?
    public var route: String?
    /// The execution that it is about.
    public var execution: ExecutionID?
    /// Why not; there in a refusal.
    public var reason: ContainmentReason?
    /// What is contained and passes again; there in a revalidation.
    public var scope: Scope?
    /// The digest of the whole evaluation, kept elsewhere.
    public var evaluation: Hash?
    /// Where the grant is a peer's: what shows that it is in force there, an encoded ``PeerProof``. Only in a permit by a
    /// route.
    public var peerProof: [UInt8]?

    public init(
        request: Hash, nonce: [UInt8], head: TreeHead, expires: UInt64, outcome: DecisionOutcome, access: Access,
        reliesOn: [StateKey] = [], grant: Hash? = nil
    ) {
        self.request = request
        self.nonce = nonce
        self.head = head
        self.expires = expires
        self.outcome = outcome
        self.access = access
        self.reliesOn = reliesOn
        self.grant = grant
    }

    private static let fields =
        Access.fields + [
            "request", "nonce", "head", "expires", "outcome", "reliesOn", "grant", "model", "purpose", "route",
            "execution", "reason", "scope", "evaluation", "peerProof",
        ]

    public init(_ data: CBOR) throws(FieldError) {
        let fields = try FieldReader(data, path: "", fields: DecisionRecord.fields)
        let head = try FieldReader(fields.item("head"), path: "head", fields: ["size", "root"])
        try self.init(
            request: fields.hash("request"), nonce: fields.bytes("nonce", count: 16...32),
            head: TreeHead(size: head.unsigned("size"), root: head.hash("root")),
            expires: fields.unsigned("expires"), outcome: fields.choice("outcome"), access: Access(fields),
            reliesOn: DecisionRecord.keys(fields), grant: fields.optional("grant", fields.hash))
        model = try fields.optional("model") { name throws(FieldError) in try ModelVersion(fields, name) }
        purpose = try fields.optional("purpose", fields.name)
        route = try fields.optional("route", fields.name)
        execution = try fields.optional("execution") { name throws(FieldError) in try ExecutionID(fields, name) }
        reason = try fields.optional("reason") { name throws(FieldError) in try fields.choice(name) }
        scope = try fields.optional("scope") { name throws(FieldError) in try Scope(fields, name) }
        evaluation = try fields.optional("evaluation", fields.hash)
        peerProof = try fields.optional("peerProof") { name throws(FieldError) in
            try fields.bytes(name, count: 1...PeerProof.maxByteCount)
        }
        try checkParts()
    }

    private static func keys(_ fields: FieldReader) throws(FieldError) -> [StateKey] {
        try fields.byteStrings("reliesOn", count: 1...2048).map(StateKey.init(bytes:))
    }

    private func checkParts() throws(FieldError) {
        guard reliesOn.count <= 64 else { throw .invalid("reliesOn", "64 keys at most") }
        guard (grant != nil) || outcome != .permit else { throw .missingField("grant") }
        guard (reason != nil) == (outcome == .contain) else {
            throw .invalid("reason", "there where the outcome is contain, and only there")
        }
        guard (scope != nil) == (outcome == .revalidate) else {
            throw .invalid("scope", "there where the outcome is revalidate, and only there")
        }
        guard (purpose != nil) == (model != nil) else {
            throw .invalid("purpose", "there where a model is, and only there")
        }
        guard peerProof == nil || (outcome == .permit && route != nil) else {
            throw .invalid("peerProof", "in a permit by a route only")
        }
    }

    public var cbor: CBOR {
        var map: CBORMap = [
            "request": .hash(request), "nonce": .bytes(nonce),
            "head": ["size": .unsigned(head.size), "root": .hash(head.root)], "expires": .unsigned(expires),
            "outcome": .text(outcome.rawValue), "reliesOn": .array(reliesOn.map { .bytes($0.bytes) }),
        ]
        access.write(to: &map)
        map["grant"] = grant.map { .hash($0) }
        map["model"] = model?.cbor
        map["purpose"] = purpose.map { .text($0) }
        map["route"] = route.map { .text($0) }
        map["execution"] = execution?.cbor
        map["reason"] = reason.map { .text($0.rawValue) }
        map["scope"] = scope?.cbor
        map["evaluation"] = evaluation.map { .hash($0) }
        map["peerProof"] = peerProof.map { .bytes($0) }
        return .map(map)
    }
}

/// `lease.record`: a permit for any number of executions until it expires. It is named by its statement's leaf hash.
public struct LeaseRecord: StatementData {
    public static let type = StatementType.leaseRecord

    public let access: Access
    public let grant: Hash
    /// Its last ms.
    public let expires: UInt64

    public init(access: Access, grant: Hash, expires: UInt64) {
        self.access = access
        self.grant = grant
        self.expires = expires
    }

    public init(_ data: CBOR) throws(FieldError) {
        let fields = try FieldReader(data, path: "", fields: Access.fields + ["grant", "expires"])
        try self.init(access: Access(fields), grant: fields.hash("grant"), expires: fields.unsigned("expires"))
    }

    public var cbor: CBOR {
        var map: CBORMap = ["grant": .hash(grant), "expires": .unsigned(expires)]
        access.write(to: &map)
        return .map(map)
    }
}
