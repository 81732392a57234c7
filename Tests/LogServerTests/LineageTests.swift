import COSE
import Governance
import HTTPTypes
import HummingbirdTesting
import Testing
import Tlog

@testable import LogServer

/// Executions of one log, by their names:
///
/// ```
/// f        a        (f is of another domain)
///  \     /   \
///    b         c
///      \     /
///         d --------.
///       /   \        \
///      e     g        h
///            |
///            i
/// ```
@Suite("Lineage of executions")
struct LineageTests {
    private static let foreign = ExecutionID(home: "peer.example/log", id: "f")

    private func family() async throws -> GovernedLog {
        var log = try GovernedLog()
        let key = VerifierKey.ed25519(name: try KeyName("peer.example/log"), publicKey: Actor.key(40).publicKey)
        try await log.add(
            PeerAdmit(origin: "peer.example/log", policy: "log \(key)\nquorum none\n", genesis: .zero), by: .olga)
        let grant = try await log.add(GovernedLog.grant(), by: .olga)
        for (name, parents) in [
            ("a", []), ("b", ["a"]), ("c", ["a"]), ("d", ["b", "c"]), ("e", ["d"]), ("g", ["d"]), ("h", ["d"]),
            ("i", ["g"]),
        ] as [(String, [String])] {
            try await log.start(
                name, grant, parents: (name == "b" ? [Self.foreign] : []) + parents.map { GovernedLog.id($0) })
        }
        return log
    }

    /// What an answer says, in short.
    private struct Graph: Equatable {
        var nodes: [String: String]
        var edges: Set<String>
        var hidden: [String: String] = [:]
        var isCut = false
    }

    private func graph(_ json: JSON) throws -> Graph {
        let nodes = try #require(json["nodes"]?.arrayValue)
        let names = nodes.map { $0.at("execution", "id")?.stringValue ?? "?" }
        var graph = Graph(nodes: [:], edges: [], isCut: json["cut"] == true)
        for (name, node) in zip(names, nodes) {
            #expect(graph.nodes[name] == nil, "\(name) is there twice")
            graph.nodes[name] = "\(node["relation"]?.stringValue ?? "") \(node["depth"]?.text() ?? "")"
            let hidden = node["hidden"]?.arrayValue ?? []
            if !hidden.isEmpty { graph.hidden[name] = hidden.compactMap(\.stringValue).joined(separator: " ") }
        }
        let edges = try #require(json["edges"]?.arrayValue)
        for edge in edges {
            let parent = Int(try #require(edge["parent"]?.unsignedValue))
            graph.edges.insert(names[parent] + names[Int(try #require(edge["child"]?.unsignedValue))])
        }
        #expect(graph.edges.count == edges.count, "an edge is there twice")
        return graph
    }

    @Test("Ancestors and descendants are nodes, each once where ways meet; parents of another domain too")
    func whole() async throws {
        let log = try await family()
        let json = try await log.json(GovernedLog.id("d").path + "/lineage")
        let expected = Graph(
            nodes: [
                "d": "self 0", "b": "ancestor 1", "c": "ancestor 1", "a": "ancestor 2", "f": "ancestor 2",
                "e": "descendant 1", "g": "descendant 1", "h": "descendant 1", "i": "descendant 2",
            ],
            edges: ["ab", "ac", "fb", "bd", "cd", "de", "dg", "dh", "gi"])
        #expect(try graph(json) == expected)
        #expect(json["depth"] == 8)
        #expect(json["limit"] == 100)
        let nodes = try #require(json["nodes"]?.arrayValue)
        let foreign = try #require(nodes.first { $0["foreign"] == true })
        #expect(foreign.at("execution", "home") == "peer.example/log")
        #expect(foreign["stateKey"] == nil)
        let child = try #require(nodes.first { $0.at("execution", "id") == "i" })
        let record = try await log.json(GovernedLog.id("i").path)
        for name in ["stateKey", "index", "entry", "subject", "phase", "steps"] {
            #expect(child[name] == record[name], "\(name)")
        }
    }

    @Test("From an end of the family only what is above or below it is there, not its siblings")
    func ends() async throws {
        let log = try await family()
        let top = try graph(try await log.json(GovernedLog.id("a").path + "/lineage"))
        #expect(Set(top.nodes.keys) == ["a", "b", "c", "d", "e", "g", "h", "i"])
        #expect(!top.isCut)
        let bottom = try graph(try await log.json(GovernedLog.id("i").path + "/lineage"))
        #expect(Set(bottom.nodes.keys) == ["i", "g", "d", "b", "c", "a", "f"])
        #expect(bottom.nodes["a"] == "ancestor 4")
        #expect(!bottom.isCut)
    }

    @Test("A cut in depth is marked where it is: at those that have more, and only at these")
    func depth() async throws {
        let log = try await family()
        let near = try graph(try await log.json(GovernedLog.id("d").path + "/lineage?depth=1"))
        #expect(
            near
                == Graph(
                    nodes: [
                        "d": "self 0", "b": "ancestor 1", "c": "ancestor 1", "e": "descendant 1", "g": "descendant 1",
                        "h": "descendant 1",
                    ],
                    edges: ["bd", "cd", "de", "dg", "dh"], hidden: ["b": "parents", "c": "parents", "g": "children"],
                    isCut: true))
        #expect(try graph(try await log.json(GovernedLog.id("d").path + "/lineage?depth=2")).isCut == false)
    }

    @Test("A cut in number keeps those next to the execution, and is marked", arguments: 1...9)
    func limit(limit: Int) async throws {
        let log = try await family()
        let whole = try graph(try await log.json(GovernedLog.id("d").path + "/lineage"))
        let part = try graph(try await log.json(GovernedLog.id("d").path + "/lineage?limit=\(limit)"))
        #expect(part.nodes.count == limit)
        #expect(part.nodes.allSatisfy { whole.nodes[$0.key] == $0.value })
        #expect(
            part.edges == whole.edges.filter { edge in edge.allSatisfy { part.nodes[String($0)] != nil } })
        #expect(part.isCut == (limit < 9))
        if limit < 6 { #expect(part.hidden["d"] != nil) }
    }

    @Test("At an older size the family is that of then; what nobody knows is 404")
    func sizes() async throws {
        let log = try await family()
        let start = try await log.json(GovernedLog.id("d").path)
        let entry = try #require(start["index"]?.unsignedValue)
        let then = try await log.json(GovernedLog.id("d").path + "/lineage?size=\(entry + 2)")
        #expect(Set(try graph(then).nodes.keys) == ["a", "b", "c", "d", "f"])
        #expect(try graph(then).isCut == false)
        #expect(try await log.get(GovernedLog.id("e").path + "/lineage?size=\(entry + 2)").status == .notFound)
        #expect(try await log.get(GovernedLog.id("x").path + "/lineage").status == .notFound)
    }

    @Test("An execution of another domain has the descendants that it has here")
    func foreign() async throws {
        let log = try await family()
        let json = try await log.json(Self.foreign.path + "/lineage?depth=1")
        let expected = Graph(
            nodes: ["f": "self 0", "b": "descendant 1"], edges: ["fb"], hidden: ["b": "children"], isCut: true)
        #expect(try graph(json) == expected)
        let other = ExecutionID(home: Self.foreign.home, id: "other")
        #expect(try await log.get(other.path + "/lineage").status == .notFound)
        #expect(try await log.get(Self.foreign.path).status == .notFound)
    }

    @Test("An execution with more children than a list is read in at once")
    func wide() async throws {
        var log = try GovernedLog()
        let grant = try await log.add(GovernedLog.grant(), by: .olga)
        try await log.start("p", grant)
        var statements = [SignedStatement]()
        for number in 0..<70 { statements += try log.starting("c\(number)", grant, parents: [GovernedLog.id("p")]) }
        try await log.register(statements)
        let all = try graph(try await log.json(GovernedLog.id("p").path + "/lineage?limit=71"))
        #expect(all.nodes.count == 71)
        #expect(!all.isCut)
        let cut = try graph(try await log.json(GovernedLog.id("p").path + "/lineage?limit=70"))
        #expect(cut.nodes.count == 70)
        #expect(cut.hidden == ["p": "children"])
    }
}
