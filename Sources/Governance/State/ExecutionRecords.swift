public import COSE
public import Tlog

/// Whether something is contained.
public struct ContainmentRecord: StateRecord {
    public static let kind = "containment"

    public var index: UInt64
    public var phase: Phase
    /// Why it was contained last.
    public var reason: ContainmentReason

    public init(index: UInt64, phase: Phase, reason: ContainmentReason) {
        self.index = index
        self.phase = phase
        self.reason = reason
    }

    public var cbor: CBOR {
        ["index": .unsigned(index), "phase": .text(phase.rawValue), "reason": .text(reason.rawValue)]
    }

    public init(record item: CBOR) throws(FieldError) {
        let fields = try FieldReader(item, path: "", fields: ["index", "phase", "reason"])
        try self.init(index: fields.unsigned("index"), phase: fields.choice("phase"), reason: fields.choice("reason"))
    }
}

/// A decision and, if it is a permit, whether it was used.
public struct PermitRecord: StateRecord {
    public static let kind = "decision"

    public var index: UInt64
    /// The leaf hash of its statement.
    public let entry: Hash
    public let outcome: DecisionOutcome
    public let access: Access
    public let expires: UInt64
    public let grant: Hash?
    public let model: ModelVersion?
    public let purpose: String?
    public let route: String?
    public let execution: ExecutionID?
    /// The origin of the peer whose grant it is; nil for a grant of this log.
    public let peer: String?
    /// The entry that started an execution under it.
    public var usedBy: UInt64?

    public init(index: UInt64, entry: Hash, decision: DecisionRecord, peer: String? = nil) {
        self.index = index
        self.entry = entry
        outcome = decision.outcome
        access = decision.access
        expires = decision.expires
        grant = decision.grant
        model = decision.model
        purpose = decision.purpose
        route = decision.route
        execution = decision.execution
        self.peer = peer
    }

    public var cbor: CBOR {
        var map: CBORMap = [
            "index": .unsigned(index), "entry": .hash(entry), "outcome": .text(outcome.rawValue),
            "expires": .unsigned(expires),
        ]
        access.write(to: &map)
        map["grant"] = grant.map { .hash($0) }
        map["model"] = model?.cbor
        map["purpose"] = purpose.map { .text($0) }
        map["route"] = route.map { .text($0) }
        map["execution"] = execution?.cbor
        map["peer"] = peer.map { .text($0) }
        map["usedBy"] = usedBy.map { .unsigned($0) }
        return .map(map)
    }

    public init(record item: CBOR) throws(FieldError) {
        let fields = try FieldReader(
            item, path: "",
            fields: Access.fields + [
                "index", "entry", "outcome", "expires", "grant", "model", "purpose", "route", "execution", "peer",
                "usedBy",
            ])
        index = try fields.unsigned("index")
        entry = try fields.hash("entry")
        outcome = try fields.choice("outcome")
        access = try Access(fields)
        expires = try fields.unsigned("expires")
        grant = try fields.optional("grant", fields.hash)
        model = try fields.optional("model") { name throws(FieldError) in try ModelVersion(fields, name) }
        purpose = try fields.optional("purpose", fields.text)
        route = try fields.optional("route", fields.text)
        execution = try fields.optional("execution") { name throws(FieldError) in try ExecutionID(fields, name) }
        peer = try fields.optional("peer", fields.text)
        usedBy = try fields.optional("usedBy", fields.unsigned)
    }
}

/// A lease in the state.
public struct LeaseState: StateRecord {
    public static let kind = "lease"

    public let index: UInt64
    public let lease: LeaseRecord

    public init(index: UInt64, lease: LeaseRecord) {
        self.index = index
        self.lease = lease
    }

    public var cbor: CBOR { ["index": .unsigned(index), "lease": lease.cbor] }

    public init(record item: CBOR) throws(FieldError) {
        let fields = try FieldReader(item, path: "", fields: ["index", "lease"])
        try self.init(index: fields.unsigned("index"), lease: LeaseRecord(fields.item("lease")))
    }
}

/// An execution and its phase.
public struct ExecutionRecord: StateRecord {
    public static let kind = "execution"

    public var index: UInt64
    /// The leaf hash of its start.
    public let entry: Hash
    /// Who runs it.
    public let subject: String
    public let start: ExecutionStart
    public let route: String?
    public var phase: Phase
    /// How many steps it has.
    public var steps: UInt64
    public var outcome: ExecutionOutcome?

    public init(index: UInt64, entry: Hash, subject: String, start: ExecutionStart, route: String?, phase: Phase) {
        self.index = index
        self.entry = entry
        self.subject = subject
        self.start = start
        self.route = route
        self.phase = phase
        steps = 0
    }

    public var cbor: CBOR {
        var map: CBORMap = [
            "index": .unsigned(index), "entry": .hash(entry), "subject": .text(subject), "start": start.cbor,
            "phase": .text(phase.rawValue), "steps": .unsigned(steps),
        ]
        map["route"] = route.map { .text($0) }
        map["outcome"] = outcome.map { .text($0.rawValue) }
        return .map(map)
    }

    public init(record item: CBOR) throws(FieldError) {
        let fields = try FieldReader(
            item, path: "",
            fields: ["index", "entry", "subject", "start", "phase", "steps", "route", "outcome"])
        try self.init(
            index: fields.unsigned("index"), entry: fields.hash("entry"), subject: fields.text("subject"),
            start: ExecutionStart(fields.item("start")), route: fields.optional("route", fields.text),
            phase: fields.choice("phase"))
        steps = try fields.unsigned("steps")
        outcome = try fields.optional("outcome") { name throws(FieldError) in try fields.choice(name) }
    }
}

/// Another domain and its newest recorded head.
public struct PeerRecord: StateRecord {
    public static let kind = "peer"

    public var index: UInt64
    public let peer: PeerAdmit
    public var isExpelled: Bool
    /// Its newest recorded head; of size 0 before the first.
    public var head: TreeHead
    /// The batch time of the entry that recorded it.
    public var headTime: UInt64

    public init(index: UInt64, peer: PeerAdmit) {
        self.index = index
        self.peer = peer
        isExpelled = false
        head = .empty
        headTime = 0
    }

    public var cbor: CBOR {
        [
            "index": .unsigned(index), "peer": peer.cbor, "expelled": .bool(isExpelled),
            "head": ["size": .unsigned(head.size), "root": .hash(head.root)], "headTime": .unsigned(headTime),
        ]
    }

    public init(record item: CBOR) throws(FieldError) {
        let fields = try FieldReader(item, path: "", fields: ["index", "peer", "expelled", "head", "headTime"])
        let head = try FieldReader(fields.item("head"), path: "head", fields: ["size", "root"])
        try self.init(index: fields.unsigned("index"), peer: PeerAdmit(fields.item("peer")))
        isExpelled = try fields.bool("expelled")
        self.head = TreeHead(size: try head.unsigned("size"), root: try head.hash("root"))
        headTime = try fields.unsigned("headTime")
    }
}

/// A route and whether it is open.
public struct RouteRecord: StateRecord {
    public static let kind = "route"

    public var index: UInt64
    public let route: RouteOpen
    public var phase: Phase

    public init(index: UInt64, route: RouteOpen, phase: Phase) {
        self.index = index
        self.route = route
        self.phase = phase
    }

    public var cbor: CBOR {
        ["index": .unsigned(index), "route": route.cbor, "phase": .text(phase.rawValue)]
    }

    public init(record item: CBOR) throws(FieldError) {
        let fields = try FieldReader(item, path: "", fields: ["index", "route", "phase"])
        try self.init(
            index: fields.unsigned("index"), route: RouteOpen(fields.item("route")), phase: fields.choice("phase"))
    }
}
