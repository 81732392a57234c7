internal import COSE
internal import Governance
internal import LogStore
internal import Tlog

/// An execution with what it came from and what came from it, as far as was asked.
///
/// A parent was started before its child, so there are no cycles; an execution that is reached in two ways is one node.
struct Lineage {
    static let defaultDepth = 8
    static let maxDepth = 1000

    enum Relation: String {
        case `self`, ancestor, descendant
    }

    struct Node {
        let id: ExecutionID
        let relation: Relation
        /// How many steps it is away, on the shortest way.
        let depth: Int
        /// Nil for an execution of another domain: its record is in that domain's log.
        let record: ExecutionRecord?
        /// Whether it has parents that are no nodes here.
        var hidesParents = false
        /// Whether it has children that are no nodes here.
        var hidesChildren = false
    }

    private let view: StateView
    private let limit: Int
    private(set) var nodes: [Node] = []
    private var places: [ExecutionID: Int] = [:]
    /// The entries that started the nodes.
    private var starts: Set<UInt64> = []

    /// - Parameters:
    ///   - depth: how many steps up and down, at least 1.
    ///   - limit: how many nodes, at least 1; those next to the execution come first.
    /// - Returns: nil if the log knows nothing of the execution.
    init?(of root: ExecutionID, in view: StateView, depth: Int, limit: Int) throws {
        self.view = view
        self.limit = limit
        try add(root, .`self`, depth: 0)
        if nodes[0].record == nil, try !hasChildren(root) { return nil }
        var (up, down) = ([root], [root])
        for step in 1...depth where !(up.isEmpty && down.isEmpty) && nodes.count < limit {
            up = try addParents(of: up, depth: step)
            down = try addChildren(of: down, depth: step)
        }
        try markHidden()
    }

    private var isFull: Bool { nodes.count >= limit }

    private mutating func add(_ id: ExecutionID, _ relation: Relation, depth: Int) throws {
        let record = try view.record(.execution(id), ExecutionRecord.self)
        if let record, let start = try view.snapshot.index(ofLeaf: record.entry) { starts.insert(start) }
        places[id] = nodes.count
        nodes.append(Node(id: id, relation: relation, depth: depth, record: record))
    }

    private func parents(of id: ExecutionID) -> [ExecutionID] {
        places[id].flatMap { nodes[$0].record?.start.parents } ?? []
    }

    private mutating func addParents(of ids: [ExecutionID], depth: Int) throws -> [ExecutionID] {
        var added: [ExecutionID] = []
        for id in ids {
            for parent in parents(of: id) where places[parent] == nil && !isFull {
                try add(parent, .ancestor, depth: depth)
                added.append(parent)
            }
        }
        return added
    }

    private mutating func addChildren(of ids: [ExecutionID], depth: Int) throws -> [ExecutionID] {
        var added: [ExecutionID] = []
        for id in ids where !isFull {
            // Those that are not nodes yet are found first, and then read: walking a list reads no entries.
            var fresh: [UInt64] = []
            try forEachChild(of: id) { start in
                if !starts.contains(start) { fresh.append(start) }
                return fresh.count < limit - nodes.count
            }
            for start in fresh {
                let child = try execution(startedBy: start)
                guard places[child] == nil else { continue }
                try add(child, .descendant, depth: depth)
                added.append(child)
            }
        }
        return added
    }

    /// Calls the body with the entries that started executions under this one, the newest first, until it says false.
    private func forEachChild(of id: ExecutionID, _ body: (UInt64) throws -> Bool) throws {
        let key = ListingKey.child(of: id).bytes
        let chunk = 64
        var before: UInt64?
        while true {
            let starts = try view.snapshot.listing(key, below: view.size, before: before, limit: chunk)
            for start in starts { guard try body(start) else { return } }
            guard starts.count == chunk else { return }
            before = starts.last
        }
    }

    private func hasChildren(_ id: ExecutionID) throws -> Bool {
        try !view.snapshot.listing(ListingKey.child(of: id).bytes, below: view.size, before: nil, limit: 1).isEmpty
    }

    private func execution(startedBy index: UInt64) throws -> ExecutionID {
        guard let entry = try view.snapshot.entry(index) else {
            throw StoreError(.corrupt, "entry \(index) is listed as an execution's start and not there")
        }
        let event = try Event(decoding: SignedStatement(decoding: entry).payload)
        return try ExecutionStart(event.data).execution
    }

    private mutating func markHidden() throws {
        for (place, node) in nodes.enumerated() {
            if node.relation != .descendant {
                nodes[place].hidesParents = parents(of: node.id).contains { places[$0] == nil }
            }
            if node.relation != .ancestor {
                var hides = false
                try forEachChild(of: node.id) { start in
                    hides = !starts.contains(start)
                    return !hides
                }
                nodes[place].hidesChildren = hides
            }
        }
    }

    /// Every edge between two nodes, by their places.
    private var edges: [(parent: Int, child: Int)] {
        nodes.enumerated().flatMap { place, node in
            (node.record?.start.parents ?? []).compactMap { places[$0] }.map { (parent: $0, child: place) }
        }
    }

    // MARK: JSON

    var members: [JSONMember] {
        let isCut = nodes.contains { $0.hidesParents || $0.hidesChildren }
        let edges = edges.map { edge -> JSON in
            ["parent": JSON(UInt64(edge.parent)), "child": JSON(UInt64(edge.child))]
        }
        return [
            JSONMember("cut", .bool(isCut)), JSONMember("nodes", .array(nodes.map(\.json))),
            JSONMember("edges", .array(edges)),
        ]
    }
}

extension Lineage.Node {
    fileprivate var json: JSON {
        var members = [
            JSONMember("execution", JSON(record: id.cbor)), JSONMember("relation", .string(relation.rawValue)),
            JSONMember("depth", JSON(UInt64(depth))), JSONMember("foreign", .bool(record == nil)),
        ]
        if let record {
            members += [
                JSONMember("stateKey", .string(StateKey.execution(id).text)), JSONMember("index", JSON(record.index)),
                JSONMember("entry", .string(record.entry.hex)), JSONMember("subject", .string(record.subject)),
                JSONMember("phase", .string(record.phase.rawValue)), JSONMember("steps", JSON(record.steps)),
                JSONMember("model", record.start.model.map { JSON(record: $0.cbor) } ?? .null),
                JSONMember("outcome", record.outcome.map { .string($0.rawValue) } ?? .null),
            ]
        }
        var hidden: [JSON] = []
        if hidesParents { hidden.append("parents") }
        if hidesChildren { hidden.append("children") }
        members.append(JSONMember("hidden", .array(hidden)))
        return .object(members)
    }
}
