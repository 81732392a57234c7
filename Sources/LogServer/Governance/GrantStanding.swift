internal import Governance
internal import LogStore
internal import Tlog

/// Grants of one state with the uses that are gone; remembers those that it has read, since grants share those that
/// they were handed on from.
struct GrantBook {
    struct Page {
        let id: Hash
        let record: GrantRecord
        let used: UInt64
    }

    private let view: StateView
    private let origin: String
    private var pages: [Hash: Page] = [:]

    init(_ view: StateView, origin: Origin) {
        self.view = view
        self.origin = origin.text
    }

    /// The grant, then what it was handed on from, up to the one that was issued first. Empty if there is no such grant.
    mutating func chain(_ id: Hash) throws -> [Page] {
        var chain: [Page] = []
        var next: Hash? = id
        // A parent is older than what is handed on from it, and its number of delegations is greater.
        while let id = next, chain.count <= Int(GrantIssue.maxDelegations) {
            guard let page = try page(id) else { break }
            chain.append(page)
            next = page.record.grant.parent
        }
        return chain
    }

    private mutating func page(_ id: Hash) throws -> Page? {
        if let page = pages[id] { return page }
        guard let record = try view.record(.grant(id), GrantRecord.self) else { return nil }
        let used =
            record.grant.conditions.uses == nil ? 0 : try view.record(.uses(id), UsesRecord.self)?.used ?? 0
        let page = Page(id: id, record: record, used: used)
        pages[id] = page
        return page
    }

    mutating func standing(_ id: Hash) throws -> GrantStanding {
        GrantStanding(try chain(id), time: view.time, origin: origin)
    }
}

/// Whether a grant is in force at a time in a domain, and if not, why.
struct GrantStanding {
    struct Obstacle {
        let rule: Rule
        /// The grant of the chain that stands in the way, and the entry that changed it last.
        let grant: Hash
        let index: UInt64
    }

    /// How many executions may still be started under it; nil if it sets no number, nor does what it comes from.
    let remaining: UInt64?
    let obstacles: [Obstacle]

    init(_ chain: [GrantBook.Page], time: UInt64, origin: String) {
        var remaining: UInt64?
        var obstacles: [Obstacle] = []
        for page in chain {
            let conditions = page.record.grant.conditions
            func stop(_ rule: Rule) {
                obstacles.append(Obstacle(rule: rule, grant: page.id, index: page.record.index))
            }
            if page.record.isRevoked { stop(.grantRevoked) }
            if !((conditions.notBefore ?? 0)...(conditions.notAfter ?? .max) ~= time) { stop(.grantWindow) }
            if let uses = conditions.uses {
                let left = uses - min(uses, page.used)
                remaining = min(remaining ?? left, left)
                if left == 0 { stop(.grantUses) }
            }
        }
        // Only the grant itself says where it may be used; what it comes from may be allotted more widely.
        if let grant = chain.first, let domain = grant.record.grant.conditions.domain,
            !domain.utf8.elementsEqual(origin.utf8)
        {
            obstacles.append(Obstacle(rule: .grantCover, grant: grant.id, index: grant.record.index))
        }
        self.remaining = remaining
        self.obstacles = obstacles
    }

    var members: [JSONMember] {
        let reasons = obstacles.map { obstacle -> JSON in
            [
                "rule": .string(obstacle.rule.rawValue), "grant": .string(obstacle.grant.hex),
                "index": JSON(obstacle.index),
            ]
        }
        return [
            JSONMember("remainingUses", remaining.map { JSON($0) } ?? .null),
            JSONMember("inForce", .bool(obstacles.isEmpty)), JSONMember("notInForce", .array(reasons)),
        ]
    }
}
