internal import COSE
internal import Governance
internal import LogStore
internal import Tlog

/// The lists of the state: which keys are in one, and what is said of each besides its record.
enum StateList: String, Sendable, CaseIterable {
    case identity, grant, model, execution, containment, peer, route

    /// What the keys begin with.
    var prefixes: [[UInt8]] {
        switch self {
        case .identity, .model, .execution: [Self.prefix(3, [rawValue])]
        case .grant, .peer, .route: [Self.prefix(2, [rawValue])]
        // Scopes of one name, and those of two.
        case .containment: [Self.prefix(3, [rawValue]), Self.prefix(4, [rawValue])]
        }
    }

    /// What the keys of one issuer's identities begin with.
    static func identities(of issuer: String) -> [[UInt8]] {
        [prefix(3, [identity.rawValue, issuer])]
    }

    /// The head of an array of `count` items and the first of these.
    private static func prefix(_ count: UInt8, _ names: [String]) -> [UInt8] {
        [0x80 | count] + names.flatMap { CBOR.text($0).encoded() }
    }
}

/// Makes the JSON of records. It remembers what records share, so one is made for one answer.
struct RecordPrinter {
    let view: StateView
    let policy: PolicyRecord
    private(set) var grants: GrantBook

    init(_ view: StateView) throws {
        self.view = view
        policy = try view.policy()
        grants = GrantBook(view, origin: policy.policy.origin)
    }

    /// The view of one record; nil for a key without one.
    mutating func json(_ list: StateList, _ key: StateKey) throws -> JSON? {
        try view.value(key).map { try json(list, key, $0) }
    }

    /// What a grant was handed on from, the nearest first.
    mutating func chain(above grant: Hash) throws -> [JSON] {
        try grants.chain(grant).dropFirst().map { try json(.grant, .grant($0.id), $0.record.cbor) }
    }

    mutating func json(_ list: StateList, _ key: StateKey, _ value: CBOR) throws -> JSON {
        let names = Array(key.names)
        switch list {
        case .identity:
            let record = try IdentityRecord(record: value)
            return JSON(
                key, value,
                Self.members(["issuer", "keyID"], names) + [JSONMember("inForce", .bool(record.ending == nil))])
        case .grant:
            guard let id = names.first?.bytesValue.flatMap({ Hash($0) }) else { throw Self.badKey(key) }
            return JSON(
                key, value, [JSONMember("hash", .string(id.hex))] + (try grants.standing(id).members))
        case .model:
            let obstacle = obstacle(try ModelRecord(record: value))
            return JSON(
                key, value,
                Self.members(["name", "version"], names) + [
                    JSONMember("usable", .bool(obstacle == nil)),
                    JSONMember("notUsable", obstacle.map { .string($0.rawValue) } ?? .null),
                ])
        case .containment:
            let record = try ContainmentRecord(record: value)
            return JSON(
                key, value,
                [
                    JSONMember("scope", .array(names.map { JSON(record: $0) })),
                    JSONMember("inForce", .bool(record.phase != .baseline)),
                ])
        case .execution, .peer:
            return JSON(key, value)
        case .route:
            let record = try RouteRecord(record: value)
            return JSON(key, value, [JSONMember("open", .bool(record.phase == .activated))])
        }
    }

    /// The rule that keeps a model from being used for anything: `spec/governance.md`, Models.
    private func obstacle(_ model: ModelRecord) -> Rule? {
        switch model.status {
        case .retired, .revoked: .modelEnded
        case .registered: .modelApproval
        case .approved: model.policy == policy.policy.digest ? nil : .modelApproval
        }
    }

    private static func members(_ labels: [String], _ names: [CBOR]) -> [JSONMember] {
        zip(labels, names).map { JSONMember($0, JSON(record: $1)) }
    }

    private static func badKey(_ key: StateKey) -> StoreError {
        StoreError(.corrupt, "the state has the key \(key), which is none")
    }
}
