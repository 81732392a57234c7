public import COSE
public import Tlog

/// `peer.admit`: another domain's log, and whose signatures make its heads count here.
public struct PeerAdmit: StatementData {
    public static let type = StatementType.peerAdmit

    /// The origin of the peer's log.
    public let origin: String
    /// A tlog-policy: the key of the peer's log, its witnesses and their quorum.
    public let policy: String
    /// The leaf hash of the peer's entry 0.
    public let genesis: Hash
    /// The witness or group of `policy` that vouches for the peer's seals; nobody does if nil, and then nothing of the
    /// peer's state is honoured here.
    public let stateQuorum: String?

    public init(origin: String, policy: String, genesis: Hash, stateQuorum: String? = nil) {
        self.origin = origin
        self.policy = policy
        self.genesis = genesis
        self.stateQuorum = stateQuorum
    }

    public init(_ data: CBOR) throws(FieldError) {
        let fields = try FieldReader(data, path: "", fields: ["origin", "policy", "genesis", "stateQuorum"])
        try self.init(
            origin: fields.origin("origin").text, policy: fields.text("policy"), genesis: fields.hash("genesis"),
            stateQuorum: fields.optional("stateQuorum", fields.name))
        let parsed: TlogPolicy
        do { parsed = try TlogPolicy(parsing: Array(policy.utf8)) } catch {
            throw .invalid("policy", "a tlog-policy: \(error)")
        }
        if let stateQuorum, parsed.quorum(named: TlogPolicy.Name(stateQuorum.utf8)) == nil {
            throw .invalid("stateQuorum", "a witness or group of the policy")
        }
    }

    public var cbor: CBOR {
        var map: CBORMap = ["origin": .text(origin), "policy": .text(policy), "genesis": .hash(genesis)]
        map["stateQuorum"] = stateQuorum.map { .text($0) }
        return .map(map)
    }
}

/// `peer.head`: a head of the peer's, shown to extend the one recorded before it.
public struct PeerHead: StatementData {
    public static let type = StatementType.peerHead

    public let origin: String
    /// The signed checkpoint with its cosignatures.
    public let checkpoint: [UInt8]
    /// The consistency proof from the recorded head; empty from none, and to a tree of the same size.
    public let consistency: [Hash]

    public init(origin: String, checkpoint: [UInt8], consistency: [Hash]) {
        self.origin = origin
        self.checkpoint = checkpoint
        self.consistency = consistency
    }

    public init(_ data: CBOR) throws(FieldError) {
        let fields = try FieldReader(data, path: "", fields: ["origin", "checkpoint", "consistency"])
        try self.init(
            origin: fields.origin("origin").text, checkpoint: fields.bytes("checkpoint"),
            consistency: fields.elements("consistency", count: 0...128) { item, path throws(FieldError) in
                guard let hash = item.bytesValue.flatMap({ Hash($0) }) else { throw .wrongKind(path) }
                return hash
            })
    }

    public var cbor: CBOR {
        [
            "origin": .text(origin), "checkpoint": .bytes(checkpoint),
            "consistency": .array(consistency.map { .hash($0) }),
        ]
    }
}

/// `peer.expel`: the peer's heads don't count any more.
public struct PeerExpel: StatementData {
    public static let type = StatementType.peerExpel

    public let origin: String
    public let reason: String

    public init(origin: String, reason: String) {
        self.origin = origin
        self.reason = reason
    }

    public init(_ data: CBOR) throws(FieldError) {
        let fields = try FieldReader(data, path: "", fields: ["origin", "reason"])
        try self.init(origin: fields.origin("origin").text, reason: fields.name("reason"))
    }

    public var cbor: CBOR { ["origin": .text(origin), "reason": .text(reason)] }
}

/// `route.open`: which actions may go from one domain to another.
public struct RouteOpen: StatementData {
    public static let type = StatementType.routeOpen

    /// The route's name.
    public let route: String
    /// The origins of the two domains.
    public let from: String
    public let to: String
    public let actions: [String]
    /// How old the peer's newest recorded head may be, in ms.
    public let maxPeerAge: UInt64

    public init(route: String, from: String, to: String, actions: [String], maxPeerAge: UInt64) {
        self.route = route
        self.from = from
        self.to = to
        self.actions = actions
        self.maxPeerAge = maxPeerAge
    }

    public init(_ data: CBOR) throws(FieldError) {
        let fields = try FieldReader(data, path: "", fields: ["route", "from", "to", "actions", "maxPeerAge"])
        try self.init(
            route: fields.name("route"), from: fields.origin("from").text, to: fields.origin("to").text,
            actions: fields.names("actions"), maxPeerAge: fields.unsigned("maxPeerAge", in: 1...UInt64.max))
    }

    public var cbor: CBOR {
        [
            "route": .text(route), "from": .text(from), "to": .text(to), "actions": .texts(actions),
            "maxPeerAge": .unsigned(maxPeerAge),
        ]
    }
}

/// `route.close`: nothing goes by the route any more.
public struct RouteClose: StatementData {
    public static let type = StatementType.routeClose

    public let route: String

    public init(route: String) { self.route = route }

    public init(_ data: CBOR) throws(FieldError) {
        try self.init(route: FieldReader(data, path: "", fields: ["route"]).name("route"))
    }

    public var cbor: CBOR { ["route": .text(route)] }
}
