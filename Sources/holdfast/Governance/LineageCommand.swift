import ArgumentParser
import COSE
import Governance
import LogClient
import Tlog

struct ExecutionLineageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lineage", abstract: "Show what an execution came from, and what came from it.",
        discussion: """
            As the log's server says; with --replay derived from the log's entries.

              holdfast execution lineage run-7 --depth 3
            """)

    @OptionGroup var execution: ExecutionArguments

    @Option(help: ArgumentHelp("How many steps up and down.", valueName: "n"))
    var depth = 8

    @OptionGroup var reading: ReadingOptions
    @OptionGroup var log: LogOptions

    func validate() throws {
        guard (1...1000).contains(depth) else { throw ValidationError("--depth takes 1 to 1000, not \(depth).") }
    }

    func run() async throws {
        try await log.withClient { client in
            var session = try GovernanceSession(client: client, log: log, replays: reading.replay)
            let id = execution.execution(in: session.origin.text)
            guard let lineage = try await session.lineage(of: id, depth: depth) else {
                throw Failure(
                    .refused, "The log has no execution \(Terminal.visible(id.about))",
                    hint: "holdfast execution list shows those there are.")
            }
            show(lineage)
        }
    }

    private func show(_ lineage: JSON) {
        if log.json { return Terminal.output.line(lineage.text()) }
        let nodes = lineage["nodes"]?.arrayValue ?? []
        let edges = lineage["edges"]?.arrayValue ?? []
        func name(_ node: JSON) -> String { node.at("execution.id")?.cell ?? "" }
        var table = Table(["", "EXECUTION", "FROM", "PHASE", "OUTCOME", "SUBJECT"])
        for (place, node) in nodes.enumerated() {
            let parents = edges.filter { $0["child"]?.unsignedValue == UInt64(place) }
                .compactMap { $0["parent"]?.unsignedValue.flatMap { Int(exactly: $0) } }
                .filter(nodes.indices.contains).map { name(nodes[$0]) }
            let depth = node["depth"]?.cell ?? "0"
            let relation = node["relation"]?.cell ?? ""
            table.add([
                relation == "self" ? "itself" : "\(relation) \(depth)",
                node["foreign"]?.boolValue == true
                    ? "\(name(node)) of \(node.at("execution.home")?.cell ?? "")" : name(node),
                parents.joined(separator: ", "), node["phase"]?.cell ?? "", node["outcome"]?.cell ?? "",
                node["subject"]?.cell ?? "",
            ])
        }
        table.show(on: .output)
        if lineage["cut"]?.boolValue == true {
            Terminal.output.line("There are more, further away: --depth N shows them.")
        }
    }
}

extension GovernanceSession {
    /// The graph in the server's form; nil for an execution that the log knows nothing of.
    mutating func lineage(of id: ExecutionID, depth: Int) async throws -> JSON? {
        let path =
            "executions/\(LogClient.pathSegment(id.home))/\(LogClient.pathSegment(id.id))/lineage?depth=\(depth)&limit=1000"
        if !replays, let answer = try await client.unverifiedRecord(path) { return answer }
        var graph = ExecutionGraph(try await replay().state)
        return graph.lineage(of: id, depth: depth)
    }
}

/// The executions of a state and what they came from.
struct ExecutionGraph {
    private var records: [ExecutionID: ExecutionRecord] = [:]
    private var children: [ExecutionID: [ExecutionID]] = [:]
    private var nodes: [(id: ExecutionID, relation: String, depth: Int)] = []
    private var places: [ExecutionID: Int] = [:]

    init(_ state: MemoryState) {
        for (key, value) in state.values where key.kind == "execution" {
            guard let record = try? ExecutionRecord(decoding: value) else { continue }
            records[record.start.execution] = record
        }
        for record in records.values.sorted(by: { $0.index < $1.index }) {
            for parent in record.start.parents { children[parent, default: []].append(record.start.execution) }
        }
    }

    mutating func lineage(of root: ExecutionID, depth: Int) -> JSON? {
        guard records[root] != nil || children[root] != nil else { return nil }
        add(root, "self", 0)
        var (up, down) = ([root], [root])
        for step in 1...depth {
            let parents = up.flatMap { records[$0]?.start.parents ?? [] }
            up = parents.filter { add($0, "ancestor", step) }
            let below = down.flatMap { children[$0] ?? [] }
            down = below.filter { add($0, "descendant", step) }
        }
        let isCut = nodes.contains { node in
            node.relation != "descendant" && (records[node.id]?.start.parents ?? []).contains { places[$0] == nil }
                || node.relation != "ancestor" && (children[node.id] ?? []).contains { places[$0] == nil }
        }
        let edges = nodes.enumerated().flatMap { place, node -> [JSON] in
            (records[node.id]?.start.parents ?? []).compactMap { places[$0] }.map { parent in
                ["parent": JSON(UInt64(parent)), "child": JSON(UInt64(place))]
            }
        }
        return ["cut": .bool(isCut), "nodes": .array(nodes.map(json)), "edges": .array(edges)]
    }

    @discardableResult
    private mutating func add(_ id: ExecutionID, _ relation: String, _ depth: Int) -> Bool {
        guard places[id] == nil else { return false }
        places[id] = nodes.count
        nodes.append((id, relation, depth))
        return true
    }

    private func json(_ node: (id: ExecutionID, relation: String, depth: Int)) -> JSON {
        var members = [
            JSONMember("execution", RecordView.json(node.id.cbor)), JSONMember("relation", .string(node.relation)),
            JSONMember("depth", JSON(UInt64(node.depth))), JSONMember("foreign", .bool(records[node.id] == nil)),
        ]
        if let record = records[node.id] {
            members += [
                JSONMember("index", JSON(record.index)), JSONMember("subject", .string(record.subject)),
                JSONMember("phase", .string(record.phase.rawValue)), JSONMember("steps", JSON(record.steps)),
                JSONMember("outcome", record.outcome.map { .string($0.rawValue) } ?? .null),
            ]
        }
        return .object(members)
    }
}
