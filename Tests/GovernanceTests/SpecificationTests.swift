import COSE
import Foundation
import Governance
import Testing

/// The tables of `spec/governance.md` are those of the code.
@Suite("Specification of governance")
struct SpecificationTests {
    private func rows(under heading: String) throws -> [[String]] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = String(
            decoding: try Data(contentsOf: root.appending(path: "spec/governance.md")), as: UTF8.self)
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)[...]
        lines = lines.drop { $0 != "### " + heading }.dropFirst()
        lines = lines.prefix { !$0.hasPrefix("#") }
        return lines.filter { $0.hasPrefix("|") }.dropFirst(2).map { line in
            line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }
    }

    @Test("who may sign what")
    func signers() throws {
        let expected = StatementType.allCases.map { type in
            ["`\(type.rawValue)`", type.signers.map(\.text).joined(separator: ", ")]
        }
        #expect(try rows(under: "Who may sign").map { Array($0.prefix(2)) } == expected)
    }

    @Test("the rules, by name")
    func rules() throws {
        #expect(try rows(under: "Rules of the types").map { $0[0] } == Rule.allCases.map { "`\($0.rawValue)`" })
    }

    @Test(
        "the tables of phases",
        arguments: [("Phases of an execution", 0), ("Phases of a containment", 1), ("Phases of a route", 2)])
    func phases(_ heading: String, _ number: Int) throws {
        let table = [PhaseTable.execution, .containment, .route][number]
        var expected: [[String]] = []
        for event in PhaseEvent.allCases {
            let rows = table.rows.filter { $0.event == event }
            guard let to = rows.first?.to else { continue }
            expected.append([event.rawValue, rows.map(\.from.rawValue).joined(separator: ", "), to.rawValue])
        }
        #expect(try rows(under: heading).map { Array($0.prefix(3)) } == expected)
    }
}
