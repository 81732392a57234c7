import Foundation
import Governance
import Testing

/// `spec/requirements.md` and `tools/mutants.list` speak of what exists: checks, tests and mutants.
@Suite("Requirements")
struct RequirementsTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func text(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: root.appending(path: path)), as: UTF8.self)
    }

    /// The mutants with the test that each is caught by.
    private static func mutants() throws -> [(name: String, test: String)] {
        try text("tools/mutants.list").split(separator: "\n").map { line in
            let parts = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            return (parts[0], parts.count == 2 ? parts[1] : "")
        }
    }

    /// The sources of the tests, by suite.
    private static func suites() throws -> [String: String] {
        var suites: [String: String] = [:]
        let tests = root.appending(path: "Tests")
        for case let path as String in FileManager.default.enumerator(atPath: tests.path) ?? .init()
        where path.hasSuffix(".swift") {
            let source = String(decoding: try Data(contentsOf: tests.appending(path: path)), as: UTF8.self)
            for match in source.matches(of: /struct ([A-Za-z]+Tests)\b/) {
                suites[String(match.1), default: ""] += source
            }
        }
        return suites
    }

    /// The rows of all tables of the requirements, with the line that each begins with.
    private static func rows() throws -> [[String]] {
        try text("spec/requirements.md").split(separator: "\n").filter { $0.hasPrefix("| ") }.map { line in
            line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }.filter { !["#", "step", "clause", "layer"].contains($0[0]) }
    }

    @Test("each of the 24 checks has a row with its mutant, in order")
    func checks() throws {
        let rows = try Self.rows().filter { row in CheckID(rawValue: row[0]) != nil }
        #expect(rows.map { $0[0] } == CheckID.allCases.map(\.rawValue))
        for row in rows {
            #expect(row.count == 8 && row[7] == "`check/\(row[0])`", "\(row[0])")
            #expect(row[1] == CheckID(rawValue: row[0])?.clause)
        }
    }

    @Test("every test that a row names is there")
    func tests() throws {
        let suites = try Self.suites()
        var found = 0
        for row in try Self.rows() {
            for match in row.joined(separator: " | ").matches(of: /`([A-Za-z]+Tests)`((?:,? "[^"]*")*)/) {
                let source = try #require(suites[String(match.1)], "\(match.1)")
                for title in match.2.matches(of: /"([^"]*)"/) {
                    let beginning = title.1.hasSuffix("…") ? String(title.1.dropLast()) : title.1 + "\""
                    #expect(source.contains("\"" + beginning), "\(match.1) has no test \(title.1)")
                    found += 1
                }
            }
        }
        #expect(found > 50)
    }

    @Test("every mutant that a row names is there, and only the gate's rows have none")
    func mutantsOfRows() throws {
        let known = Set(try Self.mutants().map(\.name))
        for row in try Self.rows() {
            let columns = row.count == 8 ? [row[4], row[7]] : [row[row.count - 1]]
            for name in columns.joined(separator: " ").matches(of: /`([^`]+)`/).map({ String($0.1) }) {
                #expect(known.contains(name), "\(row[0]): \(name)")
            }
            let isElsewhere = row.joined().contains("the gate's") || row[row.count - 1] == "the rows above"
            #expect(columns.contains { $0.contains("`") } || isElsewhere, "\(row[0])")
        }
    }

    @Test("every mutant names a test that is there, and none stands twice")
    func testsOfMutants() throws {
        let suites = try Self.suites()
        let mutants = try Self.mutants()
        #expect(Set(mutants.map(\.name)).count == mutants.count)
        for mutant in mutants {
            let parts = mutant.test.split(separator: "/").map(String.init)
            try #require(parts.count == 2, "\(mutant.name) names no test")
            #expect(suites[parts[0]]?.contains("func \(parts[1])(") == true, "\(mutant.name): \(mutant.test)")
        }
    }

    @Test("every rule, every check and every invariant of the engine and of the gate that has a switch has a mutant")
    func coverage() throws {
        let names = try Self.mutants().map(\.name)
        for target in ["LogEngine", "Gate"] {
            let switches = try Self.text("Sources/\(target)/Mutant.swift").matches(of: /case [A-Za-z]+ = "([^"]+)"/)
            #expect(!switches.isEmpty)
            for match in switches { #expect(names.contains(String(match.1)), "\(match.1)") }
        }
        for check in CheckID.allCases { #expect(names.contains("check/\(check.rawValue)"), "\(check)") }
        for rule in Rule.allCases {
            #expect(names.contains { $0.split(separator: "/").dropFirst().first == rule.rawValue[...] }, "\(rule)")
        }
        for type in StatementType.allCases {
            #expect(names.contains { $0.hasPrefix(type.rawValue + "/") }, "\(type)")
        }
    }
}
